//! A splitstream, read like a file. Memory does not depend on its size: one inline piece and one
//! open object at a time.
//!
//! What is handed out are the store's bytes, each object compared with its name while it is read.
//! Whether together they are what the stream's name says is for who reads them to see; where that
//! is all that is wanted, [`crate::rebuild()`] does it.

use std::io::{self, Read};

use lazaret_artifact::VerityDigest;
use lazaret_store::{Chunk, ObjectReader, Repository, StoreError, StreamReader};

use crate::error::GraphError;

/// The bytes that a splitstream rebuilds, in order.
///
/// Reading through [`Read`] gives a [`GraphError`] inside the [`io::Error`]; damage is found no
/// later than at the end of the object that it is in. After an error nothing is to be read any
/// more.
#[derive(Debug)]
pub struct StreamContent {
    repository: Repository,
    stream: StreamReader,
    /// Of the current inline piece, and how many bytes of it are handed out.
    inline: (Vec<u8>, usize),
    object: Option<ObjectReader>,
}

impl StreamContent {
    /// Opens a stream, whatever its content type and its name.
    ///
    /// # Errors
    /// Damage: it is missing or cannot be read. The store's.
    pub fn open(repository: &Repository, stream: &VerityDigest) -> Result<Self, GraphError> {
        Ok(Self {
            repository: repository.clone(),
            stream: repository.open_stream(stream, None)?,
            inline: (Vec::new(), 0),
            object: None,
        })
    }

    /// Bytes that it announces to rebuild.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.stream.total_size()
    }

    /// Fills as much of `buffer` as there is; less than all of it only at the end of the stream,
    /// nothing only there.
    ///
    /// # Errors
    /// Damage. The store's.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, GraphError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let (piece, given) = &mut self.inline;
            if *given < piece.len() {
                let count = (piece.len() - *given).min(buffer.len() - filled);
                buffer[filled..filled + count].copy_from_slice(&piece[*given..*given + count]);
                *given += count;
                filled += count;
                continue;
            }
            if let Some(object) = &mut self.object {
                match read(object, &mut buffer[filled..])? {
                    0 => self.object = None,
                    count => filled += count,
                }
                continue;
            }
            match self.stream.next_chunk()? {
                None => break,
                Some(Chunk::Inline(bytes)) => {
                    piece.clear();
                    piece.extend_from_slice(bytes);
                    *given = 0;
                }
                Some(Chunk::Object(digest)) => {
                    self.object = Some(self.repository.open_object(&digest)?);
                }
            }
        }
        Ok(filled)
    }
}

impl Read for StreamContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill(buffer).map_err(io::Error::other)
    }
}

fn read(object: &mut ObjectReader, buffer: &mut [u8]) -> Result<usize, GraphError> {
    loop {
        match object.read(buffer) {
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // The store's own error travels inside; what is not is the system's.
                let error = error.downcast::<StoreError>();
                return Err(error
                    .unwrap_or_else(|source| StoreError::Io {
                        operation: "read",
                        path: "an object".into(),
                        source,
                    })
                    .into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
        for step in [1, 511, 65_536, 1 << 20] {
            let mut reader = StreamContent::open(&repository, &stream).unwrap();
            assert_eq!(reader.size(), whole.len() as u64);
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
    }

    #[test]
    fn damage_reaches_whoever_reads() {
        let (directory, repository) = repository();
        let (stream, _) = mixed(&repository);
        for shard in std::fs::read_dir(directory.path().join("repo/objects")).unwrap() {
            for object in std::fs::read_dir(shard.unwrap().path()).unwrap() {
                let path = object.unwrap().path();
                if path.metadata().unwrap().len() == 70_000 {
                    std::fs::remove_file(path).unwrap();
                }
            }
        }
        let mut reader = StreamContent::open(&repository, &stream).unwrap();
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert!(error.downcast::<GraphError>().unwrap().is_damage());
    }
}
