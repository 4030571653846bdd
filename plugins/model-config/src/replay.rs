//! The importer over a byte slice: for tests, benchmarks and fuzzing.

use std::convert::Infallible;

use crate::error::{Fault, Stop};
use crate::facts::{self, Fact};
use crate::input::{Input, whole};
use crate::probe::Kind;

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

/// Reads a whole file: what is stated of it, in that order.
///
/// # Errors
/// It breaks a rule, and nothing is stated.
pub fn replay(bytes: &[u8], kind: Kind, seed: u64) -> Result<Vec<Fact>, Fault> {
    let mut input = Read { bytes, seed };
    let bytes = whole(&mut input).map_err(Stop::into_fault)?;
    facts::of_file(&bytes, kind)
}
