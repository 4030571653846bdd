//! Tensors that are not where they say, storages that are not what the pickle says, and the format
//! before zip.

use lazaret_plugin_pytorch::Rule;

use super::{Case, check};
use crate::pickle::*;
use crate::sound::legacy;
use crate::zip::*;

/// Where in a pickle of one tensor its call is, and where its storage is named.
fn places(pickle: &[u8]) -> (usize, usize) {
    let call = pickle.len() - 3;
    let name = pickle.windows(2).position(|pair| pair == b"tQ").unwrap();
    (call, name + 1)
}

fn case(what: &'static str, tensor: Tensor, bytes: usize, rule: Rule) -> Case {
    let pickle = Pickle::state(&[("a", tensor)]);
    let (call, name) = places(&pickle);
    let built = checkpoint(pickle, &[("0", vec![0; bytes])]).build();
    let is_storage = matches!(rule, Rule::StorageMissing | Rule::StorageSize);
    let at = if is_storage { name } else { call };
    (what, built.bytes, rule, built.data[0] + at, 1)
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        case(
            "negative size",
            Tensor {
                size: &[-1, 3],
                ..SMALL
            },
            24,
            Rule::TensorShape,
        ),
        case(
            "negative stride",
            Tensor {
                stride: &[-3, 1],
                ..SMALL
            },
            24,
            Rule::TensorShape,
        ),
        case(
            "negative offset",
            Tensor {
                offset: -1,
                ..SMALL
            },
            24,
            Rule::TensorShape,
        ),
        case(
            "strides missing",
            Tensor {
                stride: &[3],
                ..SMALL
            },
            24,
            Rule::TensorShape,
        ),
        case(
            "65 dimensions",
            Tensor {
                size: &[1; 65],
                stride: &[1; 65],
                ..SMALL
            },
            24,
            Rule::RankTooLarge,
        ),
        case(
            "one too many",
            Tensor {
                size: &[7],
                stride: &[1],
                ..SMALL
            },
            24,
            Rule::TensorBeyondStorage,
        ),
        case(
            "offset too far",
            Tensor { offset: 1, ..SMALL },
            24,
            Rule::TensorBeyondStorage,
        ),
        case(
            "stride too far",
            Tensor {
                stride: &[4, 1],
                ..SMALL
            },
            24,
            Rule::TensorBeyondStorage,
        ),
        case(
            "product of 2^64",
            Tensor {
                size: &[1 << 32, 1 << 32],
                stride: &[1 << 32, 1],
                ..SMALL
            },
            24,
            Rule::TensorBeyondStorage,
        ),
        case(
            "stride of 2^62 times four",
            Tensor {
                size: &[5],
                stride: &[1 << 62],
                ..SMALL
            },
            24,
            Rule::TensorBeyondStorage,
        ),
        case(
            "storage of another name",
            Tensor { key: "1", ..SMALL },
            24,
            Rule::StorageMissing,
        ),
        case(
            "storage of another's name",
            Tensor {
                key: "../version",
                ..SMALL
            },
            24,
            Rule::StorageMissing,
        ),
        case("storage too small", SMALL, 23, Rule::StorageSize),
        case("storage too large", SMALL, 25, Rule::StorageSize),
        case(
            "storage of 2^63",
            Tensor {
                elements: i64::MAX,
                ..SMALL
            },
            24,
            Rule::StorageSize,
        ),
    ];
    for (what, other) in [
        (
            "another type",
            Tensor {
                class: ("torch", "IntStorage"),
                ..SMALL
            },
        ),
        (
            "another length",
            Tensor {
                elements: 7,
                ..SMALL
            },
        ),
    ] {
        let pickle = Pickle::state(&[("a", SMALL), ("b", other)]);
        let second = pickle.windows(2).rposition(|pair| pair == b"tQ").unwrap() + 1;
        let built = checkpoint(pickle, &[("0", vec![0; 24])]).build();
        cases.push((
            what,
            built.bytes,
            Rule::StorageTwice,
            built.data[0] + second,
            1,
        ));
    }
    cases.extend(old());
    cases
}

fn old() -> Vec<Case> {
    let object = Pickle::state(&[("a", SMALL)]);
    let sound = legacy(&object, &[("0", 6, vec![0; 24])]);
    let magic = 15;
    let version = 6;
    let system = Pickle::new()
        .raw(b"}")
        .text("little_endian")
        .raw(b"\x88s")
        .stop()
        .len();
    let start = magic + version + system;
    let listed = |keys: &[(&'static str, u64, Vec<u8>)]| {
        let file = legacy(&object, keys);
        let data: usize = keys.iter().map(|(_, _, data)| data.len() + 8).sum();
        let list = start + object.len();
        let length = file.len() - data - list;
        (file, list, length)
    };
    let zeros = || vec![0; 24];
    let (twice, list, twice_length) = listed(&[("0", 6, zeros()), ("0", 6, zeros())]);
    let (other, _, other_length) = listed(&[("1", 6, zeros())]);
    let (size, _, _) = listed(&[("0", 7, zeros())]);
    let (none, _, _) = listed(&[]);
    let (_, name) = places(&object);
    let data = sound.len() - 24;
    let mut later = sound.clone();
    later[magic + 3] = 0xea;
    let mut unclear = sound.clone();
    unclear[start - 3] = b'N';
    vec![
        ("version", later, Rule::LegacyVersion, magic, version),
        (
            "byte order",
            unclear,
            Rule::LegacySystem,
            magic + version,
            system,
        ),
        ("key twice", twice, Rule::LegacyKeys, list, twice_length),
        (
            "key of nothing",
            other,
            Rule::LegacyKeys,
            list,
            other_length,
        ),
        ("key missing", none, Rule::StorageMissing, start + name, 1),
        ("length", size, Rule::StorageSize, data - 8, 8),
        (
            "storage cut off",
            sound[..sound.len() - 1].to_vec(),
            Rule::TruncatedStorage,
            data - 8,
            31,
        ),
        (
            "length cut off",
            sound[..data - 1].to_vec(),
            Rule::TruncatedStorage,
            data - 8,
            7,
        ),
        (
            "list cut off",
            sound[..list].to_vec(),
            Rule::TruncatedPickle,
            list,
            0,
        ),
    ]
}

#[test]
fn a_tensor_that_is_not_in_its_storage_is_refused() {
    check(&cases());
}
