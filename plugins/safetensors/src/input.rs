//! Bytes at offsets, and a reader of them in order, a piece at a time.

use crate::error::{Rule, Span, Stop};
use crate::limits::READ_MAX;

/// What is read: the host's blob, or a slice.
pub trait Input {
    /// Why a read failed, other than for the input's end.
    type Error;

    /// Bytes of the whole input.
    fn size(&self) -> u64;

    /// Up to `max` bytes (at least one, at most 64 KiB) at `offset`; none only at the end.
    ///
    /// # Errors
    /// Of whatever is read.
    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Self::Error>;
}

/// The input from its first byte up to a limit.
pub(crate) struct Pieces<'a, I> {
    input: &'a mut I,
    piece: Vec<u8>,
    /// Bytes of the piece that are behind the reader.
    at: usize,
    /// Offset of the piece.
    start: u64,
    end: u64,
}

impl<'a, I: Input> Pieces<'a, I> {
    /// The first `end` bytes.
    pub(crate) const fn new(input: &'a mut I, end: u64) -> Self {
        Self {
            input,
            piece: Vec::new(),
            at: 0,
            start: 0,
            end,
        }
    }

    /// Ends at `end` from now on, which is not behind the reader.
    pub(crate) fn limit(&mut self, end: u64) {
        self.end = end;
        if let Ok(left) = usize::try_from(end - self.start) {
            self.piece.truncate(left);
        }
    }

    /// Offset of the next byte.
    pub(crate) const fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    /// The next byte; none at the limit.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, Stop<I::Error>> {
        if let Some(&byte) = self.piece.get(self.at) {
            return Ok(Some(byte));
        }
        Ok(self.rest()?.first().copied())
    }

    /// What is at hand of the next bytes; empty only at the limit.
    pub(crate) fn rest(&mut self) -> Result<&[u8], Stop<I::Error>> {
        if self.at == self.piece.len() {
            self.refill()?;
        }
        Ok(&self.piece[self.at..])
    }

    /// Passes `bytes` of those at hand.
    #[inline]
    pub(crate) const fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn refill(&mut self) -> Result<(), Stop<I::Error>> {
        self.start += self.piece.len() as u64;
        self.piece.clear();
        self.at = 0;
        let left = self.end - self.start;
        if left == 0 {
            return Ok(());
        }
        let max = u32::try_from(left).map_or(READ_MAX, |left| left.min(READ_MAX));
        self.piece = self.input.read_at(self.start, max).map_err(Stop::Input)?;
        self.piece.truncate(max as usize);
        if self.piece.is_empty() {
            return Err(Span::new(self.start, 0).breaks(Rule::ShortInput).into());
        }
        Ok(())
    }
}
