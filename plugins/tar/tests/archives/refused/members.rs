//! Members that say two things.

use lazaret_plugin_tar::Rule;

use super::{Case, check, file, length, new, one, pax};
use crate::archive::*;

pub fn cases() -> Vec<Case> {
    let link = |kind| Head::ustar(kind, "a", 0).target(b"b");
    let sized = |kind| Head::ustar(kind, "a", 1).target(b"b").device(1, 1);
    let size_case =
        |what, kind| -> Case { (what, one(sized(kind)), Rule::SizeOnNonRegular, 124, 12) };
    let differ = |what, header: u64, record: &str| -> Case {
        let bytes = new()
            .pax(&[("size", record.as_bytes())])
            .head(Head::ustar(b'0', "a", header))
            .data([b'x'; 512])
            .end();
        (
            what,
            bytes,
            Rule::SizesDiffer,
            512,
            length("size", record.as_bytes()),
        )
    };
    vec![
        ("no name", one(file("")), Rule::EmptyPath, 0, 100),
        (
            "a prefix without a name",
            one(file("").set(PREFIX, b"p")),
            Rule::EmptyPath,
            0,
            100,
        ),
        (
            "NUL in a path",
            pax(&[("path", b"a\0b")]),
            Rule::PathNul,
            512,
            12,
        ),
        (
            "NUL in a link",
            pax(&[("linkpath", b"\0")]),
            Rule::PathNul,
            512,
            14,
        ),
        (
            "path and long name",
            new()
                .pax(&[("path", b"b")])
                .long(b'L', "c")
                .file("a", "")
                .end(),
            Rule::PathTwice,
            1536,
            2,
        ),
        (
            "long name and path",
            new()
                .long(b'L', "b")
                .pax(&[("path", b"b")])
                .file("a", "")
                .end(),
            Rule::PathTwice,
            512,
            2,
        ),
        (
            "linkpath and long link",
            new()
                .long(b'K', "b")
                .pax(&[("linkpath", b"b")])
                .head(link(b'2'))
                .end(),
            Rule::LinkTwice,
            512,
            2,
        ),
        (
            "link to nothing",
            one(link(b'2').target(b"")),
            Rule::EmptyLink,
            157,
            100,
        ),
        (
            "hard link to nothing",
            one(link(b'1').target(b"")),
            Rule::EmptyLink,
            157,
            100,
        ),
        (
            "file with a slash",
            one(file("a/")),
            Rule::FileNameSlash,
            0,
            100,
        ),
        (
            "contiguous file with a slash",
            one(file("a/").set(KIND, b"7")),
            Rule::FileNameSlash,
            0,
            100,
        ),
        (
            "file with a slash in a record",
            pax(&[("path", b"a/")]),
            Rule::FileNameSlash,
            512,
            11,
        ),
        size_case("hard link with a size", b'1'),
        size_case("symbolic link with a size", b'2'),
        size_case("character device with a size", b'3'),
        size_case("block device with a size", b'4'),
        size_case("directory with a size", b'5'),
        size_case("fifo with a size", b'6'),
        (
            "old directory with a size",
            one(Head::v7(0, "a/", 1)),
            Rule::SizeOnNonRegular,
            124,
            12,
        ),
        (
            "hard link with a huge size in a record",
            new().pax(&[("size", b"8589934592")]).head(link(b'1')).end(),
            Rule::SizeOnNonRegular,
            1024 + 124,
            12,
        ),
        differ("CVE-2025-62518: zero in the header", 0, "1024"),
        differ("zero in the record", 512, "0"),
        differ("one more", 512, "513"),
        differ("huge, and the header is not zero", 512, "8589934592"),
        differ("just what the header can hold", 0, "8589934591"),
    ]
}

#[test]
fn contradictory_members_are_refused() {
    check(&cases());
}
