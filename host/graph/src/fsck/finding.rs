//! What a check can find.

use std::fmt;

use lazaret_artifact::ContentDigest;
use lazaret_artifact::text::escape;
use lazaret_store::Damage;
use serde::Serialize;

use crate::error::GraphError;
use crate::name::Name;
use crate::names::Stream;

/// Names listed with a finding before it says how many more there are: one bad object can be part
/// of every image.
const MAX_LISTED: usize = 10;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Information,
    /// All bytes are there, but something may delete or misread them.
    Warning,
    /// Bytes are missing or wrong.
    Damage,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Information => "info",
            Self::Warning => "warning",
            Self::Damage => "damage",
        })
    }
}

/// A finding.
#[derive(Debug)]
pub struct Finding {
    /// What is wrong.
    pub problem: Problem,
    /// The images it concerns: their tags, or digests where they have none.
    pub affected: Vec<Name>,
    /// The blobs that are to come again, as they travel, where a layer or blob is damaged.
    pub blobs: Vec<ContentDigest>,
}

/// Whom a problem concerns.
#[derive(Debug, Default)]
pub(super) struct Concerns {
    pub(super) names: Vec<Name>,
    pub(super) blobs: Vec<ContentDigest>,
}

impl Finding {
    pub(super) fn new(problem: Problem, concerns: Concerns) -> Self {
        let mut finding = Self {
            problem,
            affected: concerns.names,
            blobs: concerns.blobs,
        };
        if finding.severity() != Severity::Damage {
            finding.blobs.clear();
        }
        finding
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.problem {
            // What a pull or a collection leaves that died half-way, and may well be deleted.
            Problem::NotHeld { .. } if !self.affects_a_tag() => Severity::Information,
            Problem::Unverified { .. }
            | Problem::StaleRecord { .. }
            | Problem::StaleContent { .. }
            | Problem::PartOfIndex { .. }
            | Problem::Interrupted { .. }
            | Problem::ForeignRef { .. } => Severity::Information,
            Problem::OtherStream { .. }
            | Problem::NotLinked { .. }
            | Problem::NotReferred { .. }
            | Problem::NotHeld { .. }
            | Problem::NotListed { .. }
            | Problem::BadTag { .. } => Severity::Warning,
            Problem::Store(_)
            | Problem::Unreadable { .. }
            | Problem::MissingReference { .. }
            | Problem::TagTarget { .. }
            | Problem::LostContent { .. }
            | Problem::OtherContent { .. }
            | Problem::WrongContent { .. } => Severity::Damage,
        }
    }

    fn affects_a_tag(&self) -> bool {
        self.affected
            .iter()
            .any(|name| matches!(name, Name::Tag(_)))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity(), self.problem)?;
        list(f, "; affects ", &self.affected)?;
        list(f, "; pull again blob ", &self.blobs)
    }
}

/// The first of some names, and how many more there are.
fn list(f: &mut fmt::Formatter<'_>, what: &str, names: &[impl fmt::Display]) -> fmt::Result {
    for (index, name) in names.iter().take(MAX_LISTED).enumerate() {
        let before = if index == 0 { what } else { ", " };
        write!(f, "{before}{}", escape(name.to_string().as_bytes()))?;
    }
    match names.len().saturating_sub(MAX_LISTED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

/// What can be wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Found by the store.
    Store(Damage),
    /// A document, layer or record that cannot be read, does not parse, or is not what its name
    /// says.
    Unreadable {
        /// Which.
        stream: Stream,
        /// Why.
        error: GraphError,
    },
    /// A manifest or config that does not refer to something it is made of.
    MissingReference {
        /// Which.
        stream: Stream,
        /// The key that is not there.
        key: String,
    },
    /// A reference to a stream that has no link: a `cfsctl gc` would delete its objects.
    NotLinked {
        /// What refers.
        stream: Stream,
        /// What has no link.
        target: Stream,
    },
    /// A reference to another stream than is linked: a `cfsctl gc` would delete its objects.
    OtherStream {
        /// What refers.
        stream: Stream,
        /// What is linked to something else.
        target: Stream,
    },
    /// A file name under `streams/refs/oci` that is no tag.
    BadTag {
        /// The file name.
        file_name: String,
    },
    /// A tag that names no manifest or index, or one that is not there.
    TagTarget {
        /// The tag.
        tag: Name,
        /// What it points to.
        target: String,
    },
    /// An index that does not refer to something that it lists and that is there: a collection would
    /// delete it.
    NotReferred {
        /// The index.
        stream: Stream,
        /// What it lists.
        target: Stream,
    },
    /// An index of which not everything is stored.
    PartOfIndex {
        /// Which.
        stream: Stream,
        /// Manifests and indexes that it lists and that are not there.
        missing: usize,
        /// All that it lists.
        listed: usize,
    },
    /// A record or kept blob without a name of its own under `streams/refs/lazaret`: a `cfsctl gc`
    /// would delete it.
    NotHeld {
        /// Which.
        stream: Stream,
    },
    /// A manifest or index that refers to a subject, whose list of referrers does not have it.
    NotListed {
        /// Which.
        stream: Stream,
        /// What it refers to.
        subject: ContentDigest,
    },
    /// A stream that was being replaced when a commit died. The next commit or collection finishes
    /// that.
    Interrupted {
        /// Which.
        stream: Stream,
    },
    /// A layer or blob that rebuilds to something else than its name says.
    WrongContent {
        /// By its name.
        stream: Stream,
        /// As rebuilt.
        found: ContentDigest,
    },
    /// A compressed blob of an artifact, what it holds is known by name and not there.
    LostContent {
        /// The blob.
        blob: ContentDigest,
        /// The digest of what it holds; none where the name leads to something else.
        content: Option<ContentDigest>,
    },
    /// A compressed blob of an artifact that decompresses to something else than is stored as what it
    /// holds.
    OtherContent {
        /// The blob.
        blob: ContentDigest,
        /// The digest of what is stored.
        content: ContentDigest,
        /// What the blob decompresses to, or why it does not.
        reason: String,
    },
    /// The name of what a blob holds that is not there.
    StaleContent {
        /// The blob.
        blob: ContentDigest,
    },
    /// A layer that no import record vouches for: another tool stored it, perhaps without
    /// verifying it.
    Unverified {
        /// Which.
        layer: ContentDigest,
    },
    /// A record of a layer that is gone or was imported anew.
    StaleRecord {
        /// What it is a record of.
        content: ContentDigest,
    },
    /// A name where only this program's own and referrers lie, that this version knows nothing of.
    ForeignRef {
        /// Below `streams/refs/`.
        path: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(damage) => write!(f, "{damage}"),
            Self::Unreadable { stream, error } => {
                write!(f, "{stream} is unreadable: {error}")?;
                let mut source = std::error::Error::source(error);
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
            Self::MissingReference { stream, key } => write!(f, "{stream} has no reference {key}"),
            Self::NotLinked { stream, target } => {
                write!(f, "{stream} refers to {target}, which is not linked")
            }
            Self::OtherStream { stream, target } => {
                write!(
                    f,
                    "{stream} refers to another stream than is linked as {target}"
                )
            }
            Self::BadTag { file_name } => {
                write!(
                    f,
                    "streams/refs/oci/{} is not a tag",
                    escape(file_name.as_bytes())
                )
            }
            Self::TagTarget { tag, target } => write!(
                f,
                "tag {tag} names {}, which is no manifest or index that is there",
                escape(target.as_bytes())
            ),
            Self::NotReferred { stream, target } => {
                write!(f, "{stream} lists {target} and does not refer to it")
            }
            Self::PartOfIndex {
                stream,
                missing,
                listed,
            } => write!(
                f,
                "of the {listed} that {stream} lists, {missing} are not stored"
            ),
            Self::NotHeld { stream } => write!(
                f,
                "{stream} has no name under streams/refs/lazaret: a `cfsctl gc` would delete it"
            ),
            Self::NotListed { stream, subject } => {
                write!(
                    f,
                    "{stream} is not among the referrers of its subject {subject}"
                )
            }
            Self::Interrupted { stream } => {
                write!(f, "a commit died while it replaced {stream}")
            }
            Self::WrongContent { stream, found } => {
                let (kind, digest) = match stream {
                    Stream::Blob(digest) => ("kept blob", digest),
                    other => ("layer", other.digest()),
                };
                write!(
                    f,
                    "{kind} {digest}: content mismatch: expected {digest}, found {found}"
                )
            }
            Self::LostContent {
                blob,
                content: Some(content),
            } => write!(f, "blob {blob} holds {content}, which is not there"),
            Self::LostContent {
                blob,
                content: None,
            } => write!(
                f,
                "the name of what blob {blob} holds leads to something else"
            ),
            Self::OtherContent {
                blob,
                content,
                reason,
            } => write!(f, "blob {blob} does not hold {content}: {reason}"),
            Self::StaleContent { blob } => {
                write!(f, "what blob {blob} held has a name, and the blob is gone")
            }
            Self::Unverified { layer } => write!(f, "layer {layer} was not verified by lazaret"),
            Self::StaleRecord { content } => {
                write!(
                    f,
                    "the import record of {content} is of a stream that is not linked"
                )
            }
            Self::ForeignRef { path } => {
                write!(f, "unknown name streams/refs/{}", escape(path.as_bytes()))
            }
        }
    }
}
