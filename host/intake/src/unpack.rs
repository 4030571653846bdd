//! Decompression as a reader: gzip with any number of members (RFC 1952 section 2.2), zstd with any
//! number of frames, skippable ones included (RFC 8878 section 3.1), or nothing at all.
//!
//! Nothing may follow the last member or frame, and nothing may be missing from it. Output is
//! bounded in size and in proportion to the input.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;
use lazaret_artifact::Compression;

use crate::error::BlobFault;
use crate::limits::{UnpackLimits, ZSTD_WINDOW_LOG_MAX};

/// Bytes read from the source at once.
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
    Gzip(Box<GzDecoder<BufReader<Counted<R>>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Counted<R>>>>),
    Ended,
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
            Compression::Gzip => {
                let source = BufReader::with_capacity(READ_SIZE, source);
                Decoder::Gzip(Box::new(GzDecoder::new(source)))
            }
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
            let count = match self.decoder.read(&mut buffer[filled..]) {
                Ok(0) => {
                    if self.decoder.advance()? {
                        continue;
                    }
                    break;
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.decoder.blame(error)),
            };
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
    pub fn into_source(self) -> Option<R> {
        match self.decoder {
            Decoder::None(source) => Some(source.source),
            Decoder::Gzip(decoder) => Some(decoder.into_inner().into_inner().source),
            Decoder::Zstd(decoder) => Some(decoder.finish().into_inner().source),
            Decoder::Ended => None,
        }
    }
}

impl<R: Read> Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None(source) => source.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::Ended => Ok(0),
        }
    }

    /// After the end of a gzip member: whether another one follows. zstd's reader goes from frame
    /// to frame by itself.
    fn advance(&mut self) -> Result<bool, UnpackError> {
        let Self::Gzip(decoder) = self else {
            return Ok(false);
        };
        let next = decoder.get_mut().fill_buf().map_err(UnpackError::Source)?;
        match next {
            [] => Ok(false),
            // ID1 of the member header; the rest is the decoder's to check.
            [0x1f, ..] => {
                let Self::Gzip(decoder) = std::mem::replace(self, Self::Ended) else {
                    return Ok(false);
                };
                *self = Self::Gzip(Box::new(GzDecoder::new(decoder.into_inner())));
                Ok(true)
            }
            [..] => {
                let source = decoder.get_ref();
                let offset = source.get_ref().consumed.get() - source.buffer().len() as u64;
                Err(UnpackError::Fault(BlobFault::TrailingGarbage {
                    format: "gzip",
                    offset,
                }))
            }
        }
    }

    /// An error of the source passes through decoders unchanged; all others are theirs.
    fn blame(&self, error: io::Error) -> UnpackError {
        let (failed, format) = match self {
            Self::None(_) | Self::Ended => return UnpackError::Source(error),
            Self::Gzip(decoder) => (&decoder.get_ref().get_ref().failed, "gzip"),
            Self::Zstd(decoder) => (&decoder.get_ref().get_ref().failed, "zstd"),
        };
        if failed.get() {
            UnpackError::Source(error)
        } else {
            UnpackError::Fault(BlobFault::Decompress {
                format,
                source: error,
            })
        }
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
