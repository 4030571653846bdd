//! What an importer read of a file that may change meanwhile, compared with what was kept of it.
//!
//! A file of the source is read twice where it cannot be cloned: at random by the importer, and in
//! order while it is kept and its digest compared. Only the second is what the digest promised, so
//! every stretch of the first is hashed, and compared with the same stretch of what was recorded.

use std::os::unix::fs::FileExt as _;

use lazaret_artifact::{ContentDigest, ContentHasher, DigestAlgorithm, VerityDigest};
use lazaret_engine::SessionError;
use lazaret_store::{Chunk, Repository};

use crate::error::{BlobFault, IntakeError};
use crate::limits::{CHUNK_SIZE, MAX_READS};

/// Stretches that were read, in the order they were read.
#[derive(Default)]
pub(crate) struct Reads {
    done: Vec<Stretch>,
    /// The last one, which may go on.
    open: Option<(u64, u64, ContentHasher)>,
}

struct Stretch {
    start: u64,
    end: u64,
    digest: ContentDigest,
}

/// More stretches than are remembered.
#[derive(Debug, thiserror::Error)]
#[error("reads in more than {MAX_READS} places")]
pub(crate) struct TooManyReads;

impl Reads {
    /// Notes that these bytes were seen at `offset`.
    pub(crate) fn note(&mut self, offset: u64, bytes: &[u8]) -> Result<(), SessionError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = offset + bytes.len() as u64;
        match &mut self.open {
            Some((_, so_far, hasher)) if *so_far == offset => {
                hasher.update(bytes);
                *so_far = end;
            }
            _ => {
                self.close();
                if self.done.len() >= MAX_READS {
                    return Err(Box::new(TooManyReads));
                }
                let mut hasher = ContentHasher::new(DigestAlgorithm::Sha256);
                hasher.update(bytes);
                self.open = Some((offset, end, hasher));
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some((start, end, hasher)) = self.open.take() {
            self.done.push(Stretch {
                start,
                end,
                digest: hasher.finish(),
            });
        }
    }

    /// Compares all of it with a stream.
    pub(crate) fn compare(
        mut self,
        repository: &Repository,
        stream: &VerityDigest,
    ) -> Result<(), BlobFault> {
        self.close();
        self.done.sort_unstable_by_key(|stretch| stretch.start);
        let mut waiting = self.done.into_iter().peekable();
        let mut active: Vec<(Stretch, ContentHasher)> = Vec::new();
        let mut reader = repository.open_stream(stream, None).map_err(host)?;
        let mut buffer = Vec::new();
        let mut position = 0;
        loop {
            if active.is_empty() && waiting.peek().is_none() {
                return Ok(());
            }
            let Some(chunk) = reader.next_chunk().map_err(host)? else {
                break;
            };
            let object = match &chunk {
                Chunk::Inline(_) => None,
                Chunk::Object(digest) => {
                    Some(repository.open_object_unverified(digest).map_err(host)?)
                }
            };
            let length = match (&chunk, &object) {
                (Chunk::Inline(bytes), _) => bytes.len() as u64,
                (_, Some(object)) => object.metadata().map_err(io)?.len(),
                _ => 0,
            };
            let end = position + length;
            while let Some(stretch) = waiting.next_if(|stretch| stretch.start < end) {
                active.push((stretch, ContentHasher::new(DigestAlgorithm::Sha256)));
            }
            for (stretch, hasher) in &mut active {
                let from = stretch.start.max(position) - position;
                let to = stretch.end.min(end) - position;
                match (&chunk, &object) {
                    (Chunk::Inline(bytes), _) => hasher.update(&bytes[index(from)..index(to)]),
                    (_, Some(object)) => {
                        let mut at = from;
                        while at < to {
                            buffer.resize(index(to - at).min(CHUNK_SIZE), 0);
                            object.read_exact_at(&mut buffer, at).map_err(io)?;
                            hasher.update(&buffer);
                            at += buffer.len() as u64;
                        }
                    }
                    _ => {}
                }
            }
            let mut later = Vec::new();
            for (stretch, hasher) in active {
                if stretch.end > end {
                    later.push((stretch, hasher));
                } else if hasher.finish() != stretch.digest {
                    return Err(BlobFault::Changed);
                }
            }
            active = later;
            position = end;
        }
        match active.is_empty() && waiting.peek().is_none() {
            true => Ok(()),
            false => Err(BlobFault::Changed),
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn host(error: lazaret_store::StoreError) -> BlobFault {
    BlobFault::Host(Box::new(IntakeError::Store(error)))
}

fn io(error: std::io::Error) -> BlobFault {
    BlobFault::Host(Box::new(IntakeError::Session(Box::new(error))))
}

#[cfg(test)]
mod tests {
    use lazaret_artifact::VerityAlgorithm;
    use lazaret_store::{ContentType, VerityPolicy};

    use super::*;

    #[test]
    fn a_byte_that_changed_is_noticed_wherever_it_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap();
        let bytes: Vec<u8> = (0..1000_u32).map(|at| (at / 3) as u8).collect();
        let mut writer = repository.stream_writer(ContentType::BLOB).unwrap();
        writer.inline(&bytes[..100]).unwrap();
        let object = repository.put(&bytes[100..700]).unwrap();
        writer.object(&object.digest, object.size).unwrap();
        writer.inline(&bytes[700..]).unwrap();
        let stream = writer.finish().unwrap().digest;
        let compare = |ranges: &[(usize, usize)], changed: Option<usize>| {
            let mut seen = bytes.clone();
            if let Some(at) = changed {
                seen[at] ^= 1;
            }
            let mut reads = Reads::default();
            for (from, to) in ranges {
                reads.note(*from as u64, &seen[*from..*to]).unwrap();
            }
            reads.compare(&repository, &stream).is_ok()
        };
        let ranges = [
            (0, 50),
            (50, 120),
            (650, 720),
            (10, 20),
            (690, 1000),
            (0, 1000),
        ];
        for count in 0..=ranges.len() {
            assert!(compare(&ranges[..count], None));
        }
        for changed in [0, 49, 99, 100, 650, 699, 700, 999] {
            assert!(!compare(&ranges, Some(changed)), "{changed}");
        }
        assert!(compare(&[(0, 5), (990, 1000)], Some(500)));
        let mut reads = Reads::default();
        reads.note(995, &[0; 10]).unwrap();
        assert!(matches!(
            reads.compare(&repository, &stream),
            Err(BlobFault::Changed)
        ));
    }
}
