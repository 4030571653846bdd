//! Where a file is cut so that equal tensors are kept once: each is an object, but for tiny ones.

use lazaret_guest::cuts::push;
pub use lazaret_guest::{Segment, Storage};

use crate::error::Span;
use crate::limits::{INLINE_INDEX_MAX, SPLIT_MIN, TENSORS_MAX};

/// Objects of one file: each is a file for the host.
const OBJECTS_MAX: u64 = 1_000_000;

// A tensor, and what is before it and behind the last.
const _: () = assert!(2 * TENSORS_MAX < OBJECTS_MAX);

/// The whole file of `size` bytes, in order, given the stretches that hold values, in any order; no
/// two inline stretches are neighbours.
#[must_use]
pub fn cuts(mut tensors: Vec<Span>, size: u64) -> Vec<Segment> {
    tensors.sort_unstable_by_key(|span| span.offset);
    let values: u64 = tensors.iter().map(|span| span.length).sum();
    let index_min = if size - values <= INLINE_INDEX_MAX {
        u64::MAX
    } else {
        SPLIT_MIN
    };
    let mut cuts = Vec::new();
    let mut at = 0;
    for span in tensors {
        push(&mut cuts, span.offset - at, index_min);
        push(&mut cuts, span.length, SPLIT_MIN);
        at = span.end();
    }
    push(&mut cuts, size - at, index_min);
    cuts
}
