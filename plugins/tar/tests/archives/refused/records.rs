//! PAX records.

use lazaret_plugin_tar::Rule;

use super::{Case, check, length, new, pax, pax_raw};
use crate::archive::*;

pub fn cases() -> Vec<Case> {
    let raw = |what, data: &'static [u8], offset: u64, length| -> Case {
        (what, pax_raw(data), Rule::PaxRecord, 512 + offset, length)
    };
    let case = |what, key, value: &'static [u8], rule| -> Case {
        let length = length(key, value);
        let bytes = pax(&[("comment", b"first"), (key, value)]);
        (what, bytes, rule, 512 + 17, length)
    };
    let twice = |what, key, value: &'static [u8], rule| -> Case {
        let length = length(key, value);
        (
            what,
            pax(&[(key, value), (key, value)]),
            rule,
            512 + length,
            length,
        )
    };
    vec![
        raw("length too short", b"5 a=b\n", 0, 6),
        raw("length too long", b"7 a=b\n", 0, 6),
        raw("no length", b"a=b\n", 0, 4),
        raw("no newline", b"6 a=bc", 0, 6),
        raw("no equals sign", b"6 abc\n", 0, 6),
        raw("no key", b"5 =b\n", 0, 5),
        raw("the second is broken", b"6 a=b\n9 a=b\n", 6, 6),
        raw("zeros behind the records", b"6 a=b\n\0\0", 6, 2),
        (
            "a broken global record",
            new()
                .member(Head::ustar(b'g', "", 0), "7 a=b\n")
                .file("a", "")
                .end(),
            Rule::PaxRecord,
            512,
            6,
        ),
        twice("two paths", "path", b"b", Rule::PaxDuplicate),
        twice("two linkpaths", "linkpath", b"b", Rule::PaxDuplicate),
        twice("two sizes", "size", b"0", Rule::PaxDuplicate),
        twice("two uids", "uid", b"0", Rule::PaxDuplicate),
        twice("two gids", "gid", b"0", Rule::PaxDuplicate),
        twice("two mtimes", "mtime", b"0", Rule::PaxDuplicate),
        twice(
            "two device numbers",
            "SCHILY.devmajor",
            b"0",
            Rule::PaxDuplicate,
        ),
        twice(
            "two sparse sizes",
            "GNU.sparse.size",
            b"0",
            Rule::PaxDuplicate,
        ),
        case("empty path", "path", b"", Rule::PaxEmpty),
        case("empty linkpath", "linkpath", b"", Rule::PaxEmpty),
        case("empty size", "size", b"", Rule::PaxEmpty),
        case("empty uid", "uid", b"", Rule::PaxEmpty),
        case("empty mtime", "mtime", b"", Rule::PaxEmpty),
        case("size with a sign", "size", b"+5", Rule::PaxNumber),
        case("negative size", "size", b"-5", Rule::PaxNumber),
        case("size in hexadecimal", "size", b"0x5", Rule::PaxNumber),
        case(
            "size of 65 bits",
            "size",
            b"18446744073709551616",
            Rule::PaxNumber,
        ),
        case(
            "size of 64 bits",
            "size",
            b"9223372036854775808",
            Rule::SizeRange,
        ),
        case("negative uid", "uid", b"-1", Rule::PaxNumber),
        case("uid of 33 bits", "uid", b"4294967296", Rule::OwnerRange),
        case("gid of 33 bits", "gid", b"4294967296", Rule::OwnerRange),
        case(
            "device number in words",
            "SCHILY.devminor",
            b"one",
            Rule::PaxNumber,
        ),
        case("mtime in words", "mtime", b"now", Rule::PaxTime),
        case("mtime with an exponent", "mtime", b"1e9", Rule::PaxTime),
        case(
            "mtime of 65 bits",
            "mtime",
            b"9223372036854775808",
            Rule::PaxTime,
        ),
        case("names in KOI8-R", "hdrcharset", b"KOI8-R", Rule::Charset),
        (
            "all names in KOI8-R",
            new()
                .global(&[("hdrcharset", b"KOI8-R")])
                .file("a", "")
                .end(),
            Rule::Charset,
            512,
            21,
        ),
        case(
            "attribute without a name",
            "SCHILY.xattr.",
            b"x",
            Rule::XattrName,
        ),
        case(
            "escaped equals sign",
            "SCHILY.xattr.user.a%3Db",
            b"x",
            Rule::XattrName,
        ),
        case(
            "half an escape",
            "LIBARCHIVE.xattr.user.%f",
            b"x",
            Rule::XattrName,
        ),
        case(
            "escaped NUL",
            "LIBARCHIVE.xattr.user.%00",
            b"x",
            Rule::XattrName,
        ),
        case(
            "no base64",
            "LIBARCHIVE.xattr.user.a",
            b"*",
            Rule::XattrValue,
        ),
        twice(
            "an attribute twice",
            "SCHILY.xattr.user.a",
            b"x",
            Rule::XattrTwice,
        ),
        twice(
            "twice in base64",
            "LIBARCHIVE.xattr.user.a",
            b"eA",
            Rule::XattrTwice,
        ),
        (
            "an attribute with two values",
            pax(&[
                ("LIBARCHIVE.xattr.user.a", b"eA"),
                ("SCHILY.xattr.user.a", b"y"),
            ]),
            Rule::XattrTwice,
            512,
            30,
        ),
    ]
}

#[test]
fn malformed_records_are_refused() {
    check(&cases());
}
