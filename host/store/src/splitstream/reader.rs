//! Reading splitstreams from a repository.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use lazaret_artifact::VerityDigest;

use super::Chunk;
use super::chunks::Chunks;
use super::sections::{ReadAt, Sections};
use crate::content_type::ContentType;
use crate::error::{StoreError, StreamFault};
use crate::repository::Repository;

/// Bytes of a splitstream that is verified and read in memory, in one go. A larger one is read
/// twice: once to verify it.
const MAX_IN_MEMORY: u64 = 1024 * 1024;

/// Bytes copied at once when a stream is rebuilt.
const COPY_BUFFER: usize = 256 * 1024;

/// A splitstream as it lies in the repository.
enum Source {
    Memory(Vec<u8>),
    File(File),
}

impl ReadAt for Source {
    fn length(&self) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => bytes.as_slice().length(),
            Self::File(file) => file.length(),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.as_slice().read_at(buffer, offset),
            Self::File(file) => ReadAt::read_at(file, buffer, offset),
        }
    }
}

/// A splitstream being read. Its own bytes were compared with its digest; those of the objects are
/// compared when they are read.
pub struct StreamReader {
    repository: Repository,
    digest: VerityDigest,
    source: Arc<Source>,
    sections: Sections,
    chunks: Chunks<Arc<Source>>,
}

impl Repository {
    /// Opens a splitstream by the digest of the object that holds it.
    ///
    /// # Errors
    /// [`StoreError::ObjectMissing`], [`StoreError::Corrupt`], [`StoreError::Stream`], and
    /// [`StoreError::ContentType`] when it holds something else than expected.
    pub fn open_stream(
        &self,
        digest: &VerityDigest,
        expect: Option<ContentType>,
    ) -> Result<StreamReader, StoreError> {
        let (file, size) = self.open_file(digest)?;
        let source = if self.is_verity_required() {
            self.require_seal(&file, digest)?;
            Source::File(file)
        } else if size <= MAX_IN_MEMORY {
            Source::Memory(self.read_object(digest, MAX_IN_MEMORY)?)
        } else {
            let mut reader = self.open_object(digest)?;
            copy(&mut reader, &mut io::sink(), &mut vec![0; COPY_BUFFER])
                .map_err(|fault| self.copy_failed(digest, fault))?;
            Source::File(file)
        };
        let reader = StreamReader::new(self, digest, source)?;
        match expect {
            Some(expected) if expected != reader.content_type() => Err(StoreError::ContentType {
                digest: *digest,
                expected,
                found: reader.content_type(),
            }),
            _ => Ok(reader),
        }
    }

    /// Opens a splitstream that somebody else compares with its digest.
    pub(crate) fn open_stream_unverified(
        &self,
        digest: &VerityDigest,
    ) -> Result<StreamReader, StoreError> {
        let (file, _) = self.open_file(digest)?;
        StreamReader::new(self, digest, Source::File(file))
    }

    /// The object that a splitstream consists of, and its named references. For streams that
    /// rebuild one document.
    ///
    /// # Errors
    /// As [`Repository::open_stream`], and [`StoreError::NotSingleObject`].
    pub fn single_object(
        &self,
        stream: &VerityDigest,
        expect: ContentType,
    ) -> Result<(VerityDigest, BTreeMap<String, VerityDigest>), StoreError> {
        let mut reader = self.open_stream(stream, Some(expect))?;
        let not_single = StoreError::NotSingleObject { digest: *stream };
        let Some(Chunk::Object(object)) = reader.next_chunk()? else {
            return Err(not_single);
        };
        if reader.next_chunk()?.is_some() {
            return Err(not_single);
        }
        Ok((object, reader.sections.stream_refs))
    }

    fn copy_failed(&self, digest: &VerityDigest, fault: CopyFault) -> StoreError {
        match fault {
            CopyFault::Write(source) => StoreError::Output { source },
            CopyFault::Read(error) => match error.downcast::<StoreError>() {
                Ok(error) => error,
                Err(error) => StoreError::io("read", self.object_at(digest))(error),
            },
        }
    }
}

impl StreamReader {
    fn new(
        repository: &Repository,
        digest: &VerityDigest,
        source: Source,
    ) -> Result<Self, StoreError> {
        let fault = |source| StoreError::Stream {
            digest: *digest,
            source,
        };
        let source = Arc::new(source);
        let sections = Sections::read(&source, repository.algorithm()).map_err(fault)?;
        let chunks = Chunks::new(Arc::clone(&source), &sections).map_err(fault)?;
        Ok(Self {
            repository: repository.clone(),
            digest: *digest,
            source,
            sections,
            chunks,
        })
    }

    /// What it says it rebuilds.
    #[must_use]
    pub const fn content_type(&self) -> ContentType {
        self.sections.content_type
    }

    /// Bytes of the stream that it rebuilds, as announced. [`StreamReader::rebuild`] checks it.
    #[must_use]
    pub const fn total_size(&self) -> u64 {
        self.sections.total_size
    }

    /// The objects it refers to, each once.
    #[must_use]
    pub fn object_refs(&self) -> &[VerityDigest] {
        &self.sections.object_refs
    }

    /// The splitstreams it refers to, by the names it has for them.
    #[must_use]
    pub const fn stream_refs(&self) -> &BTreeMap<String, VerityDigest> {
        &self.sections.stream_refs
    }

    /// The next piece; `None` at the end of the stream.
    ///
    /// # Errors
    /// [`StoreError::Stream`].
    pub fn next_chunk(&mut self) -> Result<Option<Chunk<'_>>, StoreError> {
        let digest = self.digest;
        let next = self.chunks.next(&self.sections.object_refs);
        next.map_err(|source| StoreError::Stream { digest, source })
    }

    /// Writes the whole stream to `out`, from its beginning wherever the reader is, and returns
    /// its size. Every object is compared with its digest and the sum with the announced size.
    ///
    /// # Errors
    /// As for reading, and [`StoreError::Output`] when `out` fails. Part of the stream may have
    /// been written then.
    pub fn rebuild(&mut self, out: &mut dyn Write) -> Result<u64, StoreError> {
        let announced = self.total_size();
        let fault = |source| StoreError::Stream {
            digest: self.digest,
            source,
        };
        let mut chunks = Chunks::new(Arc::clone(&self.source), &self.sections).map_err(fault)?;
        let mut size = 0_u64;
        let mut add = |more| {
            let sum = size.checked_add(more).filter(|sum| *sum <= announced);
            size = sum.ok_or_else(|| fault(StreamFault::TooLong(announced)))?;
            Ok::<_, StoreError>(())
        };
        let mut buffer = vec![0; COPY_BUFFER];
        while let Some(chunk) = chunks.next(&self.sections.object_refs).map_err(fault)? {
            match chunk {
                Chunk::Inline(bytes) => {
                    add(bytes.len() as u64)?;
                    let written = out.write_all(bytes);
                    written.map_err(|source| StoreError::Output { source })?;
                }
                Chunk::Object(digest) => {
                    let mut object = self.repository.open_object(&digest)?;
                    add(object.size())?;
                    copy(&mut object, out, &mut buffer)
                        .map_err(|fault| self.repository.copy_failed(&digest, fault))?;
                }
            }
        }
        if size != announced {
            return Err(fault(StreamFault::TooShort {
                found: size,
                size: announced,
            }));
        }
        Ok(size)
    }
}

impl std::fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamReader")
            .field("digest", &self.digest)
            .field("content_type", &self.content_type())
            .finish_non_exhaustive()
    }
}

enum CopyFault {
    Read(io::Error),
    Write(io::Error),
}

/// Copies an object. The end is always read, so a wrong digest is always seen.
fn copy(from: &mut impl Read, to: &mut dyn Write, buffer: &mut [u8]) -> Result<(), CopyFault> {
    loop {
        match from.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&buffer[..count]).map_err(CopyFault::Write)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CopyFault::Read(error)),
        }
    }
}
