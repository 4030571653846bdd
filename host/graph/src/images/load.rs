//! Reading an image or artifact: documents verified, every layer's stream known.

use lazaret_artifact::{
    ContentDigest, Descriptor, ImageConfig, Manifest, Platform, Tag, VerityDigest,
};
use lazaret_store::Repository;

use super::choose::choose;
use super::resolve::resolve;
use super::tags::tags_of;
use crate::error::GraphError;
use crate::name::Name;
use crate::names::{Stream, layer_key};
use crate::stored::{self, Refs};
use crate::unpacked::{Unpacked, unpacked};

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
    /// The index that the name stands for, if the image was chosen from one.
    pub index: Option<ContentDigest>,
    /// Tags of what the name stands for, the manifest or the index, sorted.
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
    /// For a compressed blob of an artifact what it holds, if that is stored.
    pub unpacked: Option<Unpacked>,
}

/// Reads an image or artifact. Where the name stands for an index, it is what that has stored for
/// this machine's platform; an image that is the only one stored is taken whatever it is for.
///
/// # Errors
/// Not found, which includes an index without such an image; damage.
pub fn load(repository: &Repository, name: &Name) -> Result<Image, GraphError> {
    load_platform(repository, name, None)
}

/// [`load`] of the image for one platform. Where the name stands for a single image or artifact,
/// its config may not be for another.
///
/// # Errors
/// As [`load`].
pub fn load_platform(
    repository: &Repository,
    name: &Name,
    platform: Option<&Platform>,
) -> Result<Image, GraphError> {
    let root = resolve(repository, name)?;
    let mut image = match root {
        Stream::Index(digest) => {
            let chosen = choose(repository, &digest, platform)?;
            let mut image = load_manifest(repository, &chosen)?;
            image.index = Some(digest);
            image
        }
        root => {
            let image = load_manifest(repository, root.digest())?;
            if let Some(wanted) = platform
                && let Some(config) = &image.config
                && !config.platform.satisfies(wanted)
            {
                return Err(GraphError::NoPlatform {
                    digest: *root.digest(),
                    wanted: wanted.clone(),
                    stored: vec![config.platform.to_string()],
                });
            }
            image
        }
    };
    image.tags = tags_of(repository, root)?;
    Ok(image)
}

/// [`load`] by the manifest's own digest, without asking which tags there are.
///
/// # Errors
/// Not found; damage.
pub fn load_manifest(repository: &Repository, digest: &ContentDigest) -> Result<Image, GraphError> {
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
            unpacked: match config {
                Some(_) => None,
                None => unpacked(repository, &digest)?,
            },
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
        index: None,
        tags: Vec::new(),
    })
}
