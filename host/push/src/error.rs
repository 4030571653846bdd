//! What can go wrong on the way out, sorted by whose fault it is.

use std::fmt;
use std::io;
use std::path::PathBuf;

use lazaret_artifact::{ArtifactError, ContentDigest, Descriptor, MediaType};
use lazaret_graph::GraphError;
use lazaret_transport::TransportError;

/// Digests listed in an error before it says how many more there are.
const MAX_LISTED: usize = 10;

/// A push that did not succeed. Nothing has a name at the destination then, except for tags of
/// cosign's on what was sent before; blobs may be there that nothing refers to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The destination could not be used.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// What the name stands for could not be read.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Sending one thing failed.
    #[error("cannot send {what} {digest}")]
    Send {
        /// "blob", "manifest" or "index".
        what: &'static str,
        /// Which.
        digest: ContentDigest,
        /// Why.
        #[source]
        source: TransportError,
    },
    /// A stored blob could not be read.
    #[error("cannot read blob {digest}")]
    Read {
        /// Which.
        digest: ContentDigest,
        /// Why.
        #[source]
        source: GraphError,
    },
    /// A stored blob is not what its manifest says.
    #[error("{digest}: stored {what} mismatch: expected {expected}, found {found}")]
    Damaged {
        /// The blob.
        digest: ContentDigest,
        /// What was compared: "blob digest", "blob size" or "diff_id".
        what: &'static str,
        /// By its manifest.
        expected: Box<str>,
        /// As rebuilt.
        found: Box<str>,
    },
    /// Layers that the destination lacks and of which only the unpacked content is there.
    #[error("the compressed bytes were not kept of {}", Listed("layer", layers))]
    BytesNotKept {
        /// All of them.
        layers: Vec<Descriptor>,
    },
    /// Manifests that an index names and that are neither here nor at the destination.
    #[error("not stored: {}", Listed("manifest", missing))]
    Incomplete {
        /// All of them.
        missing: Vec<Descriptor>,
    },
    /// All platforms and one platform.
    #[error("all platforms and one of them")]
    AllAndPlatform,
    /// Recompressing what others refer to.
    #[error("recompressing changes digests, and referrers name their subject by its digest")]
    RecompressReferrers,
    /// A compression level that does not exist.
    #[error("{format} level {level} is not between {lowest} and {highest}")]
    Level {
        /// "gzip" or "zstd".
        format: &'static str,
        /// As asked for.
        level: i64,
        /// The lowest there is.
        lowest: i64,
        /// The highest there is.
        highest: i64,
    },
    /// A layer whose family of media types has no word for the compression asked for.
    #[error("layer {digest}: no {format} form of {media_type}")]
    NoMediaType {
        /// The layer.
        digest: ContentDigest,
        /// What it is.
        media_type: MediaType,
        /// "gzip" or "zstd".
        format: &'static str,
    },
    /// The destination's reference names another digest than would be sent.
    #[error("the destination is for {wanted}, not {found}")]
    OtherDigest {
        /// By the reference.
        wanted: ContentDigest,
        /// What would be sent.
        found: ContentDigest,
    },
    /// The destination's reference names a digest, and recompressing would change it.
    #[error("the destination is for {wanted}, and recompressing would change that digest")]
    FixedDigest {
        /// By the reference.
        wanted: ContentDigest,
    },
    /// More of something than is sent at once.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// A layer could not be compressed.
    #[error("cannot compress {digest} into a file in {directory:?}")]
    Spool {
        /// The layer.
        digest: ContentDigest,
        /// Where the file was to be.
        directory: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A document could not be edited to name recompressed layers.
    #[error("cannot rename what {digest} names")]
    Edit {
        /// The document as it came.
        digest: ContentDigest,
        /// What became of it.
        #[source]
        source: EditFault,
    },
    /// A thread could not be started.
    #[error("starting a worker thread")]
    Thread(#[source] io::Error),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Why a document could not be edited. What is stored was parsed before, so this is a fault of ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditFault {
    /// Not the JSON that is expected.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The edited document is not a document any more.
    #[error(transparent)]
    Document(#[from] ArtifactError),
}

impl PushError {
    /// Whether the caller has to say it differently.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_usage(),
            Self::Graph(error) => error.is_usage(),
            Self::AllAndPlatform
            | Self::RecompressReferrers
            | Self::Level { .. }
            | Self::NoMediaType { .. }
            | Self::OtherDigest { .. }
            | Self::FixedDigest { .. } => true,
            _ => false,
        }
    }

    /// Whether something that was asked for is not there: in the repository, or a place to send to.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        match self {
            Self::Transport(error) | Self::Send { source: error, .. } => error.is_not_found(),
            Self::Graph(error) => error.is_not_found(),
            Self::BytesNotKept { .. } | Self::Incomplete { .. } => true,
            _ => false,
        }
    }

    /// Whether the destination holds or answers what it must not, or there is too much to send.
    #[must_use]
    pub const fn is_input_fault(&self) -> bool {
        match self {
            Self::Transport(error) | Self::Send { source: error, .. } => error.is_input_fault(),
            Self::Limit { .. } => true,
            _ => false,
        }
    }

    /// Whether the repository is damaged.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Graph(error) | Self::Read { source: error, .. } => error.is_damage(),
            Self::Damaged { .. } => true,
            _ => false,
        }
    }

    /// Of a mismatch, what was promised and what was found.
    #[must_use]
    pub fn expected_found(&self) -> Option<(&str, &str)> {
        match self {
            Self::Transport(error) | Self::Send { source: error, .. } => error.expected_found(),
            Self::Graph(error) | Self::Read { source: error, .. } => error.expected_found(),
            Self::Damaged {
                expected, found, ..
            } => Some((expected, found)),
            _ => None,
        }
    }
}

/// A list for an error message, bounded.
struct Listed<'a>(&'static str, &'a [Descriptor]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(noun, descriptors) = self;
        match descriptors.len() {
            1 => write!(f, "{noun} ")?,
            count => write!(f, "{count} {noun}s: ")?,
        }
        for (index, descriptor) in descriptors.iter().take(MAX_LISTED).enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{}", descriptor.digest)?;
            if let Some(platform) = &descriptor.platform {
                write!(f, " ({platform})")?;
            }
        }
        match descriptors.len().saturating_sub(MAX_LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn descriptor(number: u8, platform: Option<&str>) -> Descriptor {
        Descriptor {
            media_type: "a/b".parse().unwrap(),
            digest: ContentDigest::sha256(&[number]),
            size: 1,
            artifact_type: None,
            from: None,
            name: None,
            platform: platform.map(|text| text.parse().unwrap()),
            annotations: BTreeMap::new(),
        }
    }

    #[test]
    fn all_that_is_missing_is_named_up_to_a_bound() {
        let one = PushError::BytesNotKept {
            layers: vec![descriptor(0, None)],
        };
        let digest = ContentDigest::sha256(&[0]);
        assert_eq!(
            one.to_string(),
            format!("the compressed bytes were not kept of layer {digest}")
        );
        let many = PushError::Incomplete {
            missing: (0..12).map(|n| descriptor(n, Some("a/b"))).collect(),
        };
        let text = many.to_string();
        assert!(text.starts_with(&format!(
            "not stored: 12 manifests: {digest} (a/b), sha256:"
        )));
        assert!(text.ends_with(" and 2 more"));
        assert!(one.is_not_found() && many.is_not_found());
        assert!(!one.is_damage() && !one.is_usage() && !one.is_input_fault());
    }
}
