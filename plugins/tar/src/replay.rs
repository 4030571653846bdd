//! The importer over a byte slice: for tests, benchmarks and fuzzing.
//!
//! Invariants a fuzz target can hold a replay to: it does not panic; seeds make no difference; the
//! cuts of a sound archive add up to its length; none is empty, and no two inline ones are neighbours.

use std::convert::Infallible;

use crate::drive::{Ending, Passed, Steer, Stop, import};
use crate::entry::{Entry, Names, Segment, Storage};
use crate::error::Fault;

/// What came of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// In the archive's order; for a refused archive, those before the fault.
    pub entries: Vec<Entry>,
    /// How the input is kept, from its first byte; neighbouring inline stretches as one.
    pub cuts: Vec<Segment>,
    /// How it ended.
    pub ending: Result<Ending, Fault>,
}

/// Parses a whole input. Reads return what was asked for if `seed` is zero, else pieces whose sizes
/// it determines.
#[must_use]
pub fn replay(input: &[u8], names: Names, seed: u64) -> Replay {
    let mut tape = Tape {
        input,
        position: 0,
        seed,
        entries: Vec::new(),
        cuts: Vec::new(),
    };
    let ending = match import(&mut tape, names) {
        Ok(ending) => {
            // As the host does with what an importer leaves.
            let rest = input.len() - tape.position;
            tape.keep(rest, Storage::Object);
            Ok(ending)
        }
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Steer(never)) => match never {},
    };
    Replay {
        entries: tape.entries,
        cuts: tape.cuts,
        ending,
    }
}

struct Tape<'a> {
    input: &'a [u8],
    position: usize,
    seed: u64,
    entries: Vec<Entry>,
    cuts: Vec<Segment>,
}

impl Tape<'_> {
    fn keep(&mut self, bytes: usize, storage: Storage) {
        if bytes == 0 {
            return;
        }
        self.position += bytes;
        let length = bytes as u64;
        match self.cuts.last_mut() {
            Some(last) if last.storage == Storage::Inline && storage == Storage::Inline => {
                last.length += length;
            }
            _ => self.cuts.push(Segment { length, storage }),
        }
    }

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

impl Steer for Tape<'_> {
    type Error = Infallible;

    fn read(&mut self, max: u32) -> Result<impl AsRef<[u8]>, Infallible> {
        let left = &self.input[self.position..];
        let length = self.piece(max as usize).min(left.len());
        self.keep(length, Storage::Inline);
        Ok(&left[..length])
    }

    fn cut(&mut self, plan: &[Segment]) -> Result<Passed, Infallible> {
        for segment in plan {
            let left = self.input.len() - self.position;
            match usize::try_from(segment.length) {
                Ok(length) if length <= left => self.keep(length, segment.storage),
                _ => {
                    self.keep(left, segment.storage);
                    return Ok(Passed::Until(self.position as u64));
                }
            }
        }
        Ok(Passed::All)
    }

    fn emit(&mut self, entry: Entry) -> Result<(), Infallible> {
        self.entries.push(entry);
        Ok(())
    }
}
