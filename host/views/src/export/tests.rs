//! Exports of everything there is, as root and as a user.

mod archive;
mod places;
mod snapshot;

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;

use lazaret_artifact::{EntryKind, EntryPath, Extent};

use super::*;
use crate::samples::{Bench, Sketch, noise, path, posix};
use crate::tree::Tree;
use snapshot::snapshot;

/// Whether to go on with a test that needs root's rights.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: not root");
    }
    root
}

/// Everything that any user can make.
fn plain_sketch() -> Sketch {
    let mut layer = Sketch::new();
    let time = 1_600_000_000;
    layer
        .directory("")
        .posix(posix(0o750, 1, 2, time, 123_456_789))
        .directory("bin")
        .posix(posix(0o1777, 0, 0, time, 0))
        .xattr(b"user.directory", b"value")
        .file("bin/empty", b"")
        .posix(posix(0o600, 0, 0, 0, 0))
        .file("bin/inline", b"sixty-four bytes at most\n")
        .posix(posix(0o444, 1000, 1000, time, 1))
        .xattr(b"user.empty", b"")
        .xattr(b"user.binary", b"\0\xff\n= ")
        .file("bin/object", &noise(1, 700_001))
        .posix(posix(0o755, 3_000_000, 4_000_000_000, time, 999_999_999))
        .hardlink("a-link", "bin/object")
        .hardlink("zzz/further/link", "bin/object")
        .symlink("bin/symlink", b"../etc/passwd")
        .posix(posix(0o777, 7, 8, time, 500))
        .hardlink("bin/symlink-too", "bin/symlink")
        .symlink("absolute", b"/nowhere")
        .symlink("long-target", "t/".repeat(200).as_bytes())
        .symlink("odd-target", b"\xff\xfe")
        .fifo("bin/pipe")
        .posix(posix(0o622, 1, 1, time, 5))
        .hardlink("pipe-too", "bin/pipe")
        .file("before-1970", b"x")
        .posix(posix(0o644, 0, 0, -5, 250_000_000))
        .directory("sealed/deep")
        .posix(posix(0o555, 0, 0, time, 0))
        .file("sealed/deep/file", b"y")
        .directory("sealed")
        .posix(posix(0o500, 0, 0, time, 0))
        .directory("closed")
        .posix(posix(0, 0, 0, time, 0))
        .file("new\nline and space ", b"z")
        .file("gr\u{fc}n/\u{6f22}\u{5b57}", b"utf-8");
    let name = |bytes: &[u8]| EntryPath::from_untrusted(bytes).unwrap();
    layer
        .file_at(name(b"not-utf-8-\xff\xfe"), b"short")
        .file_at(name(&[&b"\xff".repeat(200), &b"/b"[..]].concat()), b"long")
        .file_at(name(&[b'n'; 100]), b"100")
        .file_at(name(&[b'n'; 101]), b"101")
        .file_at(name(&[b'n'; 255]), b"255")
        .file_at(name(&b"deep/".repeat(60)), b"deep")
        .hardlink("short", &"n".repeat(255));
    let start = layer.bytes(&noise(2, 10_000), true);
    let inline = layer.bytes(b"few", false);
    for (at, content) in [
        ("holes/first", vec![Extent::Hole(1_000_000), start.clone()]),
        ("holes/last", vec![start.clone(), Extent::Hole(1_000_000)]),
        ("holes/only", vec![Extent::Hole(5_000_000_000)]),
        (
            "holes/small",
            vec![inline.clone(), Extent::Hole(5), inline.clone()],
        ),
        (
            "holes/several",
            vec![
                inline.clone(),
                Extent::Hole(70_000),
                start,
                Extent::Hole(100),
                inline,
                Extent::Hole(300_001),
                Extent::Literal(b"end".to_vec()),
            ],
        ),
    ] {
        layer
            .extents(at, content)
            .posix(posix(0o640, 0, 0, time, 77));
    }
    layer
}

/// And what only root can.
fn root_sketch() -> Sketch {
    let mut layer = plain_sketch();
    let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    layer
        .file("bin/set-id", b"#!/bin/sh\n")
        .posix(posix(0o6755, 12, 34, 1_500_000_000, 42))
        .xattr(b"security.capability", capability)
        .xattr(b"trusted.overlay", b"y")
        .symlink("bin/marked", b"target")
        .posix(posix(0o777, 0, 0, 1_500_000_000, 0))
        .xattr(b"trusted.link", b"z")
        .fifo("bin/marked-pipe")
        .posix(posix(0o600, 0, 0, 1_500_000_000, 0))
        .xattr(b"trusted.pipe", b"z")
        .directory("set-gid")
        .posix(posix(0o2775, 0, 50, 1_500_000_000, 0))
        .device("dev/null", EntryKind::CharacterDevice, (1, 3))
        .device("dev/disk", EntryKind::BlockDevice, (259, 65_537))
        .hardlink("dev/zero", "dev/null");
    layer
}

fn options(owners: Owners, jobs: usize) -> ExportOptions {
    ExportOptions {
        owners,
        jobs: NonZeroUsize::new(jobs),
        ..ExportOptions::default()
    }
}

/// Exports and checks that what was reported adds up.
fn export(bench: &Bench, tree: &Tree, to: &Path, options: &ExportOptions) -> Exported {
    let seen = Mutex::new((0, 0));
    let exported = directory(&bench.repository, tree, to, options, &|progress| {
        let mut seen = seen.lock().unwrap();
        match progress {
            Progress::Entry => seen.0 += 1,
            Progress::Bytes(bytes) => seen.1 += bytes,
        }
    })
    .unwrap();
    assert_eq!(
        seen.into_inner().unwrap(),
        (exported.entries, exported.bytes)
    );
    exported
}

fn messages(exported: &Exported) -> Vec<String> {
    exported.warnings.iter().map(Warning::to_string).collect()
}

#[test]
fn gnu_tar_makes_the_same_of_the_archive() {
    if !is_root() || !archive::has_tool("tar") {
        return;
    }
    let bench = Bench::new();
    let tree = bench.tree(&[&root_sketch()]);
    let direct = bench.directory.path().join("direct");
    let exported = export(&bench, &tree, &direct, &options(Owners::Auto, 2));
    assert_eq!(messages(&exported), Vec::<String>::new());
    let extracted = bench.directory.path().join("extracted");
    std::fs::create_dir(&extracted).unwrap();
    let file = bench.directory.path().join("a.tar");
    std::fs::write(&file, archive::archive(&bench, &tree)).unwrap();
    archive::run(
        "tar",
        &[
            "--extract",
            "--file",
            file.to_str().unwrap(),
            "--same-permissions",
            "--same-owner",
            "--numeric-owner",
            "--warning=no-timestamp",
            "--warning=no-unknown-keyword",
            "--xattrs",
            "--xattrs-include=*",
            "--delay-directory-restore",
            "--directory",
            extracted.to_str().unwrap(),
        ],
    );
    let (direct, extracted) = (snapshot(&direct), snapshot(&extracted));
    for (ours, theirs) in direct.iter().zip(&extracted) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(direct.len(), extracted.len());
    assert_eq!(direct.len() as u64, exported.entries);
}

#[test]
fn attributes_are_the_images() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let tree = bench.tree(&[&root_sketch()]);
    let place = bench.directory.path().join("a/b");
    export(&bench, &tree, &place, &options(Owners::Auto, 1));
    let lines = snapshot(&place);
    for want in [
        ". directory 750 1:2 1600000000.123456789",
        "absolute link 777 0:0 0.0 -> /nowhere",
        "before-1970 file 644 0:0 -5.250000000 size 1 sum 120",
        "bin directory 1777 0:0 1600000000.0 user.directory=76616c7565",
        "bin/pipe pipe 622 1:1 1600000000.5",
        "bin/marked link 777 0:0 1500000000.0 -> target trusted.link=7a",
        "bin/set-id file 6755 12:34 1500000000.42 size 10 sum 4104 \
         security.capability=0100000200040000000000000000000000000000 trusted.overlay=79",
        "bin/symlink link 777 7:8 1600000000.500 -> ../etc/passwd",
        "bin/symlink-too same as bin/symlink",
        "closed directory 0 0:0 1600000000.0",
        "dev/disk block 259:65537 640 0:0 1000000000.0",
        "dev/zero same as dev/null",
        "holes/only file 640 0:0 1600000000.77 size 5000000000 sum 0",
        "set-gid directory 2775 0:50 1500000000.0",
        "zzz directory 755 0:0 0.0",
        "zzz/further/link same as a-link",
    ] {
        assert!(
            lines.iter().any(|line| line == want),
            "{want}\n{}",
            lines.join("\n")
        );
    }
    for (name, most) in [("first", 40), ("last", 40), ("only", 0), ("several", 64)] {
        let blocks = std::fs::metadata(place.join("holes").join(name))
            .unwrap()
            .blocks();
        assert!(blocks <= most, "{name}: {blocks}");
    }
}

#[test]
fn without_owners_set_id_bits_are_left_off() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer
        .file("set-uid", b"x")
        .posix(posix(0o4755, 1234, 1234, 0, 0))
        .file("plain", b"x")
        .posix(posix(0o755, 1234, 1234, 0, 0))
        .directory("set-gid")
        .posix(posix(0o2755, 1234, 1234, 0, 0));
    let tree = bench.tree(&[&layer]);
    let place = bench.directory.path().join("x");
    let exported = export(&bench, &tree, &place, &options(Owners::Own, 1));
    assert_eq!(messages(&exported), ["set-uid: set-id bits left off"]);
    let own = rustix::process::geteuid().as_raw();
    for (name, mode) in [("set-uid", 0o755), ("plain", 0o755), ("set-gid", 0o2755)] {
        let status = std::fs::metadata(place.join(name)).unwrap();
        assert_eq!(
            (status.mode() & 0o7777, status.uid()),
            (mode, own),
            "{name}"
        );
    }
}

#[test]
fn impossible_owners_are_left_out() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer
        .file("a", b"x")
        .posix(posix(0o4755, u32::MAX, 5, 0, 0))
        .symlink("b", b"x")
        .posix(posix(0o777, 5, u32::MAX, 0, 0));
    let tree = bench.tree(&[&layer]);
    let place = bench.directory.path().join("x");
    let exported = export(&bench, &tree, &place, &options(Owners::Image, 1));
    assert_eq!(
        messages(&exported),
        [
            "a: owner left as it was: out of range",
            "a: set-id bits left off",
            "b: owner left as it was: out of range",
        ]
    );
    let status = std::fs::metadata(place.join("a")).unwrap();
    assert_eq!(
        (status.uid(), status.gid(), status.mode() & 0o7777),
        (0, 5, 0o755)
    );
}

#[test]
fn the_number_of_threads_makes_no_difference() {
    let bench = Bench::new();
    let mut layer = plain_sketch();
    for number in 0..300 {
        layer.file(
            &format!("many/{}/{number}", number % 7),
            &noise(number, 200),
        );
    }
    let tree = bench.tree(&[&layer]);
    let owners = Owners::Own;
    let places = [1, 2, 7].map(|jobs| {
        let place = bench.directory.path().join(jobs.to_string());
        export(&bench, &tree, &place, &options(owners, jobs));
        place
    });
    let want = snapshot(&places[0]);
    assert_eq!(snapshot(&places[1]), want);
    assert_eq!(snapshot(&places[2]), want);
}

/// Runs `test` in a thread that has given up root's rights, if it had them.
fn as_nobody(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::fs::Uid::from_raw(65_534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            test();
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn a_user_exports_what_a_user_can_have() {
    let sketch = root_sketch();
    as_nobody(|| {
        let bench = Bench::new();
        let tree = bench.tree(&[&sketch]);
        let place = bench.directory.path().join("x");
        let exported = export(&bench, &tree, &place, &options(Owners::Auto, 2));
        assert_eq!(
            messages(&exported),
            [
                "bin/marked: extended attribute trusted.link left out",
                "bin/marked-pipe: extended attribute trusted.pipe left out",
                "bin/set-id: extended attribute security.capability left out",
                "bin/set-id: extended attribute trusted.overlay left out",
                "bin/set-id: set-id bits left off",
                "dev/disk: device node left out",
                "dev/null: device node left out",
            ]
        );
        let own = rustix::process::geteuid().as_raw();
        for (name, mode) in [
            ("bin/set-id", 0o755),
            ("bin/object", 0o755),
            ("sealed", 0o500),
            ("closed", 0),
        ] {
            let status = std::fs::metadata(place.join(name)).unwrap();
            assert_eq!(
                (status.mode() & 0o7777, status.uid()),
                (mode, own),
                "{name}"
            );
        }
        assert!(!place.join("dev/zero").exists());
        assert_eq!(std::fs::read(place.join("sealed/deep/file")).unwrap(), b"y");
        // So that it can be removed.
        for name in ["sealed", "sealed/deep", "closed"] {
            let mode = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(place.join(name), mode).unwrap();
        }
    });
}

#[test]
fn a_damaged_object_fails_the_export() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer
        .file("a", b"x")
        .file("b", &noise(9, 1000))
        .file("c", b"y");
    let tree = bench.tree(&[&layer]);
    bench.damage(&noise(9, 1000));
    let place = bench.directory.path().join("x");
    let options = ExportOptions::default();
    let error = directory(&bench.repository, &tree, &place, &options, &|_| ()).unwrap_err();
    assert!(error.is_damage(), "{error}");
    let mut out = Vec::new();
    let error = tar(&bench.repository, &tree, &mut out, &options, &|_| ()).unwrap_err();
    assert!(error.is_damage(), "{error}");
}

#[test]
fn an_export_stops_when_told() {
    let bench = Bench::new();
    let tree = bench.tree(&[&plain_sketch()]);
    let options = ExportOptions {
        cancel: Arc::new(true.into()),
        ..ExportOptions::default()
    };
    let place = bench.directory.path().join("x");
    let error = directory(&bench.repository, &tree, &place, &options, &|_| ()).unwrap_err();
    assert!(matches!(error, ViewError::Interrupted));
    let mut out = Vec::new();
    let error = tar(&bench.repository, &tree, &mut out, &options, &|_| ()).unwrap_err();
    assert!(matches!(error, ViewError::Interrupted));
}
