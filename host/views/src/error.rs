//! What can go wrong between an image that is stored and what is derived from it.

use std::io;
use std::path::PathBuf;

use lazaret_artifact::ContentDigest;
use lazaret_graph::GraphError;
use lazaret_store::StoreError;

/// Why something could not be derived from an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The image's documents, records, streams or objects cannot be read.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A layer that nobody took apart, or whose record was lost or is of another stream.
    #[error("layer {layer} has no import record; pulling the image again would make one")]
    NoRecord {
        /// Its diff_id, or the digest of an artifact's blob.
        layer: ContentDigest,
    },
    /// A layer that was kept whole: what is in it is not known.
    #[error(
        "layer {layer} was kept whole ({reason}); pulling the image again with an importer for \
         it would take it apart"
    )]
    KeptWhole {
        /// Its diff_id, or the digest of an artifact's blob.
        layer: ContentDigest,
        /// Why it was kept whole.
        reason: String,
    },
    /// An artifact none of whose blobs is or holds a file.
    #[error(
        "no blob of the artifact has a file name, and no importer found files in them; the first \
         is {blob}"
    )]
    NoFiles {
        /// Its first blob.
        blob: ContentDigest,
    },
    /// An artifact's name for a blob that cannot be a file's.
    #[error("blob {blob} cannot be shown as a file: {reason}")]
    FileName {
        /// The blob.
        blob: ContentDigest,
        /// The name, escaped, and what is wrong with it.
        reason: String,
    },
    /// A file's metadata, by the artifact's own annotation, is not that of the blob.
    #[error(
        "blob {blob} cannot be shown as {path}: its metadata says {stated} bytes, it has {size}"
    )]
    FileSize {
        /// The blob.
        blob: ContentDigest,
        /// The file, escaped.
        path: String,
        /// Bytes by the annotation.
        stated: u64,
        /// Bytes of the blob.
        size: u64,
    },
    /// A record with an entry that no import can have left.
    #[error("import record of layer {layer} contradicts itself: {path}: {reason}")]
    Record {
        /// The layer.
        layer: ContentDigest,
        /// The entry, escaped.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Files that share stored bytes to an extent that only an attack explains.
    #[error("layer {layer} of {size} bytes claims more than {limit} bytes of files")]
    Amplified {
        /// The layer.
        layer: ContentDigest,
        /// Its own size in bytes.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A path that leads to nothing of use.
    #[error("{path}: {fault}")]
    Path {
        /// As asked for, escaped.
        path: String,
        /// Why.
        fault: PathFault,
    },
    /// Something else than a regular file where content is wanted.
    #[error("not a regular file but a {kind}")]
    NotAFile {
        /// What it is.
        kind: &'static str,
    },
    /// The place to export to has something in it.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
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
    /// Whoever takes the output failed.
    #[error("cannot write the output")]
    Output {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An entry that the output's format cannot hold.
    #[error("{path} cannot be written to a tar archive: {reason}")]
    Unrepresentable {
        /// The entry, escaped.
        path: String,
        /// What does not fit.
        reason: &'static str,
    },
    /// Stopped from outside.
    #[error("interrupted")]
    Interrupted,
}

impl From<StoreError> for ViewError {
    fn from(error: StoreError) -> Self {
        Self::Graph(error.into())
    }
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFault {
    /// There is nothing of that name.
    #[error("no such file or directory in the image")]
    NotFound,
    /// The path goes on below something that is not a directory.
    #[error("not a directory")]
    NotADirectory,
    /// More symbolic links than any sensible path has, or a circle of them.
    #[error("too many levels of symbolic links")]
    Loop,
}

impl ViewError {
    /// Whether what was asked for is not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        match self {
            Self::Graph(error) => error.is_not_found(),
            Self::Path { fault, .. } => {
                matches!(fault, PathFault::NotFound | PathFault::NotADirectory)
            }
            Self::NoFiles { .. } => true,
            _ => false,
        }
    }

    /// Whether the image itself is the cause, and not our own failure or the machine's.
    #[must_use]
    pub fn is_input_fault(&self) -> bool {
        match self {
            Self::Graph(error) => error.is_input_fault(),
            Self::Amplified { .. }
            | Self::Unrepresentable { .. }
            | Self::FileName { .. }
            | Self::FileSize { .. } => true,
            _ => false,
        }
    }

    /// Whether the repository is damaged.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Graph(error) => error.is_damage(),
            Self::Record { .. } => true,
            _ => false,
        }
    }

    /// Whether pulling the image again would help.
    #[must_use]
    pub const fn is_repaired_by_pull(&self) -> bool {
        matches!(
            self,
            Self::NoRecord { .. } | Self::KeptWhole { .. } | Self::Record { .. }
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
