//! Writing splitstreams.
//!
//! The compressed chunks are written as they come, behind room for the header and the info section;
//! the tables follow when they are known. Up to a megabyte that happens in memory, beyond it in a
//! temporary file, which is then read back once to be hashed.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read as _, Seek as _, Write};
use std::os::unix::fs::FileExt as _;

use lazaret_artifact::VerityDigest;
use zstd::stream::write::Encoder;

use super::StoredStream;
use super::format::{HEADER_SIZE, INFO_SIZE, Info, Range, write_header, write_info};
use crate::content_type::ContentType;
use crate::error::StoreError;
use crate::layout::OBJECTS;
use crate::object::Stored;
use crate::repository::Repository;
use crate::temporary::Temporary;
use crate::verity::VerityHasher;

/// Compression level. composefs has zstd's default, 3; on the headers of tar archives 1 compresses
/// as well (35.6 to one against 34.8, /usr/share's) and is 1.4 times as fast.
const LEVEL: i32 = 1;

/// Bytes of a splitstream that are kept in memory before they go to a file.
const MAX_BUFFERED: usize = 1024 * 1024;

/// Bytes of one inline chunk, which has to be complete before its length can be written.
const MAX_INLINE_CHUNK: usize = 16 * 1024 * 1024;

/// Where a chunk that became too long may be cut. composefs wants the header of a tar entry in one
/// chunk; in a tar file headers begin at multiples of this.
const CUT_ALIGNMENT: u64 = 512;

/// Header and info section.
const PREFIX: u64 = (HEADER_SIZE + INFO_SIZE) as u64;

/// A splitstream being written. Dropping it leaves nothing behind.
pub struct StreamWriter {
    repository: Repository,
    content_type: ContentType,
    encoder: Encoder<'static, Spool>,
    /// Inline bytes that do not have their chunk yet.
    inline: Vec<u8>,
    max_chunk: usize,
    objects: Digests,
    streams: Digests,
    names: BTreeMap<String, u32>,
    total_size: u64,
}

impl Repository {
    /// Begins a splitstream.
    ///
    /// # Errors
    /// When the repository is open for reading.
    pub fn stream_writer(&self, content_type: ContentType) -> Result<StreamWriter, StoreError> {
        self.require_write()?;
        let spool = Spool {
            repository: self.clone(),
            memory: vec![0; HEADER_SIZE + INFO_SIZE],
            file: None,
            length: PREFIX,
        };
        let encoder = Encoder::new(spool, LEVEL)
            .map_err(StoreError::io("compress a stream in", self.path()))?;
        Ok(StreamWriter {
            repository: self.clone(),
            content_type,
            encoder,
            inline: Vec::new(),
            max_chunk: MAX_INLINE_CHUNK,
            objects: Digests::default(),
            streams: Digests::default(),
            names: BTreeMap::new(),
            total_size: 0,
        })
    }
}

impl StreamWriter {
    /// Cuts long inline runs into chunks of `bytes`, at least 64 KiB, to hold less in memory. Not for
    /// tar layers: composefs wants a member's headers in one chunk.
    pub fn limit_chunks(&mut self, bytes: usize) {
        self.max_chunk = bytes.clamp(64 << 10, MAX_INLINE_CHUNK);
    }

    /// Adds bytes that the splitstream itself holds. Neighbours become one chunk.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn inline(&mut self, mut data: &[u8]) -> Result<(), StoreError> {
        while self.inline.len() + data.len() > self.max_chunk {
            let start = self.total_size - self.inline.len() as u64;
            let over = (start + self.max_chunk as u64) % CUT_ALIGNMENT;
            let cut = self.max_chunk - over as usize;
            if let Some(room) = cut.checked_sub(self.inline.len()) {
                let (now, later) = data.split_at(room);
                self.inline.extend_from_slice(now);
                self.total_size += now.len() as u64;
                data = later;
            }
            let rest = self.inline.split_off(cut);
            self.flush_inline()?;
            self.inline = rest;
        }
        self.inline.extend_from_slice(data);
        self.total_size += data.len() as u64;
        Ok(())
    }

    /// Adds all bytes of an object, of which there are `size`.
    ///
    /// # Errors
    /// [`StoreError::OtherAlgorithm`], or when the operating system refuses.
    pub fn object(&mut self, digest: &VerityDigest, size: u64) -> Result<(), StoreError> {
        self.repository.require_own(digest)?;
        self.flush_inline()?;
        let index = self.objects.index_of(digest);
        self.write(&i64::from(index).to_le_bytes())?;
        self.total_size += size;
        Ok(())
    }

    /// Adds a named reference to another splitstream. A name that was given before is given anew.
    ///
    /// # Errors
    /// [`StoreError::Name`] when the name holds a NUL, [`StoreError::OtherAlgorithm`].
    pub fn add_stream_ref(&mut self, name: &str, digest: &VerityDigest) -> Result<(), StoreError> {
        self.repository.require_own(digest)?;
        if name.contains('\0') {
            return Err(StoreError::Name {
                text: name.to_owned(),
                reason: "contains a NUL",
            });
        }
        let index = self.streams.index_of(digest);
        self.names.insert(name.to_owned(), index);
        Ok(())
    }

    /// Bytes of the stream so far.
    #[must_use]
    pub const fn total_size(&self) -> u64 {
        self.total_size
    }

    /// Stores the splitstream as an object. It has no name before a [`crate::Transaction`] gives
    /// it one.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn finish(mut self) -> Result<StoredStream, StoreError> {
        self.flush_inline()?;
        let failed = || StoreError::io("write a stream to", self.repository.at(OBJECTS));
        let names = named_refs(&self.names).map_err(failed())?;
        let mut spool = self.encoder.finish().map_err(failed())?;
        let stream = Range {
            start: PREFIX,
            end: spool.length,
        };
        let mut append = |bytes: &[u8]| -> io::Result<Range> {
            let start = spool.length;
            spool.write_all(bytes)?;
            Ok(Range {
                start,
                end: spool.length,
            })
        };
        let info = Info {
            stream,
            stream_refs: append(&self.streams.raw).map_err(failed())?,
            object_refs: append(&self.objects.raw).map_err(failed())?,
            named_refs: append(&names).map_err(failed())?,
            content_type: self.content_type.0,
            total_size: self.total_size,
        };
        let stored = spool.finish(&info)?;
        Ok(StoredStream {
            digest: stored.digest,
            total_size: self.total_size,
            stored_size: stored.size,
            outcome: stored.outcome,
        })
    }

    fn flush_inline(&mut self) -> Result<(), StoreError> {
        if self.inline.is_empty() {
            return Ok(());
        }
        let mut inline = std::mem::take(&mut self.inline);
        let length = -(inline.len() as i64);
        self.write(&length.to_le_bytes())?;
        self.write(&inline)?;
        inline.clear();
        self.inline = inline;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let written = self.encoder.write_all(bytes);
        written.map_err(StoreError::io(
            "write a stream to",
            self.repository.at(OBJECTS),
        ))
    }
}

impl std::fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamWriter")
            .field("content_type", &self.content_type)
            .field("total_size", &self.total_size)
            .finish_non_exhaustive()
    }
}

/// The section of named references, sorted by name as composefs writes them.
fn named_refs(names: &BTreeMap<String, u32>) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(Vec::new(), LEVEL)?;
    for (name, index) in names {
        write!(encoder, "{index}:{name}\0")?;
    }
    encoder.finish()
}

/// Digests in the order of their first appearance, each once.
#[derive(Default)]
struct Digests {
    raw: Vec<u8>,
    /// By the first half of a SHA-512, all of a SHA-256: nobody finds two with the same.
    index: HashMap<[u8; 32], u32>,
}

impl Digests {
    fn index_of(&mut self, digest: &VerityDigest) -> u32 {
        let bytes = digest.as_bytes();
        let key = *bytes.first_chunk().expect("a digest has at least 32 bytes");
        let next = u32::try_from(self.index.len()).expect("memory ends long before four billion");
        *self.index.entry(key).or_insert_with(|| {
            self.raw.extend_from_slice(bytes);
            next
        })
    }
}

/// A splitstream's bytes before it is an object.
struct Spool {
    repository: Repository,
    memory: Vec<u8>,
    /// Where everything goes, `memory` first, when there is too much of it.
    file: Option<Temporary>,
    length: u64,
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.memory.len() + bytes.len() > MAX_BUFFERED {
            let file = self.repository.temporary().map_err(io::Error::other)?;
            file.file().write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &self.file {
            Some(file) => file.file().write_all(bytes)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spool {
    /// Fills in the prefix and stores the whole.
    fn finish(mut self, info: &Info) -> Result<Stored, StoreError> {
        let place = Range {
            start: HEADER_SIZE as u64,
            end: PREFIX,
        };
        let mut prefix = [0; PREFIX as usize];
        prefix[..HEADER_SIZE].copy_from_slice(&write_header(self.repository.algorithm(), place));
        prefix[HEADER_SIZE..].copy_from_slice(&write_info(info));
        let Some(temporary) = self.file else {
            self.memory[..prefix.len()].copy_from_slice(&prefix);
            return self.repository.put(&self.memory);
        };
        let digest = hash_again(&temporary, &prefix, self.repository.algorithm()).map_err(
            StoreError::io("write a stream to", self.repository.at(OBJECTS)),
        )?;
        self.repository.store_file(temporary, digest, self.length)
    }
}

/// Writes the prefix and reads the file back for its digest: the prefix belongs to its first block.
fn hash_again(
    temporary: &Temporary,
    prefix: &[u8],
    algorithm: lazaret_artifact::VerityAlgorithm,
) -> io::Result<VerityDigest> {
    let mut file = temporary.file();
    file.write_all_at(prefix, 0)?;
    file.rewind()?;
    let mut hasher = VerityHasher::new(algorithm);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
