//! Where a file is cut so that equal tensors are kept once: each is an object, but for tiny ones.

use crate::limits::{INLINE_HEADER_MAX, SPLIT_MIN};
use crate::model::Model;

/// Where a stretch of the file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In the stream itself.
    Inline,
    /// As an object.
    Object,
}

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Bytes, not zero.
    pub length: u64,
    /// Where they are kept.
    pub storage: Storage,
}

/// The whole file, in order; no two inline stretches are neighbours.
#[must_use]
pub fn cuts(model: &Model) -> Vec<Segment> {
    let mut cuts: Vec<Segment> = Vec::new();
    push(&mut cuts, model.data(), INLINE_HEADER_MAX + 1);
    for tensor in model.tensors() {
        push(&mut cuts, tensor.length, SPLIT_MIN);
    }
    cuts
}

/// Adds a stretch, as an object if it has `object_min` bytes.
fn push(cuts: &mut Vec<Segment>, length: u64, object_min: u64) {
    if length >= object_min {
        cuts.push(Segment {
            length,
            storage: Storage::Object,
        });
        return;
    }
    match cuts.last_mut() {
        Some(last) if last.storage == Storage::Inline => last.length += length,
        _ if length == 0 => {}
        _ => cuts.push(Segment {
            length,
            storage: Storage::Inline,
        }),
    }
}
