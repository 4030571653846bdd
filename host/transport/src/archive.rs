//! OCI layouts in tar archives, read in place: blobs are parts of the file, nothing is unpacked.
//!
//! The archive is untrusted. What it may look like is decided in [`members`]; here `oci-layout`
//! and `index.json` are bounded before they are parsed, as in a layout, and every blob is verified
//! as it is read. A compressed archive is refused: nothing in it can be found without
//! decompressing all before it, again for each blob.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use lazaret_artifact::Descriptor;
use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;

use crate::allowance::Allowance;
use crate::blob::{Blob, Role};
use crate::catalog::Catalog;
use crate::error::TransportError;
use crate::layout::{
    INDEX_FILE, MAX_LAYOUT_FILE_SIZE, VERSION_FILE, check_version, io_error, missing, parse_index,
};
use crate::reference::ArchiveRef;

mod members;

use members::{Fault, Member};

/// What compressed files start with, and the program that decompresses them.
const COMPRESSED: [(&[u8], &str); 4] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
];

/// An opened archive.
#[derive(Debug)]
pub struct Archive {
    reference: ArchiveRef,
    file: Arc<File>,
    members: HashMap<String, Member>,
    catalog: Catalog,
    pub(crate) allowance: Allowance,
}

impl Archive {
    /// Opens the archive and finds out where in it everything is.
    ///
    /// # Errors
    /// When it does not exist, is no archive this reader takes, or has no layout in it.
    pub fn open(reference: &ArchiveRef) -> Result<Self, TransportError> {
        let path = &reference.path;
        let (file, length) = open_file(path)?;
        refuse_compressed(&file, path)?;
        let members = members::find(&file, length).map_err(|fault| match fault {
            Fault::Io(error) => io_error("read", path.clone(), error),
            Fault::Malformed { at, reason } => {
                not_an_archive(path, &format!("{reason} (at byte {at})"))
            }
            Fault::TooMany { found, limit } => TransportError::Limit {
                what: format!("{}: members", path.display()),
                found,
                limit,
            },
        })?;
        let version = read_small(&file, &members, path, VERSION_FILE, MAX_LAYOUT_FILE_SIZE)?;
        check_version(&version, path)?;
        let bytes = read_small(&file, &members, path, INDEX_FILE, MAX_DOCUMENT_SIZE)?;
        Ok(Self {
            reference: reference.clone(),
            catalog: Catalog::new(parse_index(&bytes, path)?),
            file: Arc::new(file),
            members,
            allowance: Allowance::default(),
        })
    }

    /// What was opened.
    #[must_use]
    pub const fn reference(&self) -> &ArchiveRef {
        &self.reference
    }

    pub(crate) const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The entries of `index.json` that the reference may mean.
    pub(crate) fn roots(&self) -> Result<Vec<Descriptor>, TransportError> {
        let reference = &self.reference;
        self.catalog
            .roots(reference.tag.as_deref(), &reference.path)
    }

    pub(crate) fn open_as(
        &self,
        descriptor: &Descriptor,
        role: Role,
    ) -> Result<Blob, TransportError> {
        let digest = &descriptor.digest;
        let name = format!("blobs/{}/{}", digest.algorithm().name(), digest.hex());
        let path = &self.reference.path;
        let Some(member) = self.members.get(&name) else {
            return Err(missing(digest, path));
        };
        Blob::from_range(
            Arc::clone(&self.file),
            member.offset,
            member.size,
            path.join(name),
            descriptor,
            role,
        )
    }
}

/// A regular file and its length.
fn open_file(path: &Path) -> Result<(File, u64), TransportError> {
    // Without O_NONBLOCK a pipe would hold the import until someone writes to it; without
    // O_NOCTTY a terminal could become ours.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = File::options()
        .read(true)
        .custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()))
        .open(path)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => TransportError::NoFile {
                path: path.to_owned(),
            },
            _ => io_error("open", path.to_owned(), error),
        })?;
    let metadata = file
        .metadata()
        .map_err(|error| io_error("examine", path.to_owned(), error))?;
    if metadata.is_dir() {
        return Err(not_an_archive(path, "a directory"));
    }
    if !metadata.is_file() {
        return Err(TransportError::NotAFile {
            path: path.to_owned(),
        });
    }
    Ok((file, metadata.len()))
}

fn refuse_compressed(file: &File, path: &Path) -> Result<(), TransportError> {
    let mut start = [0; 6];
    let mut count = 0;
    while count < start.len() {
        match file.read_at(&mut start[count..], count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io_error("read", path.to_owned(), error)),
        }
    }
    match COMPRESSED
        .iter()
        .find(|(magic, _)| start[..count].starts_with(magic))
    {
        None => Ok(()),
        Some((_, program)) => Err(TransportError::CompressedArchive {
            path: path.to_owned(),
            program,
        }),
    }
}

/// The whole of a member of the layout's own.
fn read_small(
    file: &File,
    members: &HashMap<String, Member>,
    path: &Path,
    name: &str,
    limit: u64,
) -> Result<Vec<u8>, TransportError> {
    let Some(member) = members.get(name) else {
        return Err(not_an_archive(path, &format!("no member {name}")));
    };
    let shown = path.join(name);
    if member.size > limit {
        return Err(TransportError::Limit {
            what: format!("size of {}", shown.display()),
            found: member.size,
            limit,
        });
    }
    let mut bytes = vec![0; usize::try_from(member.size).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, member.offset)
        .map_err(|error| io_error("read", shown, error))?;
    Ok(bytes)
}

fn not_an_archive(path: &Path, reason: &str) -> TransportError {
    TransportError::NotAnArchive {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
