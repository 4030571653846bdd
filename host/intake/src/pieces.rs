//! A blob's bytes in order, in pieces: as the feed delivers them, or from a file.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use crossbeam_channel::Receiver;
use lazaret_engine::SessionError;

use crate::buffers::Buffers;
use crate::opened::Region;

pub(crate) struct Pieces {
    source: Source,
    buffered: VecDeque<Bytes>,
    available: usize,
    scratch: Vec<u8>,
}

enum Source {
    /// What another thread reads.
    Feed {
        chunks: Receiver<Bytes>,
        /// Set by the feed when it has delivered everything.
        complete: Arc<AtomicBool>,
        /// Set when the feed ended without that.
        cut_off: bool,
    },
    /// What is read when it is wanted.
    File {
        region: Region,
        position: u64,
        size: u64,
        buffers: Buffers,
    },
}

/// The feed failed: its own error says why, this one only ends the run.
#[derive(Debug, thiserror::Error)]
#[error("the blob ended early")]
pub(crate) struct CutOff;

impl Pieces {
    fn new(source: Source) -> Self {
        Self {
            source,
            buffered: VecDeque::new(),
            available: 0,
            scratch: Vec::new(),
        }
    }

    /// What comes through a channel.
    pub(crate) fn feed(chunks: Receiver<Bytes>, complete: Arc<AtomicBool>) -> Self {
        Self::new(Source::Feed {
            chunks,
            complete,
            cut_off: false,
        })
    }

    /// The first `size` bytes of a file.
    pub(crate) fn file(region: Region, size: u64) -> Self {
        Self::new(Source::File {
            region,
            position: 0,
            size,
            buffers: Buffers::new(),
        })
    }

    /// One more piece; false at the end.
    fn pull(&mut self) -> Result<bool, SessionError> {
        let chunk = match &mut self.source {
            Source::Feed {
                chunks,
                complete,
                cut_off,
            } => match chunks.recv() {
                Ok(chunk) => chunk,
                Err(_) if complete.load(Ordering::Acquire) => return Ok(false),
                Err(_) => {
                    *cut_off = true;
                    return Err(Box::new(CutOff));
                }
            },
            Source::File {
                region,
                position,
                size,
                buffers,
            } => {
                let left = *size - *position;
                if left == 0 {
                    return Ok(false);
                }
                let mut buffer = buffers.take();
                let count =
                    usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
                region.read_exact_at(&mut buffer[..count], *position)?;
                *position += count as u64;
                buffers.chunk(buffer, count)
            }
        };
        self.available += chunk.len();
        self.buffered.push_back(chunk);
        Ok(true)
    }

    fn fill(&mut self, wanted: usize) -> Result<(), SessionError> {
        while self.available < wanted && self.pull()? {}
        Ok(())
    }

    /// The next piece, of at most `max` bytes; none only at the end.
    pub(crate) fn next(&mut self, max: u64) -> Result<Option<Bytes>, SessionError> {
        self.fill(1)?;
        let Some(front) = self.buffered.front_mut() else {
            return Ok(None);
        };
        let count = usize::try_from(max).map_or(front.len(), |max| front.len().min(max));
        let piece = front.split_to(count);
        if front.is_empty() {
            self.buffered.pop_front();
        }
        self.available -= count;
        Ok(Some(piece))
    }

    /// The next `max` bytes without taking them; fewer only at the end.
    pub(crate) fn peek(&mut self, max: usize) -> Result<&[u8], SessionError> {
        self.fill(max)?;
        let wanted = max.min(self.available);
        match self.buffered.front() {
            None => Ok(&[]),
            Some(front) if front.len() >= wanted => Ok(&front[..wanted]),
            Some(_) => {
                self.scratch.clear();
                for chunk in &self.buffered {
                    let missing = wanted - self.scratch.len();
                    self.scratch
                        .extend_from_slice(&chunk[..chunk.len().min(missing)]);
                }
                Ok(&self.scratch)
            }
        }
    }

    /// Whether the feed failed before its end.
    pub(crate) const fn is_cut_off(&self) -> bool {
        matches!(self.source, Source::Feed { cut_off: true, .. })
    }
}
