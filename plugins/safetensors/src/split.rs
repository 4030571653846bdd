//! Where a file is cut so that equal tensors are kept once: each is an object, but for tiny ones.

use lazaret_guest::cuts::push;
pub use lazaret_guest::{Segment, Storage};

use crate::limits::{INLINE_HEADER_MAX, SPLIT_MIN};
use crate::model::Model;

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
