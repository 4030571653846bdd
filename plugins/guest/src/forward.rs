//! Reading and cutting where a short input is an error, as it is in most formats.

use crate::{Cursor, Failure, Segment, Shortfall, malformed_at};

/// Bytes one `read` returns at most; the host clamps at the same size.
pub const READ_MAX: u32 = 64 * 1024;

/// Stretches in one call, which the host copies out: 64 KiB.
const SEGMENTS_MAX: usize = 4096;

/// The forward calls of the host's cursor; a native test can stand in for it.
pub trait Forward {
    /// Offset of the next byte.
    fn position(&self) -> u64;
    /// Up to `max` bytes, kept inline; shorter only at the end of the input.
    fn read(&self, max: u32) -> Vec<u8>;
    /// Stretches passed unseen.
    ///
    /// # Errors
    /// The input ended first.
    fn cut(&self, plan: &[Segment]) -> Result<(), Shortfall>;

    /// Exactly `length` bytes, kept inline. The caller bounds `length`: they are held in memory.
    ///
    /// # Errors
    /// A malformed-failure with `reason` over the bytes there were, when the input ends first.
    fn read_exactly(&self, length: usize, reason: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let missing = u32::try_from(length - bytes.len()).map_or(READ_MAX, |n| n.min(READ_MAX));
            let piece = self.read(missing);
            if piece.is_empty() {
                let available = bytes.len() as u64;
                let start = self.position().saturating_sub(available);
                return Err(malformed_at(start, available, reason));
            }
            if bytes.is_empty() && piece.len() == length {
                return Ok(piece);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Exactly these stretches, unseen.
    ///
    /// # Errors
    /// A malformed-failure with `reason` over the bytes there were, when the input ends first.
    fn cut_exactly(&self, plan: &[Segment], reason: &str) -> Result<(), Failure> {
        let start = self.position();
        self.cut(plan)
            .map_err(|_| malformed_at(start, self.position().saturating_sub(start), reason))
    }

    /// All of these stretches, some thousands in a call.
    ///
    /// # Errors
    /// A malformed-failure, when the input ends first: its size was known.
    fn cut_all(&self, segments: impl IntoIterator<Item = Segment>) -> Result<(), Failure>
    where
        Self: Sized,
    {
        let mut segments = segments.into_iter().fuse();
        loop {
            let plan: Vec<Segment> = segments.by_ref().take(SEGMENTS_MAX).collect();
            if plan.is_empty() {
                return Ok(());
            }
            self.cut_exactly(&plan, "input ends before its own size")?;
        }
    }
}

impl Forward for Cursor {
    fn position(&self) -> u64 {
        Self::position(self)
    }

    fn read(&self, max: u32) -> Vec<u8> {
        Self::read(self, max)
    }

    fn cut(&self, plan: &[Segment]) -> Result<(), Shortfall> {
        Self::cut(self, plan)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::Storage;

    /// Gives at most seven bytes a call, which the interface allows nowhere but at the end: the
    /// reader must not depend on it.
    struct Tape {
        bytes: Vec<u8>,
        position: Cell<usize>,
    }

    impl Tape {
        fn new(length: u8) -> Self {
            Self {
                bytes: (0..length).collect(),
                position: Cell::new(0),
            }
        }
    }

    impl Forward for Tape {
        fn position(&self) -> u64 {
            self.position.get() as u64
        }

        fn read(&self, max: u32) -> Vec<u8> {
            let start = self.position.get();
            let end = self.bytes.len().min(start + 7.min(max as usize));
            self.position.set(end);
            self.bytes[start..end].to_vec()
        }

        fn cut(&self, plan: &[Segment]) -> Result<(), Shortfall> {
            for segment in plan {
                let start = self.position.get();
                let available = (self.bytes.len() - start) as u64;
                self.position
                    .set(start + segment.length.min(available) as usize);
                if available < segment.length {
                    return Err(Shortfall { available });
                }
            }
            Ok(())
        }
    }

    fn inline(length: u64) -> Segment {
        Segment {
            length,
            storage: Storage::Inline,
        }
    }

    #[test]
    fn whole_reads_and_cuts_pass() {
        let tape = Tape::new(40);
        assert_eq!(tape.read_exactly(3, "x").unwrap(), [0, 1, 2]);
        assert_eq!(tape.read_exactly(0, "x").unwrap(), [0_u8; 0]);
        assert_eq!(
            tape.read_exactly(20, "x").unwrap(),
            (3..23).collect::<Vec<_>>()
        );
        tape.cut_exactly(&[inline(7), inline(10)], "x").unwrap();
        assert_eq!(tape.position(), 40);
        let long = Tape::new(200);
        long.cut_all([3, 100, 7].map(inline)).unwrap();
        assert_eq!(long.position(), 110);
        assert!(long.cut_all([90, 1].map(inline)).is_err());
    }

    #[test]
    fn short_input_is_malformed_over_the_bytes_there_were() {
        let tape = Tape::new(20);
        tape.read_exactly(5, "x").unwrap();
        assert_eq!(
            tape.read_exactly(16, "header ends early").unwrap_err(),
            malformed_at(5, 15, "header ends early")
        );
        let tape = Tape::new(20);
        assert_eq!(
            tape.cut_exactly(&[inline(15), inline(10)], "data ends early")
                .unwrap_err(),
            malformed_at(0, 20, "data ends early")
        );
    }
}
