//! Bytes at offsets, and two readers of them: one in order, one that stays near.

use crc32fast::Hasher;

use crate::limits::READ_MAX;

/// What is read: the host's blob, or a slice.
pub trait Input {
    /// Bytes of the whole input.
    fn size(&self) -> u64;

    /// Up to `max` bytes (at least one, at most 64 KiB) at `offset`; none only at the end.
    fn read_at(&mut self, offset: u64, max: u32) -> Vec<u8>;
}

/// The input ended first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short;

/// A stretch of the input, in order.
pub(crate) struct Stream<'a, I> {
    input: &'a mut I,
    piece: Vec<u8>,
    /// Bytes of the piece that are behind the reader.
    at: usize,
    /// Offset of the piece.
    start: u64,
    end: u64,
    /// Over everything up to the end of the piece, where it is wanted.
    checksum: Option<Hasher>,
}

impl<'a, I: Input> Stream<'a, I> {
    /// Bytes `start` to `end`, of which nothing is read that is skipped.
    pub(crate) const fn new(input: &'a mut I, start: u64, end: u64) -> Self {
        Self {
            input,
            piece: Vec::new(),
            at: 0,
            start,
            end,
            checksum: None,
        }
    }

    /// Bytes `start` to `end`, all of which go into a checksum.
    pub(crate) fn with_checksum(input: &'a mut I, start: u64, end: u64) -> Self {
        Self {
            checksum: Some(Hasher::new()),
            ..Self::new(input, start, end)
        }
    }

    /// Offset of the next byte.
    pub(crate) const fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    /// Offset of the last byte's end.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// The next byte, without passing it.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        if self.at == self.piece.len() {
            self.refill();
        }
        self.piece.get(self.at).copied()
    }

    /// The next byte.
    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Short> {
        let byte = self.peek().ok_or(Short)?;
        self.at += 1;
        Ok(byte)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(bytes)
    }

    /// The next `length` bytes behind what `bytes` has. The caller bounds `length`.
    pub(crate) fn take(&mut self, length: u64, bytes: &mut Vec<u8>) -> Result<(), Short> {
        let mut left = length;
        while left > 0 {
            self.peek().ok_or(Short)?;
            let here = &self.piece[self.at..];
            let used = usize::try_from(left).map_or(here.len(), |left| left.min(here.len()));
            bytes.extend_from_slice(&here[..used]);
            self.at += used;
            left -= used as u64;
        }
        Ok(())
    }

    /// Passes `length` bytes.
    pub(crate) fn skip(&mut self, length: u64) -> Result<(), Short> {
        if length > self.end - self.offset() {
            return Err(Short);
        }
        let target = self.offset() + length;
        while self.offset() < target {
            let here = (self.piece.len() - self.at) as u64;
            let left = target - self.offset();
            if left <= here {
                self.at += usize::try_from(left).expect("no more than the piece has");
            } else if self.checksum.is_some() {
                self.at = self.piece.len();
                self.peek().ok_or(Short)?;
            } else {
                self.piece.clear();
                self.at = 0;
                self.start = target;
            }
        }
        Ok(())
    }

    /// Passes everything, and returns the checksum of all of it (zero where none was wanted).
    pub(crate) fn finish(mut self) -> Result<u32, Short> {
        let left = self.end - self.offset();
        self.skip(left)?;
        Ok(self.checksum.map_or(0, Hasher::finalize))
    }

    fn refill(&mut self) {
        self.start += self.piece.len() as u64;
        self.piece.clear();
        self.at = 0;
        let left = self.end - self.start;
        let max = u32::try_from(left).map_or(READ_MAX, |left| left.min(READ_MAX));
        if max == 0 {
            return;
        }
        self.piece = self.input.read_at(self.start, max);
        self.piece.truncate(max as usize);
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&self.piece);
        }
    }
}

/// Bytes near each other, read once.
pub(crate) struct Window<'a, I> {
    input: &'a mut I,
    bytes: Vec<u8>,
    start: u64,
}

impl<'a, I: Input> Window<'a, I> {
    pub(crate) const fn new(input: &'a mut I) -> Self {
        Self {
            input,
            bytes: Vec::new(),
            start: 0,
        }
    }

    /// `length` bytes at `offset`, or fewer at the end of the input; where they are not at hand, about
    /// `ahead` bytes (at most 64 KiB) are fetched.
    pub(crate) fn at(&mut self, offset: u64, length: usize, ahead: u32) -> &[u8] {
        let have = self.bytes.len() as u64;
        let is_here = self.start <= offset && offset + length as u64 <= self.start + have;
        if !is_here {
            self.bytes.clear();
            self.start = offset;
            while self.bytes.len() < length.max(ahead as usize) {
                let place = offset + self.bytes.len() as u64;
                if place >= self.input.size() {
                    break;
                }
                let more = self.input.read_at(place, READ_MAX.min(ahead.max(512)));
                if more.is_empty() {
                    break;
                }
                self.bytes.extend_from_slice(&more);
            }
        }
        let from = usize::try_from(offset - self.start).expect("within what is held");
        let from = from.min(self.bytes.len());
        let to = from.saturating_add(length).min(self.bytes.len());
        &self.bytes[from..to]
    }

    pub(crate) fn size(&self) -> u64 {
        self.input.size()
    }
}
