//! Deletions that cannot be.

use lazaret_plugin_tar::Rule;

use super::{Case, check, file, new, one, pax};

pub fn cases() -> Vec<Case> {
    let sparse: &[(&str, &[u8])] = &[
        ("GNU.sparse.size", b"5"),
        ("GNU.sparse.numblocks", b"1"),
        ("GNU.sparse.map", b"5,0"),
    ];
    vec![
        (
            "a bare whiteout",
            one(file(".wh.")),
            Rule::WhiteoutName,
            0,
            100,
        ),
        (
            "of the directory itself",
            one(file("a/.wh..")),
            Rule::WhiteoutName,
            0,
            100,
        ),
        (
            "of the parent",
            one(file("a/.wh...")),
            Rule::WhiteoutName,
            0,
            100,
        ),
        (
            "a bare whiteout in a record",
            pax(&[("path", b".wh.")]),
            Rule::WhiteoutName,
            512,
            13,
        ),
        (
            "a bare whiteout in a long name",
            new().long(b'L', ".wh.").file("a", "").end(),
            Rule::WhiteoutName,
            512,
            5,
        ),
        (
            "below a whiteout",
            one(file(".wh.a/b")),
            Rule::BelowWhiteout,
            0,
            100,
        ),
        (
            "whiteout with content",
            new().file(".wh.a", "x").end(),
            Rule::WhiteoutWithContent,
            124,
            12,
        ),
        (
            "opaque marker with content",
            new().file(".wh..wh..opq", "x").end(),
            Rule::WhiteoutWithContent,
            124,
            12,
        ),
        (
            "sparse whiteout",
            new().pax(sparse).file(".wh.a", "").end(),
            Rule::WhiteoutWithContent,
            1024 + 124,
            12,
        ),
    ]
}

#[test]
fn impossible_whiteouts_are_refused() {
    check(&cases());
}
