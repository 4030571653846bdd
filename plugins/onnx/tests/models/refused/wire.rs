//! What is no message, or not one that all readers understand alike.

use lazaret_plugin_onnx::Rule;

use super::Case;
use crate::write::*;

pub fn cases() -> Vec<Case> {
    let over = |bytes: &[u8]| new().raw(bytes);
    let graph = |bytes: &[u8]| model(new().raw(bytes));
    let floats = |bytes: &[u8]| initializer(head("a", 1, &[1]).bytes(4, bytes));
    let ints = |bytes: &[u8]| initializer(head("a", 7, &[1]).bytes(7, bytes));
    let deep = |levels: usize| {
        // Sequences of sequences, in an input's type.
        let kind = (0..levels).fold(new(), |kind, _| new().message(4, new().message(1, kind)));
        model(new().message(11, new().message(2, kind)))
    };
    vec![
        ("a tag cut off", over(b"\x80"), Rule::VarintTruncated, 0, 1),
        (
            "a value cut off",
            over(b"\x08\x80\x80"),
            Rule::VarintTruncated,
            1,
            2,
        ),
        ("no value", over(b"\x08"), Rule::VarintTruncated, 1, 0),
        ("no length", over(b"\x12"), Rule::VarintTruncated, 1, 0),
        (
            "a varint that goes on in the next message",
            model(new().message(1, over(b"\x38\x80"))).message(14, new()),
            Rule::VarintTruncated,
            7,
            1,
        ),
        (
            "eleven bytes",
            over(b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
            Rule::VarintTooLong,
            1,
            10,
        ),
        (
            "65 bits",
            over(b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"),
            Rule::VarintRange,
            1,
            10,
        ),
        (
            "a tag of more than 32 bits",
            over(b"\x88\x80\x80\x80\x10\x08"),
            Rule::TagRange,
            0,
            5,
        ),
        (
            "a tag with more bytes than any needs",
            over(b"\x88\x80\x80\x80\x80\x00\x08"),
            Rule::TagRange,
            0,
            6,
        ),
        ("field zero", over(b"\x00\x08"), Rule::FieldZero, 0, 1),
        (
            "field zero with a length",
            over(b"\x02\x00"),
            Rule::FieldZero,
            0,
            1,
        ),
        ("a group", graph(b"\x1b\x1c"), Rule::Group, 4, 1),
        ("an end without a group", graph(b"\x1c"), Rule::Group, 4, 1),
        (
            "wire type 6",
            graph(b"\x1e\x00"),
            Rule::WireTypeUnknown,
            4,
            1,
        ),
        (
            "wire type 7",
            graph(b"\x1f\x00"),
            Rule::WireTypeUnknown,
            4,
            1,
        ),
        (
            "a graph that is a number",
            over(b"\x08\x08\x38\x00"),
            Rule::WireType,
            2,
            2,
        ),
        (
            "a version that is a text",
            over(b"\x0a\x018"),
            Rule::WireType,
            0,
            3,
        ),
        (
            "a name that is a fixed number",
            graph(b"\x15\x00\x00\x00\x00"),
            Rule::WireType,
            4,
            5,
        ),
        (
            "a single number that is packed",
            initializer(head("", 2, &[]).bytes(14, [0])),
            Rule::WireType,
            10,
            3,
        ),
        (
            "the wrong fixed size",
            initializer(new().raw(b"\x21\0\0\0\0\0\0\0\0")),
            Rule::WireType,
            6,
            9,
        ),
        (
            "deep within what is passed over",
            model(new().message(11, new().message(2, new().message(1, new().bytes(1, "x"))))),
            Rule::WireType,
            10,
            3,
        ),
        (
            "four bytes cut off",
            graph(b"\xfd\x01\0\0\0"),
            Rule::FixedTruncated,
            4,
            5,
        ),
        (
            "eight bytes cut off",
            graph(b"\xf9\x01\0\0\0\0\0\0\0"),
            Rule::FixedTruncated,
            4,
            9,
        ),
        (
            "a length past the end",
            over(b"\x12\x02x"),
            Rule::LengthBeyondMessage,
            0,
            2,
        ),
        (
            "a tensor longer than its graph",
            model(new().raw(b"\x2a\x03\x10\x01")).raw([0; 8]),
            Rule::LengthBeyondMessage,
            4,
            2,
        ),
        (
            "raw data longer than its tensor",
            initializer(head("a", 2, &[9]).raw(b"\x4a\x09x")).raw([0; 8]),
            Rule::LengthBeyondMessage,
            13,
            2,
        ),
        (
            "a length of 64 bits",
            over(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            Rule::LengthBeyondMessage,
            0,
            11,
        ),
        (
            "two graphs",
            model(new()).message(7, new()),
            Rule::FieldTwice,
            4,
            2,
        ),
        (
            "two versions",
            model(new()).varint(1, 8),
            Rule::FieldTwice,
            4,
            2,
        ),
        (
            "two names",
            initializer(bytes("a", b"x").bytes(8, "b")),
            Rule::FieldTwice,
            16,
            3,
        ),
        (
            "raw data twice",
            initializer(bytes("a", b"x").bytes(9, b"y")),
            Rule::FieldTwice,
            16,
            3,
        ),
        (
            "two sizes of one dimension",
            model(new().message(
                11,
                new().message(
                    2,
                    new().message(
                        1,
                        new().message(2, new().message(1, new().varint(1, 3).bytes(2, "n"))),
                    ),
                ),
            )),
            Rule::AlternativeTwice,
            16,
            3,
        ),
        (
            "a data type of 33 bits",
            initializer(head("a", 1 << 32 | 2, &[]).bytes(9, "x")),
            Rule::NumberRange,
            6,
            6,
        ),
        (
            "packed floats of five bytes",
            floats(&[0; 5]),
            Rule::PackedSize,
            15,
            5,
        ),
        (
            "packed varints cut off",
            ints(b"\x01\x80"),
            Rule::VarintTruncated,
            16,
            1,
        ),
        (
            "a packed varint of eleven bytes",
            ints(b"\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
            Rule::VarintTooLong,
            16,
            10,
        ),
        (
            "a packed varint of 65 bits",
            ints(b"\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"),
            Rule::VarintRange,
            16,
            10,
        ),
        ("types within types", deep(49), Rule::TooDeep, 239, 2),
    ]
}
