//! What a compressed blob of an artifact holds: a stream of its own beside the blob's, under the
//! digest of the decompressed bytes. A reference under the blob's digest says which it is; the
//! manifest knows only the blob.

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::Repository;

use crate::error::GraphError;
use crate::names::{self, OwnRef, Stream};

/// The decompressed content of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked {
    /// Its digest: what its stream and its record go by.
    pub content: ContentDigest,
    /// The stream that rebuilds it.
    pub stream: VerityDigest,
}

/// What the blob with that digest holds, if that is stored. `None` too where the reference is
/// damaged or leads nowhere: `fsck` names it, and pulling the blob again makes it good.
///
/// # Errors
/// When the store fails otherwise than by damage.
pub fn unpacked(
    repository: &Repository,
    blob: &ContentDigest,
) -> Result<Option<Unpacked>, GraphError> {
    match resolve(repository, blob) {
        Ok(found) => Ok(found),
        Err(error) if error.is_damage() => {
            tracing::warn!(%blob, %error, "passing over a damaged reference");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn resolve(repository: &Repository, blob: &ContentDigest) -> Result<Option<Unpacked>, GraphError> {
    let own = OwnRef::Content(*blob).to_string();
    let Some(target) = repository.resolve_ref(names::LAZARET, &own)? else {
        return Ok(None);
    };
    let Some(Stream::Layer(content)) = Stream::parse(target.as_str()) else {
        tracing::warn!(%blob, %target, "passing over a reference to no layer");
        return Ok(None);
    };
    let stream = repository.resolve_stream(&target)?;
    Ok(stream.map(|stream| Unpacked { content, stream }))
}
