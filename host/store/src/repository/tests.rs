//! Making and opening repositories, and which are refused.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::atomic::Ordering;

use super::*;

const SHA512: VerityAlgorithm = VerityAlgorithm::Sha512;
const SHA256: VerityAlgorithm = VerityAlgorithm::Sha256;

fn refused(result: Result<Repository, StoreError>) -> String {
    let error = result.unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[test]
fn init_makes_parents_and_is_idempotent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b");
    for algorithm in [SHA512, SHA256] {
        let path = path.join(algorithm.name());
        let made = Repository::init(&path, algorithm, VerityPolicy::Insecure).unwrap();
        assert_eq!(made.algorithm(), algorithm);
        assert_eq!(made.path(), path);
        assert!(!made.is_verity_required());
        let json = fs::read(path.join("meta.json")).unwrap();
        let again = Repository::init(&path, algorithm, VerityPolicy::Insecure).unwrap();
        assert_eq!(again.metadata(), made.metadata());
        assert_eq!(fs::read(path.join("meta.json")).unwrap(), json);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "meta.json alone");
    }
}

#[test]
fn init_over_other_settings_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    Repository::init(path, SHA512, VerityPolicy::Insecure).unwrap();
    let text = refused(Repository::init(path, SHA256, VerityPolicy::Insecure));
    let expected = "is already a repository with fsverity-sha512-12, EROFS format 1, fs-verity \
                    not required, not fsverity-sha256-12, EROFS format 1, fs-verity not required";
    assert!(text.ends_with(expected), "{text}");
    let text = refused(Repository::init(path, SHA512, VerityPolicy::Require));
    assert!(text.ends_with("fs-verity required"), "{text}");
    Repository::init(path, SHA512, VerityPolicy::Auto).unwrap();
}

#[test]
fn init_beside_objects_of_an_older_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("objects")).unwrap();
    let text = refused(Repository::init(
        directory.path(),
        SHA512,
        VerityPolicy::Insecure,
    ));
    assert!(text.contains("an older format"), "{text}");
}

#[test]
fn required_verity_is_had_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    match Repository::init(path, SHA512, VerityPolicy::Require) {
        Ok(repository) => {
            // This filesystem can: objects are sealed, and an unsealed one is damage.
            assert!(repository.is_verity_required());
            let stored = repository.put(b"hello").unwrap();
            assert_eq!(repository.read_object(&stored.digest, 9).unwrap(), b"hello");
            let place = repository.object_at(&stored.digest);
            fs::remove_file(&place).unwrap();
            fs::write(&place, b"hello").unwrap();
            assert!(repository.read_object(&stored.digest, 9).is_err());
        }
        Err(StoreError::VerityUnsupported { .. }) => {
            assert_eq!(fs::read_dir(path).unwrap().count(), 0, "nothing is left");
            let repository = Repository::init(path, SHA512, VerityPolicy::Auto).unwrap();
            assert!(!repository.is_verity_required());
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn an_object_that_cannot_be_sealed_is_not_stored() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository =
        Repository::init(directory.path(), SHA512, VerityPolicy::Insecure).unwrap();
    let unsealed = repository.put(b"unsealed").unwrap().digest;
    Arc::get_mut(&mut repository.inner).unwrap().verity_required = true;
    let text = repository
        .read_object(&unsealed, 9)
        .unwrap_err()
        .to_string();
    assert!(
        text.ends_with("is corrupt: not sealed with fs-verity"),
        "{text}"
    );
    let text = repository.open_object(&unsealed).unwrap_err().to_string();
    assert!(
        text.ends_with("is corrupt: not sealed with fs-verity"),
        "{text}"
    );
    assert!(repository.open_stream(&unsealed, None).is_err());
    match repository.put(b"hello") {
        Ok(stored) => assert_eq!(repository.read_object(&stored.digest, 9).unwrap(), b"hello"),
        Err(StoreError::VerityUnsupported { .. }) => {
            // Nor is the one that is there taken for good.
            assert!(repository.put(b"unsealed").is_err());
            let mut writer = repository.object_writer().unwrap();
            writer.write(&vec![7; 1 << 20]).unwrap();
            assert!(writer.finish().is_err());
            assert_eq!(repository.usage().unwrap().objects, 1);
        }
        Err(error) => panic!("{error}"),
    }
    let report = repository
        .check(crate::CheckOptions::default(), &|_| ())
        .unwrap();
    let damage: Vec<String> = report.damage.iter().map(ToString::to_string).collect();
    assert!(damage.contains(&format!("object {unsealed}: not sealed with fs-verity")));
}

#[test]
fn what_is_no_repository_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let text = refused(Repository::open(path, Access::Read));
    assert!(
        text.ends_with("is not a repository: it has no meta.json"),
        "{text}"
    );
    let text = refused(Repository::open(&path.join("missing"), Access::Read));
    assert!(text.starts_with("cannot open "), "{text}");

    let meta = path.join("meta.json");
    fs::write(&meta, b"{").unwrap();
    let text = refused(Repository::open(path, Access::Read));
    assert!(text.contains("meta.json: EOF while parsing"), "{text}");
    fs::write(&meta, vec![b' '; 100_000]).unwrap();
    let text = refused(Repository::open(path, Access::Read));
    assert!(
        text.ends_with("meta.json: larger than 65536 bytes"),
        "{text}"
    );
    fs::remove_file(&meta).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    Repository::init(elsewhere.path(), SHA512, VerityPolicy::Insecure).unwrap();
    symlink(elsewhere.path().join("meta.json"), &meta).unwrap();
    let text = refused(Repository::open(path, Access::Read));
    assert!(
        text.starts_with("cannot open "),
        "a link is not followed: {text}"
    );
}

#[test]
fn unknown_features_are_honoured() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let write = |features: &str| {
        let json = format!(r#"{{"version":1,"algorithm":"{SHA512}","features":{{{features}}}}}"#);
        fs::write(path.join("meta.json"), json).unwrap();
    };
    write(r#""compatible":["pretty"]"#);
    Repository::open(path, Access::Write).unwrap();
    write(r#""read-only-compatible":["v1_erofs","frozen"]"#);
    Repository::open(path, Access::Read).unwrap();
    let text = refused(Repository::open(path, Access::Write));
    let expected = r#"is read-only: unknown read-only-compatible features ["frozen"]"#;
    assert!(text.ends_with(expected), "{text}");
    write(r#""incompatible":["sharded"]"#);
    let text = refused(Repository::open(path, Access::Read));
    assert!(
        text.ends_with(r#"unknown incompatible features ["sharded"]"#),
        "{text}"
    );
}

#[test]
fn an_empty_repository_is_read_as_empty() {
    let directory = tempfile::tempdir().unwrap();
    Repository::init(directory.path(), SHA512, VerityPolicy::Insecure).unwrap();
    let repository = Repository::open(directory.path(), Access::Read).unwrap();
    assert_eq!(repository.streams().unwrap(), []);
    assert_eq!(repository.refs("oci").unwrap(), []);
    assert_eq!(repository.images().unwrap(), []);
    assert_eq!(repository.usage().unwrap(), crate::Usage::default());
    assert!(
        repository
            .check(crate::CheckOptions::default(), &|_| ())
            .unwrap()
            .is_clean()
    );
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing was made"
    );
}

#[test]
fn the_exclusive_lock_wants_to_be_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let one = Repository::init(path, SHA512, VerityPolicy::Insecure).unwrap();
    let two = Repository::open(path, Access::Read).unwrap();
    let error = one.try_lock_exclusive().unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(two);

    let object = one.put(b"x").unwrap().digest;
    let lock = one.try_lock_exclusive().unwrap();
    let other = File::open(path).unwrap();
    let shared = rustix::fs::FlockOperation::NonBlockingLockShared;
    assert_eq!(
        rustix::fs::flock(&other, shared).unwrap_err(),
        Errno::WOULDBLOCK
    );
    assert!(lock.remove_object(&object).unwrap());
    assert!(!lock.remove_object(&object).unwrap());
    drop(lock);
    rustix::fs::flock(&other, shared).unwrap();
    assert!(one.try_lock_exclusive().is_err());
}

#[test]
fn the_exclusive_lock_is_waited_for_and_waiting_can_be_cancelled() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let one = Repository::init(path, SHA512, VerityPolicy::Insecure).unwrap();
    let other = Repository::open(path, Access::Read).unwrap();
    let cancel = AtomicBool::new(false);
    let waited = std::cell::Cell::new(0);
    let error = one
        .lock_exclusive(&cancel, &|| {
            waited.set(waited.get() + 1);
            cancel.store(true, Ordering::Relaxed);
        })
        .unwrap_err();
    assert!(matches!(error, StoreError::Cancelled), "{error}");
    assert_eq!(waited.get(), 1);
    // It has the shared lock again.
    drop(other);
    let other = Repository::open(path, Access::Write).unwrap();
    assert!(other.try_lock_exclusive().is_err());

    // Two wait, a reader is in the way of both.
    let two = Repository::open(path, Access::Write).unwrap();
    let (waits, waiting) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for repository in [one, two] {
            let waits = waits.clone();
            scope.spawn(move || {
                let cancel = AtomicBool::new(false);
                let lock = repository.lock_exclusive(&cancel, &|| waits.send(()).unwrap());
                lock.unwrap().sync_names().unwrap();
            });
        }
        waiting.recv().unwrap();
        waiting.recv().unwrap();
        drop(other);
    });
}

/// What a child process is told to make a repository of.
const INIT_IN: &str = "LAZARET_TEST_INIT_IN";

/// Processes that make one repository at once.
const PROCESSES: usize = 12;

#[test]
fn processes_that_make_a_repository_at_once_all_have_it() {
    let store = |path: &Path, content: &[u8]| {
        let repository = Repository::init(path, SHA512, VerityPolicy::Auto).unwrap();
        let stored = repository.put(content).unwrap();
        let mut transaction = repository.transaction();
        let name = format!("s-{}", String::from_utf8_lossy(content));
        transaction.link_stream(name.parse().unwrap(), stored.digest);
        transaction.commit().unwrap();
    };
    if let Some(path) = std::env::var_os(INIT_IN) {
        return store(Path::new(&path), std::process::id().to_string().as_bytes());
    }
    for round in 0..8 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(format!("a/{round}"));
        let test = "repository::tests::processes_that_make_a_repository_at_once_all_have_it";
        let children: Vec<_> = (0..PROCESSES)
            .map(|_| {
                std::process::Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", test, "--test-threads=1"])
                    .env(INIT_IN, &path)
                    .stdout(std::process::Stdio::piped())
                    .stderr(std::process::Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}");
        }
        let repository = Repository::open(&path, Access::Read).unwrap();
        assert_eq!(repository.streams().unwrap().len(), PROCESSES);
        let mut names: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["meta.json", "objects", "streams"]);
    }
}
