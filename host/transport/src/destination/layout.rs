//! Writing an OCI layout directory: a new one, or more into one that is there.
//!
//! Blobs are written under names of their own and renamed once they are whole, verified and on
//! disk. `index.json` is replaced last and at once, with the directory locked meanwhile, so that
//! of several writers none loses an entry of another. A writer that is killed leaves blobs that
//! nothing names, and perhaps a file `.lazaret-*`.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::{ContentDigest, Descriptor};
use ocidir::cap_std::ambient_authority;
use ocidir::cap_std::fs::Dir;
use serde_json::{Value, json};

use super::BlobSource;
use super::listing::Listing;
use super::outgoing::{copy, require_same};
use super::temporary::{Temporary, sync_directory};
use crate::blob::{Blob, Role};
use crate::error::TransportError;
use crate::layout::{
    INDEX_FILE, LAYOUT_VERSION, MAX_LAYOUT_FILE_SIZE, VERSION_FILE, check_version, io_error,
    not_a_layout, open_regular, parse_index, read_bounded, read_small,
};
use crate::reference::LayoutRef;

/// An OCI layout directory that is being written.
#[derive(Debug)]
pub struct LayoutWriter {
    reference: LayoutRef,
    directory: Dir,
    listing: Mutex<Listing>,
    /// What was written or looked through here, by digest and size. All else that has a blob's
    /// name may be something else: another writer broke off, or a disk did.
    sound: Mutex<HashSet<(ContentDigest, u64)>>,
}

impl LayoutWriter {
    pub(super) fn open(reference: &LayoutRef) -> Result<Self, TransportError> {
        let path = &reference.path;
        if reference.digest.is_some() {
            return Err(TransportError::Reference {
                text: reference.to_string(),
                reason: "a destination is named by a tag, not by a digest".to_owned(),
            });
        }
        std::fs::create_dir_all(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                not_a_layout(path, "not a directory")
            }
            _ => io_error("create", path.clone(), error),
        })?;
        let directory = Dir::open_ambient_dir(path, ambient_authority())
            .map_err(|error| io_error("open", path.clone(), error))?;
        let new = Self {
            reference: reference.clone(),
            directory,
            listing: Mutex::default(),
            sound: Mutex::default(),
        };
        if new.is_empty()? {
            let version = json!({"imageLayoutVersion": LAYOUT_VERSION}).to_string();
            new.write(Path::new(VERSION_FILE), version.as_bytes())?;
        } else {
            let version = read_small(&new.directory, path, VERSION_FILE, MAX_LAYOUT_FILE_SIZE)?;
            check_version(&version, path)?;
            new.read_index()?;
        }
        // A reader wants this one even where all blobs are named otherwise.
        new.ensure(Path::new("blobs/sha256"))?;
        Ok(new)
    }

    pub(super) const fn reference(&self) -> &LayoutRef {
        &self.reference
    }

    /// A regular file counts as the blob when it is one: unless it was written here, it is read.
    /// What is something else will be replaced.
    pub(super) fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, TransportError> {
        if self.sound().contains(&(descriptor.digest, descriptor.size)) {
            return Ok(true);
        }
        let name = blob_name(&descriptor.digest);
        let shown = self.reference.path.join(&name);
        let file = match open_regular(&self.directory, &name, &shown) {
            Ok(Some((file, length))) if length == descriptor.size => file,
            Ok(_) | Err(TransportError::NotAFile { .. } | TransportError::Escape { .. }) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let blob = Blob::from_file(file, descriptor.size, shown, descriptor, Role::Blob)?;
        match blob.finish() {
            Ok(()) => {
                self.note_sound(descriptor);
                Ok(true)
            }
            Err(TransportError::Mismatch { digest, found, .. }) => {
                tracing::warn!(%digest, %found, "not what its name says, to be replaced");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn sound(&self) -> MutexGuard<'_, HashSet<(ContentDigest, u64)>> {
        self.sound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_sound(&self, descriptor: &Descriptor) {
        self.sound().insert((descriptor.digest, descriptor.size));
    }

    pub(super) fn put_blob(
        &self,
        descriptor: &Descriptor,
        bytes: &dyn BlobSource,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<(), TransportError> {
        let name = blob_name(&descriptor.digest);
        let temporary = self.temporary(&name)?;
        copy(descriptor, bytes, sent, |piece| {
            let mut file = temporary.file();
            file.write_all(piece)
                .map_err(|error| self.failed("write", &name, error))
        })?;
        temporary
            .place(&name)
            .map_err(|error| self.failed("write", &name, error))?;
        self.note_sound(descriptor);
        Ok(())
    }

    pub(super) fn put_document(
        &self,
        descriptor: &Descriptor,
        bytes: &[u8],
        subject: Option<&ContentDigest>,
        tag: Option<&str>,
    ) -> Result<(), TransportError> {
        require_same(descriptor, bytes)?;
        if !self.has_blob(descriptor)? {
            self.write(&blob_name(&descriptor.digest), bytes)?;
            self.note_sound(descriptor);
        }
        self.listing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(descriptor, bytes, subject.is_some(), tag)
    }

    pub(super) fn finish(self) -> Result<(), TransportError> {
        let io = |operation, name: &str, error: io::Error| {
            io_error(operation, self.reference.path.join(name), error)
        };
        // The names of the blobs, before anything leads to them.
        for name in ["blobs/sha256", "blobs/sha512", "blobs", "."] {
            match self.directory.open_dir(name) {
                Ok(directory) => {
                    sync_directory(&directory).map_err(|error| io("sync", name, error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io("open", name, error)),
            }
        }
        let listing = self.listing.lock().unwrap_or_else(PoisonError::into_inner);
        // Held until this is closed, at the end.
        let lock = self
            .directory
            .open(".")
            .map_err(|error| io("open", ".", error))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|error| io("lock", ".", error.into()))?;
        let bytes = listing.merge(self.read_index()?)?;
        self.write(Path::new(INDEX_FILE), &bytes)?;
        sync_directory(&self.directory).map_err(|error| io("sync", ".", error))
    }

    /// The `index.json` there is, as it is: what this program does not know of it is kept.
    fn read_index(&self) -> Result<Option<Value>, TransportError> {
        let path = &self.reference.path;
        let shown = path.join(INDEX_FILE);
        let opened = open_regular(&self.directory, Path::new(INDEX_FILE), &shown)?;
        let Some((file, length)) = opened else {
            return Ok(None);
        };
        let bytes = read_bounded(file, length, MAX_DOCUMENT_SIZE, &shown)?;
        parse_index(&bytes, path)?;
        Ok(serde_json::from_slice(&bytes).ok())
    }

    fn is_empty(&self) -> Result<bool, TransportError> {
        let failed = |error| self.failed("list", Path::new(""), error);
        for entry in self.directory.entries().map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // What a killed writer left behind.
            if !name.as_encoded_bytes().starts_with(b".lazaret-") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A small file, whole.
    fn write(&self, name: &Path, bytes: &[u8]) -> Result<(), TransportError> {
        let temporary = self.temporary(name)?;
        let mut file = temporary.file();
        file.write_all(bytes)
            .and_then(|()| temporary.place(name))
            .map_err(|error| self.failed("write", name, error))
    }

    fn temporary(&self, name: &Path) -> Result<Temporary, TransportError> {
        if let Some(parent) = name.parent() {
            self.ensure(parent)?;
        }
        Temporary::create(&self.directory).map_err(|error| self.failed("write", name, error))
    }

    fn ensure(&self, directory: &Path) -> Result<(), TransportError> {
        if directory.as_os_str().is_empty() {
            return Ok(());
        }
        self.directory
            .create_dir_all(directory)
            .map_err(|error| self.failed("create", directory, error))
    }

    fn failed(&self, operation: &'static str, name: &Path, error: io::Error) -> TransportError {
        io_error(operation, self.reference.path.join(name), error)
    }
}

fn blob_name(digest: &ContentDigest) -> PathBuf {
    ["blobs", digest.algorithm().name(), &digest.hex()]
        .iter()
        .collect()
}
