//! A blob opened for reading: from the source, from a clone of the source's file, or from the store.
//!
//! A clone is made before anything is read, and only it is read: what the source's file becomes in
//! the meantime is nobody's concern.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use lazaret_graph::StreamContent;
use lazaret_store::{Chunk, ClonedFile, Repository};
use lazaret_transport::blob::Role;
use lazaret_transport::{Blob, Source, VerifyingReader};

use crate::error::{BlobFault, IntakeError};
use crate::limits::MIN_CLONE;
use crate::plan::Wanted;
use crate::task::{From, Task};

/// A blob, ready to be read once.
pub(crate) struct Opened {
    pub(crate) reading: Reading,
    /// The same bytes for random access, where they lie in a file and are not compressed.
    pub(crate) random: Option<Random>,
    /// The file that is read, if it can become an object as it is.
    pub(crate) clone: Option<Box<ClonedFile>>,
}

/// A file to be read at random.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    pub(crate) region: Region,
    pub(crate) size: u64,
    /// Whether somebody else might change it meanwhile.
    pub(crate) may_change: bool,
}

/// How its bytes come.
pub(crate) enum Reading {
    /// As they are; whoever records them compares the digest.
    Plain(Region, u64),
    /// Compared with digest and size on the way, where there is something to compare with.
    Checked(Box<dyn Read + Send>),
}

/// Part of a file. Reading here moves no position.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    file: Arc<File>,
    start: u64,
}

impl Region {
    /// A file, from its start.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self {
            file: Arc::new(file.try_clone()?),
            start: 0,
        })
    }

    /// What begins `offset` further on.
    pub(crate) fn slice(&self, offset: u64) -> Self {
        Self {
            file: Arc::clone(&self.file),
            start: self.start.saturating_add(offset),
        }
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, self.start.saturating_add(offset))
    }

    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file
            .read_exact_at(buffer, self.start.saturating_add(offset))
    }
}

/// Opens what `task` is about; from the source with `place` as a clone in it, where the source has a
/// file and the file system can.
pub(crate) fn open(
    source: Option<&Source>,
    repository: &Repository,
    task: &Task<'_>,
    place: Option<&Repository>,
) -> Result<Opened, BlobFault> {
    match (task.from, source) {
        (From::Stored(stream), _) => open_stored(repository, &stream, task),
        (From::Source, Some(source)) => fetch(source, task.wanted, place),
        (From::Source, None) => Err(BlobFault::Rebuild),
    }
}

/// Opens what is stored. A single object is read as a file.
fn open_stored(
    repository: &Repository,
    stream: &lazaret_artifact::VerityDigest,
    task: &Task<'_>,
) -> Result<Opened, BlobFault> {
    let content = StreamContent::open(repository, stream).map_err(host)?;
    let size = content.size();
    let mut random = None;
    if !task.is_compressed() {
        let mut chunks = repository.open_stream(stream, None).map_err(host)?;
        if let Some(Chunk::Object(object)) = chunks.next_chunk().map_err(host)?
            && chunks.next_chunk().map_err(host)?.is_none()
        {
            let file = repository.open_object_unverified(&object).map_err(host)?;
            random = Some(Random {
                region: Region {
                    file: Arc::new(file),
                    start: 0,
                },
                size,
                may_change: false,
            });
        }
    }
    let reading = match &random {
        Some(random) => Reading::Plain(random.region.clone(), size),
        None => Reading::Checked(Box::new(content)),
    };
    Ok(Opened {
        reading,
        random,
        clone: None,
    })
}

fn fetch(
    source: &Source,
    wanted: &Wanted,
    place: Option<&Repository>,
) -> Result<Opened, BlobFault> {
    let blob = source.open_blob(&wanted.descriptor).map_err(host)?;
    let clone = match place {
        Some(repository) => clone(repository, &blob)?,
        None => None,
    };
    let region = match &clone {
        Some(clone) => Some(Region {
            file: share(clone.file())?,
            start: 0,
        }),
        None => match blob.file_unverified() {
            Some(region) => Some(Region {
                file: share(region.file)?,
                start: region.offset,
            }),
            None => None,
        },
    };
    let descriptor = &wanted.descriptor;
    let random = region
        .clone()
        .filter(|_| !wanted.is_compressed())
        .map(|region| Random {
            region,
            size: descriptor.size,
            may_change: clone.is_none(),
        });
    let reading = match region {
        Some(region) if !wanted.is_wrapped() => Reading::Plain(region, descriptor.size),
        Some(region) if clone.is_some() => Reading::Checked(Box::new(VerifyingReader::new(
            Positioned {
                region,
                position: 0,
            },
            descriptor.digest,
            descriptor.size,
            Role::Blob,
        ))),
        _ => Reading::Checked(Box::new(blob)),
    };
    Ok(Opened {
        reading,
        random,
        clone,
    })
}

/// A clone of a blob that is a whole file.
fn clone(repository: &Repository, blob: &Blob) -> Result<Option<Box<ClonedFile>>, BlobFault> {
    let Some(region) = blob.file_unverified() else {
        return Ok(None);
    };
    if region.offset != 0 || blob.size() < MIN_CLONE {
        return Ok(None);
    }
    let clone = repository.clone_file(region.file).map_err(host)?;
    // A file that has more than the blob, or was changed since it was opened, is only read.
    Ok(clone
        .filter(|clone| clone.size() == blob.size())
        .map(Box::new))
}

fn share(file: &File) -> Result<Arc<File>, BlobFault> {
    let file = file.try_clone().map_err(|source| {
        host(lazaret_transport::TransportError::Io {
            operation: "open",
            path: std::path::PathBuf::from("blob"),
            source,
        })
    })?;
    Ok(Arc::new(file))
}

fn host(error: impl Into<IntakeError>) -> BlobFault {
    BlobFault::Host(Box::new(error.into()))
}

/// Reads a region from its start.
struct Positioned {
    region: Region,
    position: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.region.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}
