//! Tags: the names a repository's owner gives to manifests and indexes.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::ArtifactError;
use crate::limits::MAX_TAG_LENGTH;

/// A tag. Any printable text without spaces that does not start with `@` (which introduces a
/// digest on the command line) and whose encoded form is a file name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file name under `streams/refs/oci/`: `%` becomes `%25` and `/` becomes `%2F`, as
    /// composefs does it.
    #[must_use]
    pub fn to_file_name(&self) -> String {
        self.0.replace('%', "%25").replace('/', "%2F")
    }

    /// The tag a file name under `streams/refs/oci/` stands for.
    ///
    /// # Errors
    /// When the name stands for no valid tag.
    pub fn from_file_name(name: &str) -> Result<Self, ArtifactError> {
        name.replace("%2F", "/").replace("%25", "%").parse()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = ArtifactError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason| ArtifactError::Tag {
            text: text.chars().take(MAX_TAG_LENGTH).collect(),
            reason,
        };
        if text.is_empty() {
            return Err(fail("empty"));
        }
        if text.starts_with('@') {
            return Err(fail("starts with @, which introduces a digest"));
        }
        if text == "." || text == ".." {
            return Err(fail("not a file name"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(fail("contains white space or control characters"));
        }
        let tag = Self(text.to_owned());
        if tag.to_file_name().len() > MAX_TAG_LENGTH {
            return Err(fail("longer than 255 bytes when encoded"));
        }
        Ok(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_survive_their_file_names() {
        for (tag, file) in [
            ("debian:12", "debian:12"),
            ("ghcr.io/a/b:c", "ghcr.io%2Fa%2Fb:c"),
            ("100%", "100%25"),
            ("a%2Fb", "a%252Fb"),
        ] {
            let parsed: Tag = tag.parse().unwrap();
            assert_eq!(parsed.to_file_name(), file);
            assert_eq!(Tag::from_file_name(file).unwrap(), parsed);
        }
    }

    #[test]
    fn tags_that_would_confuse_are_refused() {
        let long = "x".repeat(256);
        for bad in ["", "@x", ".", "..", "a b", "a\nb", "a\u{7f}", &long] {
            assert!(bad.parse::<Tag>().is_err(), "{bad:?}");
        }
    }
}
