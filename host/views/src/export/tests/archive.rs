//! The tar archive, as others read it.

use std::process::Command;

use lazaret_artifact::ContentDigest;

use super::*;
use crate::samples::posix;
use crate::tree::NodeKind;

/// Whether to go on with a test that needs a program; where tests must not be skipped, it fails.
pub(super) fn has_tool(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    assert!(
        found || std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{tool} missing"
    );
    if !found {
        eprintln!("skipped: {tool} missing");
    }
    found
}

pub(super) fn run(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{tool}: {complaints}"
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(super) fn archive(bench: &Bench, tree: &Tree) -> Vec<u8> {
    let mut out = Vec::new();
    let options = ExportOptions::default();
    let seen = Mutex::new((0, 0));
    let exported = tar(&bench.repository, tree, &mut out, &options, &|progress| {
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
    assert_eq!(messages(&exported), Vec::<String>::new());
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The line that `list.py` should print for each name.
fn expected(bench: &Bench, tree: &Tree) -> Vec<String> {
    let mut first = std::collections::HashMap::new();
    let mut lines = Vec::new();
    for visit in tree.walk() {
        let node = visit.node;
        let name = match visit.path.as_bytes() {
            b"" => b".",
            path => path,
        };
        let sparse = name.starts_with(b"holes/") && name != b"holes/small";
        let mut link = "-".to_owned();
        let mut device = (0, 0);
        let mut digest = "-".to_owned();
        let kind = match &node.kind {
            _ if first.contains_key(&visit.id) => {
                link = hex(first[&visit.id]);
                '1'
            }
            NodeKind::Directory(_) => '5',
            NodeKind::Regular(content) => {
                if content.size < 1 << 30 {
                    let mut bytes = Vec::new();
                    crate::read_file(&bench.repository, tree, visit.id, &mut bytes).unwrap();
                    digest = ContentDigest::sha256(&bytes).hex();
                }
                '0'
            }
            NodeKind::Symlink(target) => {
                link = hex(target);
                '2'
            }
            NodeKind::CharacterDevice(major, minor) => {
                device = (*major, *minor);
                '3'
            }
            NodeKind::BlockDevice(major, minor) => {
                device = (*major, *minor);
                '4'
            }
            NodeKind::Fifo => '6',
        };
        let size = if kind == '0' { node.size() } else { 0 };
        let time = match node.posix.mtime {
            time if time.nanoseconds == 0 => time.seconds.to_string(),
            time if time.seconds < 0 => {
                assert_eq!((time.seconds, time.nanoseconds), (-5, 250_000_000));
                "-4.75".to_owned()
            }
            time => {
                let text = format!("{}.{:09}", time.seconds, time.nanoseconds);
                text.trim_end_matches('0').to_owned()
            }
        };
        let posix = &node.posix;
        let mut line = format!(
            "{} {kind} {:o} {} {} {size} {time} {link} {}:{} {} {digest}",
            hex(name),
            posix.mode,
            posix.uid,
            posix.gid,
            device.0,
            device.1,
            if sparse { "sparse" } else { "-" },
        );
        for xattr in posix.xattrs.iter().filter(|_| kind != '1') {
            line.push_str(&format!(" {}={}", hex(&xattr.name), hex(&xattr.value)));
        }
        lines.push(line);
        if !node.is_directory() {
            first
                .entry(visit.id)
                .or_insert(visit.path.as_bytes().to_vec().leak());
        }
    }
    lines
}

#[test]
fn python_reads_what_was_meant() {
    if !has_tool("python3") {
        return;
    }
    let bench = Bench::new();
    let tree = bench.tree(&[&root_sketch()]);
    let file = bench.directory.path().join("a.tar");
    std::fs::write(&file, archive(&bench, &tree)).unwrap();
    let script = bench.directory.path().join("list.py");
    std::fs::write(&script, include_str!("list.py")).unwrap();
    let printed = run(
        "python3",
        &[script.to_str().unwrap(), file.to_str().unwrap()],
    );
    let printed: Vec<&str> = printed.lines().collect();
    let expected = expected(&bench, &tree);
    for (printed, expected) in printed.iter().zip(&expected) {
        assert_eq!(printed, expected);
    }
    assert_eq!(printed.len(), expected.len());
}

#[test]
fn an_archive_is_a_function_of_the_tree() {
    let (first, second) = (Bench::new(), Bench::new());
    let whole = root_sketch();
    // The same tree, from two layers.
    let (mut below, mut above) = (Sketch::new(), root_sketch());
    below.file("bin/object", b"covered").fifo("bin");
    above.entries.reverse();
    above
        .entries
        .sort_by_key(|entry| entry.kind == EntryKind::Hardlink);
    let one = archive(&first, &first.tree(&[&whole]));
    assert_eq!(one, archive(&first, &first.tree(&[&whole])));
    assert!(one == archive(&second, &second.tree(&[&below, &above])));
    assert_eq!(one.len() % 512, 0);
    assert_eq!(one[one.len() - 1024..], [0; 1024]);
    // Holes take no room.
    assert!(one.len() < 1_000_000, "{}", one.len());
}

#[test]
fn a_small_archive_is_exactly_this() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer.file("a", b"hello").posix(posix(0o644, 1, 2, 3, 0));
    let header = |name: &[u8], numbers: &str, flag: u8| {
        let mut block = vec![0; 512];
        block[..name.len()].copy_from_slice(name);
        let numbers = numbers.replace(' ', "\0");
        block[100..100 + numbers.len()].copy_from_slice(numbers.as_bytes());
        block[156] = flag;
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[329..336].copy_from_slice(b"0000000");
        block[337..344].copy_from_slice(b"0000000");
        block
    };
    let root = "0000755 0000000 0000000 00000000000 00000000000 007342 \u{20}";
    let file = "0000644 0000001 0000002 00000000005 00000000003 007351 \u{20}";
    let mut want = [header(b"./", root, b'5'), header(b"a", file, b'0')].concat();
    for at in [155, 667] {
        want[at] = b' ';
    }
    want.extend_from_slice(b"hello");
    want.resize(1536 + 1024, 0);
    let found = archive(&bench, &bench.tree(&[&layer]));
    for (number, (found, want)) in found.chunks(512).zip(want.chunks(512)).enumerate() {
        assert_eq!(
            found.escape_ascii().to_string(),
            want.escape_ascii().to_string(),
            "{number}"
        );
    }
    assert_eq!(found.len(), want.len());
}

#[test]
fn what_an_archive_cannot_hold_is_said() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer
        .file("a", b"")
        .xattr(b"user.a=b", b"x")
        .xattr(b"user.ok", b"x")
        .xattr(b"user.%25", b"x");
    let tree = bench.tree(&[&layer]);
    let options = ExportOptions::default();
    let exported = tar(&bench.repository, &tree, &mut Vec::new(), &options, &|_| ()).unwrap();
    assert_eq!(
        messages(&exported),
        [
            "a: extended attribute user.%25 left out",
            "a: extended attribute user.a=b left out",
        ]
    );
    layer.device("b", EntryKind::BlockDevice, (1 << 21, 0));
    let tree = bench.tree(&[&layer]);
    let error = tar(&bench.repository, &tree, &mut Vec::new(), &options, &|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "b cannot be written to a tar archive: its device number is too large"
    );
}

#[test]
fn sizes_beyond_eight_gibibytes_take_a_record() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer.extents("a", vec![Extent::Hole(1 << 40)]);
    let tree = bench.tree(&[&layer]);
    let bytes = archive(&bench, &tree);
    let text = bytes.escape_ascii().to_string();
    assert!(text.contains("GNU.sparse.realsize=1099511627776"), "{text}");
    assert_eq!(bytes.len(), 512 + 1024 + 512 + 512 + 1024);
}
