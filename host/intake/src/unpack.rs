//! Decompression as a reader: gzip with any number of members (RFC 1952 section 2.2), zstd with any
//! number of frames, skippable ones included (RFC 8878 section 3.1), or nothing at all.
//!
//! Nothing may follow the last member or frame, and nothing may be missing from it. Output is
//! bounded in size and in proportion to the input.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use lazaret_artifact::Compression;

use crate::error::BlobFault;
use crate::gzip::{GzipError, GzipReader};
use crate::limits::{UnpackLimits, ZSTD_WINDOW_LOG_MAX};

/// Bytes read from the source of zstd frames at once.
const READ_SIZE: usize = 128 << 10;

/// A decompressing reader over `R`.
pub struct Unpacker<R: Read> {
    decoder: Decoder<R>,
    consumed: Rc<Cell<u64>>,
    made: u64,
    limits: UnpackLimits,
}

enum Decoder<R: Read> {
    None(Counted<R>),
    Gzip(Box<GzipReader<Counted<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Counted<R>>>>),
}

/// What a read failed on.
#[derive(Debug)]
pub enum UnpackError {
    /// The compressed bytes.
    Fault(BlobFault),
    /// The source.
    Source(io::Error),
}

impl<R: Read> Unpacker<R> {
    /// A reader of what `source` decompresses to.
    ///
    /// # Errors
    /// When zstd refuses its own parameters.
    pub fn new(source: R, compression: Compression, limits: UnpackLimits) -> io::Result<Self> {
        let consumed = Rc::new(Cell::new(0));
        let source = Counted {
            source,
            consumed: Rc::clone(&consumed),
            failed: Rc::new(Cell::new(false)),
        };
        let decoder = match compression {
            Compression::None => Decoder::None(source),
            Compression::Gzip => Decoder::Gzip(Box::new(GzipReader::new(source))),
            Compression::Zstd => {
                let source = BufReader::with_capacity(READ_SIZE, source);
                let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Decoder::Zstd(Box::new(decoder))
            }
        };
        Ok(Self {
            decoder,
            consumed,
            made: 0,
            limits,
        })
    }

    /// Compressed bytes taken from the source so far.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.consumed.get()
    }

    /// Fills `buffer` as far as there are bytes; less than all of it only at the end.
    ///
    /// # Errors
    /// The source's, or the fault of the compressed bytes.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, UnpackError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let count = self.decoder.read(&mut buffer[filled..])?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        self.made += filled as u64;
        self.check_limits()?;
        Ok(filled)
    }

    fn check_limits(&self) -> Result<(), UnpackError> {
        let fault = if self.made > self.limits.size {
            BlobFault::TooLarge {
                limit: self.limits.size,
            }
        } else if self.made > self.limits.free
            && self.made / self.limits.ratio.max(1) > self.consumed()
        {
            BlobFault::Bomb {
                ratio: self.limits.ratio,
                read: self.consumed(),
                made: self.made,
            }
        } else {
            return Ok(());
        };
        Err(UnpackError::Fault(fault))
    }

    /// The source, to read what is left of it.
    pub fn into_source(self) -> R {
        match self.decoder {
            Decoder::None(source) => source.source,
            Decoder::Gzip(decoder) => decoder.into_source().source,
            Decoder::Zstd(decoder) => decoder.finish().into_inner().source,
        }
    }
}

impl<R: Read> Decoder<R> {
    /// Zero only at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, UnpackError> {
        loop {
            let error = match self {
                Self::Gzip(decoder) => return decoder.read(buffer).map_err(gzip_error),
                Self::None(source) => match source.read(buffer) {
                    Ok(count) => return Ok(count),
                    Err(error) => error,
                },
                Self::Zstd(decoder) => match decoder.read(buffer) {
                    Ok(count) => return Ok(count),
                    Err(error) => error,
                },
            };
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(self.blame(error));
            }
        }
    }

    /// An error of the source passes through the zstd decoder unchanged; all others are its own.
    fn blame(&self, error: io::Error) -> UnpackError {
        match self {
            Self::Zstd(decoder) if !decoder.get_ref().get_ref().failed.get() => {
                UnpackError::Fault(BlobFault::Decompress {
                    format: "zstd",
                    source: error,
                })
            }
            _ => UnpackError::Source(error),
        }
    }
}

fn gzip_error(error: GzipError) -> UnpackError {
    match error {
        GzipError::Source(error) => UnpackError::Source(error),
        GzipError::Broken(reason) => UnpackError::Fault(BlobFault::Decompress {
            format: "gzip",
            source: io::Error::new(io::ErrorKind::InvalidData, reason),
        }),
        GzipError::Trailing(offset) => UnpackError::Fault(BlobFault::TrailingGarbage {
            format: "gzip",
            offset,
        }),
    }
}

/// Counts what is read and remembers whether reading failed.
struct Counted<R> {
    source: R,
    consumed: Rc<Cell<u64>>,
    failed: Rc<Cell<bool>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.source.read(buffer) {
            Ok(count) => {
                self.consumed.set(self.consumed.get() + count as u64);
                Ok(count)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failed.set(true);
                }
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;
