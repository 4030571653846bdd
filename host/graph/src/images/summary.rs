//! What a list says of one manifest, with as little reading as that takes.
//!
//! Documents are found through links and streams that nobody compares with their digests, and then
//! compared with their own: the manifest with the digest in its name, the config with the one in
//! the manifest. Sizes of layers are as their streams announce them; to verify those would mean to
//! read every stream of every image. Where anything is amiss on this way, the image is loaded as
//! for use, which says what.

use std::collections::HashMap;
use std::sync::RwLock;

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::{ContentDigest, ImageConfig, Platform};
use lazaret_store::Repository;

use super::Kind;
use super::load::load_manifest;
use crate::error::GraphError;
use crate::names::Stream;
use crate::stored;

/// What is known of a manifest.
#[derive(Debug, Clone)]
pub(super) struct Summary {
    pub(super) kind: Kind,
    pub(super) artifact_type: Option<String>,
    pub(super) platform: Option<Platform>,
    pub(super) created: Option<String>,
    /// Bytes of manifest and config.
    pub(super) documents: u64,
    /// The layers, by diff_id or digest, with their sizes; one that occurs twice is there twice.
    pub(super) layers: Vec<(ContentDigest, u64)>,
}

/// Reads manifests for a list; remembers what several of them have in common.
pub(super) struct Summaries<'a> {
    repository: &'a Repository,
    sizes: RwLock<HashMap<ContentDigest, u64>>,
}

impl<'a> Summaries<'a> {
    pub(super) fn new(repository: &'a Repository) -> Self {
        Self {
            repository,
            sizes: RwLock::default(),
        }
    }

    /// What a list says of the manifest of that digest.
    pub(super) fn read(&self, digest: &ContentDigest) -> Result<Summary, GraphError> {
        match self.glance(digest) {
            Ok(Some(summary)) => Ok(summary),
            Ok(None) => self.load(digest),
            Err(error) => {
                tracing::debug!(%digest, %error, "reading it closely");
                self.load(digest)
            }
        }
    }

    fn glance(&self, digest: &ContentDigest) -> Result<Option<Summary>, GraphError> {
        let Some(bytes) = self.document(Stream::Manifest(*digest))? else {
            return Ok(None);
        };
        let manifest = stored::parse_manifest(digest, &bytes)?;
        let config = manifest.config.digest;
        let Some(config_bytes) = self.document(Stream::Config(config))? else {
            return Ok(None);
        };
        let image = match manifest.is_image() {
            true => Some(stored::parse_config(&config, &config_bytes)?),
            false => None,
        };
        let keys = stored::layer_digests(&manifest, image.as_ref());
        if keys.len() != manifest.layers.len() {
            return Ok(None);
        }
        let mut layers = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(size) = self.size(&key)? else {
                return Ok(None);
            };
            layers.push((key, size));
        }
        let artifact_type = manifest.artifact_type.as_ref();
        let artifact_type = artifact_type.unwrap_or(&manifest.config.media_type);
        let documents = (bytes.len() + config_bytes.len()) as u64;
        Ok(Some(summary(
            image,
            artifact_type.to_string(),
            documents,
            layers,
        )))
    }

    /// The same with everything verified, for its error or for a layer whose link is gone.
    fn load(&self, digest: &ContentDigest) -> Result<Summary, GraphError> {
        let image = load_manifest(self.repository, digest)?;
        let mut layers = Vec::with_capacity(image.layers.len());
        for layer in &image.layers {
            let size = self
                .repository
                .open_stream(&layer.stream, None)?
                .total_size();
            layers.push((layer.key, size));
        }
        let artifact_type = image.manifest.artifact_type.as_ref();
        let artifact_type = artifact_type.unwrap_or(&image.manifest.config.media_type);
        let documents = (image.manifest_bytes.len() + image.config_bytes.len()) as u64;
        let artifact_type = artifact_type.to_string();
        Ok(summary(image.config, artifact_type, documents, layers))
    }

    /// A linked document's bytes, if they have the digest of its name.
    fn document(&self, name: Stream) -> Result<Option<Vec<u8>>, GraphError> {
        let Some(stream) = self.repository.resolve_stream(&name.name())? else {
            return Ok(None);
        };
        let read = self
            .repository
            .read_single_unverified(&stream, MAX_DOCUMENT_SIZE);
        let bytes = read?;
        Ok((name.digest().of_same_kind(&bytes) == *name.digest()).then_some(bytes))
    }

    /// Bytes that a layer's stream announces.
    fn size(&self, layer: &ContentDigest) -> Result<Option<u64>, GraphError> {
        let known = self.sizes.read().map(|sizes| sizes.get(layer).copied());
        if let Ok(Some(size)) = known {
            return Ok(Some(size));
        }
        let name = Stream::Layer(*layer).name();
        let Some(stream) = self.repository.resolve_stream(&name)? else {
            return Ok(None);
        };
        let size = self.repository.announced_size_unverified(&stream)?;
        if let Ok(mut sizes) = self.sizes.write() {
            sizes.insert(*layer, size);
        }
        Ok(Some(size))
    }
}

fn summary(
    image: Option<ImageConfig>,
    artifact_type: String,
    documents: u64,
    layers: Vec<(ContentDigest, u64)>,
) -> Summary {
    let (kind, artifact_type, platform, created) = match image {
        Some(image) => (Kind::Image, None, Some(image.platform), image.created),
        None => (Kind::Artifact, Some(artifact_type), None, None),
    };
    Summary {
        kind,
        artifact_type,
        platform,
        created,
        documents,
        layers,
    }
}
