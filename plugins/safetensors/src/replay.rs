//! The importer over a byte slice: for tests, benchmarks and fuzzing.

use std::convert::Infallible;

use lazaret_guest::part_path;

use crate::error::{Fault, Stop};
use crate::facts::{self, Fact};
use crate::header;
use crate::input::Input;
use crate::model::Model;
use crate::probe::Kind;
use crate::shards;
use crate::split::{Segment, cuts};

/// What came of a sound file or index.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// In the order of their bytes; none of an index.
    pub parts: Vec<Part>,
    /// In the order they are stated.
    pub facts: Vec<Fact>,
    /// How the whole input is kept when it is split; none of an index.
    pub cuts: Vec<Segment>,
}

/// A tensor, as it is handed to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What the host takes for a path.
    pub path: String,
    /// In the header.
    pub name: String,
    /// In the format's spelling.
    pub dtype: &'static str,
    /// A JSON list.
    pub shape: String,
    /// Of its first byte.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// A byte slice as an input. Reads return what was asked for if `seed` is zero, else pieces whose
/// sizes it determines.
#[derive(Debug)]
pub struct Read<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// Of the sizes of pieces.
    pub seed: u64,
}

impl Input for Read<'_> {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Infallible> {
        let mut length = u64::from(max);
        if self.seed != 0 {
            // xorshift, folded so that small pieces are common.
            self.seed ^= self.seed << 13;
            self.seed ^= self.seed >> 7;
            self.seed ^= self.seed << 17;
            let bound = 1_u64 << (self.seed >> 32 & 0xf);
            length = length.min(1 + self.seed % bound);
        }
        let at = |offset: u64| {
            usize::try_from(offset).map_or(self.bytes.len(), |at| at.min(self.bytes.len()))
        };
        Ok(self.bytes[at(offset)..at(offset.saturating_add(length))].to_vec())
    }
}

/// Reads a whole input.
///
/// # Errors
/// It breaks a rule.
pub fn replay(bytes: &[u8], kind: Kind, seed: u64) -> Result<Replay, Fault> {
    let mut input = Read { bytes, seed };
    let replay = match kind {
        Kind::File => header::read(&mut input).map(|model| of_model(&model)),
        Kind::Index => shards::read(&mut input).map(|index| Replay {
            parts: Vec::new(),
            facts: facts::of_index(&index),
            cuts: Vec::new(),
        }),
    };
    replay.map_err(Stop::into_fault)
}

fn of_model(model: &Model) -> Replay {
    let part = |tensor: crate::Tensor<'_>| Part {
        path: part_path(tensor.name).into_owned(),
        name: tensor.name.to_owned(),
        dtype: tensor.dtype.name(),
        shape: tensor.shape_text(),
        offset: tensor.offset,
        length: tensor.length,
    };
    Replay {
        parts: model.tensors().map(part).collect(),
        facts: facts::of_model(model),
        cuts: cuts(model),
    }
}
