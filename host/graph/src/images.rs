//! Images and artifacts that are there: loading one, listing them, naming and unnaming them.

use std::collections::BTreeMap;

use lazaret_artifact::{
    ContentDigest, Descriptor, ImageConfig, Manifest, Platform, Tag, VerityDigest,
};
use lazaret_store::Repository;
use serde::Serialize;

use crate::error::GraphError;
use crate::listing;
use crate::lock::NamesLock;
use crate::name::Name;
use crate::names::{self, Stream, layer_key};
use crate::stored::{self, Refs};

/// An image or artifact, read and verified.
#[derive(Debug, Clone)]
pub struct Image {
    /// The manifest; its digest is the image's.
    pub manifest: Manifest,
    /// The manifest's exact bytes.
    pub manifest_bytes: Vec<u8>,
    /// The config's exact bytes.
    pub config_bytes: Vec<u8>,
    /// Parsed from them; none for an artifact.
    pub config: Option<ImageConfig>,
    /// The layers, bottom first, or the artifact's blobs.
    pub layers: Vec<Layer>,
    /// The stream that holds the manifest.
    pub manifest_stream: VerityDigest,
    /// The stream that holds the config.
    pub config_stream: VerityDigest,
    /// What else the config's stream refers to, such as EROFS images that `cfsctl` made.
    pub other_refs: Refs,
    /// Tags that name it, sorted.
    pub tags: Vec<Tag>,
}

/// A layer or blob of a loaded image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// As the manifest describes the blob that travelled.
    pub descriptor: Descriptor,
    /// The diff_id, or the blob's digest: what its stream and its record go by.
    pub key: ContentDigest,
    /// The stream that rebuilds it.
    pub stream: VerityDigest,
}

/// What a tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A container image.
    Image,
    /// Anything else that has a manifest.
    Artifact,
    /// A choice of images.
    Index,
}

/// A line of [`list`].
#[derive(Debug)]
pub struct ImageRow {
    /// The tag, or the file name under `streams/refs/oci` where that is no tag.
    pub tag: String,
    /// What it points to, where its target's name says.
    pub digest: Option<ContentDigest>,
    /// What is known of it, or why nothing is.
    pub details: Result<Details, GraphError>,
}

/// What a list says of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Image, artifact or index.
    pub kind: Kind,
    /// The type of an artifact: its manifest's, else its config's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What the image is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// When it was made, RFC 3339, as the config has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Bytes of manifest, config and rebuilt layers together. A layer that occurs twice counts
    /// twice; what images share is not taken off.
    pub size: u64,
    /// Number of layers, or of an index's manifests.
    pub layers: usize,
}

/// The stream a name stands for.
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
            for stream in [Stream::Manifest(*digest), Stream::Index(*digest)] {
                if repository.resolve_stream(&stream.name())?.is_some() {
                    return Ok(stream);
                }
            }
            Err(GraphError::NoSuchImage { digest: *digest })
        }
    }
}

/// Reads an image or artifact: documents verified against their digests, every layer's stream
/// known.
///
/// # Errors
/// Not found; an index; damage.
pub fn load(repository: &Repository, name: &Name) -> Result<Image, GraphError> {
    let stream = resolve(repository, name)?;
    let Stream::Manifest(digest) = stream else {
        return Err(GraphError::IsIndex {
            digest: *stream.digest(),
        });
    };
    let mut image = load_digest(repository, &digest)?;
    image.tags = tags_of(repository, stream)?;
    Ok(image)
}

/// [`load`] by digest alone, without asking which tags there are.
pub(crate) fn load_digest(
    repository: &Repository,
    digest: &ContentDigest,
) -> Result<Image, GraphError> {
    let stream = Stream::Manifest(*digest);
    let manifest_stored = stored::read_linked(repository, stream)?
        .ok_or(GraphError::NoSuchImage { digest: *digest })?;
    let manifest = stored::parse_manifest(digest, &manifest_stored.bytes)?;
    let (config_stored, config) =
        stored::read_config(repository, &manifest, &manifest_stored.refs)?;
    let keys = stored::layer_digests(&manifest, config.as_ref());
    let mut other_refs = config_stored.refs.clone();
    let mut layers = Vec::with_capacity(keys.len());
    for (descriptor, digest) in manifest.layers.iter().zip(keys) {
        let key = layer_key(&digest);
        other_refs.remove(&key);
        let found = manifest_stored
            .refs
            .get(&key)
            .or_else(|| config_stored.refs.get(&key));
        let Some(found) = found else {
            return Err(GraphError::Incomplete {
                stream,
                what: format!("reference {key}"),
            });
        };
        layers.push(Layer {
            descriptor: descriptor.clone(),
            key: digest,
            stream: *found,
        });
    }
    if config.is_none() {
        // `cfsctl` leaves layers of artifacts in the configs they share.
        other_refs.retain(|key, _| key.parse::<ContentDigest>().is_err());
    }
    Ok(Image {
        manifest,
        manifest_bytes: manifest_stored.bytes,
        config_bytes: config_stored.bytes,
        config,
        layers,
        manifest_stream: manifest_stored.stream,
        config_stream: config_stored.stream,
        other_refs,
        tags: Vec::new(),
    })
}

/// Every tag, sorted, with what it names. What cannot be read is listed with the reason.
///
/// # Errors
/// When the tags themselves cannot be listed.
pub fn list(repository: &Repository) -> Result<Vec<ImageRow>, GraphError> {
    let mut sizes = BTreeMap::new();
    let mut rows: Vec<ImageRow> = listing::references(repository, names::TAGS)?
        .into_iter()
        .map(|(file_name, target)| {
            let target = target.map(|name| Stream::parse(name.as_str()));
            ImageRow {
                digest: target
                    .as_ref()
                    .ok()
                    .and_then(|t| t.as_ref())
                    .map(|t| *t.digest()),
                details: target.and_then(|target| match target {
                    Some(Stream::Manifest(digest)) => describe(repository, &digest, &mut sizes),
                    Some(Stream::Index(digest)) => describe_index(repository, &digest),
                    _ => Err(GraphError::NotAnImage),
                }),
                tag: match Tag::from_file_name(&file_name) {
                    Ok(tag) => tag.to_string(),
                    Err(_) => file_name,
                },
            }
        })
        .collect();
    rows.sort_by(|a, b| a.tag.cmp(&b.tag));
    Ok(rows)
}

fn describe(
    repository: &Repository,
    digest: &ContentDigest,
    sizes: &mut BTreeMap<VerityDigest, u64>,
) -> Result<Details, GraphError> {
    let image = load_digest(repository, digest)?;
    let mut size = (image.manifest_bytes.len() + image.config_bytes.len()) as u64;
    for layer in &image.layers {
        let layer_size = match sizes.get(&layer.stream) {
            Some(size) => *size,
            None => {
                let found = repository.open_stream(&layer.stream, None)?.total_size();
                sizes.insert(layer.stream, found);
                found
            }
        };
        size = size.saturating_add(layer_size);
    }
    let artifact_type = match image.config {
        Some(_) => None,
        None => {
            let declared = image.manifest.artifact_type.as_ref();
            Some(
                declared
                    .unwrap_or(&image.manifest.config.media_type)
                    .to_string(),
            )
        }
    };
    let (platform, created) = match image.config {
        Some(config) => (Some(config.platform), config.created),
        None => (None, None),
    };
    Ok(Details {
        kind: if artifact_type.is_some() {
            Kind::Artifact
        } else {
            Kind::Image
        },
        artifact_type,
        platform,
        created,
        size,
        layers: image.layers.len(),
    })
}

fn describe_index(repository: &Repository, digest: &ContentDigest) -> Result<Details, GraphError> {
    let stored = stored::read_linked(repository, Stream::Index(*digest))?
        .ok_or(GraphError::NoSuchImage { digest: *digest })?;
    let index = stored::parse_index(digest, &stored.bytes)?;
    Ok(Details {
        kind: Kind::Index,
        artifact_type: index.artifact_type.map(|kind| kind.to_string()),
        platform: None,
        created: None,
        size: stored.bytes.len() as u64,
        layers: index.manifests.len(),
    })
}

/// The tags that name a manifest or index, sorted.
///
/// # Errors
/// When the tags cannot be listed.
pub fn tags_of(repository: &Repository, stream: Stream) -> Result<Vec<Tag>, GraphError> {
    let name = stream.name();
    let mut tags: Vec<Tag> = listing::references(repository, names::TAGS)?
        .into_iter()
        .filter(|(_, target)| target.as_ref().is_ok_and(|target| *target == name))
        .filter_map(|(file_name, _)| Tag::from_file_name(&file_name).ok())
        .collect();
    tags.sort();
    Ok(tags)
}

/// Gives what `name` names another tag; a tag that is there moves.
///
/// # Errors
/// Not found.
pub fn tag(repository: &Repository, name: &Name, new: &Tag) -> Result<(), GraphError> {
    let _lock = NamesLock::acquire(repository)?;
    let stream = resolve(repository, name)?;
    let mut transaction = repository.transaction();
    transaction.link_ref(names::TAGS, &new.to_file_name(), stream.name());
    Ok(transaction.commit()?)
}

/// Takes a tag away. What it named stays until it is collected.
///
/// # Errors
/// Not found.
pub fn untag(repository: &Repository, tag: &Tag) -> Result<(), GraphError> {
    let _lock = NamesLock::acquire(repository)?;
    if repository.remove_ref(names::TAGS, &tag.to_file_name())? {
        Ok(())
    } else {
        Err(GraphError::NoSuchTag { tag: tag.clone() })
    }
}
