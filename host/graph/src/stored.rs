//! Documents as they are kept: streams of exactly one object, the document's bytes, with named
//! refs to other streams. What is read here has been compared with the digest in its name.

use std::collections::BTreeMap;

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::{ArtifactError, ContentDigest, ImageConfig, Index, Manifest, VerityDigest};
use lazaret_store::{ContentType, Repository};

use crate::error::GraphError;
use crate::names::{Stream, config_key};

/// Named refs of a stream: key, and the object of the stream it refers to.
pub type Refs = BTreeMap<String, VerityDigest>;

/// A stored document's bytes, verified, and what its stream refers to.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The stream.
    pub stream: VerityDigest,
    /// The stream's named refs.
    pub refs: Refs,
    /// The document.
    pub bytes: Vec<u8>,
}

/// Reads the document `name` stands for from the stream `stream`.
///
/// # Errors
/// Damage: not one object, too large, or not the bytes the name promises.
pub(crate) fn read_from(
    repository: &Repository,
    name: Stream,
    stream: VerityDigest,
) -> Result<Stored, GraphError> {
    let (object, refs) = repository.single_object(&stream, content_type(name))?;
    let bytes = repository.read_object(&object, MAX_DOCUMENT_SIZE)?;
    let found = name.digest().of_same_kind(&bytes);
    if found != *name.digest() {
        return Err(GraphError::Mismatch {
            stream: name,
            what: "content digest",
            expected: name.digest().to_string().into(),
            found: found.to_string().into(),
        });
    }
    Ok(Stored {
        stream,
        refs,
        bytes,
    })
}

/// Reads the document that is linked as `name`; `None` when there is none.
///
/// # Errors
/// Those of [`read_from`].
pub(crate) fn read_linked(
    repository: &Repository,
    name: Stream,
) -> Result<Option<Stored>, GraphError> {
    match repository.resolve_stream(&name.name())? {
        Some(stream) => read_from(repository, name, stream).map(Some),
        None => Ok(None),
    }
}

/// Parses a stored manifest, whose digest is the one that it is stored under.
///
/// # Errors
/// Damage: it does not parse.
pub(crate) fn parse_manifest(digest: &ContentDigest, bytes: &[u8]) -> Result<Manifest, GraphError> {
    let mut manifest = Manifest::parse(bytes, None).map_err(unusable(Stream::Manifest(*digest)))?;
    manifest.digest = *digest;
    Ok(manifest)
}

/// Parses a stored index, whose digest is the one that it is stored under.
///
/// # Errors
/// Damage: it does not parse.
pub(crate) fn parse_index(digest: &ContentDigest, bytes: &[u8]) -> Result<Index, GraphError> {
    let mut index = Index::parse(bytes, None).map_err(unusable(Stream::Index(*digest)))?;
    index.digest = *digest;
    Ok(index)
}

/// Parses the stored config of an image.
///
/// # Errors
/// Damage: it does not parse.
pub(crate) fn parse_config(
    digest: &ContentDigest,
    bytes: &[u8],
) -> Result<ImageConfig, GraphError> {
    ImageConfig::parse(bytes).map_err(unusable(Stream::Config(*digest)))
}

/// Reads and parses the config of a stored manifest.
///
/// # Errors
/// Damage: the manifest's stream does not refer to it, it is not what the manifest says, or an
/// image's config does not parse or names another number of layers.
pub(crate) fn read_config(
    repository: &Repository,
    manifest: &Manifest,
    refs: &Refs,
) -> Result<(Stored, Option<ImageConfig>), GraphError> {
    let key = config_key(&manifest.config.digest);
    let Some(stream) = refs.get(&key) else {
        return Err(GraphError::Incomplete {
            stream: Stream::Manifest(manifest.digest),
            what: format!("reference {key}"),
        });
    };
    let name = Stream::Config(manifest.config.digest);
    let stored = read_from(repository, name, *stream)?;
    if !manifest.is_image() {
        return Ok((stored, None));
    }
    let image = parse_config(&manifest.config.digest, &stored.bytes)?;
    if image.diff_ids.len() != manifest.layers.len() {
        return Err(GraphError::Mismatch {
            stream: Stream::Manifest(manifest.digest),
            what: "number of layers",
            expected: image.diff_ids.len().to_string().into(),
            found: manifest.layers.len().to_string().into(),
        });
    }
    Ok((stored, Some(image)))
}

/// The keys of a manifest's layers, in order: diff_ids of an image, digests of an artifact.
#[must_use]
pub(crate) fn layer_digests(
    manifest: &Manifest,
    image: Option<&ImageConfig>,
) -> Vec<ContentDigest> {
    match image {
        Some(image) => image.diff_ids.clone(),
        None => manifest.layers.iter().map(|layer| layer.digest).collect(),
    }
}

pub(crate) const fn content_type(name: Stream) -> ContentType {
    match name {
        Stream::Manifest(_) => ContentType::MANIFEST,
        Stream::Index(_) => ContentType::INDEX,
        Stream::Config(_) => ContentType::CONFIG,
        Stream::Layer(_) => ContentType::LAYER,
        Stream::Blob(_) => ContentType::BLOB,
        Stream::Record(_) => ContentType::RECORD,
    }
}

fn unusable(stream: Stream) -> impl FnOnce(ArtifactError) -> GraphError {
    move |source| GraphError::Stored {
        stream,
        source: Box::new(source),
    }
}

/// Writes a document's stream: one object, these refs.
///
/// # Errors
/// The store's.
pub(crate) fn write(
    repository: &Repository,
    name: Stream,
    bytes: &[u8],
    refs: &Refs,
) -> Result<VerityDigest, GraphError> {
    let object = repository.put(bytes)?;
    write_refs(repository, name, &object.digest, bytes.len() as u64, refs)
}

/// Writes a document's stream around an object that is stored already.
///
/// # Errors
/// The store's.
pub(crate) fn write_refs(
    repository: &Repository,
    name: Stream,
    object: &VerityDigest,
    size: u64,
    refs: &Refs,
) -> Result<VerityDigest, GraphError> {
    let mut writer = repository.stream_writer(content_type(name))?;
    for (key, stream) in refs {
        writer.add_stream_ref(key, stream)?;
    }
    writer.object(object, size)?;
    Ok(writer.finish()?.digest)
}
