//! A blob on its way in: what is read has been counted and hashed, and the last bytes are handed
//! out only once all of them are what the descriptor promised.
//!
//! A blob longer than promised is refused at the first byte too many, before that byte is handed
//! out. Reading a blob that was refused fails for good.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use lazaret_artifact::{ContentDigest, ContentHasher, Descriptor};

use crate::error::TransportError;

/// What a blob is read as; it names the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Any blob; a layer.
    Blob,
    /// A manifest.
    Manifest,
    /// An index.
    Index,
    /// A config.
    Config,
}

impl Role {
    pub(crate) const fn size(self) -> &'static str {
        match self {
            Self::Blob => "blob size",
            Self::Manifest => "manifest size",
            Self::Index => "index size",
            Self::Config => "config size",
        }
    }

    pub(crate) const fn digest(self) -> &'static str {
        match self {
            Self::Blob => "blob digest",
            Self::Manifest => "manifest digest",
            Self::Index => "index digest",
            Self::Config => "config digest",
        }
    }
}

/// An opened blob. Implements [`Read`]; every byte is verified.
#[derive(Debug)]
pub struct Blob {
    reader: VerifyingReader<Body>,
    path: PathBuf,
}

/// Where a blob's bytes come from.
pub enum Body {
    /// A file of its own, read from where it stands.
    File(File),
    /// A part of a file.
    Range {
        /// The file; its position is neither used nor moved.
        file: Arc<File>,
        /// The first byte of the part.
        offset: u64,
        /// Bytes of it.
        length: u64,
        /// Bytes of it that were read.
        seen: u64,
    },
    /// A connection, or whatever can only be read once.
    Stream(Box<dyn Read + Send>),
}

/// A part of a file, for reading at other places than where a [`Blob`] is.
#[derive(Debug, Clone, Copy)]
pub struct FileRegion<'a> {
    /// The file.
    pub file: &'a File,
    /// Where in it the first byte is. A file that is the region from its first to its last byte
    /// has offset 0 and the region's size.
    pub offset: u64,
}

impl Blob {
    /// `file` must be at its start and regular; `path` is for messages.
    pub(crate) fn from_file(
        file: File,
        length: u64,
        path: PathBuf,
        descriptor: &Descriptor,
        role: Role,
    ) -> Result<Self, TransportError> {
        require_size(descriptor, length, role)?;
        // The kernel reads ahead further; on failure it just does not.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        Ok(Self::new(Body::File(file), path, descriptor, role))
    }

    /// `length` bytes of `file` from `offset` on.
    pub(crate) fn from_range(
        file: Arc<File>,
        offset: u64,
        length: u64,
        path: PathBuf,
        descriptor: &Descriptor,
        role: Role,
    ) -> Result<Self, TransportError> {
        require_size(descriptor, length, role)?;
        let body = Body::Range {
            file,
            offset,
            length,
            seen: 0,
        };
        Ok(Self::new(body, path, descriptor, role))
    }

    /// `path` is for messages: where the stream comes from.
    pub(crate) fn from_stream(
        stream: Box<dyn Read + Send>,
        path: PathBuf,
        descriptor: &Descriptor,
        role: Role,
    ) -> Self {
        Self::new(Body::Stream(stream), path, descriptor, role)
    }

    fn new(body: Body, path: PathBuf, descriptor: &Descriptor, role: Role) -> Self {
        let reader = VerifyingReader::new(body, descriptor.digest, descriptor.size, role);
        Self { reader, path }
    }

    /// The digest promised.
    #[must_use]
    pub const fn digest(&self) -> &ContentDigest {
        &self.reader.expected
    }

    /// Bytes promised.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.reader.size
    }

    /// Whether all bytes have been read and are what was promised.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.reader.is_verified()
    }

    /// The file behind it, for sources that have one: to read at other places or to share extents.
    /// What is read there is verified only if this blob has been read to its end and the file has
    /// not changed since. Moving the file's position breaks the blob's own reading.
    #[must_use]
    pub fn file_unverified(&self) -> Option<FileRegion<'_>> {
        match &self.reader.source {
            Body::File(file) => Some(FileRegion { file, offset: 0 }),
            Body::Range { file, offset, .. } => Some(FileRegion {
                file,
                offset: *offset,
            }),
            Body::Stream(_) => None,
        }
    }

    /// Reads what is left and says whether the blob is what was promised.
    ///
    /// # Errors
    /// It is not, or reading failed.
    pub fn finish(mut self) -> Result<(), TransportError> {
        const PIECE: usize = 128 * 1024;
        let mut piece = vec![0; PIECE];
        loop {
            match self.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.wrap(error)),
            }
        }
    }

    /// The whole blob. Only for sizes that were checked against a limit.
    pub(crate) fn read_all(mut self) -> Result<Vec<u8>, TransportError> {
        // The caller checked the size, so the promise is safe to allocate.
        let mut bytes = Vec::with_capacity(usize::try_from(self.size()).unwrap_or(0));
        match self.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.wrap(error)),
        }
    }

    fn wrap(&self, error: io::Error) -> TransportError {
        TransportError::from_io(error, |source| TransportError::Io {
            operation: "read",
            path: self.path.clone(),
            source,
        })
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

fn require_size(descriptor: &Descriptor, length: u64, role: Role) -> Result<(), TransportError> {
    if length == descriptor.size {
        return Ok(());
    }
    Err(TransportError::Mismatch {
        what: role.size(),
        digest: descriptor.digest,
        expected: descriptor.size.to_string().into(),
        found: length.to_string().into(),
    })
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Range {
                file,
                offset,
                length,
                seen,
            } => {
                let left = usize::try_from(*length - *seen).unwrap_or(usize::MAX);
                let room = buffer.len().min(left);
                let count = file.read_at(&mut buffer[..room], *offset + *seen)?;
                *seen += count as u64;
                Ok(count)
            }
            Self::Stream(stream) => stream.read(buffer),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Range { offset, length, .. } => f
                .debug_struct("Range")
                .field("offset", offset)
                .field("length", length)
                .finish_non_exhaustive(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// Counts and hashes what is read from `R`, and compares with what was promised.
#[derive(Debug)]
pub struct VerifyingReader<R> {
    source: R,
    expected: ContentDigest,
    size: u64,
    seen: u64,
    role: Role,
    state: State,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one per blob, and the large state is the hot one"
)]
enum State {
    Reading(ContentHasher),
    Verified,
    Refused,
}

impl<R: Read> VerifyingReader<R> {
    /// Reads from `source`, which has to yield `size` bytes of digest `expected`.
    #[must_use]
    pub fn new(source: R, expected: ContentDigest, size: u64, role: Role) -> Self {
        Self {
            source,
            expected,
            size,
            seen: 0,
            role,
            state: State::Reading(ContentHasher::new(expected.algorithm())),
        }
    }

    /// After the last promised byte: there must be no more, and the digest must be right.
    fn conclude(&mut self) -> io::Result<()> {
        let state = std::mem::replace(&mut self.state, State::Refused);
        let mut probe = [0; 1];
        loop {
            match self.source.read(&mut probe) {
                Ok(0) => break,
                Ok(_) => {
                    let found = format!("more than {}", self.size);
                    return Err(self.mismatch(self.role.size(), self.size, found).into());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let State::Reading(hasher) = state {
            let found = hasher.finish();
            if found != self.expected {
                return Err(self
                    .mismatch(self.role.digest(), self.expected, found)
                    .into());
            }
        }
        self.state = State::Verified;
        Ok(())
    }
}

impl<R> VerifyingReader<R> {
    /// Whether all bytes have been read and are what was promised.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        matches!(self.state, State::Verified)
    }

    fn mismatch(
        &self,
        what: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> TransportError {
        TransportError::Mismatch {
            what,
            digest: self.expected,
            expected: expected.to_string().into(),
            found: found.to_string().into(),
        }
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let hasher = match &mut self.state {
            State::Verified => return Ok(0),
            State::Refused => return Err(io::Error::other("this blob was refused before")),
            State::Reading(_) if buffer.is_empty() => return Ok(0),
            State::Reading(hasher) => hasher,
        };
        let left = self.size - self.seen;
        let room = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if room > 0 {
            // Straight into the caller's buffer, hashed where it lies.
            let count = self.source.read(&mut buffer[..room])?;
            if count == 0 {
                let error = self.mismatch(self.role.size(), self.size, self.seen);
                self.state = State::Refused;
                return Err(error.into());
            }
            hasher.update(&buffer[..count]);
            self.seen += count as u64;
            if self.seen < self.size {
                return Ok(count);
            }
            return self.conclude().map(|()| count);
        }
        self.conclude().map(|()| 0)
    }
}

#[cfg(test)]
mod tests;
