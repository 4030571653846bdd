//! Tensors in other files that must not be there.

use lazaret_plugin_onnx::Rule;

use super::Case;
use crate::write::{self, *};

pub fn cases() -> Vec<Case> {
    let location = |text: &str| initializer(external("a", 1, &[("location", text)]));
    let entries = |entries: &[(&str, &str)]| initializer(external("a", 1, entries));
    let with = |key: &str, value: &str| entries(&[("location", "w"), (key, value)]);
    let ranges = |ranges: &[(u64, u64)]| {
        let mut graph = new();
        for (number, (offset, length)) in ranges.iter().enumerate() {
            let offset = offset.to_string();
            let entries = [("location", "w"), ("offset", &offset)];
            graph = graph.message(5, external(&number.to_string(), *length, &entries));
        }
        model(graph)
    };
    let long = "x".repeat(256);
    let mut cases: Vec<Case> = vec![
        ("no entries", entries(&[]), Rule::LocationMissing, 6, 9),
        (
            "no location",
            entries(&[("offset", "0")]),
            Rule::LocationMissing,
            6,
            22,
        ),
        (
            "entries of a tensor that is stored here",
            initializer(
                write::bytes("a", b"x").message(13, new().bytes(1, "location").bytes(2, "w")),
            ),
            Rule::ExternalUnused,
            18,
            13,
        ),
        (
            "raw data",
            initializer(external("a", 1, &[("location", "w")]).bytes(9, "x")),
            Rule::ExternalWithData,
            6,
            27,
        ),
        (
            "typed data",
            initializer(external("a", 1, &[("location", "w")]).bytes(5, [1])),
            Rule::ExternalWithData,
            6,
            27,
        ),
        (
            "strings",
            initializer(
                head("a", 8, &[1])
                    .varint(14, 1)
                    .message(13, new().bytes(1, "location").bytes(2, "w")),
            ),
            Rule::ExternalString,
            13,
            2,
        ),
        (
            "no data type",
            initializer(
                new()
                    .bytes(8, "a")
                    .varint(14, 1)
                    .message(13, new().bytes(1, "location").bytes(2, "w")),
            ),
            Rule::DataTypeMissing,
            6,
            20,
        ),
        (
            "an unknown key",
            with("__class__", "x"),
            Rule::ExternalKeyUnknown,
            34,
            9,
        ),
        ("no key", with("", "x"), Rule::ExternalKeyUnknown, 34, 0),
        (
            "a key that is not quite known",
            with("Offset", "0"),
            Rule::ExternalKeyUnknown,
            34,
            6,
        ),
        (
            "two locations",
            with("location", "v"),
            Rule::ExternalKeyTwice,
            34,
            8,
        ),
        (
            "two offsets",
            entries(&[("location", "w"), ("offset", "0"), ("offset", "0")]),
            Rule::ExternalKeyTwice,
            47,
            6,
        ),
        (
            "a length that is not the tensor's",
            with("length", "2"),
            Rule::ExternalSize,
            42,
            1,
        ),
        (
            "a length of zero",
            with("length", "0"),
            Rule::ExternalSize,
            42,
            1,
        ),
        (
            "an offset of 64 bits",
            with("offset", "9223372036854775808"),
            Rule::ExternalRange,
            42,
            19,
        ),
        (
            "a range beyond the end of any file",
            with("offset", "9223372036854775807"),
            Rule::ExternalRange,
            42,
            19,
        ),
        (
            "a checksum with a blank",
            with("checksum", "a b"),
            Rule::ExternalChecksum,
            44,
            3,
        ),
        (
            "an empty checksum",
            with("checksum", ""),
            Rule::ExternalChecksum,
            44,
            0,
        ),
        (
            "a base path upwards",
            with("basepath", "../x"),
            Rule::LocationParent,
            44,
            4,
        ),
        (
            "ranges that overlap",
            ranges(&[(0, 8), (4, 8)]),
            Rule::ExternalOverlap,
            45,
            37,
        ),
        (
            "a range within another",
            ranges(&[(4, 2), (0, 8)]),
            Rule::ExternalOverlap,
            6,
            37,
        ),
        (
            "a range and its beginning",
            ranges(&[(0, 8), (0, 4)]),
            Rule::ExternalOverlap,
            6,
            37,
        ),
    ];
    for number in ["-1", "+1", " 1", "1 ", "1_0", "01", "0x1", "1.0", "", "١"] {
        let length = number.len() as u64;
        cases.push((
            "a number",
            with("offset", number),
            Rule::ExternalNumber,
            42,
            length,
        ));
    }
    for (text, rule) in [
        ("", Rule::LocationEmpty),
        (".", Rule::LocationEmpty),
        ("..", Rule::LocationParent),
        ("a/../../b", Rule::LocationParent),
        ("/etc/passwd", Rule::LocationAbsolute),
        ("C:\\w", Rule::LocationBackslash),
        ("C:w", Rule::LocationDrive),
        ("a\\..\\b", Rule::LocationBackslash),
        ("a\0b", Rule::LocationNul),
        ("a//b", Rule::LocationComponent),
        ("a/", Rule::LocationComponent),
        ("*/_ORT_MEM_ADDR_/*", Rule::LocationMemory),
        ("*/_ORT_LITTLE_ENDIAN_MEM_ADDR_/*", Rule::LocationMemory),
    ] {
        cases.push(("a location", location(text), rule, 29, text.len() as u64));
    }
    cases.push((
        "a long location",
        location(&long),
        Rule::LocationTooLong,
        33,
        256,
    ));
    cases
}
