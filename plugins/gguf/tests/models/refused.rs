//! Files that are refused: each with the rule it breaks and the bytes that do.

use std::collections::BTreeSet;

use lazaret_plugin_gguf::limits::{KEYS_MAX, TENSORS_MAX};
use lazaret_plugin_gguf::{Rule, Span, replay};

use crate::file::*;

/// Name, bytes, rule, offset and length.
pub type Case = (&'static str, Vec<u8>, Rule, u64, u64);

fn patched(mut bytes: Vec<u8>, at: u64, patch: &[u8]) -> Vec<u8> {
    let at = at as usize;
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

fn cut(mut bytes: Vec<u8>, end: u64) -> Vec<u8> {
    bytes.truncate(end as usize);
    bytes
}

fn headers() -> Vec<Case> {
    use Rule::*;
    let sound = File::new().tensor("tensor", F32, &[4]).bytes();
    let with = |at, patch: &[u8]| patched(sound.clone(), at, patch);
    let only = |tensors: u64, keys: u64| {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(tensors.to_le_bytes());
        bytes.extend(keys.to_le_bytes());
        bytes.resize(26 * TENSORS_MAX as usize, 0);
        bytes
    };
    vec![
        ("nothing", vec![], TruncatedHeader, 0, 0),
        ("three letters", b"GGU".to_vec(), TruncatedHeader, 0, 3),
        ("no version", b"GGUF\x03".to_vec(), TruncatedHeader, 4, 1),
        ("no counts", cut(sound.clone(), 20), TruncatedHeader, 16, 4),
        ("another format", with(0, b"GGML"), Magic, 0, 4),
        ("magic in the other order", with(0, b"FUGG"), Magic, 0, 4),
        ("version 0", with(4, &[0; 4]), VersionZero, 4, 4),
        ("version 1", with(4, &[1, 0, 0, 0]), VersionOne, 4, 4),
        ("version 4", with(4, &[4, 0, 0, 0]), VersionUnknown, 4, 4),
        (
            "version 2^16 + 3",
            with(4, &[3, 0, 1, 0]),
            VersionUnknown,
            4,
            4,
        ),
        (
            "big-endian version 3",
            with(4, &[0, 0, 0, 3]),
            ByteSwapped,
            4,
            4,
        ),
        (
            "big-endian version 2",
            with(4, &[0, 0, 0, 2]),
            ByteSwapped,
            4,
            4,
        ),
        (
            "tensors below zero",
            with(8, &[0xff; 8]),
            NegativeCount,
            8,
            8,
        ),
        (
            "keys below zero",
            with(16, &[0, 0, 0, 0, 0, 0, 0, 0x80]),
            NegativeCount,
            16,
            8,
        ),
        (
            "2^62 tensors",
            with(8, &(1_u64 << 62).to_le_bytes()),
            CountBeyondEnd,
            8,
            16,
        ),
        (
            "2^62 keys",
            with(16, &(1_u64 << 62).to_le_bytes()),
            CountBeyondEnd,
            8,
            16,
        ),
        (
            "2^61 keys, whose bytes wrap",
            with(16, &(0x1249_2492_4924_9249_u64).to_le_bytes()),
            CountBeyondEnd,
            8,
            16,
        ),
        (
            "too many tensors",
            only(TENSORS_MAX + 1, 0),
            TooManyTensors,
            8,
            8,
        ),
        ("too many keys", only(0, KEYS_MAX + 1), TooManyKeys, 16, 8),
    ]
}

fn keys() -> Vec<Case> {
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

fn tensors() -> Vec<Case> {
    use Rule::*;
    // Behind the first key; the second tensor's description is at 69 + 8 + 5 + 4 + 8 + 4 + 8.
    const FIRST: u64 = 69;
    const SECOND: u64 = FIRST + 37;
    let first = File::new().tensor("first", F32, &[4]);
    let second = |name: &[u8], dtype, dimensions: &[u64]| {
        let data = vec![0; 4096];
        let file = first.clone();
        file.described(name, dtype, dimensions, None, data).bytes()
    };
    let shaped = |dtype, dimensions: &[u64]| second(b"t", dtype, dimensions);
    let placed = |offset| {
        let file = first.clone();
        file.described(b"t", I8, &[32], Some(offset), vec![0; 32])
            .bytes()
    };
    let index = |name: &[u8]| {
        let file = first.clone();
        file.described(name, I8, &[32], None, vec![0; 32]).index()
    };
    let shape_at = SECOND + 8 + 1 + 4;
    let big = 1 << 62;
    let data = first.clone().tensor("t", I8, &[32]);
    let (data, data_index) = (data.bytes(), data.index().len() as u64);
    let dims = |count: u64| shape_at + 8 * count;
    vec![
        ("no name", second(b"", F32, &[4]), EmptyName, SECOND, 8),
        (
            "name of 64 bytes",
            second(&[b'n'; 64], F32, &[4]),
            NameLength,
            SECOND,
            8,
        ),
        (
            "name with NUL",
            second(b"a\0b", F32, &[4]),
            NameText,
            SECOND + 8,
            3,
        ),
        (
            "name in Latin 1",
            second(b"\xe9", F32, &[4]),
            NameText,
            SECOND + 8,
            1,
        ),
        (
            "name twice",
            second(b"first", F32, &[4]),
            DuplicateName,
            SECOND,
            13,
        ),
        (
            "name cut",
            cut(index(b"third"), SECOND + 10),
            TruncatedTensor,
            SECOND + 8,
            2,
        ),
        (
            "name cut",
            cut(index(&[b'n'; 60]), SECOND + 30),
            TruncatedTensor,
            SECOND + 8,
            22,
        ),
        (
            "description cut",
            cut(index(b"third"), SECOND + 34),
            TruncatedTensor,
            SECOND + 29,
            5,
        ),
        (
            "5 dimensions",
            shaped(F32, &[1; 5]),
            Dimensions,
            SECOND + 9,
            4,
        ),
        (
            "dimension below zero",
            shaped(F32, &[1, u64::MAX]),
            NegativeDimension,
            shape_at + 8,
            8,
        ),
        (
            "2^32 by 2^32 elements",
            shaped(F32, &[1 << 32, 1 << 32]),
            ElementsOverflow,
            shape_at,
            16,
        ),
        (
            "2^62 by 2 elements",
            shaped(I8, &[big, 2]),
            ElementsOverflow,
            shape_at,
            16,
        ),
        (
            "2^248 elements",
            shaped(I8, &[big, big, big, big]),
            ElementsOverflow,
            shape_at,
            32,
        ),
        (
            "2^124 elements and none",
            shaped(I8, &[big, big, 0]),
            ElementsOverflow,
            shape_at,
            24,
        ),
        (
            "2^63 - 1 elements",
            shaped(I8, &[u64::MAX >> 1]),
            ElementsOverflow,
            shape_at,
            8,
        ),
        ("2^64 bytes", shaped(F32, &[big]), SizeOverflow, shape_at, 8),
        (
            "2^61 bytes",
            shaped(F32, &[1 << 59]),
            TensorBeyondEnd,
            SECOND,
            33,
        ),
        (
            "part of a block",
            shaped(Q4_0, &[33]),
            PartialBlock,
            shape_at,
            8,
        ),
        (
            "rows of half a block",
            shaped(Q4_0, &[16, 2]),
            PartialBlock,
            shape_at,
            16,
        ),
        (
            "a single element of a block",
            shaped(Q4_0, &[]),
            PartialBlock,
            shape_at,
            0,
        ),
        ("type 4", shaped(4, &[32]), TypeGone, dims(1), 4),
        ("type 5", shaped(5, &[32]), TypeGone, dims(1), 4),
        ("type 31", shaped(31, &[32]), TypeGone, dims(1), 4),
        ("type 32", shaped(32, &[32]), TypeGone, dims(1), 4),
        ("type 33", shaped(33, &[32]), TypeGone, dims(1), 4),
        ("type 36", shaped(36, &[32]), TypeGone, dims(1), 4),
        ("type 37", shaped(37, &[32]), TypeGone, dims(1), 4),
        ("type 38", shaped(38, &[32]), TypeGone, dims(1), 4),
        ("type 43", shaped(43, &[32]), TypeUnknown, dims(1), 4),
        ("type 256", shaped(256, &[32]), TypeUnknown, dims(1), 4),
        (
            "type 2^32 - 1",
            shaped(u32::MAX, &[32]),
            TypeUnknown,
            dims(1),
            4,
        ),
        ("a hole", placed(64), Offset, dims(1) + 4, 8),
        ("an overlap", placed(0), Offset, dims(1) + 4, 8),
        ("offset within padding", placed(16), Offset, dims(1) + 4, 8),
        (
            "offset 2^64 - 32",
            placed(u64::MAX - 31),
            Offset,
            dims(1) + 4,
            8,
        ),
        (
            "data cut",
            cut(data.clone(), data.len() as u64 - 1),
            TensorBeyondEnd,
            SECOND,
            33,
        ),
        (
            "no data at all",
            cut(data.clone(), data_index),
            TensorBeyondEnd,
            FIRST,
            37,
        ),
        (
            "more data",
            [data.clone(), vec![0; 9]].concat(),
            TrailingData,
            data.len() as u64,
            9,
        ),
    ]
}

/// All of them.
pub fn cases() -> Vec<Case> {
    [headers(), keys(), tensors()].concat()
}

#[test]
fn each_rule_is_named_with_its_place() {
    let mut seen = BTreeSet::new();
    for (name, bytes, rule, offset, length) in cases() {
        let fault = refused(&bytes);
        assert_eq!(
            (fault.rule, fault.at),
            (rule, Span { offset, length }),
            "{name}"
        );
        seen.insert(rule);
        for seed in [1, 7] {
            assert_eq!(replay(&bytes, seed), Err(fault), "{name}");
        }
    }
    // An input that is shorter than it says is not one that a slice can be.
    let missing: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| !seen.contains(rule) && **rule != Rule::ShortInput)
        .collect();
    assert!(missing.is_empty(), "no file breaks {missing:?}");
}

#[test]
fn what_is_only_unknown_is_unsupported() {
    let unsupported: BTreeSet<_> = cases()
        .into_iter()
        .filter(|(_, bytes, ..)| refused(bytes).is_unsupported())
        .map(|(_, _, rule, ..)| rule)
        .collect();
    let expected = [
        Rule::VersionOne,
        Rule::VersionUnknown,
        Rule::ByteSwapped,
        Rule::TooManyKeys,
        Rule::TooManyTensors,
        Rule::NestedArray,
        Rule::AlignmentTooLarge,
        Rule::TypeGone,
        Rule::TypeUnknown,
    ];
    assert_eq!(unsupported, expected.into_iter().collect());
}

#[test]
fn reasons_are_short_and_all_different() {
    let reasons: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.reason()).collect();
    assert_eq!(reasons.len(), Rule::ALL.len());
    for reason in reasons {
        assert!(reason.len() < 80 && !reason.ends_with('.'), "{reason}");
    }
    let fault = refused(b"GGML\x03\0\0\0");
    assert_eq!(fault.to_string(), "file does not begin with GGUF at byte 0");
}
