//! OCI layout directories (image-spec image-layout.md), read only.
//!
//! The directory is untrusted. Nothing is opened outside it, whatever symbolic links say (that is
//! `ocidir`'s `cap-std`); nothing but regular files is read, and opening a pipe does not wait for
//! a writer; `oci-layout` and `index.json` are bounded before they are parsed. Blobs may be under
//! `blobs/sha256` and `blobs/sha512`; the first has to exist.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::{ArtifactError, ContentDigest, Descriptor, DigestAlgorithm, Index, json};
use oci_spec::image::OciLayout;
use ocidir::OciDir;
use ocidir::cap_std::ambient_authority;
use ocidir::cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};

use crate::allowance::Allowance;
use crate::blob::{Blob, Role};
use crate::catalog::Catalog;
use crate::error::TransportError;
use crate::reference::LayoutRef;

/// The file that says that a directory is a layout.
pub(crate) const VERSION_FILE: &str = "oci-layout";

/// The layout's own index.
pub(crate) const INDEX_FILE: &str = "index.json";

/// The only version of the layout there is.
pub(crate) const LAYOUT_VERSION: &str = "1.0.0";

/// Bytes of `oci-layout`, which holds one short member: a huge one would be read into memory.
pub(crate) const MAX_LAYOUT_FILE_SIZE: u64 = 64 * 1024;

/// An opened layout.
#[derive(Debug)]
pub struct Layout {
    reference: LayoutRef,
    directory: OciDir,
    catalog: Catalog,
    pub(crate) allowance: Allowance,
}

impl Layout {
    /// Opens the directory and reads its `oci-layout` and `index.json`.
    ///
    /// # Errors
    /// When it does not exist or is no layout.
    pub fn open(reference: &LayoutRef) -> Result<Self, TransportError> {
        let path = &reference.path;
        let directory = match Dir::open_ambient_dir(path, ambient_authority()) {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TransportError::NoDirectory { path: path.clone() });
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(not_a_layout(path, "not a directory"));
            }
            Err(error) => return Err(io_error("open", path.clone(), error)),
        };
        let version = read_small(&directory, path, VERSION_FILE, MAX_LAYOUT_FILE_SIZE)?;
        check_version(&version, path)?;
        let directory = OciDir::open(directory).map_err(|error| match error {
            ocidir::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                not_a_layout(path, "no directory blobs/sha256")
            }
            ocidir::Error::Io(error) if error.kind() == io::ErrorKind::NotADirectory => {
                not_a_layout(path, "blobs/sha256 is not a directory")
            }
            ocidir::Error::Io(error) => io_error("open", path.join("blobs/sha256"), error),
            other => not_a_layout(path, &other.to_string()),
        })?;
        let bytes = read_small(directory.dir(), path, INDEX_FILE, MAX_DOCUMENT_SIZE)?;
        let index = parse_index(&bytes, path)?;
        Ok(Self {
            reference: reference.clone(),
            directory,
            catalog: Catalog::new(index),
            allowance: Allowance::default(),
        })
    }

    /// What was opened.
    #[must_use]
    pub const fn reference(&self) -> &LayoutRef {
        &self.reference
    }

    /// The layout's own index, `index.json`.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.catalog.index
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

    /// Opens a blob; see [`crate::Source::open_blob`].
    ///
    /// # Errors
    /// When it is missing, not a regular file, or visibly of another size.
    pub fn open_blob(&self, descriptor: &Descriptor) -> Result<Blob, TransportError> {
        self.open_as(descriptor, Role::Blob)
    }

    pub(crate) fn open_as(
        &self,
        descriptor: &Descriptor,
        role: Role,
    ) -> Result<Blob, TransportError> {
        let digest = &descriptor.digest;
        let name = digest.hex();
        let path = self
            .reference
            .path
            .join("blobs")
            .join(digest.algorithm().name())
            .join(&name);
        let opened = match digest.algorithm() {
            DigestAlgorithm::Sha256 => {
                open_regular(self.directory.blobs_dir(), Path::new(&name), &path)
            }
            DigestAlgorithm::Sha512 => {
                let inside = Path::new("blobs/sha512").join(&name);
                open_regular(self.directory.dir(), &inside, &path)
            }
        };
        match opened? {
            Some((file, length)) => Blob::from_file(file, length, path, descriptor, role),
            None => Err(missing(digest, &self.reference.path)),
        }
    }
}

/// Whether the content of the layout's version file is right; `path` is the layout.
pub(crate) fn check_version(bytes: &[u8], path: &Path) -> Result<(), TransportError> {
    let layout: OciLayout =
        json::from_slice(bytes).map_err(|error| TransportError::LayoutFile {
            path: path.join(VERSION_FILE),
            source: Box::new(ArtifactError::Document {
                what: "layout file",
                digest: ContentDigest::sha256(bytes),
                source: error.into(),
            }),
        })?;
    if layout.image_layout_version() == LAYOUT_VERSION {
        return Ok(());
    }
    Err(not_a_layout(
        path,
        &format!(
            "imageLayoutVersion is {:?}, not {LAYOUT_VERSION:?}",
            layout.image_layout_version()
        ),
    ))
}

/// Parses the layout's own index; `path` is the layout.
pub(crate) fn parse_index(bytes: &[u8], path: &Path) -> Result<Index, TransportError> {
    Index::parse(bytes, None).map_err(|source| TransportError::LayoutFile {
        path: path.join(INDEX_FILE),
        source: Box::new(source),
    })
}

/// The whole of a file of the layout's own.
pub(crate) fn read_small(
    directory: &Dir,
    path: &Path,
    name: &str,
    limit: u64,
) -> Result<Vec<u8>, TransportError> {
    let shown = path.join(name);
    let Some((file, length)) = open_regular(directory, Path::new(name), &shown)? else {
        return Err(not_a_layout(path, &format!("no file {name}")));
    };
    read_bounded(file, length, limit, &shown)
}

/// The whole of a file of `length` bytes.
pub(crate) fn read_bounded(
    file: File,
    length: u64,
    limit: u64,
    shown: &Path,
) -> Result<Vec<u8>, TransportError> {
    let mut bytes = Vec::new();
    // One byte more than the limit shows that there is more, should the file be growing.
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| io_error("read", shown.to_owned(), error))?;
    let found = length.max(bytes.len() as u64);
    if found > limit {
        return Err(TransportError::Limit {
            what: format!("size of {}", shown.display()),
            found,
            limit,
        });
    }
    Ok(bytes)
}

/// A regular file below `directory` and its length; `None` when there is none of that name.
pub(crate) fn open_regular(
    directory: &Dir,
    name: &Path,
    shown: &Path,
) -> Result<Option<(File, u64)>, TransportError> {
    let not_a_file = || TransportError::NotAFile {
        path: shown.to_owned(),
    };
    let mut options = OpenOptions::new();
    // Without O_NONBLOCK a pipe in the place of a blob would hold the import until someone writes
    // to it; without O_NOCTTY a terminal could become ours.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    options
        .read(true)
        .custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()));
    let file = match directory.open_with(name, &options) {
        Ok(file) => file.into_std(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if is_escape(&error) => {
            return Err(TransportError::Escape {
                path: shown.to_owned(),
            });
        }
        // A socket, or a device without a driver.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            return Err(not_a_file());
        }
        Err(error) => return Err(io_error("open", shown.to_owned(), error)),
    };
    let metadata = file
        .metadata()
        .map_err(|error| io_error("examine", shown.to_owned(), error))?;
    if !metadata.is_file() {
        return Err(not_a_file());
    }
    Ok(Some((file, metadata.len())))
}

/// `cap-std` refuses a link that leads out with an error that came from no system call.
fn is_escape(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

pub(crate) fn missing(digest: &ContentDigest, path: &Path) -> TransportError {
    TransportError::MissingBlob {
        digest: *digest,
        path: path.to_owned(),
    }
}

pub(crate) fn not_a_layout(path: &Path, reason: &str) -> TransportError {
    TransportError::NotALayout {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

pub(crate) fn io_error(
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
) -> TransportError {
    TransportError::Io {
        operation,
        path,
        source,
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
