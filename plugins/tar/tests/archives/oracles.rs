//! Archives made by other tools, read as other tools read them.
//!
//! GNU tar, Python's `tarfile` and bsdtar write in each of their formats; Python lists every archive
//! with content and attributes, GNU tar those it wrote with its own `--list`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use lazaret_plugin_tar::{Entry, EntryKind, Extent, Posix, Timestamp};
use tempfile::TempDir;

use crate::archive::read;

const SCRIPTS: [(&str, &str); 4] = [
    ("tree.py", include_str!("tree.py")),
    ("holes.py", include_str!("holes.py")),
    ("make.py", include_str!("make.py")),
    ("list.py", include_str!("list.py")),
];

/// A folder for one test, with the scripts in it.
struct Bench(TempDir);

impl Bench {
    /// None, with a word about it, if a tool is missing; in CI that is a failure.
    fn new(tools: &[&str]) -> Option<Self> {
        for tool in tools {
            if Command::new(tool).arg("--version").output().is_err() {
                assert!(
                    std::env::var_os("CI").is_none_or(|ci| ci != "true"),
                    "{tool} missing"
                );
                eprintln!("skipped: {tool} missing");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in SCRIPTS {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Some(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, tool: &str, arguments: &[&str]) -> Output {
        let output = Command::new(tool)
            .args(arguments)
            .current_dir(self.0.path())
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{tool} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn tree(&self, names: &str) {
        self.run("python3", &["tree.py", names, names]);
    }

    /// Compares the parser with Python, and returns the entries.
    fn compare(&self, archive: &str) -> Vec<Entry> {
        let listed = self.run("python3", &["list.py", archive]).stdout;
        let listed = String::from_utf8(listed).unwrap();
        let bytes = std::fs::read(self.path(archive)).unwrap();
        let replay = read(&bytes);
        if let Err(fault) = replay.ending {
            panic!("{archive}: {fault}");
        }
        let ours: Vec<_> = replay
            .entries
            .iter()
            .map(|entry| line(entry, &bytes))
            .collect();
        let theirs: Vec<_> = listed.lines().collect();
        assert!(!theirs.is_empty(), "{archive}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{archive}");
        }
        assert_eq!(ours.len(), theirs.len(), "{archive}");
        replay.entries
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// As `list.py` prints it.
fn line(entry: &Entry, archive: &[u8]) -> String {
    let kind = match entry.kind {
        EntryKind::Regular => "f",
        EntryKind::Hardlink => "h",
        EntryKind::Symlink => "l",
        EntryKind::Directory => "d",
        EntryKind::Fifo => "p",
        EntryKind::CharacterDevice => "c",
        EntryKind::BlockDevice => "b",
        EntryKind::Whiteout | EntryKind::OpaqueDirectory => "w",
    };
    let Posix {
        mode,
        uid,
        gid,
        mtime,
        device,
        xattrs,
    } = entry.posix.as_ref().unwrap();
    let mut path = &entry.path[..];
    while let Some(stripped) = path.strip_suffix(b"/") {
        path = stripped;
    }
    let content = content(entry, archive);
    let content = if content.len() < 1000 {
        format!("{}:{}", content.len(), hex(&content))
    } else {
        format!("{}:{:08x}", content.len(), crc32(&content))
    };
    let xattrs: Vec<_> = xattrs
        .iter()
        .map(|xattr| format!("{}={}", hex(&xattr.name), hex(&xattr.value)))
        .collect();
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!(
        "{kind} {} {mode:o} {uid} {gid} {} {} {} {content} {}",
        hex(path),
        decimal(*mtime),
        or_dash(entry.target.as_deref().map(hex)),
        or_dash(device.map(|(major, minor)| format!("{major}:{minor}"))),
        or_dash((!xattrs.is_empty()).then(|| xattrs.join(","))),
    )
}

fn content(entry: &Entry, archive: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    for extent in &entry.content {
        match *extent {
            Extent::Input { offset, length } => {
                content.extend_from_slice(&archive[offset as usize..(offset + length) as usize]);
            }
            Extent::Hole(length) => content.resize(content.len() + length as usize, 0),
        }
    }
    content
}

fn decimal(time: Timestamp) -> String {
    let total = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds);
    let magnitude = total.unsigned_abs();
    let sign = if total < 0 { "-" } else { "" };
    let text = format!(
        "{sign}{}.{:09}",
        magnitude / 1_000_000_000,
        magnitude % 1_000_000_000
    );
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// As `tar --list --verbose` prints it, without the time.
fn tar_line(entry: &Entry) -> String {
    let posix = entry.posix.as_ref().unwrap();
    let letter = match entry.kind {
        EntryKind::Regular => '-',
        EntryKind::Hardlink => 'h',
        EntryKind::Symlink => 'l',
        EntryKind::Directory => 'd',
        EntryKind::Fifo => 'p',
        EntryKind::CharacterDevice => 'c',
        EntryKind::BlockDevice => 'b',
        EntryKind::Whiteout | EntryKind::OpaqueDirectory => 'w',
    };
    let mut mode = letter.to_string();
    for (shift, special, set, unset) in [
        (6, 0o4000, 's', 'S'),
        (3, 0o2000, 's', 'S'),
        (0, 0o1000, 't', 'T'),
    ] {
        let bits = posix.mode >> shift;
        mode.push(if bits & 4 != 0 { 'r' } else { '-' });
        mode.push(if bits & 2 != 0 { 'w' } else { '-' });
        mode.push(match (posix.mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => unset,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    let size: u64 = entry
        .content
        .iter()
        .map(|extent| match *extent {
            Extent::Input { length, .. } | Extent::Hole(length) => length,
        })
        .sum();
    let size = posix.device.map_or_else(
        || size.to_string(),
        |(major, minor)| format!("{major},{minor}"),
    );
    let mut line = format!(
        "{mode} {}/{} {size} {}",
        posix.uid,
        posix.gid,
        String::from_utf8_lossy(&entry.path)
    );
    if let Some(target) = &entry.target {
        let arrow = if entry.kind == EntryKind::Symlink {
            " -> "
        } else {
            " link to "
        };
        line += arrow;
        line += &String::from_utf8_lossy(target);
    }
    line
}

fn tar_lines(bench: &Bench, archive: &str) -> Vec<String> {
    let output = bench.run(
        "tar",
        &[
            "--list",
            "--verbose",
            "--numeric-owner",
            "--full-time",
            "--quoting-style=literal",
            "--file",
            archive,
        ],
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| {
            // mode owner size date time name
            let mut words = Vec::new();
            let mut rest = line;
            for _ in 0..5 {
                let (word, tail) = rest.trim_start().split_once(' ').unwrap();
                words.push(word);
                rest = tail;
            }
            // The columns are as wide as the widest time so far; no name here begins with a space.
            let name = rest.trim_start();
            format!("{} {} {} {name}", words[0], words[1], words[2])
        })
        .collect()
}

fn compare_with_tar(bench: &Bench, archive: &str) {
    let entries = bench.compare(archive);
    let lines = tar_lines(bench, archive);
    assert_eq!(entries.len(), lines.len(), "{archive}");
    for (entry, line) in entries.iter().zip(lines) {
        assert_eq!(tar_line(entry), line, "{archive}");
    }
}

#[test]
fn archives_of_gnu_tar_are_read_as_by_python_and_gnu_tar() {
    let Some(bench) = Bench::new(&["tar", "python3"]) else {
        return;
    };
    bench.tree("short");
    bench.tree("long");
    for (format, tree) in [
        ("v7", "short"),
        ("ustar", "short"),
        ("oldgnu", "long"),
        ("gnu", "long"),
        ("posix", "long"),
    ] {
        let archive = format!("{format}.tar");
        let mut arguments = vec![
            "--create",
            "--file",
            &archive,
            "--sort=name",
            "--format",
            format,
        ];
        if format == "posix" {
            arguments.extend(["--xattrs", "--xattrs-include=*"]);
        }
        arguments.extend(["-C", tree]);
        if format == "v7" {
            arguments.extend(["--exclude=fifo", "--exclude=null", "--exclude=disk"]);
        }
        arguments.push(".");
        bench.run("tar", &arguments);
        compare_with_tar(&bench, &archive);
    }
}

#[test]
fn sparse_archives_of_gnu_tar_are_read_as_by_python_and_gnu_tar() {
    let Some(bench) = Bench::new(&["tar", "python3"]) else {
        return;
    };
    bench.run("python3", &["holes.py", "holes"]);
    for (format, version) in [
        ("gnu", "1.0"),
        ("oldgnu", "1.0"),
        ("posix", "0.0"),
        ("posix", "0.1"),
        ("posix", "1.0"),
    ] {
        let archive = format!("{format}-{version}.tar");
        let version = format!("--sparse-version={version}");
        bench.run(
            "tar",
            &[
                "--create", "--file", &archive, "--sparse", &version, "--format", format, "-C",
                "holes", ".",
            ],
        );
        let bytes = std::fs::read(bench.path(&archive)).unwrap();
        let holes = read(&bytes)
            .entries
            .iter()
            .flat_map(|entry| &entry.content)
            .filter(|extent| matches!(extent, Extent::Hole(_)))
            .count();
        // A file system without holes makes archives without them.
        if bytes.len() < 3 << 20 {
            assert!(holes > 100, "{archive}: {holes}");
        } else {
            eprintln!("skipped: no holes on this file system");
        }
        compare_with_tar(&bench, &archive);
    }
}

#[test]
fn archives_of_python_are_read_as_by_python_and_gnu_tar() {
    let Some(bench) = Bench::new(&["tar", "python3"]) else {
        return;
    };
    bench.tree("short");
    bench.tree("long");
    for (format, tree) in [("ustar", "short"), ("gnu", "long"), ("pax", "long")] {
        let archive = format!("{format}.tar");
        bench.run("python3", &["make.py", &archive, tree, format]);
        compare_with_tar(&bench, &archive);
    }
}

#[test]
fn archives_of_bsdtar_are_read_as_by_python_and_gnu_tar() {
    let Some(bench) = Bench::new(&["bsdtar", "tar", "python3"]) else {
        return;
    };
    bench.tree("short");
    bench.tree("long");
    for (format, tree) in [
        ("v7tar", "short"),
        ("ustar", "short"),
        ("gnutar", "long"),
        ("pax", "long"),
    ] {
        let archive = format!("{format}.tar");
        let mut arguments = vec![
            "--create", "--file", &archive, "--format", format, "-C", tree,
        ];
        if format == "v7tar" {
            arguments.extend(["--exclude=fifo", "--exclude=null", "--exclude=disk"]);
        }
        arguments.push(".");
        bench.run("bsdtar", &arguments);
        compare_with_tar(&bench, &archive);
    }
}

#[test]
fn sparse_archives_of_bsdtar_are_read_as_by_python() {
    let Some(bench) = Bench::new(&["bsdtar", "python3"]) else {
        return;
    };
    bench.run("python3", &["holes.py", "holes"]);
    bench.run(
        "bsdtar",
        &[
            "--create", "--file", "pax.tar", "--format", "pax", "-C", "holes", ".",
        ],
    );
    bench.compare("pax.tar");
}
