//! Descriptions of tensors that are refused.

use lazaret_plugin_gguf::Rule;

use super::{Case, cut};
use crate::file::*;

pub fn tensors() -> Vec<Case> {
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
