//! Bytes that have to lie in a file before it is known what becomes of them: they may be one object
//! in the end, and are not written a second time then.

use std::io::{self, Write as _};

use super::{ClonedFile, Outcome};
use crate::error::StoreError;
use crate::layout::OBJECTS;
use crate::repository::Repository;
use crate::temporary::Temporary;

/// A file next to the objects, being written; not yet an object. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Spool {
    repository: Repository,
    temporary: Temporary,
    size: u64,
}

impl Repository {
    /// Begins such a file.
    ///
    /// # Errors
    /// When the repository is open for reading, or the operating system refuses.
    pub fn spool(&self) -> Result<Spool, StoreError> {
        self.require_write()?;
        Ok(Spool {
            repository: self.clone(),
            temporary: self.temporary()?,
            size: 0,
        })
    }
}

impl Spool {
    /// Adds `data`.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn write(&mut self, data: &[u8]) -> Result<(), StoreError> {
        let written = self.temporary.file().write_all(data);
        written.map_err(StoreError::io("write to", self.repository.at(OBJECTS)))?;
        self.size += data.len() as u64;
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The file for reading, and for becoming an object as a clone does. A new object made of it
    /// counts as [`Outcome::Written`].
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn finish(self) -> Result<ClonedFile, StoreError> {
        ClonedFile::new(self.repository, self.temporary, Outcome::Written)
    }
}

impl io::Write for Spool {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Self::write(self, data).map_err(io::Error::other)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use lazaret_artifact::VerityAlgorithm;

    use super::*;
    use crate::repository::{Access, VerityPolicy};
    use crate::verity;

    const ALGORITHM: VerityAlgorithm = VerityAlgorithm::Sha512;

    #[test]
    fn what_was_spooled_becomes_an_object_without_being_written_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let repository = Repository::init(path, ALGORITHM, VerityPolicy::Auto).unwrap();
        let data: Vec<u8> = (0..1_000_000_u32).map(|at| (at / 7) as u8).collect();
        for expected in [Outcome::Written, Outcome::Present] {
            let mut spool = repository.spool().unwrap();
            for piece in data.chunks(77_777) {
                spool.write(piece).unwrap();
            }
            assert_eq!(spool.size(), data.len() as u64);
            let file = spool.finish().unwrap();
            assert_eq!(file.size(), data.len() as u64);
            let mut found = Vec::new();
            file.file().read_to_end(&mut found).unwrap();
            assert!(found == data);
            let mut writer = file.writer();
            writer.write(&found).unwrap();
            let stored = writer.finish().unwrap();
            assert_eq!(stored.outcome, expected);
            assert_eq!(stored.digest, verity::digest(ALGORITHM, &data));
            assert!(repository.read_object(&stored.digest, 1 << 20).unwrap() == data);
        }
        assert_eq!(repository.usage().unwrap().objects, 1);
    }

    #[test]
    fn what_was_spooled_and_hashed_in_part_is_no_object() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let repository = Repository::init(path, ALGORITHM, VerityPolicy::Auto).unwrap();
        let mut spool = repository.spool().unwrap();
        spool.write(b"hello").unwrap();
        let mut writer = spool.finish().unwrap().writer();
        writer.write(b"hell").unwrap();
        writer.finish().unwrap_err();
        drop(repository.spool().unwrap());
        assert_eq!(repository.usage().unwrap().objects, 0);
        assert_eq!(std::fs::read_dir(path).unwrap().count(), 2);
        drop(repository);
        let reader = Repository::open(path, Access::Read).unwrap();
        assert!(reader.spool().is_err());
    }
}
