//! What can be wrong with a value that came from outside.

use crate::digest::ContentDigest;

/// A value from outside that is not what its specification says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// Not `algorithm:hex` with a supported algorithm.
    #[error("invalid digest {text:?}: {reason}")]
    Digest {
        /// The text as found, escaped when shown.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not an RFC 6838 media type.
    #[error("invalid media type {text:?}")]
    MediaType {
        /// The text as found.
        text: String,
    },
    /// Not a path an entry may have.
    #[error("invalid path {path:?}: {reason}")]
    Path {
        /// The path, escaped.
        path: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// Not a usable tag.
    #[error("invalid tag {text:?}: {reason}")]
    Tag {
        /// The text as given.
        text: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// Not `os/architecture[/variant]`.
    #[error("invalid platform {text:?}: expected OS/ARCH or OS/ARCH/VARIANT")]
    Platform {
        /// The text as given.
        text: String,
    },
    /// Not a [`crate::record::Severity`].
    #[error("invalid severity {text:?}: expected clean, suspicious or dangerous")]
    Severity {
        /// The text as found, cut.
        text: String,
    },
    /// An annotation that does not describe a file as ModelPack does.
    #[error("invalid annotation {key}")]
    FileMetadata {
        /// The annotation.
        key: &'static str,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// A JSON document that is not well-formed, has duplicate names, or lacks something.
    #[error("invalid {what} {digest}")]
    Document {
        /// "manifest", "index" or "config".
        what: &'static str,
        /// The digest of the document's bytes.
        digest: ContentDigest,
        /// What the parser said.
        #[source]
        source: DocumentError,
    },
}

impl ArtifactError {
    /// Every fault of this crate lies in the input.
    #[must_use]
    pub const fn is_input_fault(&self) -> bool {
        true
    }
}

/// Why a JSON document was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Not JSON, duplicate names, or a member missing or of the wrong type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// JSON, but not what the image specification allows.
    #[error("{0}")]
    Rule(String),
    /// A member that is itself invalid.
    #[error(transparent)]
    Member(Box<ArtifactError>),
}

impl From<ArtifactError> for DocumentError {
    fn from(error: ArtifactError) -> Self {
        Self::Member(Box::new(error))
    }
}
