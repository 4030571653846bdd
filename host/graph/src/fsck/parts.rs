//! All that belongs to one image or index, as far as it can be told.

use std::collections::BTreeSet;

use lazaret_artifact::ContentDigest;
use lazaret_store::Repository;

use crate::error::GraphError;
use crate::names::Stream;
use crate::referrers;
use crate::stored;
use crate::unpacked::unpacked;

/// The names of `root` and of everything that it is made of, that it lists, and that refers to it.
/// What is damaged has no parts: the check finds it.
pub(super) fn of(repository: &Repository, root: Stream) -> Result<BTreeSet<Stream>, GraphError> {
    let mut parts = BTreeSet::new();
    let mut waiting = vec![root];
    while let Some(name) = waiting.pop() {
        if !parts.insert(name) {
            continue;
        }
        let below = match &name {
            Stream::Manifest(digest) => of_manifest(repository, digest),
            Stream::Index(digest) => of_index(repository, digest),
            Stream::Layer(content) => of_layer(repository, content),
            Stream::Config(_) | Stream::Blob(_) | Stream::Record(_) => continue,
        };
        match below {
            Ok(below) => waiting.extend(below),
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
        if matches!(name, Stream::Manifest(_) | Stream::Index(_)) {
            waiting.extend(referrers::linked(repository, name.digest())?);
        }
    }
    Ok(parts)
}

fn of_layer(repository: &Repository, content: &ContentDigest) -> Result<Vec<Stream>, GraphError> {
    let unpacked = unpacked(repository, content)?;
    let unpacked = unpacked.map(|unpacked| Stream::Layer(unpacked.content));
    Ok([Stream::Record(*content)]
        .into_iter()
        .chain(unpacked)
        .collect())
}

fn of_manifest(repository: &Repository, digest: &ContentDigest) -> Result<Vec<Stream>, GraphError> {
    let Some(found) = stored::read_linked(repository, Stream::Manifest(*digest))? else {
        return Ok(Vec::new());
    };
    let manifest = stored::parse_manifest(digest, &found.bytes)?;
    let mut parts = vec![Stream::Config(manifest.config.digest)];
    parts.extend(
        manifest
            .layers
            .iter()
            .map(|layer| Stream::Blob(layer.digest)),
    );
    match stored::read_config(repository, &manifest, &found.refs) {
        Ok((_, image)) => {
            let layers = stored::layer_digests(&manifest, image.as_ref());
            parts.extend(layers.into_iter().map(Stream::Layer));
        }
        Err(error) if error.is_damage() => {}
        Err(error) => return Err(error),
    }
    Ok(parts)
}

fn of_index(repository: &Repository, digest: &ContentDigest) -> Result<Vec<Stream>, GraphError> {
    let Some(found) = stored::read_linked(repository, Stream::Index(*digest))? else {
        return Ok(Vec::new());
    };
    let index = stored::parse_index(digest, &found.bytes)?;
    let children = index.manifests.iter();
    Ok(children
        .flat_map(|child| [Stream::Manifest(child.digest), Stream::Index(child.digest)])
        .collect())
}
