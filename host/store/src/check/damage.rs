//! What can be wrong with a repository.

use lazaret_artifact::VerityDigest;

/// Something that is wrong. Paths are relative to the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// `meta.json` cannot be understood.
    #[error("{path}: {reason}")]
    Metadata {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// Something below `objects/` that no object is named like. `cfsctl gc` fails on it.
    #[error("{path}: not an object's name")]
    ObjectName {
        /// Where.
        path: String,
    },
    /// Something else than a file under an object's name.
    #[error("object {digest}: not a regular file")]
    ObjectKind {
        /// Its name.
        digest: VerityDigest,
    },
    /// An object that cannot be read.
    #[error("object {digest}: {reason}")]
    ObjectUnreadable {
        /// Its name.
        digest: VerityDigest,
        /// Why.
        reason: String,
    },
    /// An object whose content has another digest.
    #[error("object {digest}: its digest is {found}")]
    ObjectDigest {
        /// Its name.
        digest: VerityDigest,
        /// Of its content.
        found: VerityDigest,
    },
    /// An object that is not sealed in a repository where all must be.
    #[error("object {digest}: not sealed with fs-verity")]
    ObjectUnsealed {
        /// Its name.
        digest: VerityDigest,
    },
    /// Something else than a symbolic link where only those may be. `cfsctl gc` fails on it.
    #[error("{path}: not a symbolic link")]
    NotALink {
        /// Where.
        path: String,
    },
    /// A link that leads to where none should.
    #[error("{path}: it leads to {target:?}")]
    LinkTarget {
        /// Where.
        path: String,
        /// What it contains.
        target: String,
    },
    /// A link to nothing. `cfsctl gc` fails on one in `streams/` that is referred to.
    #[error("{path}: it leads to {target:?}, which is missing")]
    DanglingLink {
        /// Where.
        path: String,
        /// What it contains.
        target: String,
    },
    /// A name in `images/` that is not the digest it leads to.
    #[error("{path}: its name is not the digest it leads to")]
    ImageName {
        /// Where.
        path: String,
    },
    /// A stream that is no well-formed splitstream.
    #[error("{path}: {reason}")]
    Stream {
        /// Its name.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A stream that refers to an object that is not there.
    #[error("{path}: object {object} is missing")]
    MissingObject {
        /// The stream's name.
        path: String,
        /// What it refers to.
        object: VerityDigest,
    },
    /// A stream that refers to a stream that is not there.
    #[error("{path}: {name:?} refers to stream {stream}, which is missing")]
    MissingStream {
        /// The stream's name.
        path: String,
        /// What it calls the other.
        name: String,
        /// What it refers to.
        stream: VerityDigest,
    },
}
