//! What can go wrong between names and bytes.

use std::io;
use std::path::PathBuf;

use lazaret_artifact::{ArtifactError, ContentDigest, Platform, Tag, VerityDigest};
use lazaret_store::StoreError;

use crate::names::Stream;

/// Why an operation on images, tags or records failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The store failed, or found damage.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// Text that is neither a tag nor `@` and a digest.
    #[error("invalid name")]
    Name {
        /// The rule it breaks.
        #[source]
        source: ArtifactError,
    },
    /// No such tag.
    #[error("no tag {tag}")]
    NoSuchTag {
        /// As asked for.
        tag: Tag,
    },
    /// No manifest or index of that digest.
    #[error("no image {digest}")]
    NoSuchImage {
        /// As asked for.
        digest: ContentDigest,
    },
    /// A tag that names neither a manifest nor an index.
    #[error("names neither an image nor an index")]
    NotAnImage,
    /// Nothing is stored for a platform.
    #[error("{digest} has nothing stored for {wanted}, {}", stored_platforms(.stored))]
    NoPlatform {
        /// The index or image.
        digest: ContentDigest,
        /// As asked for, or this machine's.
        wanted: Platform,
        /// What it has stored, sorted.
        stored: Vec<String>,
    },
    /// More is attached to something than can be looked at.
    #[error("{subject} has more than {limit} referrers")]
    TooManyReferrers {
        /// What they refer to, directly or not.
        subject: ContentDigest,
        /// So many are looked at.
        limit: usize,
    },
    /// An object that should be an EROFS image and is none.
    #[error("image {image} cannot be read: {reason}")]
    Image {
        /// Its object.
        image: VerityDigest,
        /// What is wrong with it.
        reason: String,
    },
    /// Collecting was refused, and nothing was deleted: what is needed cannot be told.
    #[error("nothing is collected, since {what} cannot be relied on")]
    Refused {
        /// A path in the repository.
        what: String,
        /// What is wrong with it.
        #[source]
        source: Box<GraphError>,
    },
    /// What is to be stored contradicts itself.
    #[error("{digest}: {what} mismatch: expected {expected}, found {found}")]
    Input {
        /// What was compared: "config digest", …
        what: &'static str,
        /// The document.
        digest: ContentDigest,
        /// As promised.
        expected: Box<str>,
        /// As computed.
        found: Box<str>,
    },
    /// A document to be stored that is not acceptable.
    #[error("cannot store it")]
    Document {
        /// What is wrong.
        #[source]
        source: Box<ArtifactError>,
    },
    /// A layer that was to be committed and was not handed over.
    #[error("no stream was given for layer {layer}")]
    LayerNotGiven {
        /// Its diff_id or digest.
        layer: ContentDigest,
    },
    /// A stream that was to be linked and is not in the store.
    #[error("{stream} was to be linked, but object {object} is not in the repository")]
    NoObject {
        /// The stream.
        stream: Stream,
        /// Its object.
        object: String,
    },
    /// A stored document whose bytes are not what the stream's name says.
    #[error("{stream}: {what} mismatch: expected {expected}, found {found}")]
    Mismatch {
        /// The stream.
        stream: Stream,
        /// What was compared.
        what: &'static str,
        /// By its name.
        expected: Box<str>,
        /// As computed.
        found: Box<str>,
    },
    /// A stored document that does not parse.
    #[error("{stream} cannot be used")]
    Stored {
        /// The stream.
        stream: Stream,
        /// What is wrong.
        #[source]
        source: Box<ArtifactError>,
    },
    /// A stream that another one needs and does not name, or that has no link.
    #[error("{stream} has no {what}")]
    Incomplete {
        /// The stream that lacks something.
        stream: Stream,
        /// What it lacks.
        what: String,
    },
    /// An import record that is not one.
    #[error("import record of {content} is unusable: {reason}")]
    Record {
        /// What it is a record of.
        content: ContentDigest,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of a record over the limit.
    #[error("a line of the import record of {content} is longer than {limit} bytes")]
    RecordLine {
        /// What it is a record of.
        content: ContentDigest,
        /// Bytes allowed.
        limit: usize,
    },
    /// A directory of names could not be listed.
    #[error("cannot list {path:?}")]
    List {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The lock on names could not be taken.
    #[error("cannot lock {path:?}")]
    Lock {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl GraphError {
    pub(crate) fn refused(what: String, source: impl Into<Self>) -> Self {
        Self::Refused {
            what,
            source: Box::new(source.into()),
        }
    }

    /// Whether what was to be stored was refused.
    #[must_use]
    pub const fn is_input_fault(&self) -> bool {
        matches!(self, Self::Input { .. } | Self::Document { .. })
    }

    /// Whether what was asked for is not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NoSuchTag { .. } | Self::NoSuchImage { .. } | Self::NoPlatform { .. }
        )
    }

    /// Whether the repository itself is damaged.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Store(error) => is_store_damage(error),
            Self::Refused { source, .. } => source.is_damage(),
            Self::Mismatch { .. }
            | Self::Stored { .. }
            | Self::Incomplete { .. }
            | Self::NotAnImage
            | Self::Image { .. }
            | Self::Record { .. } => true,
            _ => false,
        }
    }

    /// Whether the caller has to say it differently.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Name { .. })
    }

    /// Of a mismatch, what was promised and what was found.
    #[must_use]
    pub fn expected_found(&self) -> Option<(&str, &str)> {
        match self {
            Self::Mismatch {
                expected, found, ..
            }
            | Self::Input {
                expected, found, ..
            } => Some((expected, found)),
            _ => None,
        }
    }
}

impl From<StoreError> for GraphError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

fn stored_platforms(stored: &[String]) -> String {
    match stored {
        [] => "nor for any other platform".to_owned(),
        stored => format!("only for {}", stored.join(", ")),
    }
}

/// Whether the store says that what it holds is not what it should be.
const fn is_store_damage(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::ObjectMissing { .. }
            | StoreError::Corrupt { .. }
            | StoreError::TooLarge { .. }
            | StoreError::Stream { .. }
            | StoreError::ContentType { .. }
            | StoreError::NotSingleObject { .. }
            | StoreError::Link { .. }
            | StoreError::StreamMissing { .. }
            | StoreError::ObjectName { .. }
            | StoreError::OtherAlgorithm { .. }
    )
}
