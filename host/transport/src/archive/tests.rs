//! Archives that other programs write, and archives that nobody should.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Command;

use lazaret_artifact::{ContentDigest, DigestAlgorithm};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::layout::fixture::{Fixture, One, chain};
use crate::reference::Reference;
use crate::registry::RegistryOptions;
use crate::source::Source;

const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const EMPTY: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;

fn header(name: &[u8], kind: u8, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkflag = [kind];
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_cksum();
    header
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn member(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, content.len() as u64).as_bytes().to_vec();
    bytes.extend(content);
    padded(bytes)
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    member(name.as_bytes(), b'0', content)
}

fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}").into_bytes()
}

fn extended(records: &[(&str, &str)]) -> Vec<u8> {
    let content: Vec<u8> = records.iter().flat_map(|(k, v)| record(k, v)).collect();
    member(b"extended", b'x', &content)
}

/// What every layout has.
fn base() -> Vec<u8> {
    [file("oci-layout", VERSION), file("index.json", EMPTY)].concat()
}

fn ended(members: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = members.concat();
    bytes.extend([0; 1024]);
    bytes
}

fn open_path(path: &Path) -> Result<Archive, TransportError> {
    Archive::open(&ArchiveRef {
        path: path.to_owned(),
        tag: None,
        digest: None,
    })
}

fn open_bytes(bytes: &[u8]) -> Result<Archive, TransportError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar");
    fs::write(&path, bytes).unwrap();
    open_path(&path).map_err(|error| {
        assert!(error.is_input_fault(), "{error}");
        TransportError::NotAnArchive {
            path: "A".into(),
            reason: chain(&error).replace(path.to_str().unwrap(), "A"),
        }
    })
}

fn refusal(bytes: &[u8]) -> String {
    match open_bytes(bytes).unwrap_err() {
        TransportError::NotAnArchive { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

/// Everything that is refused as no archive, after `base()`, which is 2048 bytes.
#[test]
fn each_trick_is_refused_where_it_stands() {
    let two_names = [
        member(b"././@LongLink", b'L', b"a\0"),
        extended(&[("path", "b")]),
        file("c", b""),
    ];
    let oversized = {
        let mut bytes = header(b"x", b'0', 1 << 40).as_bytes().to_vec();
        bytes.extend([0; 512]);
        bytes
    };
    let huge_extension = {
        let mut bytes = header(b"x", b'x', 65537).as_bytes().to_vec();
        bytes.extend(vec![b' '; 1 << 17]);
        bytes
    };
    let wrapping = {
        let mut header = header(b"x", b'0', 0);
        header.as_old_mut().size = [0xff; 12];
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let not_octal = {
        let mut header = header(b"x", b'0', 0);
        header.as_old_mut().size = *b"0000000000z\0";
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let bad_sum = {
        let mut bytes = file("x", b"");
        bytes[0] = b'y';
        bytes
    };
    for (members, want) in [
        (
            vec![file("../x", b"")],
            "../x is no clean name (at byte 2048)",
        ),
        (vec![file("/x", b"")], "/x is no clean name (at byte 2048)"),
        (
            vec![file("a//x", b"")],
            "a//x is no clean name (at byte 2048)",
        ),
        (
            vec![file("a/./x", b"")],
            "a/./x is no clean name (at byte 2048)",
        ),
        (vec![file("a/", b"")], "a/ is no clean name (at byte 2048)"),
        (vec![file("", b"")], " is no clean name (at byte 2048)"),
        (
            vec![member(b"\xff", b'0', b"")],
            "\\xff is no clean name (at byte 2048)",
        ),
        (
            vec![extended(&[("path", "a\0b")]), file("x", b"")],
            "a\\u{0}b is no clean name (at byte 3072)",
        ),
        (
            vec![file("index.json", EMPTY)],
            "two members index.json (at byte 2048)",
        ),
        (
            vec![file("./index.json", EMPTY)],
            "two members index.json (at byte 2048)",
        ),
        (
            vec![extended(&[("path", "index.json")]), file("x", EMPTY)],
            "two members index.json (at byte 3072)",
        ),
        (
            vec![member(b"x", b'1', b"")],
            "x is a hard link (at byte 2048)",
        ),
        (
            vec![member(b"x", b'2', b"")],
            "x is a symbolic link (at byte 2048)",
        ),
        (
            vec![member(b"x", b'3', b"")],
            "x is a device (at byte 2048)",
        ),
        (vec![member(b"x", b'6', b"")], "x is a pipe (at byte 2048)"),
        (
            vec![member(b"x", b'S', b"")],
            "x is a sparse file (at byte 2048)",
        ),
        (
            vec![member(b"x", b'g', b"")],
            "x is an extended header for all members (at byte 2048)",
        ),
        (
            vec![member(b"x", b'M', b"")],
            "x is of an unknown type (at byte 2048)",
        ),
        (
            vec![extended(&[("GNU.sparse.major", "1")]), file("x", b"")],
            "a sparse file (at byte 2048)",
        ),
        (
            vec![extended(&[("size", "1")]), file("x", b"")],
            "two sizes for one member: 0 and 1 (at byte 3072)",
        ),
        (
            vec![extended(&[("size", "0")]), file("x", b"12")],
            "two sizes for one member: 2 and 0 (at byte 3072)",
        ),
        (
            vec![extended(&[("size", "-1")]), file("x", b"")],
            "malformed size in an extended header (at byte 2048)",
        ),
        (
            vec![extended(&[("size", "+0")]), file("x", b"")],
            "malformed size in an extended header (at byte 2048)",
        ),
        (
            vec![extended(&[("size", "0"), ("size", "0")]), file("x", b"")],
            "malformed size in an extended header (at byte 2048)",
        ),
        (
            vec![
                extended(&[("size", "18446744073709551615")]),
                file("x", b""),
            ],
            "cut off: a member of 18446744073709551615 bytes (at byte 3072)",
        ),
        (
            vec![extended(&[]), extended(&[]), file("x", b"")],
            "two extended headers for one member (at byte 2560)",
        ),
        (
            two_names.to_vec(),
            "two extended headers for one member (at byte 3072)",
        ),
        (
            vec![extended(&[("path", "a"), ("path", "b")]), file("x", b"")],
            "two extended names for one member (at byte 2048)",
        ),
        (
            vec![member(b"x", b'x', b"9 a=b"), file("x", b"")],
            "malformed extended header (at byte 2048)",
        ),
        (
            vec![member(b"x", b'x', b"+6 a=b\n"), file("x", b"")],
            "malformed extended header (at byte 2048)",
        ),
        (
            vec![member(b"x", b'x', b"\n30 path=hidden\n"), file("x", b"")],
            "malformed extended header (at byte 2048)",
        ),
        (
            vec![extended(&[("path", "a")])],
            "ends after an extended header (at byte 3072)",
        ),
        (
            vec![huge_extension],
            "an extended header of 65537 bytes, more than 65536 (at byte 2048)",
        ),
        (
            vec![member(b"d/", b'5', b"content")],
            "a directory with content (at byte 2048)",
        ),
        (
            vec![oversized],
            "cut off: a member of 1099511627776 bytes (at byte 2048)",
        ),
        (
            vec![wrapping],
            "cut off: a member of 18446744073709551615 bytes (at byte 2048)",
        ),
        (vec![bad_sum], "no tar header (at byte 2048)"),
    ] {
        let bytes = ended(&[vec![base()], members].concat());
        assert_eq!(
            refusal(&bytes),
            format!("\"A\" is not an OCI archive: {want}")
        );
    }
    let found = refusal(&ended(&[base(), not_octal]));
    assert!(found.contains("numeric field was not a number"), "{found}");
}

#[test]
fn an_archive_without_a_layout_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    for (bytes, want) in [
        (vec![], "\"A\" is not an OCI archive: no member oci-layout"),
        (
            b"text".to_vec(),
            "\"A\" is not an OCI archive: cut off (at byte 0)",
        ),
        (
            ended(&[]),
            "\"A\" is not an OCI archive: no member oci-layout",
        ),
        (
            ended(&[file("oci-layout", VERSION)]),
            "\"A\" is not an OCI archive: no member index.json",
        ),
        (
            ended(&[file("oci-layout", b"{\"imageLayoutVersion\":\"2\"}")]),
            "\"A\" is not an OCI layout: imageLayoutVersion is \"2\", not \"1.0.0\"",
        ),
        (
            ended(&[file("oci-layout", &[b' '; 70_000])]),
            "size of A/oci-layout: 70000 is more than the limit of 65536",
        ),
        (
            ended(&[
                file("oci-layout", VERSION),
                file("index.json", &vec![b' '; 5 << 20]),
            ]),
            "size of A/index.json: 5242880 is more than the limit of 4194304",
        ),
        // A tar that ends in the middle of a header, of a file, of its padding.
        (
            base()[..1000].to_vec(),
            "\"A\" is not an OCI archive: cut off: a member of 30 bytes (at byte 0)",
        ),
        (
            base()[..1100].to_vec(),
            "\"A\" is not an OCI archive: cut off (at byte 1024)",
        ),
        (
            base()[..1540].to_vec(),
            "\"A\" is not an OCI archive: cut off: a member of 34 bytes (at byte 1024)",
        ),
        (
            b"\x1f\x8b\x08\0rest".to_vec(),
            "\"A\" is compressed with gzip; it has to be decompressed first",
        ),
        (
            b"\x28\xb5\x2f\xfdrest".to_vec(),
            "\"A\" is compressed with zstd; it has to be decompressed first",
        ),
    ] {
        assert_eq!(refusal(&bytes), want);
    }
    let error = open_path(&path).unwrap_err();
    assert_eq!(chain(&error), format!("{path:?} does not exist"));
    assert!(error.is_not_found());
    let error = open_path(directory.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is not an OCI archive: a directory")
    );
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let error = open_path(&path).unwrap_err();
    assert!(matches!(error, TransportError::NotAFile { .. }));
    // Without the blocks of zeros it is an archive all the same.
    open_bytes(&base()).unwrap();
}

#[test]
fn an_archive_cannot_have_members_without_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let mut out = std::io::BufWriter::new(File::create(&path).unwrap());
    for number in 0..=(1 << 17) {
        out.write_all(header(format!("d{number}/").as_bytes(), b'5', 0).as_bytes())
            .unwrap();
    }
    out.flush().unwrap();
    let error = chain(&open_path(&path).unwrap_err());
    assert!(
        error.ends_with("members: 131073 is more than the limit of 131072"),
        "{error}"
    );
}

proptest! {
    /// Whatever the headers say: no panic, and nothing found that is not in the file.
    #[test]
    fn what_is_found_lies_in_the_file(
        members in proptest::collection::vec(
            (
                "[a-c./]{0,6}",
                prop::sample::select(&b"0\x0015xLgSK7"[..]),
                prop_oneof![0_u64..2000, any::<u64>()],
                proptest::collection::vec(any::<u8>(), 0..1500),
                proptest::option::of("([0-9]{1,2} (path|size|x)=[a-c0-9]{0,8}\n){0,2}"),
            ),
            0..5,
        ),
        cut in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
    ) {
        let mut bytes = base();
        for (name, kind, size, content, records) in members {
            let content = records.map_or(content, String::into_bytes);
            // Half of them honest.
            let size = if size % 2 == 0 { content.len() as u64 } else { size };
            bytes.extend(header(name.as_bytes(), kind, size).as_bytes());
            bytes.extend(content);
            bytes = padded(bytes);
        }
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        if let Ok(found) = members::find(&file, bytes.len() as u64) {
            for (name, member) in found {
                prop_assert!(member.offset + member.size <= bytes.len() as u64);
                prop_assert!(!name.is_empty() && !name.starts_with('/'));
                prop_assert!(name.split('/').all(|part| !matches!(part, "" | "." | "..")));
            }
        }
    }
}

mod reading;
