//! Storing objects. The digest is known before anything becomes visible, and an object that is
//! there already costs no write.
//!
//! Nothing is synced here: a [`crate::Transaction`] does that once for everything it names.

use std::io::{self, Read as _, Write as _};

use lazaret_artifact::VerityDigest;
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::{Outcome, Stored};
use crate::beneath;
use crate::error::StoreError;
use crate::layout::{OBJECTS, object_path};
use crate::repository::{DIRECTORY_MODE, Repository};
use crate::temporary::Temporary;
use crate::verity::kernel::{self, Measured, Sealed};
use crate::verity::{self, VerityHasher};

/// Bytes of an object that a writer keeps in memory, so that a small object that is there already
/// costs no write, and one that is not costs no more than [`Repository::put`].
const MAX_BUFFERED: usize = 256 * 1024;

/// Bytes read at once of an object that is there and is not trusted.
const READ_BUFFER: usize = 256 * 1024;

/// What lies where an object should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Object,
    /// Something that cannot be the object: no file, of another size, or not sealed where it must
    /// be. What a crash without a sync may leave. Of other content too, where that is asked for.
    Damage,
}

impl Repository {
    /// Stores `data` as an object.
    ///
    /// # Errors
    /// When the operating system refuses, or the repository is open for reading.
    pub fn put(&self, data: &[u8]) -> Result<Stored, StoreError> {
        self.store(verity::digest(self.algorithm(), data), data)
    }

    /// Stores several objects. Hashing small ones together is several times as fast as one by one;
    /// sixteen at a time are enough.
    ///
    /// # Errors
    /// As [`Repository::put`]. Those before the failure are stored.
    pub fn put_many(&self, files: &[&[u8]]) -> Result<Vec<Stored>, StoreError> {
        let digests = verity::digests(self.algorithm(), files);
        let pairs = digests.into_iter().zip(files);
        pairs
            .map(|(digest, data)| self.store(digest, data))
            .collect()
    }

    /// Begins an object whose bytes come piece by piece. Takes constant memory.
    ///
    /// # Errors
    /// When the repository is open for reading.
    pub fn object_writer(&self) -> Result<ObjectWriter, StoreError> {
        self.require_write()?;
        Ok(ObjectWriter {
            repository: self.clone(),
            content: Content::Memory(Vec::new()),
        })
    }

    fn store(&self, digest: VerityDigest, data: &[u8]) -> Result<Stored, StoreError> {
        self.require_write()?;
        let size = data.len() as u64;
        let outcome = match self.find(&digest, size)? {
            Found::Object => Outcome::Present,
            found => {
                let temporary = self.temporary()?;
                let written = temporary.file().write_all(data);
                written.map_err(|error| self.write_failed(&digest, error))?;
                self.publish(temporary, &digest, found)?
            }
        };
        Ok(Stored {
            digest,
            size,
            outcome,
        })
    }

    /// Stores a file whose digest and size are known.
    pub(crate) fn store_file(
        &self,
        temporary: Temporary,
        digest: VerityDigest,
        size: u64,
    ) -> Result<Stored, StoreError> {
        let outcome = match self.find(&digest, size)? {
            Found::Object => Outcome::Present,
            found => self.publish(temporary, &digest, found)?,
        };
        Ok(Stored {
            digest,
            size,
            outcome,
        })
    }

    /// An empty file on the filesystem of the objects.
    pub(crate) fn temporary(&self) -> Result<Temporary, StoreError> {
        let objects = self.objects_for_writing()?;
        Temporary::create(&self.inner.root, objects, &self.inner.no_tmpfile)
            .map_err(|error| StoreError::io("create a file in", self.at(OBJECTS))(error))
    }

    fn find(&self, digest: &VerityDigest, size: u64) -> Result<Found, StoreError> {
        let path = object_path(digest);
        let objects = self.objects_for_writing()?;
        let status = match rustix::fs::statat(objects, &path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => status,
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            Err(error) => return Err(StoreError::io("examine", self.object_at(digest))(error)),
        };
        let is_file = FileType::from_raw_mode(status.st_mode) == FileType::RegularFile;
        let found = if is_file && u64::try_from(status.st_size) == Ok(size) {
            let sealed = !self.is_verity_required() || self.is_sealed(digest)?;
            if sealed && (!self.verify_present || self.is_sound(digest)) {
                Found::Object
            } else {
                Found::Damage
            }
        } else {
            Found::Damage
        };
        if found == Found::Damage {
            tracing::warn!(%digest, "replacing a damaged object");
        }
        Ok(found)
    }

    fn is_sealed(&self, digest: &VerityDigest) -> Result<bool, StoreError> {
        let file = beneath::open_file(self.objects_for_writing()?, &object_path(digest))
            .map_err(StoreError::io("open", self.object_at(digest)))?;
        let measured = kernel::measure(&file, self.algorithm())
            .map_err(StoreError::io("measure", self.object_at(digest)))?;
        Ok(measured == Measured::Digest(*digest))
    }

    /// Whether all of an object can be read and is what its name says.
    fn is_sound(&self, digest: &VerityDigest) -> bool {
        let hash = || -> Result<VerityDigest, StoreError> {
            let (mut file, _) = self.open_file(digest)?;
            let mut hasher = VerityHasher::new(self.algorithm());
            let mut buffer = vec![0; READ_BUFFER];
            loop {
                match file.read(&mut buffer) {
                    Ok(0) => return Ok(hasher.finish()),
                    Ok(count) => hasher.update(&buffer[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        return Err(StoreError::io("read", self.object_at(digest))(error));
                    }
                }
            }
        };
        match hash() {
            Ok(found) => found == *digest,
            Err(error) => {
                tracing::warn!(%digest, %error, "an object cannot be read");
                false
            }
        }
    }

    /// Makes a written file an object, sealed if it has to be.
    fn publish(
        &self,
        mut temporary: Temporary,
        digest: &VerityDigest,
        found: Found,
    ) -> Result<Outcome, StoreError> {
        if self.is_verity_required() {
            self.seal(&mut temporary, digest)?;
        }
        let objects = self.objects_for_writing()?;
        let path = object_path(digest);
        let failed = |error| StoreError::io("create", self.object_at(digest))(error);
        if found == Found::Damage {
            return match temporary.replace(objects, &path) {
                Ok(()) => Ok(Outcome::Written),
                Err(error) => Err(failed(error)),
            };
        }
        let linked = match temporary.link(objects, &path) {
            // The first object of its directory, which may be made by another thread as well.
            Err(Errno::NOENT) => match rustix::fs::mkdirat(objects, &path[..2], DIRECTORY_MODE) {
                Ok(()) | Err(Errno::EXIST) => temporary.link(objects, &path),
                Err(error) => Err(error),
            },
            result => result,
        };
        match linked {
            Ok(()) => Ok(Outcome::Written),
            // Somebody else was faster with the same bytes.
            Err(Errno::EXIST) => Ok(Outcome::Present),
            Err(error) => Err(failed(error)),
        }
    }

    fn seal(&self, temporary: &mut Temporary, digest: &VerityDigest) -> Result<(), StoreError> {
        let place = || self.object_at(digest);
        match temporary
            .seal(self.algorithm())
            .map_err(StoreError::io("seal", place()))?
        {
            Sealed::Done => {}
            Sealed::Unsupported => {
                return Err(StoreError::VerityUnsupported {
                    path: self.path().to_owned(),
                });
            }
        }
        let measured = kernel::measure(temporary.file(), self.algorithm())
            .map_err(StoreError::io("measure", place()))?;
        if measured == Measured::Digest(*digest) {
            return Ok(());
        }
        // The disk gave back other bytes than were written, or one of the two hashes is wrong.
        Err(StoreError::Corrupt {
            digest: *digest,
            reason: format!("just written, and the kernel measures {measured:?}"),
        })
    }

    pub(crate) fn object_at(&self, digest: &VerityDigest) -> std::path::PathBuf {
        self.at(OBJECTS).join(object_path(digest))
    }

    fn write_failed(&self, digest: &VerityDigest, error: io::Error) -> StoreError {
        StoreError::io("write", self.object_at(digest))(error)
    }
}

/// An object being written. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct ObjectWriter {
    pub(super) repository: Repository,
    pub(super) content: Content,
}

pub(super) enum Content {
    Memory(Vec<u8>),
    File(Temporary, Box<VerityHasher>),
    /// The bytes are there already, and are only hashed.
    Clone {
        temporary: Temporary,
        size: u64,
        hasher: Box<VerityHasher>,
        /// How they came to be there, should they become a new object.
        origin: Outcome,
    },
}

impl ObjectWriter {
    /// Adds `data`. Pieces of 32 KiB and more are hashed fastest.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn write(&mut self, data: &[u8]) -> Result<(), StoreError> {
        if let Content::Memory(buffer) = &mut self.content {
            if buffer.len() + data.len() <= MAX_BUFFERED {
                buffer.extend_from_slice(data);
                return Ok(());
            }
            let buffer = std::mem::take(buffer);
            let hasher = Box::new(VerityHasher::new(self.repository.algorithm()));
            self.content = Content::File(self.repository.temporary()?, hasher);
            self.append(&buffer)?;
        }
        self.append(data)
    }

    /// Bytes written so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::Memory(buffer) => buffer.len() as u64,
            Content::File(_, hasher) | Content::Clone { hasher, .. } => hasher.size(),
        }
    }

    /// Stores the object.
    ///
    /// # Errors
    /// When the operating system refuses; [`StoreError::Clone`] when a clone's bytes were not all
    /// written.
    pub fn finish(self) -> Result<Stored, StoreError> {
        match self.content {
            Content::Memory(buffer) => self.repository.put(&buffer),
            Content::File(file, hasher) => {
                let size = hasher.size();
                self.repository.store_file(file, hasher.finish(), size)
            }
            Content::Clone {
                temporary,
                size,
                hasher,
                origin,
            } => {
                if hasher.size() != size {
                    return Err(StoreError::Clone {
                        size,
                        written: hasher.size(),
                    });
                }
                let mut stored = self
                    .repository
                    .store_file(temporary, hasher.finish(), size)?;
                if stored.outcome == Outcome::Written {
                    stored.outcome = origin;
                }
                Ok(stored)
            }
        }
    }

    fn append(&mut self, data: &[u8]) -> Result<(), StoreError> {
        match &mut self.content {
            Content::File(temporary, hasher) => {
                let written = temporary.file().write_all(data);
                written.map_err(StoreError::io("write to", self.repository.at(OBJECTS)))?;
                hasher.update(data);
            }
            Content::Clone { hasher, .. } => hasher.update(data),
            Content::Memory(_) => {}
        }
        Ok(())
    }
}

impl io::Write for ObjectWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Self::write(self, data).map_err(io::Error::other)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(buffer) => write!(f, "{} bytes in memory", buffer.len()),
            Self::File(_, hasher) => write!(f, "{} bytes in a file", hasher.size()),
            Self::Clone { size, .. } => write!(f, "a clone of {size} bytes"),
        }
    }
}
