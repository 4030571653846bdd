//! Reading objects. What is read is compared with its name, by the kernel where objects are sealed
//! and here where they are not.

use std::fs::File;
use std::io::{self, Read};

use lazaret_artifact::VerityDigest;
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use crate::beneath;
use crate::error::StoreError;
use crate::layout::object_path;
use crate::repository::Repository;
use crate::verity::kernel::{self, Measured};
use crate::verity::{self, VerityHasher};

impl Repository {
    /// Whether an object is there, and its size in bytes. Its content is not examined.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when something else than a file has its name.
    pub fn has_object(&self, digest: &VerityDigest) -> Result<Option<u64>, StoreError> {
        self.require_own(digest)?;
        let Some(objects) = self.objects()? else {
            return Ok(None);
        };
        let path = object_path(digest);
        match rustix::fs::statat(objects, &path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) if FileType::from_raw_mode(status.st_mode) == FileType::RegularFile => {
                Ok(Some(u64::try_from(status.st_size).unwrap_or(0)))
            }
            Ok(_) => Err(not_a_file(digest)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::io("examine", self.object_at(digest))(error)),
        }
    }

    /// Reads an object of at most `limit` bytes into memory. It is what its name says.
    ///
    /// # Errors
    /// [`StoreError::ObjectMissing`], [`StoreError::TooLarge`], [`StoreError::Corrupt`].
    pub fn read_object(&self, digest: &VerityDigest, limit: u64) -> Result<Vec<u8>, StoreError> {
        let (file, size) = self.open_file(digest)?;
        let too_large = |size| StoreError::TooLarge {
            digest: *digest,
            size,
            limit,
        };
        let Ok(capacity) = usize::try_from(size) else {
            return Err(too_large(size));
        };
        if size > limit {
            return Err(too_large(size));
        }
        if self.is_verity_required() {
            self.require_seal(&file, digest)?;
        }
        let mut data = Vec::with_capacity(capacity);
        (&file)
            .take(size)
            .read_to_end(&mut data)
            .map_err(StoreError::io("read", self.object_at(digest)))?;
        if !self.is_verity_required() {
            check_digest(digest, &verity::digest(self.algorithm(), &data))?;
        }
        Ok(data)
    }

    /// Opens an object for reading it piece by piece.
    ///
    /// # Errors
    /// [`StoreError::ObjectMissing`]; [`StoreError::Corrupt`] when it is not sealed and has to be.
    pub fn open_object(&self, digest: &VerityDigest) -> Result<ObjectReader, StoreError> {
        let (file, size) = self.open_file(digest)?;
        let hasher = if self.is_verity_required() {
            self.require_seal(&file, digest)?;
            None
        } else {
            Some(Box::new(VerityHasher::new(self.algorithm())))
        };
        Ok(ObjectReader {
            file,
            digest: *digest,
            size,
            left: size,
            hasher,
        })
    }

    /// Opens an object without comparing it with its name: for handing on, not for believing.
    ///
    /// # Errors
    /// [`StoreError::ObjectMissing`]; [`StoreError::Corrupt`] when it is not a file.
    pub fn open_object_unverified(&self, digest: &VerityDigest) -> Result<File, StoreError> {
        self.open_file(digest).map(|(file, _)| file)
    }

    /// Opens a regular file by an object's name, and says how large it is.
    pub(crate) fn open_file(&self, digest: &VerityDigest) -> Result<(File, u64), StoreError> {
        self.require_own(digest)?;
        let missing = StoreError::ObjectMissing { digest: *digest };
        let Some(objects) = self.objects()? else {
            return Err(missing);
        };
        let file: File = match beneath::open_file(objects, &object_path(digest)) {
            Ok(file) => file.into(),
            Err(Errno::NOENT) => return Err(missing),
            Err(Errno::LOOP | Errno::NXIO) => return Err(not_a_file(digest)),
            Err(error) => return Err(StoreError::io("open", self.object_at(digest))(error)),
        };
        let status = file
            .metadata()
            .map_err(StoreError::io("examine", self.object_at(digest)))?;
        if !status.is_file() {
            return Err(not_a_file(digest));
        }
        Ok((file, status.len()))
    }

    /// Asks the kernel whether an open object is what its name says. From then on it checks what
    /// is read.
    pub(crate) fn require_seal(
        &self,
        file: &File,
        digest: &VerityDigest,
    ) -> Result<(), StoreError> {
        let measured = kernel::measure(file, self.algorithm());
        match measured.map_err(StoreError::io("measure", self.object_at(digest)))? {
            Measured::Digest(found) => check_digest(digest, &found),
            Measured::OtherAlgorithm => Err(corrupt(digest, "sealed with another algorithm")),
            Measured::Unsealed | Measured::Unsupported => {
                Err(corrupt(digest, "not sealed with fs-verity"))
            }
        }
    }

    pub(crate) fn require_own(&self, digest: &VerityDigest) -> Result<(), StoreError> {
        if digest.algorithm() == self.algorithm() {
            return Ok(());
        }
        Err(StoreError::OtherAlgorithm {
            digest: *digest,
            algorithm: self.algorithm(),
        })
    }
}

fn corrupt(digest: &VerityDigest, reason: &str) -> StoreError {
    StoreError::Corrupt {
        digest: *digest,
        reason: reason.to_owned(),
    }
}

fn not_a_file(digest: &VerityDigest) -> StoreError {
    corrupt(digest, "not a regular file")
}

fn check_digest(digest: &VerityDigest, found: &VerityDigest) -> Result<(), StoreError> {
    if digest == found {
        return Ok(());
    }
    Err(corrupt(digest, &format!("its digest is {found}")))
}

/// An object being read.
///
/// The last bytes are only given out once the whole is known to be what its name says; otherwise
/// that read fails with an [`io::Error`] that holds a [`StoreError::Corrupt`]. Whoever stops before
/// the end has believed what nobody checked.
#[derive(Debug)]
pub struct ObjectReader {
    file: File,
    digest: VerityDigest,
    size: u64,
    left: u64,
    /// Until everything was read and compared. None from the start if the kernel compares.
    hasher: Option<Box<VerityHasher>>,
}

impl ObjectReader {
    /// Its size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |n| n.min(buffer.len()));
        let mut count = 0;
        if wanted > 0 {
            count = self.file.read(&mut buffer[..wanted])?;
            if count == 0 {
                let error = corrupt(&self.digest, "it became shorter while it was read");
                return Err(io::Error::other(error));
            }
            self.left -= count as u64;
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
            if self.left == 0
                && let Some(hasher) = self.hasher.take()
            {
                check_digest(&self.digest, &hasher.finish()).map_err(io::Error::other)?;
            }
        }
        Ok(count)
    }
}
