//! Manifests and indexes (image-spec manifest.md, image-index.md; Docker's schema 2 and lists).
//!
//! Parsing is strict where readers could disagree: duplicate JSON names, a `mediaType` that
//! contradicts the descriptor, a document that is both manifest and index
//! (CVE-2021-41190), digests that are no digests.

use std::collections::BTreeMap;

use oci_spec::image as oci;
use serde::Serialize;

use crate::descriptor::{Descriptor, Extra};
use crate::digest::ContentDigest;
use crate::error::{ArtifactError, DocumentError};
use crate::json;
use crate::limits::{MAX_INDEX_ENTRIES, MAX_LAYERS};
use crate::media_type::MediaType;

/// How the types of Ollama's layers begin.
const OLLAMA_LAYER: &str = "application/vnd.ollama.image.";

/// What a reference resolved to.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a handful exist at a time")]
pub enum Document {
    /// One image or artifact.
    Manifest(Manifest),
    /// A choice of them.
    Index(Index),
}

/// A manifest and the digest of its exact bytes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Digest of the bytes it was parsed from.
    #[serde(skip)]
    pub digest: ContentDigest,
    /// As declared by the descriptor or, failing that, the document.
    pub media_type: MediaType,
    /// `artifactType`, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The config.
    pub config: Descriptor,
    /// Layers or blobs, in order.
    pub layers: Vec<Descriptor>,
    /// What this manifest refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations, sorted by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An index and the digest of its exact bytes.
#[derive(Debug, Clone)]
pub struct Index {
    /// Digest of the bytes it was parsed from.
    pub digest: ContentDigest,
    /// As declared.
    pub media_type: MediaType,
    /// `artifactType`, where given.
    pub artifact_type: Option<MediaType>,
    /// The manifests and indexes it names, in order.
    pub manifests: Vec<Descriptor>,
    /// What this index refers to.
    pub subject: Option<Descriptor>,
    /// Annotations, sorted by key.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Parses `bytes` as a manifest. `declared` is the media type of the descriptor or header
    /// that led here, if any.
    ///
    /// # Errors
    /// With the digest of `bytes` and the rule they break.
    pub fn parse(bytes: &[u8], declared: Option<&MediaType>) -> Result<Self, ArtifactError> {
        let digest = ContentDigest::sha256(bytes);
        Self::parse_as(bytes, declared, digest).map_err(|source| ArtifactError::Document {
            what: "manifest",
            digest,
            source,
        })
    }

    fn parse_as(
        bytes: &[u8],
        declared: Option<&MediaType>,
        digest: ContentDigest,
    ) -> Result<Self, DocumentError> {
        let members: Members = json::document_from_slice(bytes)?;
        if members.manifests.is_some() {
            return Err(rule("has both the members of a manifest and of an index"));
        }
        let source: oci::ImageManifest = serde_json::from_slice(bytes)?;
        require_schema_version(source.schema_version())?;
        if source.layers().len() > MAX_LAYERS {
            return Err(rule(format!(
                "{} layers, more than {MAX_LAYERS}",
                source.layers().len()
            )));
        }
        let media_type = reconcile(
            declared,
            members.media_type,
            crate::media_type::OCI_MANIFEST,
        )?;
        if !media_type.is_manifest() {
            return Err(rule(format!("media type {media_type} is not a manifest's")));
        }
        Ok(Self {
            digest,
            media_type,
            artifact_type: optional_type(source.artifact_type())?,
            config: one(source.config(), members.config)?,
            layers: each(source.layers(), members.layers)?,
            subject: optional(source.subject(), members.subject)?,
            annotations: sorted(source.annotations()),
        })
    }

    /// Whether this is a container image: its config says so. Ollama gives its models the config
    /// type of Docker's images, and layers of its own types (ollama `server/manifest.go`).
    #[must_use]
    pub fn is_image(&self) -> bool {
        let is_ollamas = |layer: &Descriptor| layer.media_type.as_str().starts_with(OLLAMA_LAYER);
        self.config.media_type.is_image_config() && !self.layers.iter().any(is_ollamas)
    }
}

impl Index {
    /// Parses `bytes` as an index; see [`Manifest::parse`].
    ///
    /// # Errors
    /// With the digest of `bytes` and the rule they break.
    pub fn parse(bytes: &[u8], declared: Option<&MediaType>) -> Result<Self, ArtifactError> {
        let digest = ContentDigest::sha256(bytes);
        Self::parse_as(bytes, declared, digest).map_err(|source| ArtifactError::Document {
            what: "index",
            digest,
            source,
        })
    }

    fn parse_as(
        bytes: &[u8],
        declared: Option<&MediaType>,
        digest: ContentDigest,
    ) -> Result<Self, DocumentError> {
        let members: Members = json::document_from_slice(bytes)?;
        if members.config.is_some() || members.layers.is_some() {
            return Err(rule("has both the members of a manifest and of an index"));
        }
        let source: oci::ImageIndex = serde_json::from_slice(bytes)?;
        require_schema_version(source.schema_version())?;
        if source.manifests().len() > MAX_INDEX_ENTRIES {
            return Err(rule(format!(
                "{} manifests, more than {MAX_INDEX_ENTRIES}",
                source.manifests().len()
            )));
        }
        let media_type = reconcile(declared, members.media_type, crate::media_type::OCI_INDEX)?;
        if !media_type.is_index() {
            return Err(rule(format!("media type {media_type} is not an index's")));
        }
        Ok(Self {
            digest,
            media_type,
            artifact_type: optional_type(source.artifact_type())?,
            manifests: each(source.manifests(), members.manifests)?,
            subject: optional(source.subject(), members.subject)?,
            annotations: sorted(source.annotations()),
        })
    }
}

impl Document {
    /// Parses `bytes` as whichever of the two `declared` or the document itself says it is.
    ///
    /// # Errors
    /// With the digest of `bytes` and the rule they break.
    pub fn parse(bytes: &[u8], declared: Option<&MediaType>) -> Result<Self, ArtifactError> {
        let as_index = match declared {
            Some(kind) => kind.is_index(),
            None => {
                let members: Members =
                    json::document_from_slice(bytes).map_err(|error| ArtifactError::Document {
                        what: "manifest",
                        digest: ContentDigest::sha256(bytes),
                        source: error.into(),
                    })?;
                match &members.media_type {
                    Some(kind) => kind.is_index(),
                    None => members.manifests.is_some(),
                }
            }
        };
        if as_index {
            Index::parse(bytes, declared).map(Self::Index)
        } else {
            Manifest::parse(bytes, declared).map(Self::Manifest)
        }
    }

    /// Digest of the bytes.
    #[must_use]
    pub const fn digest(&self) -> &ContentDigest {
        match self {
            Self::Manifest(manifest) => &manifest.digest,
            Self::Index(index) => &index.digest,
        }
    }
}

/// The members that tell manifests and indexes apart, and what is in descriptors beyond the image
/// specification.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    media_type: Option<MediaType>,
    config: Option<Extra>,
    layers: Option<Vec<Extra>>,
    manifests: Option<Vec<Extra>>,
    subject: Option<Extra>,
}

fn one(source: &oci::Descriptor, extra: Option<Extra>) -> Result<Descriptor, DocumentError> {
    let mut descriptor = Descriptor::try_from(source)?;
    extra.unwrap_or_default().apply(&mut descriptor)?;
    Ok(descriptor)
}

fn optional(
    source: &Option<oci::Descriptor>,
    extra: Option<Extra>,
) -> Result<Option<Descriptor>, DocumentError> {
    source.as_ref().map(|source| one(source, extra)).transpose()
}

fn each(
    sources: &[oci::Descriptor],
    extras: Option<Vec<Extra>>,
) -> Result<Vec<Descriptor>, DocumentError> {
    // Both were read from the same list.
    let extras = extras.into_iter().flatten().map(Some);
    let extras = extras.chain(std::iter::repeat_with(|| None));
    let pairs = sources.iter().zip(extras);
    pairs.map(|(source, extra)| one(source, extra)).collect()
}

fn rule(text: impl Into<String>) -> DocumentError {
    DocumentError::Rule(text.into())
}

fn require_schema_version(found: u32) -> Result<(), DocumentError> {
    if found == 2 {
        Ok(())
    } else {
        Err(rule(format!("schemaVersion is {found}, not 2")))
    }
}

/// The media type of a document, where the descriptor and the document itself may both say one.
fn reconcile(
    declared: Option<&MediaType>,
    own: Option<MediaType>,
    default: &str,
) -> Result<MediaType, DocumentError> {
    match (declared, own) {
        (Some(declared), Some(own)) if *declared != own => {
            Err(rule(format!("declared as {declared} but says it is {own}")))
        }
        (_, Some(own)) => Ok(own),
        (Some(declared), None) => Ok(declared.clone()),
        (None, None) => Ok(default.parse()?),
    }
}

fn optional_type(source: &Option<oci::MediaType>) -> Result<Option<MediaType>, DocumentError> {
    // `"artifactType": ""` is what podman writes into machine indexes; it says nothing.
    match source.as_ref().map(AsRef::as_ref) {
        None | Some("") => Ok(None),
        Some(text) => Ok(Some(text.parse()?)),
    }
}

fn sorted(source: &Option<std::collections::HashMap<String, String>>) -> BTreeMap<String, String> {
    source
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
