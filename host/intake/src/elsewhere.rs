//! Blobs that a manifest says are to be had elsewhere: Windows' foreign layers, and any other
//! descriptor with `urls` (image-spec descriptor.md). They are not followed: what a pull fetches
//! comes from where it was told to fetch from.

use lazaret_artifact::ContentDigest;
use lazaret_transport::ManifestDocument;
use serde_json::Value;

use crate::error::{BlobFault, IntakeError};

/// Says of a blob that the source does not have where a manifest says it might be.
pub(crate) fn explain(
    fault: BlobFault,
    digest: &ContentDigest,
    manifests: &[ManifestDocument],
) -> BlobFault {
    let BlobFault::Host(error) = fault else {
        return fault;
    };
    match *error {
        IntakeError::Transport(source) if source.is_not_found() => {
            match first_url(manifests, digest) {
                Some(url) => BlobFault::Elsewhere { url, source },
                None => BlobFault::Host(Box::new(IntakeError::Transport(source))),
            }
        }
        error => BlobFault::Host(Box::new(error)),
    }
}

/// The first place that a manifest names for a blob.
fn first_url(manifests: &[ManifestDocument], digest: &ContentDigest) -> Option<String> {
    let digest = digest.to_string();
    manifests
        .iter()
        .filter_map(|document| serde_json::from_slice::<Value>(&document.bytes).ok())
        .find_map(|manifest| {
            let layers = manifest.get("layers")?.as_array()?;
            layers
                .iter()
                .filter(|layer| layer.get("digest").and_then(Value::as_str) == Some(&digest))
                .find_map(|layer| layer.get("urls")?.as_array()?.first()?.as_str())
                .map(str::to_owned)
        })
}
