//! The importer over a byte slice: for tests, benchmarks and fuzzing.

use std::convert::Infallible;

use crate::error::{Fault, Stop};
use crate::facts::{self, Fact};
use crate::input::Input;
use crate::model::parse;
use crate::part::Part;
use crate::split::{Segment, cuts};
use crate::summary::Summary;

/// What came of a sound model.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// In the order of the file.
    pub parts: Vec<Part>,
    /// What was counted.
    pub summary: Summary,
    /// In the order they are stated.
    pub facts: Vec<Fact>,
    /// How the whole input is kept when it is split.
    pub cuts: Vec<Segment>,
}

/// A byte slice as an input. Reads return what was asked for if `seed` is zero, else pieces whose
/// sizes it determines.
#[derive(Debug)]
pub struct Read<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// Of the sizes of pieces.
    pub seed: u64,
    /// Bytes that were handed out.
    pub moved: u64,
}

impl<'a> Read<'a> {
    /// An input that was not read yet.
    #[must_use]
    pub const fn new(bytes: &'a [u8], seed: u64) -> Self {
        Self {
            bytes,
            seed,
            moved: 0,
        }
    }
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
        let piece = self.bytes[at(offset)..at(offset.saturating_add(length))].to_vec();
        self.moved += piece.len() as u64;
        Ok(piece)
    }
}

/// Reads a whole model.
///
/// # Errors
/// It breaks a rule.
pub fn replay(bytes: &[u8], seed: u64) -> Result<Replay, Fault> {
    let mut input = Read::new(bytes, seed);
    let mut parts: Vec<Part> = Vec::new();
    let summary = parse(&mut input, |part| parts.push(part)).map_err(Stop::into_fault)?;
    let values = parts.iter().filter_map(Part::content).collect();
    Ok(Replay {
        facts: facts::of(&summary),
        cuts: cuts(values, bytes.len() as u64),
        parts,
        summary,
    })
}
