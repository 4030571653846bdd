//! Files cut into tensors.

use std::collections::BTreeSet;

use lazaret_plugin_gguf::limits::{INLINE_INDEX_MAX, SPLIT_MIN};
use lazaret_plugin_gguf::{Segment, Storage};

use crate::file::*;

fn object(length: u64) -> Segment {
    Segment {
        length,
        storage: Storage::Object,
    }
}

fn inline(length: u64) -> Segment {
    Segment {
        length,
        storage: Storage::Inline,
    }
}

#[test]
fn tensors_are_objects_and_the_rest_is_inline() {
    let file = File::new()
        .tensor("a", I8, &[SPLIT_MIN])
        .tensor("small", I8, &[SPLIT_MIN - 1])
        .tensor("tiny", F32, &[1])
        .tensor("b", I8, &[SPLIT_MIN + 1])
        .tensor("c", I8, &[SPLIT_MIN * 2])
        .tensor("empty", I8, &[0])
        .tensor("last", I8, &[3]);
    let index = (file.index().len() as u64).next_multiple_of(32);
    assert_eq!(
        sound(&file.bytes()).cuts,
        [
            inline(index),
            object(SPLIT_MIN),
            inline(SPLIT_MIN + 32),
            object(SPLIT_MIN + 1),
            inline(31),
            object(SPLIT_MIN * 2),
            inline(32),
        ]
    );
}

#[test]
fn a_large_index_is_an_object() {
    for (more, storage) in [(0, Storage::Inline), (1, Storage::Object)] {
        let empty = File::new()
            .key("x", &string(""))
            .tensor("a", I8, &[SPLIT_MIN]);
        let room = INLINE_INDEX_MAX as usize - empty.index().len();
        let file = File::new()
            .key("x", &string(&"x".repeat(room + more)))
            .tensor("a", I8, &[SPLIT_MIN]);
        let index = INLINE_INDEX_MAX + more as u64;
        let first = sound(&file.bytes()).cuts[0];
        let expected = Segment {
            length: index,
            storage,
        };
        assert_eq!(first, expected);
    }
}

/// What a file's objects hold.
fn objects(bytes: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut start = 0;
    let mut objects = BTreeSet::new();
    for cut in sound(bytes).cuts {
        let end = start + cut.length as usize;
        if cut.storage == Storage::Object {
            objects.insert(bytes[start..end].to_vec());
        }
        start = end;
    }
    assert_eq!(start, bytes.len());
    objects
}

#[test]
fn a_changed_line_of_metadata_moves_the_tensors_and_leaves_their_objects() {
    let named = |name: &str| {
        let file = File::new().key("general.name", &string(name));
        let file = (0..20).fold(file, |file, number: u64| {
            let name = format!("blk.{number}.weight");
            file.tensor(&name, Q4_K, &[1024, 32 + number])
        });
        file.bytes()
    };
    let (one, other) = (
        named("Tiny"),
        named(&"Tiny, with a much longer name ".repeat(5)),
    );
    let moved = sound(&other).model.tensors[0].offset - sound(&one).model.tensors[0].offset;
    assert!(moved > 0 && moved.is_multiple_of(32));
    assert_eq!(objects(&one).len(), 20);
    assert_eq!(objects(&one), objects(&other));
}
