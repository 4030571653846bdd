//! Extension headers in an order, number or size that readers disagree on.

use lazaret_plugin_tar::Rule;
use lazaret_plugin_tar::limits::EXTENSION_DATA_MAX;

use super::{Case, check, length, new};
use crate::archive::*;

pub fn cases() -> Vec<Case> {
    let a_mebibyte = EXTENSION_DATA_MAX as u64;
    let half = format!("{}x", "d/".repeat(300_000));
    let with_size = || new().pax(&[("size", b"1")]);
    let global = |what, key: &'static str| -> Case {
        let bytes = new().global(&[(key, b"1")]).file("a", "").end();
        (what, bytes, Rule::GlobalKey, 512, length(key, b"1"))
    };
    vec![
        (
            "more records than a mebibyte",
            new().head(Head::ustar(b'x', "a", a_mebibyte + 1)).bytes,
            Rule::ExtensionTooLarge,
            124,
            12,
        ),
        (
            "a gigabyte of global records",
            new().head(Head::ustar(b'g', "a", 1 << 30)).bytes,
            Rule::ExtensionTooLarge,
            124,
            12,
        ),
        (
            "a long name of 2^63 bytes",
            new()
                .head(Head::gnu(b'L', "a", 0).binary(SIZE, i64::MAX))
                .bytes,
            Rule::ExtensionTooLarge,
            124,
            12,
        ),
        (
            "name and link together",
            new()
                .long(b'L', &half)
                .head(Head::gnu(b'K', "a", 600_000))
                .bytes,
            Rule::ExtensionTooLarge,
            512 + 600_064 + 124,
            12,
        ),
        (
            "two x",
            new().pax(&[]).pax(&[]).file("a", "").end(),
            Rule::ExtensionTwice,
            512,
            512,
        ),
        (
            "two L",
            new().long(b'L', "b").long(b'L', "b").file("a", "").end(),
            Rule::ExtensionTwice,
            1024,
            512,
        ),
        (
            "two K, a name between",
            new()
                .long(b'K', "b")
                .long(b'L', "b")
                .long(b'K', "b")
                .file("a", "")
                .end(),
            Rule::ExtensionTwice,
            2048,
            512,
        ),
        (
            "x, g",
            new().pax(&[]).global(&[]).file("a", "").end(),
            Rule::GlobalAfterLocal,
            512,
            512,
        ),
        (
            "L, g",
            new().long(b'L', "b").global(&[]).file("a", "").end(),
            Rule::GlobalAfterLocal,
            1024,
            512,
        ),
        (
            "size, long name",
            with_size().long(b'L', "b").file("a", "x").end(),
            Rule::PaxSizeOnLongName,
            1024,
            512,
        ),
        (
            "size, long link",
            with_size().long(b'K', "b").file("a", "x").end(),
            Rule::PaxSizeOnLongName,
            1024,
            512,
        ),
        (
            "empty long name",
            new().long(b'L', "").file("a", "").end(),
            Rule::LongName,
            512,
            1,
        ),
        (
            "long name of no bytes",
            new().head(Head::gnu(b'L', "", 0)).file("a", "").end(),
            Rule::LongName,
            512,
            0,
        ),
        (
            "two long links in one",
            new().long(b'K', "b\0c").file("a", "").end(),
            Rule::LongName,
            512,
            4,
        ),
        global("path for all", "path"),
        global("linkpath for all", "linkpath"),
        global("size for all", "size"),
        global("uid for all", "uid"),
        global("gid for all", "gid"),
        global("mtime for all", "mtime"),
        global("an attribute for all", "SCHILY.xattr.user.x"),
        global(
            "an attribute for all, libarchive",
            "LIBARCHIVE.xattr.user.x",
        ),
        global("a sparse map for all", "GNU.sparse.map"),
        global("a continued volume", "GNU.volume.size"),
        global("a label for all", "RHT.security.selinux"),
    ]
}

#[test]
fn ambiguous_extension_headers_are_refused() {
    check(&cases());
}
