//! What can go wrong on the way in, sorted by whose fault it is.

use std::io;

use lazaret_artifact::{ContentDigest, MediaType};
use lazaret_engine::{EngineError, Fault};
use lazaret_graph::GraphError;
use lazaret_store::StoreError;
use lazaret_transport::TransportError;

/// A pull that did not succeed. Nothing of it has a name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The source could not be read, or is not what it claims.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The repository could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The repository's own records could not be read or written.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The sandbox or an importer could not be set up.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A layer or blob was refused.
    #[error("{kind} {digest}")]
    Blob {
        /// "layer" or "blob".
        kind: &'static str,
        /// Its digest, as the manifest has it.
        digest: ContentDigest,
        /// Why.
        #[source]
        fault: BlobFault,
    },
    /// A referrer is listed, and it cannot be had.
    #[error("{digest}, which refers to {subject}")]
    Referrer {
        /// Its digest.
        digest: ContentDigest,
        /// What it refers to.
        subject: Box<ContentDigest>,
        /// Why not.
        #[source]
        source: TransportError,
    },
    /// More than one pull may bring.
    #[error("more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The policy is strict, and there is something to find fault with.
    #[error("refused: {}", .findings.join("; "))]
    Refused {
        /// What, in words.
        findings: Vec<String>,
    },
    /// An object was not stored, for longer than any disk takes.
    #[error("no object was stored for {0} seconds")]
    Silent(u64),
    /// A thread could not be started.
    #[error("starting a worker thread")]
    Thread(#[source] io::Error),
    /// The session of an importer failed in a way of its own.
    #[error("serving the importer")]
    Session(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Why a blob was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobFault {
    /// A digest is not what was promised.
    #[error("{what} mismatch: expected {expected}, found {found}")]
    Mismatch {
        /// "blob digest" or "diff_id".
        what: &'static str,
        /// As promised.
        expected: ContentDigest,
        /// As computed.
        found: ContentDigest,
    },
    /// The compressed bytes are broken.
    #[error("decompressing {format}")]
    Decompress {
        /// "gzip" or "zstd".
        format: &'static str,
        /// What the decompressor said.
        #[source]
        source: io::Error,
    },
    /// Bytes after the last gzip member or zstd frame.
    #[error("{format} data is followed by something else at offset {offset}")]
    TrailingGarbage {
        /// "gzip" or "zstd".
        format: &'static str,
        /// Where, in the compressed blob.
        offset: u64,
    },
    /// It decompresses to more than is allowed.
    #[error("decompresses to more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// All blobs of the pull together are more than is allowed.
    #[error("all blobs together are more than {limit} bytes")]
    Total {
        /// The limit.
        limit: u64,
    },
    /// Two documents name it with different sizes.
    #[error("one document says it has {one} bytes, another {other}")]
    Sizes {
        /// What the first says.
        one: u64,
        /// What another says.
        other: u64,
    },
    /// The source does not have it and says where else it might be.
    #[error("not in the source; it says {url:?}, which is not followed")]
    Elsewhere {
        /// The first of its `urls` (image-spec descriptor.md).
        url: String,
        /// What the source said.
        #[source]
        source: TransportError,
    },
    /// It decompresses to suspiciously much.
    #[error("decompresses to more than {ratio} times its size ({read} bytes became {made})")]
    Bomb {
        /// The limit.
        ratio: u64,
        /// Compressed bytes so far.
        read: u64,
        /// Decompressed bytes so far.
        made: u64,
    },
    /// The importer failed on it.
    #[error("importer {importer}")]
    Importer {
        /// Name and version.
        importer: String,
        /// What it ran into.
        #[source]
        fault: Fault,
    },
    /// A layer of an image whose type says nothing about how to unpack it.
    #[error("layers of type {media_type} cannot be unpacked")]
    UnknownLayerType {
        /// As declared.
        media_type: MediaType,
    },
    /// No importer took it, and a layer cannot do without.
    #[error("no importer takes {media_type}")]
    Unclaimed {
        /// What it was offered as.
        media_type: String,
    },
    /// What its importer read and what was kept are not the same.
    #[error("the file changed while it was read")]
    Changed,
    /// What is stored could be read before, and could not now.
    #[error("left as it is: {reason}")]
    Worse {
        /// Why not.
        reason: String,
    },
    /// Reading or storing failed.
    #[error(transparent)]
    Host(Box<IntakeError>),
    /// What was recorded does not rebuild to what came in: a fault of this program or its disk.
    #[error("the recorded stream does not rebuild the blob")]
    Rebuild,
}

impl BlobFault {
    /// Whether it came to a limit of the operator's.
    pub(crate) const fn is_limit(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::Bomb { .. })
    }

    /// Whether what was stored before is to blame.
    pub(crate) fn is_of_stored(&self) -> bool {
        match self {
            Self::Mismatch { .. } | Self::Rebuild => true,
            Self::Host(error) => match &**error {
                IntakeError::Store(error) => error.is_input_fault(),
                IntakeError::Graph(error) => error.is_damage(),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether it is about what the bytes mean, and not about getting or keeping them.
    pub(crate) const fn is_of_content(&self) -> bool {
        matches!(
            self,
            Self::Decompress { .. }
                | Self::TrailingGarbage { .. }
                | Self::TooLarge { .. }
                | Self::Bomb { .. }
        )
    }
}

impl IntakeError {
    /// Whether the input is to blame, and not this program or machine.
    #[must_use]
    pub fn is_input_fault(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_input_fault(),
            Self::Store(error) => error.is_input_fault(),
            Self::Graph(error) => error.is_input_fault(),
            Self::Engine(error) => error.is_input_fault(),
            Self::Blob { fault, .. } => match fault {
                BlobFault::Host(error) => error.is_input_fault(),
                BlobFault::Rebuild => false,
                _ => true,
            },
            Self::Referrer { source, .. } => source.is_input_fault(),
            Self::Limit { .. } | Self::Refused { .. } => true,
            Self::Silent(_) | Self::Thread(_) | Self::Session(_) | Self::Interrupted => false,
        }
    }

    /// Whether something that was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_not_found(),
            Self::Graph(error) => error.is_not_found(),
            Self::Referrer { source, .. } => source.is_not_found(),
            Self::Blob { fault, .. } => match fault {
                BlobFault::Host(error) => error.is_not_found(),
                BlobFault::Elsewhere { .. } => true,
                _ => false,
            },
            _ => false,
        }
    }

    /// Expected and found value of a mismatch, for a message on lines of their own.
    #[must_use]
    pub fn expected_found(&self) -> Option<(String, String)> {
        match self {
            Self::Transport(error) | Self::Referrer { source: error, .. } => error
                .expected_found()
                .map(|(expected, found)| (expected.to_owned(), found.to_owned())),
            Self::Blob { fault, .. } => match fault {
                BlobFault::Mismatch {
                    expected, found, ..
                } => Some((expected.to_string(), found.to_string())),
                BlobFault::Host(error) => error.expected_found(),
                _ => None,
            },
            _ => None,
        }
    }
}
