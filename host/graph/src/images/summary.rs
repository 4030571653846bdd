//! What a list says of one manifest, with as little reading as that takes.
//!
//! Documents are found through links and streams that nobody compares with their digests, and then
//! compared with their own: the manifest with the digest in its name, the config with the one in
//! the manifest. Sizes of layers are as their streams announce them; to verify those would mean to
//! read every stream of every image. Where anything is amiss on this way, the image is loaded as
//! for use, which says what.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::{ContentDigest, MediaType, Platform};
use lazaret_store::Repository;

use super::Kind;
use super::load::load_manifest;
use crate::error::GraphError;
use crate::names::Stream;

/// What is known of a manifest.
#[derive(Debug, Clone)]
pub(super) struct Summary {
    pub(super) kind: Kind,
    pub(super) artifact_type: Option<String>,
    pub(super) platform: Option<Platform>,
    pub(super) created: Option<String>,
    /// Bytes of manifest and config.
    pub(super) documents: u64,
    /// The layers; one that occurs twice is there twice.
    pub(super) layers: Vec<LayerSize>,
}

/// A layer, known by a number, and how large it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerSize {
    /// Equal for equal layers, counted from zero.
    pub(super) number: usize,
    /// Bytes that it announces to rebuild.
    pub(super) size: u64,
}

/// Reads manifests for a list; remembers what several of them have in common.
pub(super) struct Summaries<'a> {
    repository: &'a Repository,
    sizes: RwLock<HashMap<ContentDigest, LayerSize>>,
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
        let Ok(manifest) = serde_json::from_slice::<glance::Manifest<'_>>(&bytes) else {
            return Ok(None);
        };
        let (Ok(config), Ok(config_type)) = (
            manifest.config.digest.parse(),
            manifest.config.media_type.parse::<MediaType>(),
        ) else {
            return Ok(None);
        };
        let Some(config_bytes) = self.document(Stream::Config(config))? else {
            return Ok(None);
        };
        let is_image = config_type.is_image_config();
        let blobs = manifest.layers.iter().map(|layer| &layer.digest);
        let blobs: Vec<&Cow<'_, str>> = blobs.collect();
        let image = match is_image {
            true => match serde_json::from_slice::<glance::Config<'_>>(&config_bytes) {
                Ok(config) if config.rootfs.diff_ids.len() == blobs.len() => Some(config),
                _ => return Ok(None),
            },
            false => None,
        };
        let keys = match &image {
            Some(image) => image.rootfs.diff_ids.iter().collect(),
            None => blobs,
        };
        let mut layers = Vec::with_capacity(keys.len());
        for key in keys {
            let Ok(key) = key.parse() else {
                return Ok(None);
            };
            let Some(layer) = self.layer(&key)? else {
                return Ok(None);
            };
            layers.push(layer);
        }
        let artifact_type = match manifest.artifact_type {
            _ if is_image => None,
            Some(declared) if !declared.is_empty() => Some(declared.into_owned()),
            _ => Some(config_type.to_string()),
        };
        let (platform, created) = match image {
            Some(image) => (Some(image.platform()), image.created.map(Cow::into_owned)),
            None => (None, None),
        };
        Ok(Some(Summary {
            kind: kind(is_image),
            artifact_type,
            platform,
            created,
            documents: (bytes.len() + config_bytes.len()) as u64,
            layers,
        }))
    }

    /// The same with everything verified, for its error or for a layer whose link is gone.
    fn load(&self, digest: &ContentDigest) -> Result<Summary, GraphError> {
        let image = load_manifest(self.repository, digest)?;
        let mut layers = Vec::with_capacity(image.layers.len());
        for layer in &image.layers {
            let stream = self.repository.open_stream(&layer.stream, None)?;
            layers.push(self.note(layer.key, stream.total_size()));
        }
        let documents = (image.manifest_bytes.len() + image.config_bytes.len()) as u64;
        let declared = image.manifest.artifact_type;
        let artifact_type = declared.unwrap_or(image.manifest.config.media_type);
        let (artifact_type, platform, created) = match image.config {
            Some(config) => (None, Some(config.platform), config.created),
            None => (Some(artifact_type.to_string()), None, None),
        };
        Ok(Summary {
            kind: kind(artifact_type.is_none()),
            artifact_type,
            platform,
            created,
            documents,
            layers,
        })
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

    /// A layer that has a link, as large as its stream announces.
    fn layer(&self, layer: &ContentDigest) -> Result<Option<LayerSize>, GraphError> {
        let known = self.sizes.read().map(|sizes| sizes.get(layer).copied());
        if let Ok(Some(known)) = known {
            return Ok(Some(known));
        }
        let name = Stream::Layer(*layer).name();
        let Some(stream) = self.repository.resolve_stream(&name)? else {
            return Ok(None);
        };
        let size = self.repository.announced_size_unverified(&stream)?;
        Ok(Some(self.note(*layer, size)))
    }

    fn note(&self, layer: ContentDigest, size: u64) -> LayerSize {
        let mut sizes = self.sizes.write().unwrap_or_else(PoisonError::into_inner);
        let number = sizes.len();
        *sizes.entry(layer).or_insert(LayerSize { number, size })
    }
}

const fn kind(is_image: bool) -> Kind {
    match is_image {
        true => Kind::Image,
        false => Kind::Artifact,
    }
}

/// The few members of documents that a list wants. The documents were checked when they were
/// stored, and are those still.
mod glance {
    use std::borrow::Cow;

    use lazaret_artifact::Platform;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct Manifest<'a> {
        #[serde(borrow, default)]
        pub(super) artifact_type: Option<Cow<'a, str>>,
        #[serde(borrow)]
        pub(super) config: Descriptor<'a>,
        #[serde(borrow)]
        pub(super) layers: Vec<Blob<'a>>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct Descriptor<'a> {
        #[serde(borrow)]
        pub(super) media_type: Cow<'a, str>,
        #[serde(borrow)]
        pub(super) digest: Cow<'a, str>,
    }

    #[derive(Deserialize)]
    pub(super) struct Blob<'a> {
        #[serde(borrow)]
        pub(super) digest: Cow<'a, str>,
    }

    #[derive(Deserialize)]
    pub(super) struct Config<'a> {
        #[serde(borrow)]
        os: Cow<'a, str>,
        #[serde(borrow)]
        architecture: Cow<'a, str>,
        #[serde(borrow, default)]
        variant: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        pub(super) created: Option<Cow<'a, str>>,
        #[serde(borrow)]
        pub(super) rootfs: Rootfs<'a>,
    }

    #[derive(Deserialize)]
    pub(super) struct Rootfs<'a> {
        #[serde(borrow)]
        pub(super) diff_ids: Vec<Cow<'a, str>>,
    }

    impl Config<'_> {
        pub(super) fn platform(&self) -> Platform {
            Platform {
                os: self.os.to_string(),
                architecture: self.architecture.to_string(),
                variant: self.variant.as_ref().map(ToString::to_string),
            }
        }
    }
}
