//! Descriptors (image-spec descriptor.md), validated.

use std::collections::BTreeMap;

use oci_spec::image as oci;
use serde::Serialize;

use crate::digest::ContentDigest;
use crate::error::DocumentError;
use crate::media_type::MediaType;
use crate::platform::Platform;

/// What another document says about a blob. `digest` and `size` are claims until bytes have been
/// compared with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type of the blob.
    pub media_type: MediaType,
    /// Digest of the blob's bytes.
    pub digest: ContentDigest,
    /// Their number.
    pub size: u64,
    /// Type of the artifact, where the blob is a manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// Platform, where the blob is a manifest in an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations, sorted by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl TryFrom<&oci::Descriptor> for Descriptor {
    type Error = DocumentError;

    fn try_from(source: &oci::Descriptor) -> Result<Self, Self::Error> {
        if source.size() > i64::MAX as u64 {
            return Err(DocumentError::Rule(format!(
                "size {} of {} is beyond int64",
                source.size(),
                source.digest()
            )));
        }
        Ok(Self {
            media_type: source.media_type().as_ref().parse()?,
            digest: source.digest().as_ref().parse()?,
            size: source.size(),
            artifact_type: source
                .artifact_type()
                .as_ref()
                .map(|kind| kind.as_ref().parse())
                .transpose()?,
            platform: source.platform().as_ref().map(|platform| Platform {
                os: platform.os().to_string(),
                architecture: platform.architecture().to_string(),
                variant: platform.variant().clone(),
            }),
            annotations: source
                .annotations()
                .iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        })
    }
}
