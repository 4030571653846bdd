//! A session in memory that writes down what it is told and finds fault with it.
//!
//! It holds the engine to its word: every byte is kept at most once and in order, objects are not
//! empty, and what is handed on has been checked. What breaks that is noted, for the test to see,
//! and never a panic: a panic could not be told from the engine's own.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use lazaret_artifact::{Entry, EntryKind, Extent, Fact};
use lazaret_engine::{Session, SessionError, Storage};

/// Bytes any one call may ask for.
const MAX_READ: usize = 64 * 1024;

/// One kept stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Where it starts.
    pub offset: u64,
    /// How many bytes there were.
    pub length: u64,
    /// How it is kept.
    pub storage: Storage,
}

/// What a session was told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The stretches, in the order they were kept.
    pub cuts: Vec<Cut>,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The facts.
    pub facts: Vec<Fact>,
    /// The lengths of the finished derived objects.
    pub derived: Vec<u64>,
    /// Bytes of the one being built.
    pub open: Option<u64>,
    /// Broken promises of the engine.
    pub violations: Vec<String>,
}

impl Record {
    /// Bytes kept.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.cuts.last().map_or(0, |cut| cut.offset + cut.length)
    }

    /// All that is wrong with it. `whole` is the input's size when all of it must have been kept.
    #[must_use]
    pub fn faults(&self, whole: Option<u64>) -> Vec<String> {
        let mut found = self.violations.clone();
        let mut next = 0;
        for cut in &self.cuts {
            if cut.offset != next || cut.length == 0 {
                found.push(format!("{cut:?} does not follow {next}"));
            }
            next = cut.offset + cut.length;
        }
        if whole.is_some_and(|size| size != next) {
            found.push(format!("kept {next} bytes of {whole:?}"));
        }
        let ends = self.entries.iter().flat_map(|entry| &entry.content);
        for extent in ends {
            if let (Extent::Input { offset, length }, Some(size)) = (extent, whole)
                && offset.checked_add(*length).is_none_or(|end| end > size)
            {
                found.push(format!("{extent:?} lies beyond the input"));
            }
        }
        found
    }
}

/// A blob in memory, on its way in.
pub struct Tape {
    input: Vec<u8>,
    position: usize,
    /// Calls until it fails, if it is to.
    fails_after: Option<u64>,
    record: Arc<Mutex<Record>>,
    files: HashSet<Vec<u8>>,
}

/// A session's own failure.
#[derive(Debug)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the disk is full")
    }
}

impl std::error::Error for Broken {}

impl Tape {
    /// The session, and where its record can be read when it is over.
    #[must_use]
    pub fn new(input: Vec<u8>) -> (Box<Self>, Arc<Mutex<Record>>) {
        let record = Arc::new(Mutex::new(Record::default()));
        let tape = Self {
            input,
            position: 0,
            fails_after: None,
            record: Arc::clone(&record),
            files: HashSet::new(),
        };
        (Box::new(tape), record)
    }

    /// A session that fails by itself after so many calls.
    #[must_use]
    pub fn failing_after(input: Vec<u8>, calls: u64) -> (Box<Self>, Arc<Mutex<Record>>) {
        let (mut tape, record) = Self::new(input);
        tape.fails_after = Some(calls);
        (tape, record)
    }

    fn call(&mut self) -> Result<(), SessionError> {
        match self.fails_after.as_mut() {
            Some(0) => Err(Box::new(Broken)),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn note<T>(&self, write: impl FnOnce(&mut Record) -> T) -> T {
        write(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn object_to(&self, reason: String) {
        self.note(|record| record.violations.push(reason));
    }
}

impl Session for Tape {
    fn position(&self) -> u64 {
        self.position as u64
    }

    fn remaining(&self) -> Option<u64> {
        Some((self.input.len() - self.position) as u64)
    }

    fn peek(&mut self, max: usize) -> Result<&[u8], SessionError> {
        self.call()?;
        if max > MAX_READ {
            self.object_to(format!("peek of {max} bytes"));
        }
        let end = self.input.len().min(self.position.saturating_add(max));
        Ok(&self.input[self.position..end])
    }

    fn keep(&mut self, length: u64, storage: Storage) -> Result<u64, SessionError> {
        self.call()?;
        let left = (self.input.len() - self.position) as u64;
        let kept = length.min(left);
        if length == 0 && storage == Storage::Object {
            self.object_to("an object of no bytes".to_owned());
        }
        if kept > 0 {
            let offset = self.position as u64;
            self.note(|record| {
                record.cuts.push(Cut {
                    offset,
                    length: kept,
                    storage,
                });
            });
            self.position += usize::try_from(kept)?;
        }
        Ok(kept)
    }

    fn size(&mut self) -> Result<u64, SessionError> {
        self.call()?;
        Ok(self.input.len() as u64)
    }

    fn read_at(&mut self, offset: u64, max: usize) -> Result<Vec<u8>, SessionError> {
        self.call()?;
        if max > MAX_READ {
            self.object_to(format!("read of {max} bytes"));
        }
        let start = usize::try_from(offset)?.min(self.input.len());
        let end = self.input.len().min(start.saturating_add(max));
        Ok(self.input[start..end].to_vec())
    }

    fn entry(&mut self, entry: Entry) -> Result<(), SessionError> {
        self.call()?;
        let path = entry.path.as_bytes();
        if path.contains(&0) || entry.path.components().any(|part| part == b"..") {
            self.object_to(format!("the path {}", entry.path));
        }
        match entry.kind {
            EntryKind::Hardlink => {
                let target = entry.link.as_ref();
                if target.is_none_or(|target| !self.files.contains(target.as_bytes())) {
                    self.object_to(format!("{} links to nothing", entry.path));
                }
            }
            EntryKind::Regular => {
                self.files.insert(path.to_vec());
            }
            _ => {}
        }
        for extent in &entry.content {
            if let Extent::Derived { id, offset, length } = extent {
                let size = self.note(|record| record.derived.get(*id as usize).copied());
                let size = size.unwrap_or(0);
                if offset.checked_add(*length).is_none_or(|end| end > size) {
                    self.object_to(format!("{} names {extent:?}", entry.path));
                }
            }
        }
        self.note(|record| record.entries.push(entry));
        Ok(())
    }

    fn fact(&mut self, fact: Fact) -> Result<(), SessionError> {
        self.call()?;
        self.note(|record| {
            let entries = record.entries.len();
            if fact.subject.is_some_and(|id| id as usize >= entries) {
                record.violations.push(format!("{fact:?} is about nothing"));
            }
            record.facts.push(fact);
        });
        Ok(())
    }

    fn derive(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.call()?;
        if bytes.is_empty() {
            self.object_to("derives nothing".to_owned());
        }
        self.note(|record| *record.open.get_or_insert(0) += bytes.len() as u64);
        Ok(())
    }

    fn finish_derived(&mut self) -> Result<(), SessionError> {
        self.call()?;
        self.note(|record| match record.open.take() {
            Some(length) => record.derived.push(length),
            None => record
                .violations
                .push("finishes what never began".to_owned()),
        });
        Ok(())
    }
}
