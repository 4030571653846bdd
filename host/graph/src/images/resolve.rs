//! From a name to the document it stands for.

use lazaret_artifact::ContentDigest;
use lazaret_store::Repository;

use crate::error::GraphError;
use crate::name::Name;
use crate::names::{self, Stream};

/// The manifest or index a name stands for.
///
/// # Errors
/// Not found.
pub fn resolve(repository: &Repository, name: &Name) -> Result<Stream, GraphError> {
    match name {
        Name::Tag(tag) => {
            let missing = || GraphError::NoSuchTag { tag: tag.clone() };
            let target = repository
                .resolve_ref(names::TAGS, &tag.to_file_name())?
                .ok_or_else(missing)?;
            match Stream::parse(target.as_str()) {
                Some(stream @ (Stream::Manifest(_) | Stream::Index(_))) => Ok(stream),
                _ => Err(missing()),
            }
        }
        Name::Digest(digest) => {
            find(repository, digest)?.ok_or(GraphError::NoSuchImage { digest: *digest })
        }
    }
}

/// The manifest or index of that digest, if it is stored.
pub(crate) fn find(
    repository: &Repository,
    digest: &ContentDigest,
) -> Result<Option<Stream>, GraphError> {
    for stream in [Stream::Manifest(*digest), Stream::Index(*digest)] {
        if repository.resolve_stream(&stream.name())?.is_some() {
            return Ok(Some(stream));
        }
    }
    Ok(None)
}
