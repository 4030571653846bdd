//! Descriptors (image-spec descriptor.md), validated.

use std::collections::BTreeMap;

use oci_spec::image as oci;
use serde::Serialize;

use crate::digest::ContentDigest;
use crate::error::{ArtifactError, DocumentError};
use crate::media_type::MediaType;
use crate::path::EntryPath;
use crate::platform::Platform;

/// Annotations that name the file a blob is, in the order in which they count: ORAS's, and those of
/// ModelPack's two prefixes.
pub const FILE_NAMES: [&str; 3] = [
    "org.opencontainers.image.title",
    "org.cncf.model.filepath",
    "org.cnai.model.filepath",
];

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

impl Descriptor {
    /// The path of the file that the blob is, by the first of [`FILE_NAMES`] there is.
    ///
    /// # Errors
    /// When the annotation is no clean relative path: it comes from strangers.
    pub fn file_path(&self) -> Option<Result<EntryPath, ArtifactError>> {
        let name = FILE_NAMES
            .iter()
            .find_map(|key| self.annotations.get(*key))?;
        Some(EntryPath::from_untrusted(name.as_bytes()))
    }
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
