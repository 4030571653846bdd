//! Where a file is cut so that equal tensors are kept once: each is an object, but for tiny ones.
//! Tensors that share bytes (views of one storage) are kept together, as that storage.

use lazaret_guest::cuts::push;
pub use lazaret_guest::{Segment, Storage};

use crate::checkpoint::Checkpoint;
use crate::limits::SPLIT_MIN;

/// The whole file, in order; no two inline stretches are neighbours. There are as many objects as
/// tensors and large members at most, which limits.rs bounds.
#[must_use]
pub fn cuts(checkpoint: &Checkpoint) -> Vec<Segment> {
    let mut objects = units(checkpoint);
    objects.extend_from_slice(&checkpoint.others);
    objects.sort_unstable();
    let mut cuts = Vec::new();
    let mut at = 0;
    for (offset, length) in objects {
        // Units lie apart from each other; a hostile file can only make them touch.
        if offset < at {
            continue;
        }
        push(&mut cuts, offset - at, u64::MAX);
        push(&mut cuts, length, 0);
        at = offset + length;
    }
    push(&mut cuts, checkpoint.size - at, u64::MAX);
    cuts
}

/// Tensors, or whole storages where tensors overlap.
fn units(checkpoint: &Checkpoint) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = checkpoint
        .parts
        .iter()
        .filter(|part| part.length > 0)
        .map(|part| (part.offset, part.length))
        .collect();
    ranges.sort_unstable();
    ranges.dedup();
    let mut ranges = ranges.into_iter().peekable();
    let mut units = Vec::new();
    for &(start, length) in &checkpoint.storages {
        let end = start + length;
        let mut inside = Vec::new();
        let mut overlap = false;
        while let Some(range) = ranges.next_if(|range| range.0 < end) {
            overlap |= inside
                .last()
                .is_some_and(|last: &(u64, u64)| last.0 + last.1 > range.0);
            inside.push(range);
        }
        if overlap {
            inside = vec![(start, length)];
        }
        units.extend(inside.into_iter().filter(|unit| unit.1 >= SPLIT_MIN));
    }
    units
}
