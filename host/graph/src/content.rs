//! Who can give back exactly these bytes: what sending a blob starts from.

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::Repository;

use crate::error::GraphError;
use crate::names::Stream;

/// A stream whose content has a certain digest, by its name. [`crate::rebuild()`] gives the bytes
/// and compares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Its name.
    pub name: Stream,
    /// Its object.
    pub stream: VerityDigest,
    /// Bytes that it announces to rebuild.
    pub size: u64,
}

/// A stream that rebuilds the bytes with this digest: a blob that was kept as it travelled, an
/// artifact's blob, a layer that travelled uncompressed or whose diff_id it is, a config, a manifest
/// or an index. `None` when there is none that can be read.
///
/// # Errors
/// When the store fails otherwise than by damage.
pub fn find_content(
    repository: &Repository,
    digest: &ContentDigest,
) -> Result<Option<Content>, GraphError> {
    let kinds = [
        Stream::Blob,
        Stream::Layer,
        Stream::Config,
        Stream::Manifest,
        Stream::Index,
    ];
    for kind in kinds {
        if let Some(found) = open(repository, kind(*digest))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether a compressed layer was kept as it travelled: its stream, and its size in bytes.
///
/// # Errors
/// When the store fails otherwise than by damage.
pub fn open_kept_blob(
    repository: &Repository,
    digest: &ContentDigest,
) -> Result<Option<(VerityDigest, u64)>, GraphError> {
    let found = open(repository, Stream::Blob(*digest))?;
    Ok(found.map(|found| (found.stream, found.size)))
}

fn open(repository: &Repository, name: Stream) -> Result<Option<Content>, GraphError> {
    let opened = match repository.resolve_stream(&name.name()) {
        Ok(Some(stream)) => repository
            .open_stream(&stream, None)
            .map(|reader| (stream, reader.total_size())),
        Ok(None) => return Ok(None),
        Err(error) => Err(error),
    };
    match opened.map_err(GraphError::from) {
        Ok((stream, size)) => Ok(Some(Content { name, stream, size })),
        Err(error) if error.is_damage() => {
            tracing::warn!(stream = %name, %error, "passing over a damaged stream");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
