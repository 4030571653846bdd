//! Names of sources and destinations, as on the command line.
//!
//! `oci:DIR[:TAG][@DIGEST]` and `oci-archive:FILE[:TAG][@DIGEST]` have the syntax of
//! containers-transports(5): the path ends at the first colon, all after it is the reference. Two
//! things are added. A trailing `@sha256:…` or `@sha512:…` names a digest. And where what is
//! before the first colon does not exist, the shortest longer path that does is taken, so that a
//! path with a colon in it can be named at all. For `docker://HOST/NAME[:TAG][@DIGEST]` see
//! [`RegistryRef`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lazaret_artifact::{ContentDigest, Descriptor, Tag};

use crate::error::TransportError;

mod registry;

pub use registry::RegistryRef;

/// The annotation a layout's index keeps tags in (image-spec annotations.md).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What there is to choose from, for error messages.
const SUPPORTED: &str = "oci:DIR[:TAG][@DIGEST], oci-archive:FILE[:TAG][@DIGEST], \
     docker://HOST/NAME[:TAG][@DIGEST]";

/// A parsed name of a source or destination.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reference {
    /// An OCI layout directory.
    Layout(LayoutRef),
    /// An OCI layout in a tar archive.
    Archive(ArchiveRef),
    /// A repository of a registry.
    Registry(RegistryRef),
}

/// An OCI layout directory, and what in it: `oci:DIR[:TAG][@DIGEST]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutRef {
    /// The directory.
    pub path: PathBuf,
    /// The annotation `org.opencontainers.image.ref.name` of the wanted entry.
    pub tag: Option<String>,
    /// Digest of the wanted manifest or index.
    pub digest: Option<ContentDigest>,
}

/// An OCI layout in a tar archive, and what in it: `oci-archive:FILE[:TAG][@DIGEST]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveRef {
    /// The archive.
    pub path: PathBuf,
    /// The annotation `org.opencontainers.image.ref.name` of the wanted entry.
    pub tag: Option<String>,
    /// Digest of the wanted manifest or index.
    pub digest: Option<ContentDigest>,
}

impl Reference {
    /// The tag an import gets when the caller names none: the reference asked for; else the one
    /// that `root` (see [`crate::Resolved::root`]) carries; else the name of the directory, or of the
    /// archive without its endings. Of a registry it is [`RegistryRef::full_name`].
    ///
    /// # Errors
    /// When none of them is a valid tag.
    pub fn default_tag(&self, root: &Descriptor) -> Result<Tag, TransportError> {
        let (tag, fallback) = match self {
            Self::Layout(layout) => (&layout.tag, base_name(&layout.path)),
            Self::Archive(archive) => (&archive.tag, archive_name(&archive.path)),
            Self::Registry(registry) => {
                return parse_tag(&registry.full_name());
            }
        };
        if let Some(tag) = tag {
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
        parse_tag(&fallback)
    }

    /// The tag it names.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Layout(layout) => layout.tag.as_deref(),
            Self::Archive(archive) => archive.tag.as_deref(),
            Self::Registry(registry) => registry.tag.as_deref(),
        }
    }

    /// The digest it insists on.
    #[must_use]
    pub const fn digest(&self) -> Option<&ContentDigest> {
        match self {
            Self::Layout(layout) => layout.digest.as_ref(),
            Self::Archive(archive) => archive.digest.as_ref(),
            Self::Registry(registry) => registry.digest.as_ref(),
        }
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

/// `model` for `dir/model.oci.tar`.
fn archive_name(path: &Path) -> String {
    let mut name = base_name(path);
    for ending in [".tar", ".oci"] {
        if let Some(stem) = name.strip_suffix(ending)
            && !stem.is_empty()
        {
            name.truncate(stem.len());
        }
    }
    name
}

impl FromStr for Reference {
    type Err = TransportError;

    /// Parses `text`. The file system is asked only which of several paths exists.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, |transport, path| match transport {
            PathKind::Directory => path.is_dir(),
            PathKind::File => path.exists() && !path.is_dir(),
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(layout) => layout.fmt(f),
            Self::Archive(archive) => archive.fmt(f),
            Self::Registry(registry) => registry.fmt(f),
        }
    }
}

impl fmt::Display for LayoutRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci:{}", self.path.display())?;
        write_rest(f, self.tag.as_deref(), self.digest.as_ref())
    }
}

impl fmt::Display for ArchiveRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci-archive:{}", self.path.display())?;
        write_rest(f, self.tag.as_deref(), self.digest.as_ref())
    }
}

fn write_rest(
    f: &mut fmt::Formatter<'_>,
    tag: Option<&str>,
    digest: Option<&ContentDigest>,
) -> fmt::Result {
    if let Some(tag) = tag {
        write!(f, ":{tag}")?;
    }
    if let Some(digest) = digest {
        write!(f, "@{digest}")?;
    }
    Ok(())
}

/// What a path must be to count when colons leave a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PathKind {
    Directory,
    File,
}

fn parse(
    text: &str,
    is_there: impl Fn(PathKind, &Path) -> bool,
) -> Result<Reference, TransportError> {
    let fail = |reason: String| TransportError::Reference {
        text: text.to_owned(),
        reason,
    };
    let Some((transport, rest)) = text.split_once(':') else {
        return Err(fail(format!("names no transport; supported: {SUPPORTED}")));
    };
    let kind = match transport {
        "oci" => PathKind::Directory,
        "oci-archive" => PathKind::File,
        "docker" => {
            return RegistryRef::parse(rest)
                .map(Reference::Registry)
                .map_err(fail);
        }
        other => {
            return Err(fail(format!(
                "unknown transport {other:?}; supported: {SUPPORTED}"
            )));
        }
    };
    let (rest, digest) = split_digest(rest).map_err(&fail)?;
    let (path, tag) = split_path(rest, |path| is_there(kind, path));
    if path.is_empty() {
        return Err(fail(match kind {
            PathKind::Directory => "names no directory".to_owned(),
            PathKind::File => "names no file".to_owned(),
        }));
    }
    if tag == Some("") {
        return Err(fail("empty tag".to_owned()));
    }
    let (path, tag) = (PathBuf::from(path), tag.map(str::to_owned));
    Ok(match kind {
        PathKind::Directory => Reference::Layout(LayoutRef { path, tag, digest }),
        PathKind::File => Reference::Archive(ArchiveRef { path, tag, digest }),
    })
}

/// Takes a digest off the end. An `@` before anything else belongs to what is before it: paths and
/// tags may both contain one.
fn split_digest(text: &str) -> Result<(&str, Option<ContentDigest>), String> {
    let Some((before, after)) = text.rsplit_once('@') else {
        return Ok((text, None));
    };
    if !after.starts_with("sha256:") && !after.starts_with("sha512:") {
        return Ok((text, None));
    }
    match after.parse() {
        Ok(digest) => Ok((before, Some(digest))),
        Err(error) => Err(error.to_string()),
    }
}

/// The path and the tag, divided at the first colon whose left side is there, or at the first
/// colon when there is none such.
fn split_path(text: &str, is_there: impl Fn(&Path) -> bool) -> (&str, Option<&str>) {
    let cut = |at: usize| (&text[..at], Some(&text[at + 1..]));
    let mut colons = text.match_indices(':').map(|(at, _)| at).peekable();
    let Some(&first) = colons.peek() else {
        return (text, None);
    };
    match colons.find(|&at| is_there(Path::new(&text[..at]))) {
        Some(at) => cut(at),
        None if is_there(Path::new(text)) => (text, None),
        None => cut(first),
    }
}

#[cfg(test)]
mod tests;
