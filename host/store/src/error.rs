//! What can go wrong between the caller and the disk.

use std::io;
use std::path::PathBuf;

use lazaret_artifact::{VerityAlgorithm, VerityDigest};

use crate::content_type::ContentType;

/// An operation on a repository that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// A verb.
        operation: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no `meta.json`.
    #[error("{} is not a repository: it has no meta.json", path.display())]
    NotARepository {
        /// The directory.
        path: PathBuf,
    },
    /// `meta.json` cannot be understood.
    #[error("invalid {}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: MetadataFault,
    },
    /// `init` was asked for something else than what is already there.
    #[error("{} is already a repository with {found}, not {wanted}", path.display())]
    OtherConfiguration {
        /// The directory.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// The repository can be read but not written.
    #[error("{} is read-only: {reason}", path.display())]
    ReadOnly {
        /// The directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// fs-verity is wanted where the filesystem or the kernel has none.
    #[error("the filesystem of {} does not support fs-verity", path.display())]
    VerityUnsupported {
        /// The directory.
        path: PathBuf,
    },
    /// Another process holds a lock that excludes this operation.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The caller does not want it any more.
    #[error("cancelled")]
    Cancelled,
    /// An object is not there.
    #[error("object {digest} is missing")]
    ObjectMissing {
        /// Its name.
        digest: VerityDigest,
    },
    /// Something below `objects/` that is no object.
    #[error("{path} is not an object")]
    ObjectName {
        /// Relative to the repository.
        path: String,
    },
    /// An object is not what its name says.
    #[error("object {digest} is corrupt: {reason}")]
    Corrupt {
        /// Its name.
        digest: VerityDigest,
        /// What was found.
        reason: String,
    },
    /// An object is larger than the caller can take.
    #[error("object {digest} is too large: {size} bytes, at most {limit} are accepted")]
    TooLarge {
        /// Its name.
        digest: VerityDigest,
        /// Its size in bytes.
        size: u64,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// A clone whose writer was not given the whole of it.
    #[error("a clone of {size} bytes was hashed as {written}")]
    Clone {
        /// Of the clone, in bytes.
        size: u64,
        /// What the writer was given, in bytes.
        written: u64,
    },
    /// A digest of another algorithm than the repository's.
    #[error("digest {digest} is not of this repository's algorithm, {algorithm}")]
    OtherAlgorithm {
        /// The digest.
        digest: VerityDigest,
        /// The repository's.
        algorithm: VerityAlgorithm,
    },
    /// An object that should be a splitstream is not a well-formed one.
    #[error("splitstream {digest} is malformed")]
    Stream {
        /// Its name.
        digest: VerityDigest,
        /// What is wrong with it.
        #[source]
        source: StreamFault,
    },
    /// A splitstream of another kind than expected.
    #[error("splitstream {digest} holds {found}, not {expected}")]
    ContentType {
        /// Its name.
        digest: VerityDigest,
        /// What was expected.
        expected: ContentType,
        /// What it says.
        found: ContentType,
    },
    /// A splitstream should consist of one object and does not.
    #[error("splitstream {digest} does not consist of exactly one object")]
    NotSingleObject {
        /// Its name.
        digest: VerityDigest,
    },
    /// The consumer of a rebuilt stream failed.
    #[error("cannot write the rebuilt stream")]
    Output {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not a name that a stream or a reference may have.
    #[error("invalid name {text:?}: {reason}")]
    Name {
        /// The name.
        text: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// An entry under `streams` or `images` that is not a link as the format has it.
    #[error("invalid link {path}: {reason}")]
    Link {
        /// Relative to the repository.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A reference to a stream that has no name.
    #[error("there is no stream named {name}")]
    StreamMissing {
        /// The name.
        name: String,
    },
}

/// Why a `meta.json` was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataFault {
    /// Not JSON, or not of the expected form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Larger than any real one.
    #[error("larger than {0} bytes")]
    Size(u64),
    /// A format of another generation.
    #[error("format version {found}, this program knows version {known}")]
    Version {
        /// As found.
        found: u32,
        /// What this program knows.
        known: u32,
    },
    /// An algorithm this program does not know.
    #[error("unknown algorithm {0:?}")]
    Algorithm(String),
    /// Features without which the repository must not be opened.
    #[error("unknown incompatible features {0:?}")]
    Features(Vec<String>),
    /// The file is sealed with another algorithm than it names.
    #[error("sealed with another algorithm than it names")]
    Seal,
}

/// Why a splitstream was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamFault {
    /// Reading failed, or a compressed section is not valid zstd.
    #[error("cannot read the {section} section")]
    Section {
        /// Which.
        section: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A section lies outside the file, ends before it starts, or has an impossible length.
    #[error("the {section} section lies at {start}..{end} of {length} bytes")]
    Range {
        /// Which.
        section: &'static str,
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
        /// Of the file.
        length: u64,
    },
    /// Neither header layout has the magic.
    #[error("no splitstream header")]
    Magic,
    /// A header field with a value that this format does not have.
    #[error("header field {field} is {found}, expected {expected}")]
    Header {
        /// Which.
        field: &'static str,
        /// As found.
        found: u8,
        /// As the format or the repository has it.
        expected: u8,
    },
    /// A named reference that is not `index:name` with an index in range.
    #[error("invalid named reference {text:?}")]
    NamedReference {
        /// As found, shortened.
        text: String,
    },
    /// More named references than any real stream has.
    #[error("the named references are larger than {0} bytes")]
    NamedReferences(u64),
    /// A chunk that points outside the table of objects.
    #[error("a chunk refers to object {index} of {count}")]
    ObjectIndex {
        /// As found.
        index: u64,
        /// Of the table.
        count: usize,
    },
    /// The stream ends inside a chunk.
    #[error("the stream ends inside a chunk")]
    Truncated,
    /// More data than the header announces.
    #[error("the stream is longer than its size of {0} bytes")]
    TooLong(u64),
    /// Less data than the header announces.
    #[error("the stream has {found} bytes, its size says {size}")]
    TooShort {
        /// Bytes that the chunks add up to.
        found: u64,
        /// As announced.
        size: u64,
    },
    /// Chunks without number that add nothing.
    #[error("the stream has more than {0} empty chunks")]
    EmptyChunks(u64),
}

impl StoreError {
    /// Whether bad input (a name, a damaged or foreign repository) is the cause, and not our own
    /// failure or the machine's.
    #[must_use]
    pub const fn is_input_fault(&self) -> bool {
        !matches!(
            self,
            Self::Io { .. }
                | Self::ReadOnly { .. }
                | Self::VerityUnsupported { .. }
                | Self::Locked { .. }
                | Self::Cancelled
                | Self::Clone { .. }
                | Self::Output { .. }
        )
    }

    pub(crate) fn io<E: Into<io::Error>>(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            operation,
            path: path.into(),
            source: source.into(),
        }
    }
}
