//! Tensors whose type, shape and values do not fit each other.

use lazaret_plugin_onnx::Rule;

use super::Case;
use crate::write::*;

pub fn cases() -> Vec<Case> {
    let twice = |name: &str| {
        let first = new().message(5, bytes(name, b"x"));
        model(first.message(5, bytes(name, b"y")))
    };
    vec![
        (
            "no name",
            initializer(bytes("", b"x")),
            Rule::EmptyName,
            6,
            9,
        ),
        (
            "a name that is not UTF-8",
            initializer(new().varint(2, 2).bytes(8, b"\xff").bytes(9, b"x")),
            Rule::NotUtf8,
            10,
            1,
        ),
        (
            "a name of 16385 bytes",
            initializer(bytes(&"x".repeat(16385), b"x")),
            Rule::TextTooLong,
            18,
            16385,
        ),
        ("two of one name", twice("a"), Rule::NameTwice, 24, 1),
        (
            "a sparse and a dense one of one name",
            model(
                new().message(5, bytes("a", b"x")).message(
                    15,
                    new()
                        .message(1, bytes("a", b"y"))
                        .message(2, head("", 7, &[1]).bytes(9, [0; 8]))
                        .varint(3, 2),
                ),
            ),
            Rule::NameTwice,
            26,
            1,
        ),
        (
            "no data type",
            initializer(new().bytes(8, "a").bytes(9, "x")),
            Rule::DataTypeMissing,
            6,
            6,
        ),
        (
            "data type 0",
            initializer(head("a", 0, &[0])),
            Rule::DataTypeMissing,
            6,
            7,
        ),
        (
            "data type 29",
            initializer(head("a", 29, &[0])),
            Rule::DataTypeUnknown,
            8,
            2,
        ),
        (
            "a negative data type",
            initializer(head("a", u64::MAX, &[0])),
            Rule::DataTypeUnknown,
            8,
            11,
        ),
        (
            "a negative dimension",
            initializer(head("a", 2, &[u64::MAX])),
            Rule::NegativeDimension,
            6,
            11,
        ),
        (
            "a negative dimension that is packed",
            initializer(new().bytes(1, [&[1][..], &varint(u64::MAX)].concat())),
            Rule::NegativeDimension,
            9,
            10,
        ),
        (
            "65 dimensions",
            initializer(head("a", 2, &[1; 65])),
            Rule::RankTooLarge,
            136,
            2,
        ),
        (
            "65 dimensions that are packed",
            initializer(new().bytes(1, [1; 65])),
            Rule::RankTooLarge,
            72,
            1,
        ),
        (
            "2^32 times 2^32 elements",
            initializer(head("a", 2, &[1 << 32, 1 << 32])),
            Rule::SizeRange,
            6,
            17,
        ),
        (
            "2^61 elements of eight bytes",
            initializer(head("a", 7, &[1 << 61])),
            Rule::SizeRange,
            6,
            15,
        ),
        (
            "2^64 elements and a dimension of zero",
            initializer(head("a", 2, &[1 << 32, 0, 1 << 32])),
            Rule::SizeRange,
            6,
            19,
        ),
        (
            "a segment",
            initializer(
                head("a", 2, &[])
                    .message(3, new().varint(1, 0))
                    .bytes(9, "x"),
            ),
            Rule::Segment,
            11,
            4,
        ),
        (
            "no values",
            initializer(head("a", 2, &[1])),
            Rule::DataMissing,
            6,
            7,
        ),
        (
            "no value of a single element",
            initializer(head("a", 2, &[])),
            Rule::DataMissing,
            6,
            5,
        ),
        (
            "raw data and typed data",
            initializer(bytes("a", b"x").bytes(5, [1])),
            Rule::DataTwice,
            16,
            3,
        ),
        (
            "empty raw data and typed data",
            initializer(bytes("a", b"").bytes(5, [1])),
            Rule::DataTwice,
            15,
            3,
        ),
        (
            "two kinds of typed data",
            initializer(head("a", 1, &[1]).bytes(4, [0; 4]).bytes(7, [1])),
            Rule::DataTwice,
            19,
            3,
        ),
        (
            "values with a text between them",
            initializer(head("a", 7, &[2]).varint(7, 1).bytes(12, "").varint(7, 1)),
            Rule::DataScattered,
            17,
            2,
        ),
        (
            "raw data that is too short",
            initializer(head("a", 1, &[2]).bytes(9, [0; 7])),
            Rule::RawSize,
            13,
            9,
        ),
        (
            "raw data that is too long",
            initializer(head("a", 1, &[2]).bytes(9, [0; 9])),
            Rule::RawSize,
            13,
            11,
        ),
        (
            "raw data of no elements",
            initializer(head("a", 1, &[0]).bytes(9, [0; 4])),
            Rule::RawSize,
            13,
            6,
        ),
        (
            "half bytes with one byte too many",
            initializer(head("a", 22, &[3]).bytes(9, [0; 3])),
            Rule::RawSize,
            13,
            5,
        ),
        (
            "a float too few",
            initializer(head("a", 1, &[2]).bytes(4, [0; 4])),
            Rule::TypedCount,
            13,
            6,
        ),
        (
            "a number too many",
            initializer(head("a", 7, &[2]).bytes(7, [1, 2, 3])),
            Rule::TypedCount,
            13,
            5,
        ),
        (
            "complex numbers without imaginary parts",
            initializer(head("a", 14, &[2]).bytes(4, [0; 8])),
            Rule::TypedCount,
            13,
            10,
        ),
        (
            "half bytes, each in a number of its own",
            initializer(head("a", 22, &[4]).bytes(5, [1, 2, 3, 4])),
            Rule::TypedCount,
            13,
            6,
        ),
        (
            "a string too few",
            initializer(head("a", 8, &[2]).bytes(6, "x")),
            Rule::TypedCount,
            13,
            3,
        ),
        (
            "floats in the field of doubles",
            initializer(head("a", 1, &[1]).bytes(10, [0; 8])),
            Rule::TypedField,
            13,
            10,
        ),
        (
            "unsigned numbers in the field of signed ones",
            initializer(head("a", 12, &[1]).bytes(5, [1])),
            Rule::TypedField,
            13,
            3,
        ),
        (
            "strings as raw data",
            initializer(head("a", 8, &[1]).bytes(9, "x")),
            Rule::StringRaw,
            13,
            3,
        ),
        (
            "no strings as raw data",
            initializer(head("a", 8, &[0]).bytes(9, "")),
            Rule::StringRaw,
            13,
            2,
        ),
        (
            "data location 2",
            initializer(bytes("a", b"x").varint(14, 2)),
            Rule::DataLocation,
            16,
            2,
        ),
    ]
}
