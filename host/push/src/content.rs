//! Where a blob's bytes come from: a stored stream, read like a file. Whether what comes out of it
//! is the blob is for who sends it to see.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use lazaret_artifact::VerityDigest;
use lazaret_graph::{GraphError, StreamContent};
use lazaret_store::Repository;
use lazaret_transport::BlobSource;

use crate::parallel::Stop;

/// What of a blob is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A splitstream that rebuilds it.
    Exact(VerityDigest),
    /// A splitstream that rebuilds what it unpacks to, a layer's diff_id.
    Unpacked {
        /// The stream.
        stream: VerityDigest,
        /// What it has to rebuild.
        diff_id: lazaret_artifact::ContentDigest,
    },
}

/// A stored blob to send. Remembers why reading failed, whatever becomes of the error on its way
/// through a transport.
pub(crate) struct StoredBlob<'a> {
    repository: &'a Repository,
    stream: VerityDigest,
    stop: &'a Stop,
    fault: Mutex<Option<GraphError>>,
}

impl<'a> StoredBlob<'a> {
    pub(crate) const fn new(
        repository: &'a Repository,
        stream: VerityDigest,
        stop: &'a Stop,
    ) -> Self {
        Self {
            repository,
            stream,
            stop,
            fault: Mutex::new(None),
        }
    }

    /// Why reading failed, if it did.
    pub(crate) fn into_fault(self) -> Option<GraphError> {
        self.fault
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, fault: GraphError) -> io::Error {
        let text = fault.to_string();
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        io::Error::other(text)
    }
}

impl BlobSource for StoredBlob<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let reader = StreamContent::open(self.repository, &self.stream);
        Ok(Box::new(Kept {
            reader: reader.map_err(|fault| self.keep(fault))?,
            blob: self,
        }))
    }
}

/// Reads for a [`StoredBlob`].
struct Kept<'a> {
    reader: StreamContent,
    blob: &'a StoredBlob<'a>,
}

impl Read for Kept<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.blob.stop.check_io()?;
        let result = self.reader.fill(buffer);
        result.map_err(|fault| self.blob.keep(fault))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use lazaret_artifact::VerityAlgorithm;
    use lazaret_store::{ContentType, VerityPolicy};

    use super::*;

    /// A stream of inline bytes and objects, some of them empty or equal, and what it rebuilds.
    fn mixed(repository: &Repository) -> (VerityDigest, Vec<u8>) {
        let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
        let mut whole = Vec::new();
        for (number, size) in [0, 1, 700, 70_000, 300_000, 0, 4096, 70_000]
            .into_iter()
            .enumerate()
        {
            let content: Vec<u8> = (0..size).map(|i: usize| (i * 7 + i / 251) as u8).collect();
            whole.extend_from_slice(&content);
            if number % 2 == 0 {
                writer.inline(&content).unwrap();
                continue;
            }
            let object = repository.put(&content).unwrap();
            writer.object(&object.digest, object.size).unwrap();
        }
        (writer.finish().unwrap().digest, whole)
    }

    fn repository() -> (tempfile::TempDir, Repository) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repo");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha256, VerityPolicy::Auto).unwrap();
        (directory, repository)
    }

    #[test]
    fn bytes_do_not_depend_on_how_they_are_asked_for() {
        let (_directory, repository) = repository();
        let (stream, whole) = mixed(&repository);
        let stop = Stop::new(Arc::new(AtomicBool::new(false)));
        let blob = StoredBlob::new(&repository, stream, &stop);
        for step in [1, 511, 65_536, 1 << 20] {
            let mut reader = blob.open().unwrap();
            let mut found = Vec::new();
            let mut buffer = vec![0; step];
            loop {
                match reader.read(&mut buffer).unwrap() {
                    0 => break,
                    count => found.extend_from_slice(&buffer[..count]),
                }
            }
            assert!(found == whole, "in steps of {step}");
        }
        assert!(blob.into_fault().is_none());
    }

    #[test]
    fn why_a_read_failed_is_not_forgotten() {
        let (directory, repository) = repository();
        let (stream, _) = mixed(&repository);
        let objects = directory.path().join("repo/objects");
        for shard in std::fs::read_dir(&objects).unwrap() {
            for object in std::fs::read_dir(shard.unwrap().path()).unwrap() {
                let path = object.unwrap().path();
                if path.metadata().unwrap().len() == 70_000 {
                    std::fs::remove_file(path).unwrap();
                }
            }
        }
        let stop = Stop::new(Arc::new(AtomicBool::new(false)));
        let blob = StoredBlob::new(&repository, stream, &stop);
        let mut reader = blob.open().unwrap();
        io::copy(&mut reader, &mut io::sink()).unwrap_err();
        drop(reader);
        assert!(blob.into_fault().unwrap().is_damage());
    }

    #[test]
    fn reading_ends_when_somebody_asks_to_stop() {
        let (_directory, repository) = repository();
        let (stream, _) = mixed(&repository);
        let stop = Stop::new(Arc::new(AtomicBool::new(true)));
        let blob = StoredBlob::new(&repository, stream, &stop);
        let mut reader = blob.open().unwrap();
        reader.read(&mut [0; 8]).unwrap_err();
        drop(reader);
        assert!(blob.into_fault().is_none());
    }
}
