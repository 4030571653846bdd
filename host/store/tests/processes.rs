//! Several processes on one repository, and a filesystem without room. This program starts itself
//! for the part of the other process.
#![expect(clippy::unwrap_used, reason = "a test may panic where it fails")]

mod tools;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use lazaret_artifact::VerityAlgorithm;
use lazaret_store::{
    Access, CheckOptions, ContentType, Repository, StoreError, StreamName, VerityPolicy,
};

/// Where the other process shall work. Without it the tests that are its part have none.
const PLACE: &str = "LAZARET_STORE_TEST_PLACE";

fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// This program, to run one of its tests at `place`.
fn other_process(test: &str, place: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(PLACE, place);
    command
}

fn store_everything(place: &Path) {
    let repository =
        Repository::init(place, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap();
    let mut transaction = repository.transaction();
    for round in 0_u32..50 {
        let mut writer = repository.stream_writer(ContentType::BLOB).unwrap();
        for part in 0_u32..20 {
            let data: Vec<u8> = (0..3000).map(|i: u32| (i + round * part) as u8).collect();
            let stored = repository.put(&data).unwrap();
            writer.inline(b"header").unwrap();
            writer.object(&stored.digest, stored.size).unwrap();
        }
        let stream = writer.finish().unwrap().digest;
        let name = StreamName::new(format!("stream-{round}")).unwrap();
        transaction.link_stream(name.clone(), stream);
        transaction.link_ref("oci", &format!("tag-{round}"), name.clone());
        transaction.link_ref("oci", "latest", name);
    }
    transaction.commit().unwrap();
}

#[test]
fn part_of_the_other_process() {
    if let Some(place) = place() {
        store_everything(&place);
    }
}

#[test]
fn processes_that_store_the_same_at_once_all_succeed() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("repository");
    let mut others: Vec<_> = (0..3)
        .map(|_| {
            other_process("part_of_the_other_process", &place)
                .spawn()
                .unwrap()
        })
        .collect();
    store_everything(&place);
    for other in &mut others {
        assert!(other.wait().unwrap().success());
    }
    let repository = Repository::open(&place, Access::Read).unwrap();
    let report = repository.check(CheckOptions::default(), &|_| ()).unwrap();
    assert_eq!(report.damage, []);
    assert_eq!((report.streams, report.refs), (50, 51));
    let mut entries: Vec<_> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    entries.sort();
    assert_eq!(
        entries,
        ["meta.json", "objects", "streams"],
        "nothing is left behind"
    );
}

#[test]
fn part_without_room() {
    let Some(place) = place() else {
        return;
    };
    let repository =
        Repository::init(&place, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap();
    let data = vec![7; 4 << 20];
    let no_room = |error: StoreError| {
        assert!(!error.is_input_fault());
        match error {
            StoreError::Io { source, .. } => assert_eq!(source.kind(), ErrorKind::StorageFull),
            error => panic!("{error}"),
        }
    };
    no_room(repository.put(&data).unwrap_err());
    let mut writer = repository.object_writer().unwrap();
    no_room(writer.write(&data).unwrap_err());
    drop(writer);
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(4 << 20)
    .collect();
    let mut writer = repository.stream_writer(ContentType::BLOB).unwrap();
    writer.inline(&noise).unwrap();
    no_room(writer.finish().unwrap_err());

    // All room is free again, and what is there is sound.
    repository.put(&data[..700 << 10]).unwrap();
    let report = repository.check(CheckOptions::default(), &|_| ()).unwrap();
    assert_eq!((report.objects, report.damage), (1, vec![]));
    println!("all was refused");
}

#[test]
fn part_without_permission() {
    let Some(place) = place() else {
        return;
    };
    let error = Repository::open(&place, Access::Write).unwrap_err();
    let reason = "is read-only: the filesystem is mounted read-only";
    assert!(error.to_string().ends_with(reason), "{error}");
    let repository = Repository::open(&place, Access::Read).unwrap();
    let report = repository.check(CheckOptions::default(), &|_| ()).unwrap();
    assert_eq!((report.objects, report.damage), (1, vec![]));
    println!("all was read");
}

/// Whether this user may have a namespace with mounts of its own; elsewhere such tests have no
/// ground to stand on.
fn can_mount() -> bool {
    tools::is_installed("unshare")
        && Command::new("unshare")
            .args([
                "--map-root-user",
                "--mount",
                "mount",
                "-t",
                "tmpfs",
                "none",
                "/mnt",
            ])
            .status()
            .is_ok_and(|status| status.success())
}

/// Runs a part of this program where `mount` was mounted on `$1`.
fn run_mounted(mount: &str, directory: &Path, part: &str) -> String {
    let inner = other_process(part, &directory.join("repository"));
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("{mount} && shift && exec \"$@\""))
        .arg("sh")
        .arg(directory)
        .arg(inner.get_program())
        .args(inner.get_args())
        .env(PLACE, directory.join("repository"));
    String::from_utf8(tools::run(&mut command)).unwrap()
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    if !can_mount() {
        return eprintln!("skipped: mount not permitted");
    }
    let directory = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=1M tmpfs \"$1\"";
    let output = run_mounted(mount, directory.path(), "part_without_room");
    assert!(output.contains("all was refused"), "{output}");
}

#[test]
fn a_read_only_filesystem_is_read_and_not_written() {
    if !can_mount() {
        return eprintln!("skipped: mount not permitted");
    }
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("repository");
    let algorithm = VerityAlgorithm::Sha512;
    let repository = Repository::init(&place, algorithm, VerityPolicy::Insecure).unwrap();
    repository.put(b"object").unwrap();
    drop(repository);
    let mount = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    let output = run_mounted(mount, directory.path(), "part_without_permission");
    assert!(output.contains("all was read"), "{output}");
}
