//! Where a file is cut.

use lazaret_plugin_pytorch::split::cuts;
use lazaret_plugin_pytorch::{Segment, Storage};

use crate::pickle::*;
use crate::sound::read;
use crate::zip::*;

fn inline(length: usize) -> Segment {
    Segment {
        length: length as u64,
        storage: Storage::Inline,
    }
}

fn object(length: usize) -> Segment {
    Segment {
        length: length as u64,
        storage: Storage::Object,
    }
}

#[test]
fn tensors_are_objects_and_shared_storages_one() {
    let tensor = |key, elements, offset, size, stride| Tensor {
        key,
        elements,
        offset,
        size,
        stride,
        ..SMALL
    };
    let pickle = Pickle::state(&[
        ("small", SMALL),
        ("whole", tensor("1", 2048, 0, &[2048], &[1])),
        // Two halves of one storage, apart from each other; and a hole between them.
        ("left", tensor("2", 4096, 0, &[1024], &[1])),
        ("right", tensor("2", 4096, 2000, &[2096], &[1])),
        // Two that overlap.
        ("one", tensor("3", 4096, 0, &[3000], &[1])),
        ("two", tensor("3", 4096, 2999, &[1000], &[1])),
        // The same twice.
        ("tied", tensor("1", 2048, 0, &[1024, 2], &[2, 1])),
    ]);
    let storages = [
        ("0", vec![0; 24]),
        ("1", vec![1; 8192]),
        ("2", vec![2; 16_384]),
        ("3", vec![3; 16_384]),
    ];
    let built = checkpoint(pickle, &storages).build();
    let at = |place: usize| built.data[place];
    assert_eq!(
        cuts(&read(&built.bytes)),
        [
            inline(at(4)),
            object(8192),
            inline(at(5) - at(4) - 8192),
            object(4096),
            inline(4 * (2000 - 1024)),
            object(4 * 2096),
            inline(at(6) - at(5) - 16_384),
            object(16_384),
            inline(built.bytes.len() - at(6) - 16_384),
        ]
    );
}

#[test]
fn a_large_pickle_is_an_object() {
    let note = "x".repeat(70_000);
    let pickle = Pickle::new()
        .raw(b"}")
        .text("note")
        .text(&note)
        .raw(b"s")
        .stop();
    let length = pickle.len();
    let built = checkpoint(pickle, &[]).build();
    let start = built.data[0];
    assert_eq!(
        cuts(&read(&built.bytes)),
        [
            inline(start),
            object(length),
            inline(built.bytes.len() - start - length),
        ]
    );
}
