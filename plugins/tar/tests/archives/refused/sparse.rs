//! Sparse files that cannot be.

use lazaret_plugin_tar::Rule;

use super::{Case, check, length, new, one, pax};
use crate::archive::*;

pub fn cases() -> Vec<Case> {
    let map = |what, size: &str, count: &str, map: &str, rule| -> Case {
        let bytes = new()
            .pax(&[
                ("GNU.sparse.size", size.as_bytes()),
                ("GNU.sparse.numblocks", count.as_bytes()),
                ("GNU.sparse.map", map.as_bytes()),
            ])
            .file("a", "12345")
            .end();
        let size = length("GNU.sparse.size", size.as_bytes());
        let count = length("GNU.sparse.numblocks", count.as_bytes());
        let map = length("GNU.sparse.map", map.as_bytes());
        if rule == Rule::SparseCount {
            (what, bytes, rule, 512 + size, count)
        } else {
            (what, bytes, rule, 512 + size + count, map)
        }
    };
    // Where the map's record stands, if size and count have one digit.
    let at = 512 + length("GNU.sparse.size", b"5") + length("GNU.sparse.numblocks", b"1");
    let map_length = length("GNU.sparse.map", b"0,5");
    let text = |what, map: &str, data: &str, rule, offset: u64, length| -> Case {
        let mut map = map.as_bytes().to_vec();
        map.resize(map.len().next_multiple_of(512), 0);
        map.extend_from_slice(data.as_bytes());
        let bytes = new()
            .pax(&[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.realsize", b"9"),
            ])
            .file("a", map)
            .end();
        (what, bytes, rule, 1536 + offset, length)
    };
    let long_text = format!("9999\n{}", "0\n0\n".repeat(200));
    let slots = |what, slots: &[u8], flag, rule, offset, length| -> Case {
        let head = Head::gnu(b'S', "a", 0)
            .set(GNU_SPARSE, slots)
            .set(GNU_EXTENDED, &[flag])
            .octal(GNU_REAL_SIZE, 9);
        (
            what,
            new().member(head, "12345").end(),
            rule,
            offset,
            length,
        )
    };
    let used = b"00000000000\x0000000000005\0";
    let behind = [&[0; 24][..], used].concat();
    vec![
        (
            "only a size",
            pax(&[("GNU.sparse.size", b"0")]),
            Rule::SparseKind,
            512,
            length("GNU.sparse.size", b"0"),
        ),
        (
            "only a name",
            pax(&[("GNU.sparse.name", b"b")]),
            Rule::SparseKind,
            512,
            length("GNU.sparse.name", b"b"),
        ),
        (
            "records before an S",
            new()
                .pax(&[
                    ("GNU.sparse.size", b"5"),
                    ("GNU.sparse.numblocks", b"1"),
                    ("GNU.sparse.map", b"0,5"),
                ])
                .member(Head::gnu(b'S', "a", 0).set(GNU_SPARSE, used), "12345")
                .end(),
            Rule::SparseKind,
            at,
            map_length,
        ),
        (
            "version 2.0",
            pax(&[
                ("GNU.sparse.major", b"2"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.realsize", b"0"),
            ]),
            Rule::SparseVersion,
            512,
            22,
        ),
        (
            "star's",
            pax(&[("SCHILY.realsize", b"5")]),
            Rule::SparseVersion,
            512,
            length("SCHILY.realsize", b"5"),
        ),
        (
            "an unknown record",
            pax(&[("GNU.sparse.x", b"5")]),
            Rule::SparseVersion,
            512,
            length("GNU.sparse.x", b"5"),
        ),
        (
            "S under POSIX magic",
            one(Head::ustar(b'S', "a", 0)),
            Rule::SparseMagic,
            156,
            1,
        ),
        (
            "S in an old archive",
            one(Head::v7(b'S', "a", 0)),
            Rule::SparseMagic,
            156,
            1,
        ),
        (
            "a sparse link",
            new()
                .pax(&[
                    ("GNU.sparse.size", b"5"),
                    ("GNU.sparse.numblocks", b"1"),
                    ("GNU.sparse.map", b"0,0"),
                ])
                .head(Head::ustar(b'2', "a", 0).target(b"b"))
                .end(),
            Rule::SparseNonRegular,
            at,
            map_length,
        ),
        map("odd numbers", "9", "1", "0,5,6", Rule::SparseSyntax),
        map("a space", "9", "1", "0, 5", Rule::SparseSyntax),
        text("a comma", "1,0,5\n", "", Rule::SparseSyntax, 1, 1),
        text("a NUL in the map", "1\n0\n\0", "", Rule::SparseSyntax, 4, 1),
        text("an empty line", "1\n\n5\n", "", Rule::SparseSyntax, 2, 1),
        text(
            "21 digits",
            "000000000000000000001\n",
            "",
            Rule::SparseSyntax,
            20,
            1,
        ),
        slots("a slot in words", b"zero", 0, Rule::SparseSlot, 386, 24),
        slots(
            "a slot with letters",
            b"0000000000x\x0000000000005",
            0,
            Rule::SparseSyntax,
            386,
            24,
        ),
        slots(
            "a used slot behind an empty one",
            &behind,
            0,
            Rule::SparseSlot,
            410,
            24,
        ),
        slots(
            "a block behind an empty slot",
            used,
            1,
            Rule::SparseSlot,
            482,
            1,
        ),
        slots("a flag of 2", &used.repeat(4), 2, Rule::SparseSlot, 482, 1),
        (
            "a real size of -1",
            one(Head::gnu(b'S', "a", 0).binary(GNU_REAL_SIZE, -1)),
            Rule::SizeRange,
            483,
            12,
        ),
        (
            "a blank real size",
            one(Head::gnu(b'S', "a", 0)),
            Rule::SizeRange,
            483,
            12,
        ),
        map(
            "64 bits",
            "9223372036854775808",
            "1",
            "0,5",
            Rule::SizeRange,
        ),
        text(
            "a map without an end",
            &long_text[..512],
            "",
            Rule::SparseMapTooLong,
            0,
            512,
        ),
        text(
            "a map that ends behind the data",
            &long_text[..512],
            "5\n",
            Rule::SparseMapTooLong,
            0,
            512,
        ),
        text("no map", "", "1\n0\n5\n", Rule::SparseMapTooLong, 0, 0),
        text("32,768 regions", "32768\n", "", Rule::SparseTooLarge, 5, 1),
        map("a missing region", "9", "2", "0,5", Rule::SparseCount),
        map("overlap", "9", "2", "0,3,2,2", Rule::SparseOrder),
        map("backwards", "9", "2", "5,2,0,3", Rule::SparseOrder),
        map("behind the end", "4", "1", "0,5", Rule::SparseBeyondEnd),
        map("too little data", "9", "1", "0,6", Rule::SparseSum),
        map("too much data", "9", "1", "0,4", Rule::SparseSum),
        text(
            "too little data",
            "1\n0\n5\n",
            "1234",
            Rule::SparseSum,
            0,
            512,
        ),
        slots(
            "overlap, binary",
            &used.repeat(2),
            0,
            Rule::SparseOrder,
            386,
            96,
        ),
    ]
}

#[test]
fn impossible_sparse_files_are_refused() {
    check(&cases());
}
