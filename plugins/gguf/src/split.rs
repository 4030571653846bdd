//! How a file is cut when every tensor is to be an object of its own.
//!
//! A tensor's bytes are the same wherever they stand, so a file whose metadata changed shares all of
//! them, although they moved.

use lazaret_guest::cuts::push;
pub use lazaret_guest::{Segment, Storage};

use crate::limits::{INLINE_INDEX_MAX, SPLIT_MIN};
use crate::model::Model;

/// The cuts, from the first byte of the file to its last; no two inline ones are neighbours.
#[must_use]
pub fn cuts(model: &Model) -> Vec<Segment> {
    let mut cuts = Vec::new();
    push(&mut cuts, model.index, INLINE_INDEX_MAX + 1);
    let mut position = model.index;
    for tensor in &model.tensors {
        push(&mut cuts, tensor.offset - position, u64::MAX);
        push(&mut cuts, tensor.length, SPLIT_MIN);
        position = tensor.offset + tensor.length;
    }
    push(&mut cuts, model.size - position, u64::MAX);
    cuts
}
