//! The importer over a byte slice: for tests, benchmarks and fuzzing.
//!
//! Invariants a fuzz target can hold a replay to: it does not panic; seeds make no difference; parts
//! lie within the input, in order, without overlaps; cuts add up to its length.

use std::convert::Infallible;

use crate::error::{Fault, Stop};
use crate::facts::{Fact, facts};
use crate::input::Input;
use crate::model::Model;
use crate::read::read;
use crate::split::{Segment, cuts};

/// What came of a sound file.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// What its index says.
    pub model: Model,
    /// What is stated about it.
    pub facts: Vec<Fact>,
    /// How it is kept when it is split.
    pub cuts: Vec<Segment>,
    /// How often the input was read.
    pub reads: u64,
}

/// Reads a whole input. Reads return what was asked for if `seed` is zero, else pieces whose sizes it
/// determines.
///
/// # Errors
/// The file breaks a rule.
pub fn replay(input: &[u8], seed: u64) -> Result<Replay, Fault> {
    let mut tape = Tape {
        input,
        seed,
        reads: 0,
    };
    let model = read(&mut tape).map_err(Stop::into_fault)?;
    Ok(Replay {
        facts: facts(&model),
        cuts: cuts(&model),
        model,
        reads: tape.reads,
    })
}

struct Tape<'a> {
    input: &'a [u8],
    seed: u64,
    reads: u64,
}

impl Tape<'_> {
    /// The size of the next piece, at least one: xorshift, folded so that small ones are common.
    fn piece(&mut self, max: usize) -> usize {
        if self.seed == 0 {
            return max;
        }
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let bound = 1_u64 << (self.seed >> 32 & 0xf);
        usize::try_from(1 + self.seed % bound).map_or(max, |piece| piece.min(max))
    }
}

impl Input for Tape<'_> {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.input.len() as u64
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Infallible> {
        self.reads += 1;
        let left = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.input.get(offset..))
            .unwrap_or_default();
        let length = self.piece(max as usize).min(left.len());
        Ok(left[..length].to_vec())
    }
}
