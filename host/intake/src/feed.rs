//! The first stage: a thread of its own reads a blob, verifies it, decompresses it and hands the
//! bytes on in chunks.
//!
//! When the next stage gives up, or the compressed bytes turn out to be broken, the rest of the
//! blob is still read: a blob that is not what its digest promised is reported as that, not as
//! whatever nonsense it decompressed to.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use crossbeam_channel::Sender;
use lazaret_artifact::Compression;
use lazaret_transport::TransportError;

use crate::buffers::Buffers;
use crate::error::{BlobFault, IntakeError};
use crate::limits::{Allowance, CHUNK_SIZE, UnpackLimits};
use crate::opened::{Reading, Region};
use crate::unpack::{UnpackError, Unpacker};

/// What the feed needs to know.
pub(crate) struct Feed<'a> {
    pub(crate) compression: Compression,
    pub(crate) limits: UnpackLimits,
    pub(crate) allowance: &'a Allowance,
    pub(crate) cancel: &'a [&'a AtomicBool],
    /// Called with the number of bytes read since the last call.
    pub(crate) on_read: &'a (dyn Fn(u64) + Sync),
}

impl Feed<'_> {
    /// Reads a blob to its end. `Ok` means that it is what was promised, unless its digest is left
    /// to the next stage.
    pub(crate) fn run(
        &self,
        reading: Reading,
        buffers: &Buffers,
        chunks: &Sender<Bytes>,
    ) -> Result<(), BlobFault> {
        let blob = match reading {
            Reading::Plain(region, size) => return self.run_plain(&region, size, buffers, chunks),
            Reading::Checked(blob) => blob,
        };
        let mut unpacker = Unpacker::new(blob, self.compression, self.limits)
            .map_err(|error| io_fault("setting up decompression", error))?;
        let result = self.unpack(&mut unpacker, buffers, chunks);
        if self.is_cancelled() {
            return Err(BlobFault::Host(Box::new(IntakeError::Interrupted)));
        }
        if let Err(BlobFault::Host(_)) = result {
            // The blob itself failed, or is not what was promised; it can say so only once.
            return result;
        }
        self.read_out(unpacker.into_source())?;
        result
    }

    fn unpack(
        &self,
        unpacker: &mut Unpacker<Box<dyn Read + Send>>,
        buffers: &Buffers,
        chunks: &Sender<Bytes>,
    ) -> Result<(), BlobFault> {
        let mut reported = 0;
        loop {
            if self.is_cancelled() {
                return Ok(());
            }
            let mut buffer = buffers.take();
            let count = unpacker.fill(&mut buffer).map_err(|error| match error {
                UnpackError::Fault(fault) => fault,
                UnpackError::Source(error) => io_fault("read", error),
            })?;
            let consumed = unpacker.consumed();
            (self.on_read)(consumed - reported);
            reported = consumed;
            self.allowance.take(count as u64)?;
            let last = count < buffer.len();
            if count > 0 && chunks.send(buffers.chunk(buffer, count)).is_err() {
                // The next stage gave up; its own error counts if the blob is sound.
                return Ok(());
            }
            if last {
                return Ok(());
            }
        }
    }

    fn run_plain(
        &self,
        region: &Region,
        size: u64,
        buffers: &Buffers,
        chunks: &Sender<Bytes>,
    ) -> Result<(), BlobFault> {
        let mut left = size;
        while left > 0 {
            if self.is_cancelled() {
                return Err(BlobFault::Host(Box::new(IntakeError::Interrupted)));
            }
            let mut buffer = buffers.take();
            let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            region
                .read_exact_at(&mut buffer[..count], size - left)
                .map_err(|error| io_fault("read", error))?;
            self.allowance.take(count as u64)?;
            left -= count as u64;
            (self.on_read)(count as u64);
            if chunks.send(buffers.chunk(buffer, count)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads what is left of `blob`, for its digest.
    fn read_out(&self, mut blob: Box<dyn Read + Send>) -> Result<(), BlobFault> {
        let mut piece = vec![0; CHUNK_SIZE];
        loop {
            if self.is_cancelled() {
                return Err(BlobFault::Host(Box::new(IntakeError::Interrupted)));
            }
            match fill(&mut blob, &mut piece) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(io_fault("read", error)),
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.iter().any(|flag| flag.load(Ordering::Relaxed))
    }
}

fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn transport(error: TransportError) -> BlobFault {
    BlobFault::Host(Box::new(IntakeError::Transport(error)))
}

fn io_fault(operation: &'static str, error: io::Error) -> BlobFault {
    transport(TransportError::from_io(error, |source| {
        TransportError::Io {
            operation,
            path: std::path::PathBuf::from("blob"),
            source,
        }
    }))
}
