//! Records a blob in order while its objects are stored out of order.
//!
//! What is recorded is hashed here, after the cut: a byte that was dropped, doubled or moved on its
//! way makes the digest wrong. When the stream is finished it is read back and compared with what
//! went in.

use std::collections::VecDeque;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use lazaret_artifact::{ContentDigest, ContentHasher, DigestAlgorithm, VerityDigest};
use lazaret_store::{
    Chunk, ClonedFile, ContentType, Outcome, Repository, StoreError, Stored, StreamWriter,
};

use crate::limits::{INLINE_HELD, PARTS_WAITING};
use crate::objects::{Counter, Done, Part, Work};

/// Objects of one blob that may be unanswered at once.
const UNANSWERED: usize = 256;

/// How many objects a blob became, and how many bytes of them are new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectCounts {
    /// Objects that had to be written.
    pub written: u64,
    /// Their bytes.
    pub written_bytes: u64,
    /// Objects that share their blocks with the source.
    pub reflinked: u64,
    /// Their bytes.
    pub reflinked_bytes: u64,
    /// Objects that were there already.
    pub present: u64,
    /// Their bytes.
    pub present_bytes: u64,
}

impl ObjectCounts {
    /// Counts one more.
    pub(crate) const fn add(&mut self, stored: &Stored) {
        let (objects, bytes) = match stored.outcome {
            Outcome::Written => (&mut self.written, &mut self.written_bytes),
            Outcome::Reflinked => (&mut self.reflinked, &mut self.reflinked_bytes),
            Outcome::Present => (&mut self.present, &mut self.present_bytes),
        };
        *objects += 1;
        *bytes += stored.size;
    }
}

impl ObjectCounts {
    /// Adds what another stream became.
    pub(crate) const fn merge(&mut self, other: &Self) {
        self.written += other.written;
        self.written_bytes += other.written_bytes;
        self.reflinked += other.reflinked;
        self.reflinked_bytes += other.reflinked_bytes;
        self.present += other.present;
        self.present_bytes += other.present_bytes;
    }
}

pub(crate) struct Recorder {
    repository: Repository,
    writer: StreamWriter,
    hasher: ContentHasher,
    counter: Counter,
    done: (Sender<Done>, Receiver<Done>),
    pieces: VecDeque<Piece>,
    first_ticket: u64,
    held: usize,
    content_type: ContentType,
    shape: Shape,
    counts: ObjectCounts,
}

enum Piece {
    Inline(Vec<u8>),
    Waiting,
    Stored(VerityDigest, u64),
}

/// A finished stream.
pub(crate) struct Recorded {
    pub(crate) stream: VerityDigest,
    pub(crate) digest: ContentDigest,
    pub(crate) size: u64,
    pub(crate) counts: ObjectCounts,
}

#[derive(Debug)]
pub(crate) enum RecordError {
    Store(StoreError),
    /// No object was stored in a long time.
    Silent,
    /// An object thread died, or the stream does not read back as it was written.
    Broken,
}

impl From<StoreError> for RecordError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Recorder {
    pub(crate) fn new(
        repository: &Repository,
        counter: Counter,
        content_type: ContentType,
        algorithm: DigestAlgorithm,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            repository: repository.clone(),
            writer: repository.stream_writer(content_type)?,
            hasher: ContentHasher::new(algorithm),
            counter,
            done: unbounded(),
            pieces: VecDeque::new(),
            first_ticket: 0,
            held: 0,
            content_type,
            shape: Shape::new(),
            counts: ObjectCounts::default(),
        })
    }

    /// Keeps `bytes` inline.
    pub(crate) fn inline(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.hasher.update(bytes);
        if self.pieces.is_empty() {
            self.shape.inline(bytes);
            self.writer.inline(bytes)?;
            return Ok(());
        }
        self.held += bytes.len();
        match self.pieces.back_mut() {
            Some(Piece::Inline(held)) => held.extend_from_slice(bytes),
            _ => self.pieces.push_back(Piece::Inline(bytes.to_vec())),
        }
        self.settle()
    }

    /// Keeps `pieces`, which are not empty, as one object.
    pub(crate) fn object(&mut self, pieces: Vec<Bytes>) -> Result<(), RecordError> {
        for piece in &pieces {
            self.hasher.update(piece);
        }
        self.submit(Work::Whole(pieces))
    }

    /// Begins an object whose pieces follow.
    pub(crate) fn begin_object(&mut self) -> Result<Sender<Part>, RecordError> {
        let (sender, receiver) = bounded(PARTS_WAITING);
        self.submit(Work::Stream(receiver))?;
        Ok(sender)
    }

    /// Begins an object that a clone is to become; its pieces, all of them, follow for hashing.
    pub(crate) fn begin_clone(
        &mut self,
        clone: Box<ClonedFile>,
    ) -> Result<Sender<Part>, RecordError> {
        let (sender, receiver) = bounded(PARTS_WAITING);
        self.submit(Work::Clone(clone, receiver))?;
        Ok(sender)
    }

    /// The next piece of the object begun last.
    pub(crate) fn continue_object(
        &mut self,
        object: &Sender<Part>,
        piece: Bytes,
    ) -> Result<(), RecordError> {
        self.hasher.update(&piece);
        if object.send(Part::Data(piece)).is_err() {
            // The thread gave up; its answer says why.
            self.wait_for_all()?;
            return Err(RecordError::Broken);
        }
        Ok(())
    }

    /// The object begun last is whole.
    pub(crate) fn end_object(&mut self, object: &Sender<Part>) -> Result<(), RecordError> {
        if object.send(Part::End).is_err() {
            self.wait_for_all()?;
            return Err(RecordError::Broken);
        }
        Ok(())
    }

    /// Only hashes: for what follows a fault, to know whether the blob was what it claimed.
    pub(crate) fn discard(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// The digest of everything so far, giving the stream up.
    pub(crate) fn into_digest(self) -> ContentDigest {
        self.hasher.finish()
    }

    /// Waits for all objects, finishes the stream and checks that it reads back.
    pub(crate) fn finish(mut self) -> Result<Recorded, RecordError> {
        self.wait_for_all()?;
        let stored = self.writer.finish()?;
        let mut read_back = Shape::new();
        let mut reader = self
            .repository
            .open_stream(&stored.digest, Some(self.content_type))?;
        while let Some(chunk) = reader.next_chunk()? {
            match chunk {
                Chunk::Inline(bytes) => read_back.inline(bytes),
                Chunk::Object(digest) => read_back.object(&digest),
            }
        }
        let same_size = reader.total_size() == stored.total_size;
        if read_back.finish() != self.shape.finish() || !same_size {
            return Err(RecordError::Broken);
        }
        Ok(Recorded {
            stream: stored.digest,
            digest: self.hasher.finish(),
            size: stored.total_size,
            counts: self.counts,
        })
    }

    fn submit(&mut self, work: Work) -> Result<(), RecordError> {
        let ticket = self.first_ticket + self.pieces.len() as u64;
        self.pieces.push_back(Piece::Waiting);
        self.counter.submit(ticket, work, &self.done.0);
        self.settle()
    }

    /// Takes what answers there are, and waits for more when too much is held back.
    fn settle(&mut self) -> Result<(), RecordError> {
        while let Ok(done) = self.done.1.try_recv() {
            self.answer(done)?;
        }
        while self.held > INLINE_HELD || self.pieces.len() > UNANSWERED {
            self.wait_for_one()?;
        }
        Ok(())
    }

    fn wait_for_all(&mut self) -> Result<(), RecordError> {
        while !self.pieces.is_empty() {
            self.wait_for_one()?;
        }
        Ok(())
    }

    fn wait_for_one(&mut self) -> Result<(), RecordError> {
        // `self` holds a sender, so a dead pool would wait for ever: it is noticed by the time
        // limit of nothing having happened at all.
        match self.done.1.recv_timeout(crate::limits::POOL_PATIENCE) {
            Ok(done) => self.answer(done),
            Err(_) => Err(RecordError::Silent),
        }
    }

    fn answer(&mut self, done: Done) -> Result<(), RecordError> {
        let stored = done.result?;
        self.counts.add(&stored);
        let index =
            usize::try_from(done.ticket - self.first_ticket).map_err(|_| RecordError::Broken)?;
        self.pieces[index] = Piece::Stored(stored.digest, stored.size);
        self.write_ready()
    }

    fn write_ready(&mut self) -> Result<(), RecordError> {
        while let Some(piece) = self.pieces.front() {
            match piece {
                Piece::Waiting => break,
                Piece::Inline(bytes) => {
                    self.shape.inline(bytes);
                    self.writer.inline(bytes)?;
                    self.held -= bytes.len();
                }
                Piece::Stored(digest, size) => {
                    self.shape.object(digest);
                    self.writer.object(digest, *size)?;
                }
            }
            self.pieces.pop_front();
            self.first_ticket += 1;
        }
        Ok(())
    }
}

/// What a splitstream holds, however its inline bytes are grouped: their digest, and each object
/// with the inline position before it.
struct Shape {
    inline: ContentHasher,
    objects: ContentHasher,
    position: u64,
}

impl Shape {
    fn new() -> Self {
        Self {
            inline: ContentHasher::new(DigestAlgorithm::Sha256),
            objects: ContentHasher::new(DigestAlgorithm::Sha256),
            position: 0,
        }
    }

    fn inline(&mut self, bytes: &[u8]) {
        self.inline.update(bytes);
        self.position += bytes.len() as u64;
    }

    fn object(&mut self, digest: &VerityDigest) {
        self.objects.update(&self.position.to_le_bytes());
        self.objects.update(digest.as_bytes());
    }

    fn finish(self) -> (ContentDigest, ContentDigest, u64) {
        (self.inline.finish(), self.objects.finish(), self.position)
    }
}
