//! A file that an importer reads before any of it is kept: at random, or in order. What it wants
//! kept how is noted ([`Cuts`]), and what it says goes on ([`Lines`]).

use lazaret_artifact::{Entry, Fact};
use lazaret_engine::{Session, SessionError, Storage};

use crate::cuts::Cuts;
use crate::handover::Handover;
use crate::lines::Lines;
use crate::opened::Region;
use crate::reads::Reads;

pub(crate) struct Sheet {
    region: Region,
    size: u64,
    position: u64,
    peeked: Vec<u8>,
    /// Of a file that may change.
    reads: Option<Reads>,
    pub(crate) cuts: Cuts,
    pub(crate) lines: Lines,
    pub(crate) handover: Handover,
}

impl Sheet {
    pub(crate) fn new(region: Region, size: u64, lines: Lines, handover: Handover) -> Self {
        Self {
            region,
            size,
            position: 0,
            peeked: Vec::new(),
            reads: None,
            cuts: Cuts::default(),
            lines,
            handover,
        }
    }

    /// Notes what is read, to be compared with what is kept.
    pub(crate) fn watched(mut self) -> Self {
        self.reads = Some(Reads::default());
        self
    }

    pub(crate) const fn region(&self) -> &Region {
        &self.region
    }

    /// Whether it is a file that may change.
    pub(crate) const fn is_watched(&self) -> bool {
        self.reads.is_some()
    }

    pub(crate) const fn take_reads(&mut self) -> Option<Reads> {
        self.reads.take()
    }

    fn bytes(&mut self, offset: u64, max: usize) -> Result<Vec<u8>, SessionError> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; max.min(left)];
        self.region.read_exact_at(&mut bytes, offset)?;
        if let Some(reads) = &mut self.reads {
            reads.note(offset, &bytes)?;
        }
        Ok(bytes)
    }
}

impl Session for Sheet {
    fn position(&self) -> u64 {
        self.position
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.size - self.position)
    }

    fn peek(&mut self, max: usize) -> Result<&[u8], SessionError> {
        self.peeked = self.bytes(self.position, max)?;
        Ok(&self.peeked)
    }

    fn keep(&mut self, length: u64, storage: Storage) -> Result<u64, SessionError> {
        let kept = length.min(self.size - self.position);
        self.cuts.push(kept, storage)?;
        self.position += kept;
        Ok(kept)
    }

    fn size(&mut self) -> Result<u64, SessionError> {
        Ok(self.size)
    }

    fn read_at(&mut self, offset: u64, max: usize) -> Result<Vec<u8>, SessionError> {
        self.bytes(offset, max)
    }

    fn entry(&mut self, entry: Entry) -> Result<(), SessionError> {
        self.handover.note(&entry, self.lines.noted.entries);
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
