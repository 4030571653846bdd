//! The importer over a byte slice, for tests, benchmarks and fuzzing.

use crate::checkpoint::{Checkpoint, read};
use crate::error::Fault;
use crate::input::{Input, Stream};
use crate::pickle::decode::Decoder;
use crate::pickle::finding::Findings;
use crate::pickle::opcode::Opcode;

/// A slice, whose reads are cut short by a pattern that a seed makes; zero does not cut them.
#[derive(Debug)]
pub struct Replay<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl<'a> Replay<'a> {
    /// The slice.
    #[must_use]
    pub const fn new(bytes: &'a [u8], seed: u64) -> Self {
        Self { bytes, state: seed }
    }

    fn next(&mut self) -> u64 {
        // Marsaglia's xorshift: any pattern will do.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

impl Input for Replay<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Vec<u8> {
        let max = match self.next() {
            0 => max as usize,
            random => (random % u64::from(max).clamp(1, 512) + 1) as usize,
        };
        let start =
            usize::try_from(offset).map_or(self.bytes.len(), |start| start.min(self.bytes.len()));
        let end = start.saturating_add(max).min(self.bytes.len());
        self.bytes[start..end].to_vec()
    }
}

/// Reads a checkpoint from a slice.
///
/// # Errors
/// The file breaks a rule, and what was found up to there.
pub fn replay(bytes: &[u8], seed: u64) -> Result<Checkpoint, (Fault, Findings)> {
    read(&mut Replay::new(bytes, seed))
}

/// The opcodes of one pickle with their offsets, up to STOP; what they do is not looked at.
///
/// # Errors
/// The pickle breaks a rule.
pub fn opcodes(bytes: &[u8], seed: u64) -> Result<Vec<(u64, Opcode)>, Fault> {
    let mut input = Replay::new(bytes, seed);
    let stream = Stream::new(&mut input, 0, bytes.len() as u64);
    let mut decoder = Decoder::new(stream);
    let mut opcodes = Vec::new();
    loop {
        let op = decoder.next()?;
        opcodes.push((op.at.offset, op.opcode));
        if op.opcode == Opcode::Stop {
            return Ok(opcodes);
        }
    }
}
