//! What can go wrong between a source's name and verified bytes.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use lazaret_artifact::limits::MAX_INDEX_DEPTH;
use lazaret_artifact::text::escape;
use lazaret_artifact::{ArtifactError, ContentDigest, Descriptor, MediaType, Platform};

/// Names listed in an error before it says how many more there are. An index may name thousands.
const MAX_LISTED: usize = 10;

/// Why a source could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Text that names no source or destination.
    #[error("invalid reference {text:?}: {reason}")]
    Reference {
        /// As given.
        text: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// No usable tag can be derived from the source's name.
    #[error("no tag can be derived from {text:?}")]
    DefaultTag {
        /// The name that is no tag.
        text: String,
        /// The rule it breaks.
        #[source]
        source: Box<ArtifactError>,
    },
    /// The system refused.
    #[error("cannot {operation} {path:?}")]
    Io {
        /// "open", "read", …
        operation: &'static str,
        /// Of what.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The directory a source names does not exist.
    #[error("{path:?} does not exist")]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The file a source names does not exist.
    #[error("{path:?} does not exist")]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// A directory that is not an OCI layout (image-spec image-layout.md).
    #[error("{path:?} is not an OCI layout: {reason}")]
    NotALayout {
        /// The directory.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// A file that is not an OCI layout in a tar archive.
    #[error("{path:?} is not an OCI archive: {reason}")]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// A file that is compressed, so that nothing in it can be read in place.
    #[error("{path:?} is compressed with {program}; it has to be decompressed first")]
    CompressedArchive {
        /// The file.
        path: PathBuf,
        /// The program that decompresses it with `-d`.
        program: &'static str,
    },
    /// `oci-layout` or `index.json` does not parse.
    #[error("cannot use {path:?}")]
    LayoutFile {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: Box<ArtifactError>,
    },
    /// Something other than a regular file where a blob or document should be.
    #[error("{path:?} is not a regular file")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// A symbolic link that leads out of the layout.
    #[error("{path:?} leads out of its directory")]
    Escape {
        /// The link.
        path: PathBuf,
    },
    /// The bytes of a blob that is to be sent could not be read.
    #[error("cannot read {digest} to send it")]
    Outgoing {
        /// Its digest.
        digest: ContentDigest,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A blob that a document names and the source does not have.
    #[error("{digest}: blob is missing from {path:?}")]
    MissingBlob {
        /// Its digest.
        digest: ContentDigest,
        /// The source.
        path: PathBuf,
    },
    /// A digest, size or number that is not what was promised.
    #[error("{digest}: {what} mismatch: expected {expected}, found {found}")]
    Mismatch {
        /// What was compared: "blob digest", "config size", …
        what: &'static str,
        /// The digest the blob or document goes by.
        digest: ContentDigest,
        /// As promised.
        expected: Box<str>,
        /// As computed.
        found: Box<str>,
    },
    /// A document whose bytes are what was promised and whose content is not acceptable.
    #[error(transparent)]
    Document(#[from] ArtifactError),
    /// A descriptor of neither a manifest nor an index where one of the two must be.
    #[error("{digest}: media type {media_type} is neither a manifest's nor an index's")]
    NotADocument {
        /// What it points to.
        digest: ContentDigest,
        /// Its media type.
        media_type: MediaType,
    },
    /// More of something than the host accepts.
    #[error("{what}: {found} is more than the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: String,
        /// How much.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// No image of that tag.
    #[error("no tag {tag:?}; there is {}", Listed(available))]
    NoSuchTag {
        /// As asked for.
        tag: String,
        /// The tags there are, or digests of what has none.
        available: Vec<String>,
    },
    /// Nothing of that digest.
    #[error("no manifest or index {digest}; there is {}", Listed(available))]
    NoSuchDigest {
        /// As asked for.
        digest: ContentDigest,
        /// The tags there are, or digests of what has none.
        available: Vec<String>,
    },
    /// The source is empty.
    #[error("index.json of {path:?} names no manifest")]
    Empty {
        /// The layout.
        path: PathBuf,
    },
    /// Several images, and nothing says which is meant.
    #[error("several images to choose from: {}", Listed(available))]
    Ambiguous {
        /// The tags there are, or digests of what has none.
        available: Vec<String>,
    },
    /// Nothing for the platform asked for.
    #[error("no image for {wanted}; there is {}", Listed(available))]
    NoPlatform {
        /// As asked for.
        wanted: Platform,
        /// The platforms there are.
        available: Vec<String>,
    },
    /// A registry does not have what was asked for: 404, or one of the error codes that mean it.
    #[error("{registry} has no {what}{}", Said(message))]
    NotInRegistry {
        /// Host of the registry.
        registry: String,
        /// "manifest NAME:TAG", "blob DIGEST in NAME", …
        what: String,
        /// The registry's own words, escaped and cut short; may be empty.
        message: String,
    },
    /// A registry, or who gives out its tokens, wants other credentials or none of ours.
    #[error("{registry} refused access to {what} {presented}{}", Said(message))]
    Unauthorized {
        /// Host of the registry.
        registry: String,
        /// "manifest NAME:TAG", "blob DIGEST in NAME", …
        what: String,
        /// "without credentials", "with the credentials of FILE", …
        presented: String,
        /// The registry's own words, escaped and cut short; may be empty.
        message: String,
    },
    /// A registry understood and said no.
    #[error("{registry} refused {operation}: {status}{}", Said(message))]
    Refused {
        /// Host of the registry.
        registry: String,
        /// Method and object.
        operation: String,
        /// The HTTP status.
        status: u16,
        /// The registry's own words, escaped and cut short; may be empty.
        message: String,
    },
    /// A registry that is in trouble itself, or overloaded, and stayed so.
    #[error("{registry} failed {} at {operation}: {status}{}", Times(*tries), Said(message))]
    ServerTrouble {
        /// Host of the registry.
        registry: String,
        /// Method and object.
        operation: String,
        /// Requests sent.
        tries: u32,
        /// The last HTTP status.
        status: u16,
        /// The registry's own words, escaped and cut short; may be empty.
        message: String,
    },
    /// No connection to a registry, or it broke, each time.
    #[error("no connection to {registry} for {operation} after {}: {reason}", Tries(*tries))]
    Connection {
        /// Host of the registry.
        registry: String,
        /// Method and object.
        operation: String,
        /// Requests sent, or attempted.
        tries: u32,
        /// What the system or the protocol said the last time.
        reason: String,
    },
    /// A registry that kept silent.
    #[error("{registry} sent nothing for {silence:?} at {operation}, {}", Times(*tries))]
    TimedOut {
        /// Host of the registry.
        registry: String,
        /// Method and object.
        operation: String,
        /// How long nothing came, each time.
        silence: Duration,
        /// Requests sent.
        tries: u32,
    },
    /// A certificate that is not trusted, or no common ground in TLS.
    #[error("{registry} cannot be trusted: {reason}")]
    Tls {
        /// Host of the registry.
        registry: String,
        /// What the TLS library said.
        reason: String,
    },
    /// An answer no registry should give: against the distribution specification, or a trap.
    #[error("{registry} answered {operation} with {reason}")]
    Protocol {
        /// Host of the registry.
        registry: String,
        /// Method and object.
        operation: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of credentials or certificates that cannot be used.
    #[error("cannot use {path:?}: {reason}")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it. Never any of its content.
        reason: String,
    },
    /// A program that should give credentials and did not.
    #[error("{program} gave no credentials: {reason}")]
    CredentialHelper {
        /// Its name.
        program: String,
        /// What went wrong. Never any of its output.
        reason: String,
    },
    /// Somebody set [`crate::RegistryOptions::cancel`].
    #[error("cancelled")]
    Cancelled,
}

impl TransportError {
    /// An index too deep inside others.
    pub(crate) fn nested(index: &Descriptor, depth: usize) -> Self {
        Self::Limit {
            what: format!("{}: indexes inside indexes", index.digest),
            found: depth as u64 + 1,
            limit: MAX_INDEX_DEPTH as u64,
        }
    }

    /// Whether the input was refused: it is malformed, lies about itself or is over a limit.
    #[must_use]
    pub const fn is_input_fault(&self) -> bool {
        matches!(
            self,
            Self::NotALayout { .. }
                | Self::NotAnArchive { .. }
                | Self::CompressedArchive { .. }
                | Self::LayoutFile { .. }
                | Self::NotAFile { .. }
                | Self::Escape { .. }
                | Self::MissingBlob { .. }
                | Self::Mismatch { .. }
                | Self::Document(_)
                | Self::NotADocument { .. }
                | Self::Limit { .. }
                | Self::Protocol { .. }
        )
    }

    /// Whether what was asked for is not there. A blob that a document promises is both: not there,
    /// and a fault of the input.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NoDirectory { .. }
                | Self::NoFile { .. }
                | Self::MissingBlob { .. }
                | Self::NoSuchTag { .. }
                | Self::NoSuchDigest { .. }
                | Self::Empty { .. }
                | Self::NoPlatform { .. }
                | Self::NotInRegistry { .. }
        )
    }

    /// Whether the caller has to say it differently: a malformed name, or one that leaves a choice.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Reference { .. } | Self::DefaultTag { .. } | Self::Ambiguous { .. }
        )
    }

    /// Of a mismatch, what was promised and what was found.
    #[must_use]
    pub fn expected_found(&self) -> Option<(&str, &str)> {
        match self {
            Self::Mismatch {
                expected, found, ..
            } => Some((expected, found)),
            _ => None,
        }
    }

    /// Takes the error of this crate out of an [`io::Error`] that a [`crate::Blob`] returned, or
    /// makes one of a plain error.
    pub fn from_io(error: io::Error, otherwise: impl FnOnce(io::Error) -> Self) -> Self {
        error.downcast::<Self>().unwrap_or_else(otherwise)
    }
}

impl From<TransportError> for io::Error {
    /// For [`io::Read`]: the chain stays reachable through the error's source.
    fn from(error: TransportError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// A list for an error message: escaped, bounded, never empty.
struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, name) in self.0.iter().take(MAX_LISTED).enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(&escape(name.as_bytes()))?;
        }
        match self.0.len().saturating_sub(MAX_LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What a server said, after a colon; nothing when it said nothing.
struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            text => write!(f, ": {text}"),
        }
    }
}

/// "once", "5 times".
struct Times(u32);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("once"),
            times => write!(f, "{times} times"),
        }
    }
}

/// "1 try", "5 tries".
struct Tries(u32);

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 try"),
            tries => write!(f, "{tries} tries"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bounded_and_escaped() {
        let names: Vec<String> = (0..12).map(|number| format!("t{number}")).collect();
        assert_eq!(
            Listed(&names).to_string(),
            "t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 and 2 more"
        );
        assert_eq!(Listed(&["\u{1b}[2J".to_owned()]).to_string(), "\\u{1b}[2J");
        assert_eq!(Listed(&[]).to_string(), "none");
    }

    #[test]
    fn an_error_survives_its_way_through_a_reader() {
        let error = TransportError::Mismatch {
            what: "blob digest",
            digest: ContentDigest::sha256(b""),
            expected: "a".into(),
            found: "b".into(),
        };
        let text = error.to_string();
        let wrapped: io::Error = error.into();
        let back = TransportError::from_io(wrapped, |_| unreachable!());
        assert_eq!(back.to_string(), text);
        assert_eq!(back.expected_found(), Some(("a", "b")));
        assert!(back.is_input_fault());
    }
}
