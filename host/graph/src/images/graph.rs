//! All that is stored of an image, artifact or index, from the top down: what an import anew of
//! what is here starts from.

use std::collections::BTreeSet;

use lazaret_artifact::{ContentDigest, ImageConfig, Index, Manifest};
use lazaret_store::Repository;

use super::load::{Layer, load_manifest};
use super::resolve::{find, resolve};
use crate::error::GraphError;
use crate::name::Name;
use crate::names::Stream;
use crate::stored;

/// What a name stands for, with everything below it that is stored. What refers to it is not part
/// of it.
#[derive(Debug, Clone)]
pub struct StoredGraph {
    /// The manifest or index that the name stands for.
    pub root: ContentDigest,
    /// Which of the two it is.
    pub root_is_index: bool,
    /// Indexes with their exact bytes, each once, in the order in which they are listed.
    pub indexes: Vec<(Index, Vec<u8>)>,
    /// Manifests, each once, in the order in which they are listed.
    pub manifests: Vec<StoredManifest>,
}

/// A stored manifest and its config.
#[derive(Debug, Clone)]
pub struct StoredManifest {
    /// The manifest.
    pub manifest: Manifest,
    /// Its exact bytes.
    pub manifest_bytes: Vec<u8>,
    /// The config's exact bytes.
    pub config_bytes: Vec<u8>,
    /// Parsed from them; none for an artifact.
    pub config: Option<ImageConfig>,
    /// The layers, bottom first, or the artifact's blobs.
    pub layers: Vec<Layer>,
}

/// Reads what a name stands for and all of it that is stored: of an index, what it lists and is
/// there, also through indexes that it lists.
///
/// # Errors
/// Not found; damage.
pub fn load_graph(repository: &Repository, name: &Name) -> Result<StoredGraph, GraphError> {
    let root = resolve(repository, name)?;
    let mut graph = StoredGraph {
        root: *root.digest(),
        root_is_index: matches!(root, Stream::Index(_)),
        indexes: Vec::new(),
        manifests: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    // Not the call stack, whose depth others would decide.
    let mut waiting = vec![root];
    while let Some(found) = waiting.pop() {
        if !seen.insert(found) {
            continue;
        }
        let digest = found.digest();
        if !matches!(found, Stream::Index(_)) {
            graph.manifests.push(manifest(repository, digest)?);
            continue;
        }
        let stored = stored::read_linked(repository, found)?
            .ok_or(GraphError::NoSuchImage { digest: *digest })?;
        let index = stored::parse_index(digest, &stored.bytes)?;
        for child in index.manifests.iter().rev() {
            waiting.extend(find(repository, &child.digest)?);
        }
        graph.indexes.push((index, stored.bytes));
    }
    Ok(graph)
}

fn manifest(repository: &Repository, digest: &ContentDigest) -> Result<StoredManifest, GraphError> {
    let image = load_manifest(repository, digest)?;
    Ok(StoredManifest {
        manifest: image.manifest,
        manifest_bytes: image.manifest_bytes,
        config_bytes: image.config_bytes,
        config: image.config,
        layers: image.layers,
    })
}
