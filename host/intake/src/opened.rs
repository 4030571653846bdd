//! A blob opened for reading, from the source or from a clone of the source's file.
//!
//! A clone is made before anything is read, and only it is read: what the source's file becomes in
//! the meantime is nobody's concern.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use lazaret_store::{ClonedFile, Repository};
use lazaret_transport::blob::Role;
use lazaret_transport::{Blob, Source, VerifyingReader};

use crate::error::{BlobFault, IntakeError};
use crate::limits::MIN_CLONE;
use crate::plan::Wanted;

/// A blob, ready to be read once.
pub(crate) struct Opened {
    pub(crate) reading: Reading,
    /// The same bytes for random access, where they are not compressed.
    pub(crate) random: Option<Region>,
    /// The file that is read, if it can become an object as it is.
    pub(crate) clone: Option<Box<ClonedFile>>,
}

/// How its bytes come.
pub(crate) enum Reading {
    /// As they are; whoever records them compares the digest.
    Plain(Region, u64),
    /// Compared with digest and size on the way.
    Checked(Box<dyn Read + Send>),
}

/// Part of a file. Reading here moves no position.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    file: Arc<File>,
    start: u64,
}

impl Region {
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, self.start + offset)
    }

    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, self.start + offset)
    }
}

/// Opens `wanted`; with `repository` as a clone in it, where the source has a file and the file
/// system can.
pub(crate) fn open(
    source: &Source,
    wanted: &Wanted,
    repository: Option<&Repository>,
) -> Result<Opened, BlobFault> {
    let blob = source.open_blob(&wanted.descriptor).map_err(host)?;
    let clone = match repository {
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
    let random = region.clone().filter(|_| !wanted.is_compressed());
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
