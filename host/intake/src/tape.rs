//! The second stage: the blob as its importer steers it. Bytes come in chunks from the feed and go
//! out, in order and exactly once, to the recorder; what the importer says goes to the record.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use crossbeam_channel::Receiver;
use lazaret_artifact::record::Line;
use lazaret_artifact::{Entry, Fact};
use lazaret_engine::{Session, SessionError, Storage};
use lazaret_graph::RecordWriter;
use lazaret_store::ClonedFile;

use crate::error::{BlobFault, IntakeError};
use crate::limits::SMALL_OBJECT;
use crate::opened::Region;
use crate::recorder::{RecordError, Recorder};

pub(crate) struct Tape {
    feed: Receiver<Bytes>,
    /// Set by the feed when it has delivered everything.
    complete: Arc<AtomicBool>,
    /// Set when the feed ended without that.
    cut_off: bool,
    buffered: VecDeque<Bytes>,
    available: usize,
    scratch: Vec<u8>,
    position: u64,
    size: Option<u64>,
    /// The uncompressed blob in a file, for random access.
    file: Option<Region>,
    recorder: Recorder,
    record: Option<RecordWriter>,
}

/// The feed failed: its own error says why, this one only ends the run.
#[derive(Debug, thiserror::Error)]
#[error("the blob ended early")]
pub(crate) struct CutOff;

impl Tape {
    pub(crate) fn new(
        feed: Receiver<Bytes>,
        complete: Arc<AtomicBool>,
        size: Option<u64>,
        file: Option<Region>,
        recorder: Recorder,
    ) -> Self {
        Self {
            feed,
            complete,
            cut_off: false,
            buffered: VecDeque::new(),
            available: 0,
            scratch: Vec::new(),
            position: 0,
            size,
            file,
            recorder,
            record: None,
        }
    }

    /// Where entries and facts go from now on.
    pub(crate) fn begin_record(&mut self, record: RecordWriter) {
        self.record = Some(record);
    }

    /// Both results, once the run is over.
    pub(crate) fn into_parts(self) -> (Recorder, Option<RecordWriter>) {
        (self.recorder, self.record)
    }

    /// Reads what is left without keeping it, so that the recorder's digest is the blob's. False
    /// when the feed failed before its end.
    pub(crate) fn drain(&mut self) -> bool {
        loop {
            for chunk in self.buffered.drain(..) {
                self.recorder.discard(&chunk);
            }
            self.available = 0;
            if !matches!(self.pull(), Ok(true)) {
                return !self.cut_off;
            }
        }
    }

    /// One more chunk; false at the end.
    fn pull(&mut self) -> Result<bool, SessionError> {
        match self.feed.recv() {
            Ok(chunk) => {
                self.available += chunk.len();
                self.buffered.push_back(chunk);
                Ok(true)
            }
            Err(_) if self.complete.load(Ordering::Acquire) => Ok(false),
            Err(_) => {
                self.cut_off = true;
                Err(Box::new(CutOff))
            }
        }
    }

    fn fill(&mut self, wanted: usize) -> Result<(), SessionError> {
        while self.available < wanted && self.pull()? {}
        Ok(())
    }

    /// Up to `max` buffered bytes from the front chunk; none only when nothing is buffered.
    fn take(&mut self, max: u64) -> Option<Bytes> {
        let front = self.buffered.front_mut()?;
        let count = usize::try_from(max).map_or(front.len(), |max| front.len().min(max));
        let piece = front.split_to(count);
        if front.is_empty() {
            self.buffered.pop_front();
        }
        self.available -= count;
        self.position += count as u64;
        Some(piece)
    }

    fn keep_inline(&mut self, length: u64) -> Result<u64, SessionError> {
        let mut left = length;
        while left > 0 {
            self.fill(1)?;
            let Some(piece) = self.take(left) else { break };
            left -= piece.len() as u64;
            self.recorder.inline(&piece).map_err(record_error)?;
        }
        Ok(length - left)
    }

    /// Keeps all of the blob, of which nothing has been kept, as one object, for which there may be a
    /// clone already.
    pub(crate) fn keep_whole(
        &mut self,
        clone: Option<Box<ClonedFile>>,
    ) -> Result<(), SessionError> {
        let Some(clone) = clone else {
            return self.keep_object(u64::MAX).map(|_| ());
        };
        let object = self.recorder.begin_clone(clone).map_err(record_error)?;
        loop {
            self.fill(1)?;
            let Some(piece) = self.take(u64::MAX) else {
                break;
            };
            self.recorder
                .continue_object(&object, piece)
                .map_err(record_error)?;
        }
        self.recorder.end_object(&object).map_err(record_error)
    }

    fn keep_object(&mut self, length: u64) -> Result<u64, SessionError> {
        let mut pieces = Vec::new();
        let mut left = length;
        let mut gathered = 0;
        while left > 0 && gathered <= SMALL_OBJECT {
            self.fill(1)?;
            let Some(piece) = self.take(left) else { break };
            left -= piece.len() as u64;
            gathered += piece.len() as u64;
            pieces.push(piece);
        }
        if gathered <= SMALL_OBJECT {
            if gathered > 0 {
                self.recorder.object(pieces).map_err(record_error)?;
            }
            return Ok(length - left);
        }
        let object = self.recorder.begin_object().map_err(record_error)?;
        for piece in pieces {
            self.recorder
                .continue_object(&object, piece)
                .map_err(record_error)?;
        }
        while left > 0 {
            self.fill(1)?;
            let Some(piece) = self.take(left) else { break };
            left -= piece.len() as u64;
            self.recorder
                .continue_object(&object, piece)
                .map_err(record_error)?;
        }
        self.recorder.end_object(&object).map_err(record_error)?;
        Ok(length - left)
    }

    fn random(&self) -> Result<(&Region, u64), SessionError> {
        match (&self.file, self.size) {
            (Some(file), Some(size)) => Ok((file, size)),
            _ => Err("this blob is compressed or streamed and cannot be read at random".into()),
        }
    }
}

impl Session for Tape {
    fn position(&self) -> u64 {
        self.position
    }

    fn remaining(&self) -> Option<u64> {
        self.size.map(|size| size.saturating_sub(self.position))
    }

    fn peek(&mut self, max: usize) -> Result<&[u8], SessionError> {
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

    fn keep(&mut self, length: u64, storage: Storage) -> Result<u64, SessionError> {
        match storage {
            Storage::Inline => self.keep_inline(length),
            Storage::Object => self.keep_object(length),
        }
    }

    fn size(&mut self) -> Result<u64, SessionError> {
        self.random().map(|(_, size)| size)
    }

    fn read_at(&mut self, offset: u64, max: usize) -> Result<Vec<u8>, SessionError> {
        let (region, size) = self.random()?;
        let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; max.min(left)];
        region.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn entry(&mut self, entry: Entry) -> Result<(), SessionError> {
        self.line(&Line::Entry(entry))
    }

    fn fact(&mut self, fact: Fact) -> Result<(), SessionError> {
        self.line(&Line::Fact(fact))
    }

    fn derive(&mut self, _bytes: &[u8]) -> Result<(), SessionError> {
        Err("no importer of this version derives bytes".into())
    }

    fn finish_derived(&mut self) -> Result<(), SessionError> {
        Err("no importer of this version derives bytes".into())
    }
}

impl Tape {
    fn line(&mut self, line: &Line) -> Result<(), SessionError> {
        match &mut self.record {
            Some(record) => Ok(record.line(line)?),
            None => Ok(()),
        }
    }
}

/// A recorder's error, wrapped so that it comes out of the engine as what it is.
fn record_error(error: RecordError) -> SessionError {
    Box::new(Recording(record_fault(error)))
}

pub(crate) fn record_fault(error: RecordError) -> BlobFault {
    match error {
        RecordError::Store(error) => BlobFault::Host(Box::new(IntakeError::Store(error))),
        RecordError::Silent => {
            let seconds = crate::limits::POOL_PATIENCE.as_secs();
            BlobFault::Host(Box::new(IntakeError::Silent(seconds)))
        }
        RecordError::Broken => BlobFault::Rebuild,
    }
}

/// Carries a [`BlobFault`] through the engine.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Recording(pub(crate) BlobFault);
