//! Headers whose fields cannot be, or are read differently.

use lazaret_plugin_tar::Rule;

use super::{Case, check, file, new, one, pax};
use crate::archive::*;

pub fn cases() -> Vec<Case> {
    let mut wrong = file("a").block();
    wrong[0] = b'b';
    let mut blank = file("a").block();
    blank[CHECKSUM].fill(b' ');
    let mut signed = Head::ustar(b'0', b"\xff", 0).block();
    signed[CHECKSUM].copy_from_slice(b"001234\0 ");
    let number = |what, field: std::ops::Range<usize>| -> Case {
        let (offset, length) = (field.start as u64, field.len() as u64);
        let garbage = Head::ustar(b'0', "a", 0).set(field, b"64 4");
        (what, one(garbage), Rule::NumberSyntax, offset, length)
    };
    vec![
        (
            "a byte changed",
            new().raw(wrong).end(),
            Rule::Checksum,
            148,
            8,
        ),
        (
            "blank checksum",
            new().raw(blank).end(),
            Rule::Checksum,
            148,
            8,
        ),
        (
            "neither sum fits",
            new().raw(signed).end(),
            Rule::Checksum,
            148,
            8,
        ),
        ("no tar at all", vec![b'x'; 2048], Rule::Checksum, 148, 8),
        (
            "a second header broken",
            new().file("a", "").raw([1; 512]).end(),
            Rule::Checksum,
            512 + 148,
            8,
        ),
        number("garbage in mode", MODE),
        number("garbage in uid", UID),
        number("garbage in gid", GID),
        number("garbage in size", SIZE),
        number("garbage in mtime", MTIME),
        (
            "garbage in mtime, though a record overrides it",
            new()
                .pax(&[("mtime", b"1")])
                .head(file("a").set(MTIME, b"x"))
                .end(),
            Rule::NumberSyntax,
            1024 + 136,
            12,
        ),
        (
            "digits behind a NUL",
            one(file("a").set(SIZE, b"0\x001")),
            Rule::NumberSyntax,
            124,
            12,
        ),
        (
            "a plus sign",
            one(file("a").set(SIZE, b"+0")),
            Rule::NumberSyntax,
            124,
            12,
        ),
        (
            "garbage in a device number",
            one(Head::ustar(b'3', "a", 0).device(1, 1).set(MINOR, b"x")),
            Rule::NumberSyntax,
            329,
            16,
        ),
        (
            "mtime of 96 bits",
            one(file("a").set(MTIME, b"\x80\x01\0\0\0\0\0\0\0\0\0\0")),
            Rule::NumberRange,
            136,
            12,
        ),
        (
            "size of 96 bits",
            one(file("a").set(SIZE, b"\x80\0\0\x01\0\0\0\0\0\0\0\0")),
            Rule::NumberRange,
            124,
            12,
        ),
        (
            "blank size",
            one(file("a").set(SIZE, b"")),
            Rule::BlankSize,
            124,
            12,
        ),
        (
            "blank size of a directory",
            one(Head::ustar(b'5', "a", 0).set(SIZE, b"           ")),
            Rule::BlankSize,
            124,
            12,
        ),
        (
            "size -1",
            one(file("a").binary(SIZE, -1)),
            Rule::NegativeSize,
            124,
            12,
        ),
        (
            "size of an extension -512",
            one(Head::ustar(b'x', "a", 0).binary(SIZE, -512)),
            Rule::NegativeSize,
            124,
            12,
        ),
        (
            "uid -1",
            one(file("a").binary(UID, -1)),
            Rule::OwnerRange,
            108,
            8,
        ),
        (
            "gid of 33 bits",
            one(file("a").binary(GID, 1 << 32)),
            Rule::OwnerRange,
            116,
            8,
        ),
        (
            "mode -1",
            one(file("a").binary(MODE, -1)),
            Rule::ModeRange,
            100,
            8,
        ),
        (
            "mode of 33 bits",
            one(file("a").binary(MODE, 1 << 32)),
            Rule::ModeRange,
            100,
            8,
        ),
        (
            "device in an old archive",
            one(Head::v7(b'3', "a", 0).device(1, 1)),
            Rule::DeviceNumbers,
            329,
            16,
        ),
        (
            "device without numbers",
            one(Head::ustar(b'4', "a", 0)),
            Rule::DeviceNumbers,
            329,
            16,
        ),
        (
            "device number -1",
            one(Head::gnu(b'4', "a", 0).octal(MAJOR, 1).binary(MINOR, -1)),
            Rule::DeviceNumbers,
            329,
            16,
        ),
        (
            "device number of 33 bits",
            one(Head::gnu(b'4', "a", 0)
                .octal(MINOR, 1)
                .binary(MAJOR, 1 << 32)),
            Rule::DeviceNumbers,
            329,
            16,
        ),
        (
            "another device in a record",
            new()
                .pax(&[("SCHILY.devminor", b"4")])
                .head(Head::ustar(b'3', "a", 0).device(1, 3))
                .end(),
            Rule::DeviceNumbers,
            512,
            21,
        ),
        (
            "ustar 99",
            one(file("a").set(MAGIC, b"ustar\x0099")),
            Rule::UstarVersion,
            257,
            8,
        ),
        (
            "ustar without a version",
            one(file("a").set(MAGIC, b"ustar")),
            Rule::UstarVersion,
            257,
            8,
        ),
        (
            "a prefix under GNU magic",
            one(Head::gnu(b'0', "a", 0).set(PREFIX, b"some/directory")),
            Rule::GnuPrefix,
            345,
            155,
        ),
        (
            "a prefix of 132 bytes under star's trailer",
            one(file("a").set(PREFIX, &[b'p'; 132]).set(TRAILER, b"tar\0")),
            Rule::StarPrefix,
            345,
            155,
        ),
        (
            "GNU dumpdir",
            one(Head::gnu(b'D', "a", 0)),
            Rule::UnknownType,
            156,
            1,
        ),
        (
            "Solaris extension",
            one(file("a").set(KIND, b"X")),
            Rule::UnknownType,
            156,
            1,
        ),
        (
            "type 8",
            one(file("a").set(KIND, b"8")),
            Rule::UnknownType,
            156,
            1,
        ),
        (
            "type 0xff",
            one(file("a").set(KIND, b"\xff")),
            Rule::UnknownType,
            156,
            1,
        ),
        (
            "continued file",
            one(Head::gnu(b'M', "a", 0)),
            Rule::MultiVolume,
            156,
            1,
        ),
        (
            "continued file, PAX",
            pax(&[("GNU.volume.offset", b"512")]),
            Rule::MultiVolume,
            512,
            25,
        ),
        (
            "label with a size",
            one(Head::gnu(b'V', "a", 1)),
            Rule::LabelWithSize,
            124,
            12,
        ),
    ]
}

#[test]
fn broken_fields_are_refused() {
    check(&cases());
}
