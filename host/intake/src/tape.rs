//! The second stage: the blob as its importer steers it. Bytes come in pieces and go out, in order
//! and exactly once, to the recorder; what the importer says goes to the record.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lazaret_artifact::{Entry, Fact};
use lazaret_engine::{Session, SessionError, Storage};
use lazaret_store::{ClonedFile, Repository};

use crate::cuts::Cuts;
use crate::error::{BlobFault, IntakeError};
use crate::handover::{Handover, Waiting};
use crate::limits::SMALL_OBJECT;
use crate::lines::Lines;
use crate::opened::Region;
use crate::pieces::Pieces;
use crate::recorder::{RecordError, Recorder};

pub(crate) struct Tape {
    repository: Repository,
    pieces: Pieces,
    position: u64,
    size: Option<u64>,
    /// A file that is all of the blob and can become an object as it is.
    clone: Option<Box<ClonedFile>>,
    recorder: Recorder,
    /// Set by whoever wants it to stop.
    cancel: Arc<AtomicBool>,
    lines: Lines,
    handover: Option<Handover>,
}

impl Tape {
    pub(crate) fn new(
        repository: &Repository,
        pieces: Pieces,
        size: Option<u64>,
        clone: Option<Box<ClonedFile>>,
        recorder: Recorder,
        cancel: Arc<AtomicBool>,
    ) -> Self {
        Self {
            repository: repository.clone(),
            pieces,
            position: 0,
            size,
            clone,
            recorder,
            cancel,
            lines: Lines::nowhere(),
            handover: None,
        }
    }

    /// Where entries and facts go from now on, and who may be handed files.
    pub(crate) fn begin(&mut self, lines: Lines, handover: Option<Handover>) {
        self.lines = lines;
        self.handover = handover;
    }

    /// Both results, once the run is over.
    pub(crate) fn into_parts(mut self) -> Result<(Recorder, Lines), SessionError> {
        if let Some(mut handover) = self.handover.take() {
            handover.finish(&mut self.lines)?;
        }
        Ok((self.recorder, self.lines))
    }

    /// The recorder alone: for what was not to be kept.
    pub(crate) fn into_recorder(self) -> Recorder {
        self.recorder
    }

    /// Reads what is left without keeping it, so that the recorder's digest is the blob's. False
    /// when the feed failed before its end.
    pub(crate) fn drain(&mut self) -> bool {
        loop {
            match self.pieces.next(u64::MAX) {
                Ok(Some(piece)) => self.recorder.discard(&piece),
                Ok(None) | Err(_) => return !self.pieces.is_cut_off(),
            }
        }
    }

    /// All of the blob, of which nothing has been taken, as a file of the repository.
    pub(crate) fn spool(&mut self) -> Result<(Region, u64), SessionError> {
        let (file, size) = self.copy_out(u64::MAX)?;
        let region = Region::of(file.file())?;
        self.pieces = Pieces::file(region.clone(), size);
        self.position = 0;
        self.size = Some(size);
        self.clone = Some(Box::new(file));
        Ok((region, size))
    }

    /// The next `length` bytes as a file, and how many there were.
    fn copy_out(&mut self, length: u64) -> Result<(ClonedFile, u64), SessionError> {
        let mut spool = self.repository.spool()?;
        let mut left = length;
        while left > 0 {
            let Some(piece) = self.next(left)? else { break };
            left -= piece.len() as u64;
            spool.write(&piece)?;
        }
        Ok((spool.finish()?, length - left))
    }

    /// Up to `max` bytes from the front.
    fn next(&mut self, max: u64) -> Result<Option<Bytes>, SessionError> {
        if self.cancel.load(Ordering::Relaxed) {
            let interrupted = IntakeError::Interrupted;
            return Err(Box::new(Recording(BlobFault::Host(Box::new(interrupted)))));
        }
        let piece = self.pieces.next(max)?;
        if let Some(piece) = &piece {
            self.position += piece.len() as u64;
        }
        Ok(piece)
    }

    /// Keeps bytes inline, and shows the files among them to whoever claims them.
    fn keep_stretch(&mut self, length: u64) -> Result<u64, SessionError> {
        let start = self.position;
        let end = start.saturating_add(length);
        while let Some(handover) = &mut self.handover
            && let Some(file) = handover.take_within(self.position, end)
        {
            self.keep_inline(file.offset - self.position)?;
            let length = usize::try_from(file.length).unwrap_or(usize::MAX);
            let bytes = self.pieces.peek(length)?;
            if bytes.len() == length {
                let mut spool = self.repository.spool()?;
                spool.write(bytes)?;
                let region = Region::of(spool.finish()?.file())?;
                if let Some(handover) = &mut self.handover {
                    // However it would be cut, it stays where it is.
                    handover.give(&file, &region)?;
                }
            }
        }
        self.keep_inline(end - self.position)?;
        Ok(self.position - start)
    }

    fn keep_inline(&mut self, length: u64) -> Result<u64, SessionError> {
        let mut left = length;
        while left > 0 {
            let Some(piece) = self.next(left)? else { break };
            left -= piece.len() as u64;
            self.recorder.inline(&piece).map_err(record_error)?;
        }
        Ok(length - left)
    }

    /// Keeps all of the blob, of which nothing has been kept, as `cuts` say.
    pub(crate) fn keep_cuts(&mut self, cuts: &Cuts) -> Result<(), SessionError> {
        if cuts.is_whole() {
            return self.keep_whole();
        }
        for segment in cuts.segments() {
            match segment.storage {
                Storage::Inline => self.keep_inline(segment.length)?,
                Storage::Object => self.keep_object(segment.length)?,
            };
        }
        // A file that grew meanwhile; its digest will say so.
        self.keep_object(u64::MAX).map(|_| ())
    }

    /// Keeps all of the blob, of which nothing has been kept, as one object.
    pub(crate) fn keep_whole(&mut self) -> Result<(), SessionError> {
        let Some(clone) = self.clone.take_if(|clone| clone.size() > SMALL_OBJECT) else {
            return self.keep_object(u64::MAX).map(|_| ());
        };
        let object = self.recorder.begin_clone(clone).map_err(record_error)?;
        while let Some(piece) = self.next(u64::MAX)? {
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
            let Some(piece) = self.next(left)? else { break };
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
            let Some(piece) = self.next(left)? else { break };
            left -= piece.len() as u64;
            self.recorder
                .continue_object(&object, piece)
                .map_err(record_error)?;
        }
        self.recorder.end_object(&object).map_err(record_error)?;
        Ok(length - left)
    }

    /// Keeps a file that another importer is to see first.
    fn hand_on(&mut self, file: &Waiting) -> Result<u64, SessionError> {
        let start = self.position;
        let (copy, length) = self.copy_out(file.length)?;
        let region = Region::of(copy.file())?;
        let cuts = match &mut self.handover {
            Some(handover) if length == file.length => handover.give(file, &region)?,
            // It was cut short, which its own importer will say.
            _ => Cuts::whole(length),
        };
        let behind = std::mem::replace(&mut self.pieces, Pieces::file(region, length));
        let clone = self.clone.replace(Box::new(copy));
        self.position = start;
        let kept = self.keep_cuts(&cuts);
        self.pieces = behind;
        self.clone = clone;
        kept.map(|()| length)
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
        self.pieces.peek(max)
    }

    fn keep(&mut self, length: u64, storage: Storage) -> Result<u64, SessionError> {
        match storage {
            Storage::Inline => self.keep_stretch(length),
            Storage::Object => {
                let position = self.position;
                let file = self.handover.as_mut();
                match file.and_then(|handover| handover.take(position, length)) {
                    Some(file) => self.hand_on(&file),
                    None => self.keep_object(length),
                }
            }
        }
    }

    fn size(&mut self) -> Result<u64, SessionError> {
        Err(Self::forward_only())
    }

    fn read_at(&mut self, _offset: u64, _max: usize) -> Result<Vec<u8>, SessionError> {
        Err(Self::forward_only())
    }

    fn entry(&mut self, entry: Entry) -> Result<(), SessionError> {
        if let Some(handover) = &mut self.handover {
            handover.note(&entry, self.lines.noted.entries);
        }
        self.lines.entry(entry)
    }

    fn fact(&mut self, fact: Fact) -> Result<(), SessionError> {
        self.lines.fact(fact)
    }

    fn derive(&mut self, _bytes: &[u8]) -> Result<(), SessionError> {
        Err("no importer of this version derives bytes".into())
    }

    fn finish_derived(&mut self) -> Result<(), SessionError> {
        Err("no importer of this version derives bytes".into())
    }
}

impl Tape {
    /// Who reads at random is given a file instead of this.
    fn forward_only() -> SessionError {
        "this importer did not declare that it reads at random".into()
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

#[cfg(test)]
mod tests;
