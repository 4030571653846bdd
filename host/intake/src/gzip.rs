//! gzip members (RFC 1952) around `zlib-rs`.
//!
//! Not `flate2`: another crate of the program turns on its C backend, and then the system's zlib
//! inflates, at two thirds of the speed. Framing it ourselves also gives exact offsets and lets
//! nothing stand between or behind members.

use std::io::{self, Read};

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

/// Compressed bytes read at once.
const READ_SIZE: usize = 128 << 10;

/// Log2 of deflate's window (RFC 1951 section 2).
const WINDOW_BITS: u8 = 15;

/// Bytes of a header before its optional parts (RFC 1952 section 2.3).
const HEADER_SIZE: usize = 10;

/// Bytes of the trailer: CRC-32 and the size modulo 2^32.
const TRAILER_SIZE: usize = 8;

/// Bytes of a member's optional name or comment: stops a header that never ends.
const MAX_TEXT: usize = 64 << 10;

const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// Why reading stopped.
#[derive(Debug)]
pub(crate) enum GzipError {
    /// The source failed.
    Source(io::Error),
    /// The members are broken.
    Broken(&'static str),
    /// Something else follows the last member, at this offset.
    Trailing(u64),
}

/// Reads all members of a source.
pub(crate) struct GzipReader<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `buffer[end]` in the source.
    offset: u64,
    source_ended: bool,
    inflate: Inflate,
    crc: crc32fast::Hasher,
    size: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FirstMember,
    Body,
    NextMember,
    Ended,
}

impl<R: Read> GzipReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; READ_SIZE],
            start: 0,
            end: 0,
            offset: 0,
            source_ended: false,
            inflate: Inflate::new(false, WINDOW_BITS),
            crc: crc32fast::Hasher::new(),
            size: 0,
            state: State::FirstMember,
        }
    }

    pub(crate) fn into_source(self) -> R {
        self.source
    }

    /// Up to `out.len()` bytes; none only at the end of the last member.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, GzipError> {
        loop {
            match self.state {
                State::Ended => return Ok(0),
                State::FirstMember => self.begin_member()?,
                State::NextMember => {
                    if self.available()?.is_empty() {
                        self.state = State::Ended;
                        return Ok(0);
                    }
                    let at = self.offset - (self.end - self.start) as u64;
                    if !self.available()?.starts_with(&[0x1f]) {
                        return Err(GzipError::Trailing(at));
                    }
                    self.begin_member()?;
                }
                State::Body => {
                    let made = self.inflate(out)?;
                    if made > 0 {
                        return Ok(made);
                    }
                }
            }
        }
    }

    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, GzipError> {
        self.available()?;
        let input = &self.buffer[self.start..self.end];
        let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(input, out, InflateFlush::NoFlush)
            .map_err(|error| GzipError::Broken(describe(error)))?;
        // Both differences are bounded by the lengths of the two slices.
        let used = (self.inflate.total_in() - in_before) as usize;
        let made = (self.inflate.total_out() - out_before) as usize;
        let starved = input.is_empty() && made == 0;
        self.start += used;
        self.crc.update(&out[..made]);
        self.size += made as u64;
        if status == Status::StreamEnd {
            self.end_member()?;
        } else if starved {
            return Err(GzipError::Broken("it ends in the middle of a member"));
        }
        Ok(made)
    }

    fn begin_member(&mut self) -> Result<(), GzipError> {
        let mut crc = crc32fast::Hasher::new();
        let header: [u8; HEADER_SIZE] = self.take(&mut crc)?;
        let flags = header[3];
        if header[..2] != [0x1f, 0x8b] {
            return Err(GzipError::Broken("a member does not begin with 1f 8b"));
        }
        if header[2] != 8 {
            return Err(GzipError::Broken("a member is not deflated"));
        }
        if flags & RESERVED != 0 {
            return Err(GzipError::Broken("a member has reserved flags"));
        }
        if flags & EXTRA != 0 {
            let length = u16::from_le_bytes(self.take(&mut crc)?);
            for _ in 0..length {
                let _: [u8; 1] = self.take(&mut crc)?;
            }
        }
        for flag in [NAME, COMMENT] {
            if flags & flag != 0 {
                self.skip_text(&mut crc)?;
            }
        }
        if flags & HEADER_CRC != 0 {
            // The low half of the CRC-32 over all of the header before it.
            let expected = crc.clone().finalize().to_le_bytes();
            let found: [u8; 2] = self.take(&mut crc)?;
            if found != expected[..2] {
                return Err(GzipError::Broken("a member's header has the wrong CRC"));
            }
        }
        self.inflate.reset(false);
        self.crc = crc32fast::Hasher::new();
        self.size = 0;
        self.state = State::Body;
        Ok(())
    }

    fn end_member(&mut self) -> Result<(), GzipError> {
        let trailer: [u8; TRAILER_SIZE] = self.take(&mut crc32fast::Hasher::new())?;
        let [a, b, c, d, size @ ..] = trailer;
        let crc = std::mem::take(&mut self.crc).finalize();
        if u32::from_le_bytes([a, b, c, d]) != crc {
            return Err(GzipError::Broken("a member has the wrong CRC"));
        }
        // ISIZE is modulo 2^32.
        if u64::from(u32::from_le_bytes(size)) != self.size & u64::from(u32::MAX) {
            return Err(GzipError::Broken("a member has the wrong size"));
        }
        self.state = State::NextMember;
        Ok(())
    }

    fn skip_text(&mut self, crc: &mut crc32fast::Hasher) -> Result<(), GzipError> {
        for _ in 0..MAX_TEXT {
            if self.take(crc)? == [0] {
                return Ok(());
            }
        }
        Err(GzipError::Broken("a member's name or comment does not end"))
    }

    fn take<const N: usize>(&mut self, crc: &mut crc32fast::Hasher) -> Result<[u8; N], GzipError> {
        let mut taken = [0; N];
        for byte in &mut taken {
            let [next, ..] = *self.available()? else {
                return Err(GzipError::Broken("it ends in the middle of a member"));
            };
            *byte = next;
            self.start += 1;
        }
        crc.update(&taken);
        Ok(taken)
    }

    /// What is buffered; empty only at the end of the source.
    fn available(&mut self) -> Result<&[u8], GzipError> {
        while self.start == self.end && !self.source_ended {
            match self.source.read(&mut self.buffer) {
                Ok(count) => {
                    self.source_ended = count == 0;
                    (self.start, self.end) = (0, count);
                    self.offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(GzipError::Source(error)),
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }
}

const fn describe(error: InflateError) -> &'static str {
    match error {
        InflateError::NeedDict { .. } => "a member wants a dictionary",
        InflateError::DataError => "the deflated data is invalid",
        InflateError::StreamError => "the decompressor is out of step",
        InflateError::MemError => "out of memory",
    }
}
