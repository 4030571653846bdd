//! Names of sources, as on the command line: `oci:DIR[:TAG][@DIGEST]`.
//!
//! The syntax is that of containers-transports(5): the directory ends at the first colon, all
//! after it is the reference. Two things are added. A trailing `@sha256:…` or `@sha512:…` names a
//! digest. And where the directory before the first colon does not exist, the shortest longer one
//! that does is taken, so that a directory with a colon in its name can be named at all.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lazaret_artifact::{ContentDigest, Descriptor, Tag};

use crate::error::TransportError;

/// The annotation a layout's index keeps tags in (image-spec annotations.md).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What there is to choose from, for error messages.
const SUPPORTED: &str = "oci:DIR[:TAG][@DIGEST]";

/// A parsed name of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceRef {
    /// An OCI layout directory.
    Layout(LayoutRef),
}

/// An OCI layout directory, and what in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutRef {
    /// The directory.
    pub path: PathBuf,
    /// The annotation `org.opencontainers.image.ref.name` of the wanted entry.
    pub tag: Option<String>,
    /// Digest of the wanted manifest or index.
    pub digest: Option<ContentDigest>,
}

impl SourceRef {
    /// The tag an import gets when the caller names none: the reference asked for, else the one
    /// that `root` (see [`crate::Resolved::root`]) carries, else the name of the directory.
    ///
    /// # Errors
    /// When none of them is a valid tag.
    pub fn default_tag(&self, root: &Descriptor) -> Result<Tag, TransportError> {
        let Self::Layout(layout) = self;
        if let Some(tag) = &layout.tag {
            return parse_tag(tag);
        }
        if let Some(name) = root.annotations.get(REF_NAME) {
            match name.parse() {
                Ok(tag) => return Ok(tag),
                Err(error) => {
                    tracing::debug!(digest = %root.digest, %error, "reference in index is no tag");
                }
            }
        }
        parse_tag(&base_name(&layout.path))
    }
}

fn parse_tag(text: &str) -> Result<Tag, TransportError> {
    text.parse().map_err(|source| TransportError::DefaultTag {
        text: text.to_owned(),
        source: Box::new(source),
    })
}

/// The last component of a path, also for `.` and `dir/..`.
fn base_name(path: &Path) -> String {
    let resolved = match path.file_name() {
        Some(_) => path.to_owned(),
        None => path.canonicalize().unwrap_or_else(|_| path.to_owned()),
    };
    match resolved.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => resolved.to_string_lossy().into_owned(),
    }
}

impl FromStr for SourceRef {
    type Err = TransportError;

    /// Parses `text`. The file system is asked only which of several directories exists.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, Path::is_dir)
    }
}

impl fmt::Display for SourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Layout(layout) = self;
        write!(f, "{layout}")
    }
}

impl fmt::Display for LayoutRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci:{}", self.path.display())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn parse(text: &str, is_directory: impl Fn(&Path) -> bool) -> Result<SourceRef, TransportError> {
    let fail = |reason: String| TransportError::Source {
        text: text.to_owned(),
        reason,
    };
    let Some((transport, rest)) = text.split_once(':') else {
        return Err(fail(format!("names no transport; supported: {SUPPORTED}")));
    };
    if transport != "oci" {
        return Err(fail(format!(
            "unknown transport {transport:?}; supported: {SUPPORTED}"
        )));
    }
    let (rest, digest) = match digest_position(rest) {
        None => (rest, None),
        Some(position) => {
            let digest = rest[position + 1..]
                .parse()
                .map_err(|error| fail(format!("{error}")))?;
            (&rest[..position], Some(digest))
        }
    };
    let (path, tag) = split_directory(rest, is_directory);
    if path.is_empty() {
        return Err(fail("names no directory".to_owned()));
    }
    if tag == Some("") {
        return Err(fail("empty tag".to_owned()));
    }
    Ok(SourceRef::Layout(LayoutRef {
        path: PathBuf::from(path),
        tag: tag.map(str::to_owned),
        digest,
    }))
}

/// Where the `@` before a digest is. An `@` before anything else belongs to the directory or the
/// tag, which may both contain one.
fn digest_position(text: &str) -> Option<usize> {
    let position = text.rfind('@')?;
    let after = &text[position + 1..];
    (after.starts_with("sha256:") || after.starts_with("sha512:")).then_some(position)
}

/// The directory and the tag, divided at the first colon whose left side is a directory, or at the
/// first colon when there is none such.
fn split_directory(text: &str, is_directory: impl Fn(&Path) -> bool) -> (&str, Option<&str>) {
    let cut = |at: usize| (&text[..at], Some(&text[at + 1..]));
    let mut colons = text.match_indices(':').map(|(at, _)| at).peekable();
    let Some(&first) = colons.peek() else {
        return (text, None);
    };
    match colons.find(|&at| is_directory(Path::new(&text[..at]))) {
        Some(at) => cut(at),
        None if is_directory(Path::new(text)) => (text, None),
        None => cut(first),
    }
}

#[cfg(test)]
mod tests;
