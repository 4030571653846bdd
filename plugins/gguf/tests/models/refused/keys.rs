//! Keys and values that are refused.

use lazaret_plugin_gguf::Rule;

use super::Case;
use crate::file::*;

pub fn keys() -> Vec<Case> {
    use Rule::*;
    // The first key is at 24 and takes 8 + 20 + 4 + 8 + 5 bytes: the next is at 69.
    const NEXT: u64 = 69;
    let with = |key: Vec<u8>| {
        let mut file = File::new().tensor("tensor", F32, &[4]);
        file.keys.push(key);
        file.bytes()
    };
    let last = |key: Vec<u8>| {
        let mut file = File::new();
        file.keys.push(key);
        file.index()
    };
    let alignment = |value: &[u8]| with(key("general.alignment", value));
    let value_at = NEXT + 8 + 1;
    vec![
        ("no key", last(vec![0; 14]), EmptyKey, NEXT, 8),
        (
            "key of 64 KiB",
            with(length(65_536, &[b'a'; 65_540])),
            KeyLength,
            NEXT,
            8,
        ),
        (
            "key of 2^64 - 1 bytes",
            last([vec![0xff; 8], vec![0; 8]].concat()),
            KeyLength,
            NEXT,
            8,
        ),
        (
            "key behind the end",
            last(length(20, b"1234567")),
            TruncatedKey,
            NEXT + 8,
            7,
        ),
        (
            "key with NUL",
            with(raw_key(b"general.alignment\0", &u32_value(1))),
            KeyText,
            NEXT + 8,
            18,
        ),
        (
            "key in Latin 1",
            with(raw_key(b"\xe9", &u32_value(1))),
            KeyText,
            NEXT + 8,
            1,
        ),
        (
            "key cut within its type",
            last(raw_key(b"a12345", &[4, 0])),
            TruncatedKey,
            NEXT + 14,
            2,
        ),
        (
            "key twice",
            with(key("general.architecture", &u32_value(1))),
            DuplicateKey,
            NEXT,
            28,
        ),
        (
            "type 13",
            with(key("a", &value(13, &[0; 8]))),
            ValueType,
            value_at,
            4,
        ),
        (
            "type 2^32 - 1",
            with(key("a", &value(u32::MAX, &[0; 8]))),
            ValueType,
            value_at,
            4,
        ),
        (
            "number cut",
            last(key("a12", &value(10, &[1, 2, 3]))),
            TruncatedValue,
            value_at + 6,
            3,
        ),
        (
            "boolean 2",
            with(key("a", &value(7, &[2]))),
            BoolValue,
            value_at + 4,
            1,
        ),
        (
            "a boolean of few",
            with(key("a", &array(7, 3, &[0, 1, 2]))),
            BoolValue,
            value_at + 18,
            1,
        ),
        (
            "a boolean of many",
            with(key(
                "a",
                &array(7, 70, &[[1; 69].as_slice(), &[255]].concat()),
            )),
            BoolValue,
            value_at + 16 + 69,
            1,
        ),
        (
            "string of 2^30 + 1 bytes",
            with(key("a", &value(8, &length((1 << 30) + 1, b"text")))),
            StringLength,
            value_at + 4,
            8,
        ),
        (
            "string of 2^64 - 1 bytes",
            with(key("a", &value(8, &length(u64::MAX, b"text")))),
            StringLength,
            value_at + 4,
            8,
        ),
        (
            "string behind the end",
            last(key("a", &value(8, &length(5, b"text")))),
            StringBeyondEnd,
            value_at + 4,
            8,
        ),
        (
            "string of an array behind the end",
            last(key(
                "a",
                &array(8, 2, &[length(1, b"a"), length(9, b"text")].concat()),
            )),
            StringBeyondEnd,
            value_at + 16 + 9,
            8,
        ),
        (
            "string of a long array that is too long",
            with(key(
                "a",
                &array(8, 70, &[vec![0; 8], vec![0xff; 8], vec![0; 800]].concat()),
            )),
            StringLength,
            value_at + 16 + 8,
            8,
        ),
        (
            "array of 2^30 + 1 elements",
            with(key("a", &array(0, (1 << 30) + 1, b"text"))),
            ArrayLength,
            value_at + 8,
            8,
        ),
        (
            "array of 2^61 numbers, whose bytes wrap",
            with(key("a", &array(10, 1 << 61, b"text"))),
            ArrayLength,
            value_at + 8,
            8,
        ),
        (
            "array behind the end",
            last(key("a", &array(4, 3, &[0; 11]))),
            ArrayBeyondEnd,
            value_at + 8,
            8,
        ),
        (
            "array of more strings than there is room for",
            last(key("a", &array(8, 3, &[0; 23]))),
            ArrayBeyondEnd,
            value_at + 8,
            8,
        ),
        (
            "array without a length",
            last(key("a", &value(9, &[4, 0, 0, 0, 1]))),
            TruncatedValue,
            value_at + 8,
            1,
        ),
        (
            "array of type 13",
            with(key("a", &array(13, 1, &[0; 8]))),
            ValueType,
            value_at + 4,
            4,
        ),
        (
            "array of arrays",
            with(key("a", &array(9, 1, &array(0, 1, &[1])[4..]))),
            NestedArray,
            value_at + 4,
            4,
        ),
        (
            "alignment of 64 bits",
            alignment(&value(10, &32_u64.to_le_bytes())),
            AlignmentType,
            NEXT + 25,
            4,
        ),
        (
            "alignment with a sign",
            alignment(&value(5, &32_i32.to_le_bytes())),
            AlignmentType,
            NEXT + 25,
            4,
        ),
        (
            "alignment in a list",
            alignment(&array(4, 1, &32_u32.to_le_bytes())),
            AlignmentType,
            NEXT + 25,
            4,
        ),
        (
            "alignment 0",
            alignment(&u32_value(0)),
            AlignmentValue,
            NEXT + 29,
            4,
        ),
        (
            "alignment 24",
            alignment(&u32_value(24)),
            AlignmentValue,
            NEXT + 29,
            4,
        ),
        (
            "alignment 2^31",
            alignment(&u32_value(1 << 31)),
            AlignmentTooLarge,
            NEXT + 29,
            4,
        ),
        (
            "alignment 2^25",
            alignment(&u32_value(1 << 25)),
            AlignmentTooLarge,
            NEXT + 29,
            4,
        ),
    ]
}
