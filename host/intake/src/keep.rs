//! Compressed bytes kept as they travelled, as one object beside what they decompress to: no
//! compressor can be made to give the same bytes again.
//!
//! They are verified by the blob's digest before the object is finished; a blob that was refused
//! leaves nothing.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender};
use lazaret_artifact::VerityDigest;
use lazaret_graph::names::{self, OwnRef, Stream};
use lazaret_store::{ClonedFile, ContentType, ObjectWriter, Repository, StoreError, Stored, Trust};
use lazaret_transport::TransportError;

use crate::desk::Desk;
use crate::error::{BlobFault, IntakeError};
use crate::limits::CHUNK_SIZE;
use crate::objects::{self, Part};
use crate::opened::{self, Reading};
use crate::plan::Wanted;
use crate::reuse;
use crate::settle::rebuilds;
use crate::task::Task;

/// Compressed bytes that are in the store now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// Of one object, the bytes.
    pub(crate) stream: VerityDigest,
    /// The object, when this pull stored it.
    pub(crate) stored: Option<Stored>,
}

/// What is known of a blob's compressed bytes before anything is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Nobody asked for them.
    Not,
    /// They are there.
    There(VerityDigest),
    /// They are to be stored; `named` when something damaged has their name.
    Missing { named: bool },
}

/// Looks for the compressed bytes of `wanted`. Those that are there are looked after even when
/// nobody asks for them again.
pub(crate) fn find(
    repository: &Repository,
    wanted: &Wanted,
    asked: bool,
    trust: Trust,
) -> Result<Keep, IntakeError> {
    if !wanted.is_wrapped() {
        return Ok(Keep::Not);
    }
    let name = Stream::Blob(wanted.descriptor.digest).name();
    let stream = match reuse::unless_damaged(repository.resolve_stream(&name))? {
        Some(Some(stream)) => stream,
        Some(None) if was_kept(repository, wanted)? => return Ok(Keep::Missing { named: true }),
        Some(None) if asked => return Ok(Keep::Missing { named: false }),
        Some(None) => return Ok(Keep::Not),
        None => return Ok(Keep::Missing { named: true }),
    };
    let looked = repository
        .examine_stream(&name, trust)
        .and_then(|()| repository.open_stream(&stream, Some(ContentType::BLOB)));
    let good = match reuse::unless_damaged(looked)? {
        None => false,
        Some(reader) if reader.total_size() != wanted.descriptor.size => false,
        // What another tool gave that name is not believed: only ours is verified before.
        Some(_) if trust == Trust::Unchanged && was_kept(repository, wanted)? => true,
        Some(_) => rebuilds(repository, &wanted.descriptor.digest, &stream),
    };
    Ok(match good {
        true => Keep::There(stream),
        false => Keep::Missing { named: true },
    })
}

/// Whether the reference that holds the compressed bytes is there, though its stream is not.
fn was_kept(repository: &Repository, wanted: &Wanted) -> Result<bool, IntakeError> {
    let name = OwnRef::Blob(wanted.descriptor.digest).to_string();
    let found = repository.resolve_ref(names::LAZARET, &name);
    Ok(!matches!(reuse::unless_damaged(found)?, Some(None)))
}

/// Stores what comes, until it ends; none when it was given up.
pub(crate) fn store(
    repository: &Repository,
    clone: Option<Box<ClonedFile>>,
    parts: &Receiver<Part>,
) -> Result<Option<Kept>, StoreError> {
    match objects::stream(repository, clone, parts)? {
        Some(stored) => name(repository, stored).map(Some),
        None => Ok(None),
    }
}

/// The stream that a blob's name can lead to.
fn name(repository: &Repository, stored: Stored) -> Result<Kept, StoreError> {
    let mut writer = repository.stream_writer(ContentType::BLOB)?;
    writer.object(&stored.digest, stored.size)?;
    Ok(Kept {
        stream: writer.finish()?.digest,
        stored: Some(stored),
    })
}

/// Passes on what is read, with a copy for whoever keeps it.
pub(crate) struct Tee {
    source: Box<dyn Read + Send>,
    copy: Option<Sender<Part>>,
}

impl Tee {
    pub(crate) fn new(source: Box<dyn Read + Send>, copy: Sender<Part>) -> Self {
        let copy = Some(copy);
        Self { source, copy }
    }
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if count > 0
            && let Some(copy) = &self.copy
        {
            let part = Part::Data(Bytes::copy_from_slice(&buffer[..count]));
            if copy.send(part).is_err() {
                // Whoever keeps it gave up, and says why when asked.
                self.copy = None;
            }
        }
        Ok(count)
    }
}

impl Desk<'_> {
    /// Fetches a blob only for its bytes; what it decompresses to is here and was verified.
    pub(crate) fn keep(
        &self,
        wanted: &Wanted,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Kept, BlobFault> {
        let host = |error: IntakeError| BlobFault::Host(Box::new(error));
        let task = Task::fetch(wanted, std::collections::BTreeMap::new());
        let opened = opened::open(self.source, self.repository, &task, Some(self.repository))?;
        let Reading::Checked(mut reader) = opened.reading else {
            // Only what is wrapped is kept, and what is wrapped is compared on the way.
            return Err(BlobFault::Rebuild);
        };
        let writer = match opened.clone {
            Some(clone) => Ok(clone.writer()),
            None => self.repository.object_writer(),
        };
        let mut writer: ObjectWriter = writer.map_err(|error| host(error.into()))?;
        let mut piece = vec![0; CHUNK_SIZE];
        loop {
            if self.options.cancel.load(Ordering::Relaxed) || self.abort.load(Ordering::Relaxed) {
                return Err(host(IntakeError::Interrupted));
            }
            match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    self.allowance.take(count as u64)?;
                    on_read(count as u64);
                    let written = writer.write(&piece[..count]);
                    written.map_err(|error| host(error.into()))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let error = TransportError::from_io(error, |source| TransportError::Io {
                        operation: "read",
                        path: std::path::PathBuf::from("blob"),
                        source,
                    });
                    return Err(host(error.into()));
                }
            }
        }
        let stored = writer.finish().map_err(|error| host(error.into()))?;
        name(self.repository, stored).map_err(|error| host(error.into()))
    }
}
