//! A full disk and a read-only one. As root only: these mount filesystems of their own.

use lazaret_layouts::Compression;

use crate::berth::Berth;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::program::Ran;
use crate::tools::{Mount, is_root};

fn image() -> Image {
    Image::new(vec![
        Layer::new(&goods::made_up(1, 40), Compression::Gzip),
        Layer::new(&goods::made_up(2, 40), Compression::Zstd),
    ])
}

/// Pulls into filesystems made with each of `options` in turn, until the pull fits; then gives
/// the others room and pulls again. Returns how often the disk was full.
fn fill(options: &[String], room: &str) -> Option<u32> {
    let mut full = 0;
    for options in options {
        let place = Berth::new();
        let mount = Mount::tmpfs(place.path("disk"), options)?;
        let berth = Berth::new().with_repository(mount.path().join("repo"));
        let layout = Layout::of(berth.path("layout"), "demo", &image());
        let ran = berth.run(["pull", &layout.source("demo")]);
        println!("{options}: {:?}", ran.code);
        if ran.code == Some(0) {
            berth.assert_sound();
            continue;
        }
        full += 1;
        assert_full(ran, &layout.source("demo"));
        if berth.repository().join("meta.json").exists() {
            berth.assert_undamaged();
        }
        assert!(
            !berth
                .names()
                .keys()
                .any(|name| name.starts_with("streams/refs/oci"))
        );
        mount.change(room);
        berth.run(["pull", &layout.source("demo")]).expect(0);
        berth.assert_sound();
        assert_eq!(berth.tags()["demo"], image().digest());
    }
    Some(full)
}

#[track_caller]
fn assert_full(ran: Ran, source: &str) {
    let ran = ran
        .expect(1)
        .says(&["No space left on device (os error 28)"]);
    if !ran.stderr.contains("making a repository at ") {
        ran.says(&[
            &format!("error: pulling {source}: "),
            "hint: the disk is full; what was stored is kept, and a second run goes on from there",
        ]);
    }
}

#[test]
fn a_disk_without_room_for_the_bytes() {
    if !is_root() {
        return;
    }
    // About 2.9 MiB are needed.
    let sizes = ["128k", "900k", "1500k", "2200k", "2700k", "2800k", "32m"];
    let options: Vec<String> = sizes.iter().map(|size| format!("size={size}")).collect();
    if let Some(full) = fill(&options, "size=64m") {
        assert!(
            (4..7).contains(&full),
            "{full} of {} were too small",
            options.len()
        );
    }
}

/// Every name is a file: this runs out while objects are stored, and then while names are given.
#[test]
fn a_disk_without_room_for_the_names() {
    if !is_root() {
        return;
    }
    let Some(needed) = files_needed() else { return };
    println!("{needed} files are needed");
    let counts = [
        3,
        needed / 2,
        needed - 14,
        needed - 10,
        needed - 6,
        needed - 3,
        needed - 1,
    ];
    let options: Vec<String> = counts
        .iter()
        .map(|count| format!("nr_inodes={count}"))
        .collect();
    if let Some(full) = fill(&options, "nr_inodes=0") {
        assert!(full >= 6, "{full} of {} were too few", options.len());
    }
}

/// Files, directories and links a pull needs on an empty filesystem.
fn files_needed() -> Option<u64> {
    let place = Berth::new();
    let mount = Mount::tmpfs(place.path("disk"), "nr_inodes=100000")?;
    let berth = Berth::new().with_repository(mount.path().join("repo"));
    let layout = Layout::of(berth.path("layout"), "demo", &image());
    berth.run(["pull", &layout.source("demo")]).expect(0);
    let filesystem = rustix::fs::statvfs(mount.path()).unwrap();
    Some(filesystem.f_files - filesystem.f_ffree)
}

#[test]
fn a_read_only_repository_is_refused_before_anything_else() {
    if !is_root() {
        return;
    }
    let place = Berth::new();
    let Some(mount) = Mount::tmpfs(place.path("disk"), "size=32m") else {
        return;
    };
    let berth = Berth::new().with_repository(mount.path().join("repo"));
    let layout = Layout::of(berth.path("layout"), "demo", &image());
    berth.run(["pull", &layout.source("demo")]).expect(0);

    mount.change("ro");
    assert_read_only(&berth);
    mount.change("rw");
    berth.run(["tag", "demo", "again"]).expect(0);

    let Some(view) = Mount::read_only(berth.repository(), place.path("view")) else {
        return;
    };
    let berth = berth.with_repository(view.path().to_owned());
    assert_read_only(&berth);
}

fn assert_read_only(berth: &Berth) {
    let says = format!(
        "error: {} is read-only: the filesystem is mounted read-only\n\
         hint: --repo DIR or LAZARET_REPO names another repository\n",
        berth.repository().display()
    );
    for arguments in [
        &["pull", "oci:nowhere"][..],
        &["pull", "oci:layout:demo"],
        &["tag", "demo", "other"],
        &["untag", "demo"],
    ] {
        let ran = berth.run(arguments).expect(1);
        assert_eq!(ran.stderr, says, "{arguments:?}");
    }
    // Reading is still possible.
    assert_eq!(berth.tags()["demo"], image().digest());
    berth.run(["export", "demo", "-"]).expect(0);
    berth.assert_sound();
}
