//! Looking at splitstreams without comparing them with their digests: for lists, where what is read
//! is either compared with another digest, or not worth the reading of all that it is a sum of.

use std::fs::File;
use std::io::{self, Read as _};

use lazaret_artifact::VerityDigest;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use super::sections::{ReadAt, read_digests, read_info};
use crate::beneath;
use crate::error::{StoreError, StreamFault};
use crate::layout::object_path;
use crate::repository::Repository;

/// Bytes read at once. Header, info and references of a stream that is one document fit.
const GLANCE: usize = 1024;

/// Bytes of a document read at once. Most have less, and are read in one go without asking how many.
const DOCUMENT: usize = 16 * 1024;

impl Repository {
    /// Bytes of the stream that a splitstream announces to rebuild.
    ///
    /// # Errors
    /// [`StoreError::ObjectMissing`], [`StoreError::Stream`].
    pub fn announced_size_unverified(&self, digest: &VerityDigest) -> Result<u64, StoreError> {
        let glance = Glance::open(self, digest)?;
        let (info, _) = read_info(&glance, self.algorithm()).map_err(fault(digest))?;
        Ok(info.total_size)
    }

    /// The content of a splitstream that refers to a single object, which has at most `limit`
    /// bytes: for who compares it with a digest of its own.
    ///
    /// # Errors
    /// [`StoreError::ObjectMissing`], [`StoreError::Stream`], [`StoreError::NotSingleObject`],
    /// [`StoreError::TooLarge`].
    pub fn read_single_unverified(
        &self,
        digest: &VerityDigest,
        limit: u64,
    ) -> Result<Vec<u8>, StoreError> {
        let glance = Glance::open(self, digest)?;
        let algorithm = self.algorithm();
        let (info, length) = read_info(&glance, algorithm).map_err(fault(digest))?;
        let (section, range) = ("object references", info.object_refs);
        let objects = read_digests(&glance, section, range, length, algorithm);
        let objects = objects.map_err(fault(digest))?;
        let [object] = objects.as_slice() else {
            return Err(StoreError::NotSingleObject { digest: *digest });
        };
        let file = self.open_unexamined(object)?;
        let too_large = |size| StoreError::TooLarge {
            digest: *object,
            size,
            limit,
        };
        let failed = |error: io::Error| StoreError::io("read", self.object_at(object))(error);
        let mut bytes = Vec::with_capacity(DOCUMENT);
        let filled = rustix::io::read(&file, spare_capacity(&mut bytes));
        if filled.map_err(io::Error::from).map_err(failed)? >= DOCUMENT {
            let size = ReadAt::length(&file).map_err(failed)?;
            if size > limit {
                return Err(too_large(size));
            }
            let left = limit.saturating_sub(bytes.len() as u64);
            let mut rest = (&file).take(left);
            rest.read_to_end(&mut bytes).map_err(failed)?;
        }
        match bytes.len() as u64 > limit {
            true => Err(too_large(bytes.len() as u64)),
            false => Ok(bytes),
        }
    }

    /// Opens what has an object's name. What is no file cannot be read, or holds nothing.
    fn open_unexamined(&self, digest: &VerityDigest) -> Result<File, StoreError> {
        self.require_own(digest)?;
        let missing = || StoreError::ObjectMissing { digest: *digest };
        let objects = self.objects()?.ok_or_else(missing)?;
        match beneath::open_file(objects, &object_path(digest)) {
            Ok(file) => Ok(file.into()),
            Err(Errno::NOENT) => Err(missing()),
            Err(error) => Err(StoreError::io("open", self.object_at(digest))(error)),
        }
    }
}

fn fault(digest: &VerityDigest) -> impl Fn(StreamFault) -> StoreError {
    move |source| StoreError::Stream {
        digest: *digest,
        source,
    }
}

/// A splitstream whose beginning has been read.
struct Glance {
    file: File,
    start: [u8; GLANCE],
    filled: usize,
}

impl Glance {
    fn open(repository: &Repository, digest: &VerityDigest) -> Result<Self, StoreError> {
        let file = repository.open_unexamined(digest)?;
        let mut start = [0; GLANCE];
        let filled = ReadAt::read_at(&file, &mut start, 0)
            .map_err(|error| StoreError::io("read", repository.object_at(digest))(error))?;
        Ok(Self {
            file,
            start,
            filled,
        })
    }
}

impl ReadAt for Glance {
    fn length(&self) -> io::Result<u64> {
        match self.filled == GLANCE {
            true => ReadAt::length(&self.file),
            // All of it was read.
            false => Ok(self.filled as u64),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let known = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.start[..self.filled].get(offset..));
        match known {
            Some(known) if !known.is_empty() => {
                let count = known.len().min(buffer.len());
                buffer[..count].copy_from_slice(&known[..count]);
                Ok(count)
            }
            _ => ReadAt::read_at(&self.file, buffer, offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use lazaret_artifact::VerityAlgorithm;

    use super::*;
    use crate::ContentType;
    use crate::repository::VerityPolicy;

    #[test]
    fn a_glance_sees_what_a_reader_sees() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let algorithm = VerityAlgorithm::Sha512;
        let repository = Repository::init(&path, algorithm, VerityPolicy::Insecure).unwrap();
        // From one that fits the first look to one that does not.
        for objects in [0, 1, 2, 20, 200] {
            let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
            let content = |number: usize| number.to_string().repeat(100).into_bytes();
            for number in 0..objects {
                let stored = repository.put(&content(number)).unwrap();
                writer.object(&stored.digest, stored.size).unwrap();
            }
            let stream = writer.finish().unwrap();
            let announced = repository.announced_size_unverified(&stream.digest);
            assert_eq!(announced.unwrap(), stream.total_size);
            let single = repository.read_single_unverified(&stream.digest, 1000);
            match (objects, single) {
                (1, Ok(found)) => assert_eq!(found, content(0)),
                (_, Err(StoreError::NotSingleObject { digest })) => {
                    assert_ne!(objects, 1);
                    assert_eq!(digest, stream.digest);
                }
                (_, other) => panic!("{objects}: {other:?}"),
            }
            if objects == 1 {
                let error = repository.read_single_unverified(&stream.digest, 99);
                let error = error.unwrap_err();
                assert!(matches!(
                    error,
                    StoreError::TooLarge {
                        size: 100,
                        limit: 99,
                        ..
                    }
                ));
            }
        }
        for size in [0, 1, DOCUMENT - 1, DOCUMENT, DOCUMENT + 1, 100_000] {
            let content = vec![b'x'; size];
            let object = repository.put(&content).unwrap();
            let mut writer = repository.stream_writer(ContentType::MANIFEST).unwrap();
            writer.object(&object.digest, object.size).unwrap();
            let stream = writer.finish().unwrap().digest;
            let read = |limit: usize| repository.read_single_unverified(&stream, limit as u64);
            assert_eq!(read(size).unwrap(), content);
            if let Some(limit) = size.checked_sub(1) {
                assert!(
                    matches!(read(limit), Err(StoreError::TooLarge { .. })),
                    "{size}"
                );
            }
        }
        let object = repository.put(b"no splitstream").unwrap();
        let error = repository.announced_size_unverified(&object.digest);
        assert!(matches!(error, Err(StoreError::Stream { .. })));
    }
}
