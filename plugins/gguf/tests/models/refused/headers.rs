//! Headers that are refused.

use lazaret_plugin_gguf::Rule;
use lazaret_plugin_gguf::limits::{KEYS_MAX, TENSORS_MAX};

use super::{Case, cut, patched};
use crate::file::*;

pub fn headers() -> Vec<Case> {
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
