//! What people call an image in the repository: a tag, or `@` and a digest.

use std::fmt;
use std::str::FromStr;

use lazaret_artifact::{ContentDigest, Tag};
use serde::Serialize;

use crate::error::GraphError;

/// A tag, or the digest of a manifest or index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// A tag.
    Tag(Tag),
    /// `@sha256:…`.
    Digest(ContentDigest),
}

impl FromStr for Name {
    type Err = GraphError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_prefix('@') {
            Some(digest) => digest.parse().map(Self::Digest),
            None => text.parse().map(Self::Tag),
        };
        parsed.map_err(|source| GraphError::Name { source })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "{tag}"),
            Self::Digest(digest) => write!(f, "@{digest}"),
        }
    }
}

impl Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Tag> for Name {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_tag_or_a_digest() {
        let digest = ContentDigest::sha256(b"");
        for text in ["quay.io/x/y:1", "x@sha256", &format!("@{digest}")] {
            let name: Name = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(matches!(name, Name::Digest(_)), text.starts_with('@'));
        }
        for bad in ["", "@", "@latest", "@sha256:abc", "a b"] {
            let error = bad.parse::<Name>().unwrap_err();
            assert!(error.is_usage(), "{bad:?}: {error}");
        }
    }
}
