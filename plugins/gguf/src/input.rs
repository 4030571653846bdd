//! Bytes at offsets, and a reader of them in order, a piece at a time.

use sha2::{Digest as _, Sha256};

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

/// The input from its first byte on.
pub(crate) struct Pieces<'a, I> {
    input: &'a mut I,
    piece: Vec<u8>,
    /// Bytes of the piece that are behind the reader.
    at: usize,
    /// Offset of the piece.
    start: u64,
    size: u64,
    /// What is being hashed, and from which byte of the piece on it has not been.
    hashed: Option<(Sha256, usize)>,
}

impl<'a, I: Input> Pieces<'a, I> {
    pub(crate) fn new(input: &'a mut I) -> Self {
        let size = input.size();
        Self {
            input,
            piece: Vec::new(),
            at: 0,
            start: 0,
            size,
            hashed: None,
        }
    }

    /// Offset of the next byte.
    pub(crate) const fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    /// Bytes from there to the end.
    pub(crate) const fn left(&self) -> u64 {
        self.size - self.offset()
    }

    /// Bytes of the whole input.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The next `N` bytes. A file that ends within them breaks `rule`, with what is there.
    #[inline]
    pub(crate) fn take<const N: usize>(&mut self, rule: Rule) -> Result<[u8; N], Stop<I::Error>> {
        let at_hand = self.piece.get(self.at..self.at + N);
        if let Some(bytes) = at_hand.and_then(|bytes| bytes.try_into().ok()) {
            self.at += N;
            return Ok(bytes);
        }
        if self.left() < N as u64 {
            return Err(Span::new(self.offset(), self.left()).breaks(rule).into());
        }
        let mut bytes = [0; N];
        let mut filled = 0;
        self.pass(N as u64, |piece| {
            bytes[filled..filled + piece.len()].copy_from_slice(piece);
            filled += piece.len();
        })?;
        Ok(bytes)
    }

    /// The next bytes, little-endian.
    #[inline]
    pub(crate) fn u32(&mut self, rule: Rule) -> Result<u32, Stop<I::Error>> {
        self.take(rule).map(u32::from_le_bytes)
    }

    /// The next bytes, little-endian.
    #[inline]
    pub(crate) fn u64(&mut self, rule: Rule) -> Result<u64, Stop<I::Error>> {
        self.take(rule).map(u64::from_le_bytes)
    }

    /// Passes `length` bytes, of which there are as many, and shows them.
    pub(crate) fn pass(
        &mut self,
        mut length: u64,
        mut see: impl FnMut(&[u8]),
    ) -> Result<(), Stop<I::Error>> {
        while length > 0 {
            if self.at == self.piece.len() {
                self.refill()?;
            }
            let piece = &self.piece[self.at..];
            let part =
                usize::try_from(length).map_or(piece.len(), |length| length.min(piece.len()));
            see(&piece[..part]);
            self.at += part;
            length -= part as u64;
        }
        Ok(())
    }

    /// Hashes what is passed from now on.
    pub(crate) fn begin_digest(&mut self) {
        self.hashed = Some((Sha256::new(), self.at));
    }

    /// SHA-256 of what was passed since.
    pub(crate) fn end_digest(&mut self) -> [u8; 32] {
        match self.hashed.take() {
            Some((mut hash, from)) => {
                hash.update(&self.piece[from..self.at]);
                hash.finalize().into()
            }
            None => Sha256::digest([]).into(),
        }
    }

    fn refill(&mut self) -> Result<(), Stop<I::Error>> {
        if let Some((hash, from)) = &mut self.hashed {
            hash.update(&self.piece[*from..]);
            *from = 0;
        }
        self.start += self.piece.len() as u64;
        self.at = 0;
        self.piece.clear();
        let left = self.size - self.start;
        let max = u32::try_from(left).map_or(READ_MAX, |left| left.min(READ_MAX));
        self.piece = self.input.read_at(self.start, max).map_err(Stop::Input)?;
        self.piece.truncate(max as usize);
        if self.piece.is_empty() {
            return Err(Span::new(self.start, 0).breaks(Rule::ShortInput).into());
        }
        Ok(())
    }
}
