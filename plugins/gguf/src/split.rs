//! How a file is cut when every tensor is to be an object of its own.
//!
//! A tensor's bytes are the same wherever they stand, so a file whose metadata changed shares all of
//! them, although they moved.

use crate::limits::{INLINE_INDEX_MAX, SPLIT_MIN};
use crate::model::Model;

/// A stretch to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Bytes; not zero.
    pub length: u64,
    /// Where.
    pub storage: Storage,
}

/// Where a stretch is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In the stream itself.
    Inline,
    /// As an object that others can share.
    Object,
}

/// The cuts, from the first byte of the file to its last; no two inline ones are neighbours.
pub fn cuts(model: &Model, mut cut: impl FnMut(Segment)) {
    let mut inline = 0;
    let mut stretch = |length: u64, storage: Storage| match storage {
        Storage::Inline => inline += length,
        Storage::Object => {
            if inline > 0 {
                cut(Segment {
                    length: inline,
                    storage: Storage::Inline,
                });
                inline = 0;
            }
            cut(Segment { length, storage });
        }
    };
    let kept_inline = |inline: bool| {
        if inline {
            Storage::Inline
        } else {
            Storage::Object
        }
    };
    stretch(model.index, kept_inline(model.index <= INLINE_INDEX_MAX));
    let mut position = model.index;
    for tensor in &model.tensors {
        stretch(tensor.offset - position, Storage::Inline);
        stretch(tensor.length, kept_inline(tensor.length < SPLIT_MIN));
        position = tensor.offset + tensor.length;
    }
    stretch(model.size - position, Storage::Inline);
    if inline > 0 {
        cut(Segment {
            length: inline,
            storage: Storage::Inline,
        });
    }
}
