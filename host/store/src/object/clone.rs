//! Objects that share their blocks with a file outside the repository (`FICLONE`, Linux
//! `ioctl_ficlone(2)`; XFS, Btrfs, bcachefs and others).
//!
//! The clone is made first and then read: what is hashed is what will be the object, whatever
//! becomes of the file that it was made from.

use std::fs::File;
use std::os::fd::AsFd as _;

use rustix::fs::ioctl_ficlone;
use rustix::io::Errno;

use super::Outcome;
use super::write::{Content, ObjectWriter};
use crate::error::StoreError;
use crate::layout::OBJECTS;
use crate::repository::Repository;
use crate::temporary::Temporary;
use crate::verity::VerityHasher;

/// A file of the repository, not yet an object: a clone of another file, or what was written to a
/// [`super::Spool`]. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct ClonedFile {
    repository: Repository,
    temporary: Temporary,
    reader: File,
    size: u64,
    /// What its becoming a new object is called.
    origin: Outcome,
}

impl Repository {
    /// Clones a whole file into the repository's filesystem. `None` when it lies on another one, or
    /// the filesystem cannot share blocks between these two files.
    ///
    /// # Errors
    /// When the repository is open for reading, or the operating system refuses otherwise.
    pub fn clone_file(&self, file: &File) -> Result<Option<ClonedFile>, StoreError> {
        self.require_write()?;
        let temporary = self.temporary()?;
        match ioctl_ficlone(temporary.file().as_fd(), file.as_fd()) {
            Ok(()) => {}
            // Another filesystem; one that cannot; files that do not go together (nocow), that are
            // no regular ones, or are in use for swapping.
            Err(
                Errno::XDEV
                | Errno::OPNOTSUPP
                | Errno::NOTTY
                | Errno::NOSYS
                | Errno::INVAL
                | Errno::ISDIR
                | Errno::PERM
                | Errno::TXTBSY,
            ) => return Ok(None),
            Err(error) => return Err(StoreError::io("clone a file to", self.at(OBJECTS))(error)),
        }
        ClonedFile::new(self.clone(), temporary, Outcome::Reflinked).map(Some)
    }
}

impl ClonedFile {
    pub(super) fn new(
        repository: Repository,
        temporary: Temporary,
        origin: Outcome,
    ) -> Result<Self, StoreError> {
        let place = || repository.at(OBJECTS);
        let reader = temporary
            .reopen()
            .map_err(StoreError::io("open a temporary file in", place()))?;
        let status = reader.metadata();
        let size = status
            .map_err(StoreError::io("examine a temporary file in", place()))?
            .len();
        Ok(Self {
            repository,
            temporary,
            reader,
            size,
            origin,
        })
    }

    /// The clone, for reading, from its start.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.reader
    }

    /// Its size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// A writer that only hashes: it is to be given the clone's bytes, all of them, and makes the
    /// clone the object that has their digest.
    #[must_use]
    pub fn writer(self) -> ObjectWriter {
        let hasher = Box::new(VerityHasher::new(self.repository.algorithm()));
        ObjectWriter {
            repository: self.repository,
            content: Content::Clone {
                temporary: self.temporary,
                size: self.size,
                hasher,
                origin: self.origin,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};

    use lazaret_artifact::VerityAlgorithm;

    use super::*;
    use crate::repository::VerityPolicy;
    use crate::testing::Mount;
    use crate::verity;

    /// Bytes of each test file: larger than what a writer keeps in memory.
    const SIZE: usize = 1 << 20;

    fn content(seed: u8) -> Vec<u8> {
        (0..SIZE).map(|at| (at / 7) as u8 ^ seed).collect()
    }

    fn read(file: &File) -> Vec<u8> {
        let mut file = file;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_file_that_cannot_be_cloned_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let repository =
            Repository::init(path, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap();
        let other = File::open("/proc/self/status").unwrap();
        assert!(repository.clone_file(&other).unwrap().is_none());
        let other = File::open("/").unwrap();
        assert!(repository.clone_file(&other).unwrap().is_none());
    }

    #[test]
    fn a_clone_becomes_an_object_and_shares_its_blocks() {
        let Some(mount) = Mount::xfs("reflinks") else {
            return;
        };
        let path = mount.path().join("repository");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Auto).unwrap();
        let data = content(1);
        let source = mount.path().join("layer.tar");
        std::fs::write(&source, &data).unwrap();
        let mut file = File::options()
            .read(true)
            .write(true)
            .open(&source)
            .unwrap();
        let before = mount.used();

        let clone = repository.clone_file(&file).unwrap().expect("XFS can");
        assert_eq!(clone.size(), SIZE as u64);
        // Whatever happens to the file now, the clone stays as it is.
        file.write_all(b"overwritten").unwrap();
        let bytes = read(clone.file());
        assert!(bytes == data);
        let mut writer = clone.writer();
        for piece in bytes.chunks(100_000) {
            writer.write(piece).unwrap();
        }
        let stored = writer.finish().unwrap();
        assert_eq!(stored.outcome, Outcome::Reflinked);
        assert_eq!(
            stored.digest,
            verity::digest(VerityAlgorithm::Sha512, &data)
        );
        assert!(repository.read_object(&stored.digest, 2 << 20).unwrap() == data);
        let more = mount.used() - before;
        assert!(more < SIZE as u64 / 2, "{more} bytes are not shared");

        // The same again is there already; a clone that is dropped leaves nothing.
        file.rewind().unwrap();
        file.write_all(&data[..11]).unwrap();
        let clone = repository.clone_file(&file).unwrap().unwrap();
        let mut writer = clone.writer();
        writer.write(&data).unwrap();
        assert_eq!(writer.finish().unwrap().outcome, Outcome::Present);
        drop(repository.clone_file(&file).unwrap().unwrap());
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 2);
    }

    #[test]
    fn a_clone_that_was_hashed_in_part_is_no_object() {
        let Some(mount) = Mount::xfs("reflinks") else {
            return;
        };
        let path = mount.path().join("repository");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Auto).unwrap();
        let data = content(2);
        let source = mount.path().join("blob");
        std::fs::write(&source, &data).unwrap();
        let file = File::open(&source).unwrap();
        let mut writer = repository.clone_file(&file).unwrap().unwrap().writer();
        writer.write(&data[1..]).unwrap();
        let error = writer.finish().unwrap_err();
        assert!(error.to_string().contains("1048575"), "{error}");
        assert_eq!(repository.usage().unwrap().objects, 0);
    }
}
