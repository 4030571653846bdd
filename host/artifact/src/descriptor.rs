//! Descriptors (image-spec descriptor.md), validated.

use std::collections::BTreeMap;

use oci_spec::image as oci;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::digest::ContentDigest;
use crate::error::{ArtifactError, DocumentError};
use crate::file_metadata::FileMetadata;
use crate::limits::MAX_DESCRIPTOR_TEXT;
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

/// Annotations with a file's metadata, in the order in which they count: those of ModelPack's two
/// prefixes.
pub const FILE_METADATA: [&str; 2] = [
    "org.cncf.model.file.metadata+json",
    "org.cnai.model.file.metadata+json",
];

/// How the media types of an Ollama model's blobs begin.
const OLLAMA: &str = "application/vnd.ollama.image.";

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
    /// What an Ollama model was made from, as its member `from` says: a model's name or a path of
    /// whoever built it. Of no meaning to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The name that Ollama gives a blob by its member `name`: of a tensor, or of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Platform, where the blob is a manifest in an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations, sorted by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// The path of the file that the blob is, by the first of [`FILE_NAMES`] there is; for a blob
    /// of an Ollama model, failing that, by its [`Descriptor::name`].
    ///
    /// # Errors
    /// When the name is no clean relative path: it comes from strangers.
    pub fn file_path(&self) -> Option<Result<EntryPath, ArtifactError>> {
        let annotated = FILE_NAMES.iter().find_map(|key| self.annotations.get(*key));
        let is_ollama = self.media_type.as_str().starts_with(OLLAMA);
        let name = annotated.or_else(|| self.name.as_ref().filter(|_| is_ollama))?;
        Some(EntryPath::from_untrusted(name.as_bytes()))
    }

    /// What an annotation of ModelPack says of the file that the blob is, by the first of
    /// [`FILE_METADATA`] there is.
    ///
    /// # Errors
    /// When that is longer than [`crate::limits::MAX_FILE_METADATA`] or not what ModelPack says it is.
    pub fn file_metadata(&self) -> Option<Result<FileMetadata, ArtifactError>> {
        let keys = FILE_METADATA.into_iter();
        let (key, text) = keys
            .filter_map(|key| Some((key, self.annotations.get(key)?)))
            .next()?;
        Some(
            FileMetadata::parse(text).map_err(|source| ArtifactError::FileMetadata { key, source }),
        )
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
            from: None,
            name: None,
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

/// Members of a descriptor that the image specification does not know. What is no text is somebody
/// else's member of that name.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Extra {
    #[serde(default)]
    from: Loose,
    #[serde(default)]
    name: Loose,
}

/// Text, or anything else.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Loose {
    Text(String),
    Other(IgnoredAny),
}

impl Default for Loose {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

impl Loose {
    fn into_text(self, member: &str) -> Result<Option<String>, DocumentError> {
        match self {
            Self::Text(text) if text.len() > MAX_DESCRIPTOR_TEXT => {
                Err(DocumentError::Rule(format!(
                    "member {member:?} of a descriptor has {} bytes, more than {MAX_DESCRIPTOR_TEXT}",
                    text.len()
                )))
            }
            Self::Text(text) => Ok(Some(text)),
            Self::Other(_) => Ok(None),
        }
    }
}

impl Extra {
    /// Adds what was found to the descriptor that it was found in.
    pub(crate) fn apply(self, to: &mut Descriptor) -> Result<(), DocumentError> {
        to.from = self.from.into_text("from")?;
        to.name = self.name.into_text("name")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
