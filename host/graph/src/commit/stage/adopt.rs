//! Indexes that were here before what they list.
//!
//! An index refers to those of its entries that are stored. What comes later and alone becomes its
//! own all the same: it is found through the index from then on, and has to live with it.

use std::collections::BTreeSet;

use lazaret_artifact::{ContentDigest, Index};
use lazaret_store::Repository;

use super::documents::Documents;
use super::{Commit, child_of};
use crate::error::GraphError;
use crate::listing;
use crate::names::{Stream, child_key};
use crate::stored::{self, Refs};

/// Has every linked index refer to the commit's manifests and indexes that it lists and that were
/// not here before. Returns these indexes.
pub(super) fn adopt(
    repository: &Repository,
    documents: &mut Documents<'_>,
    commit: &Commit<'_>,
) -> Result<Vec<Index>, GraphError> {
    let mut new: BTreeSet<ContentDigest> = BTreeSet::new();
    let manifests = commit.manifests.iter().map(|m| m.manifest.digest);
    let manifests = manifests.map(Stream::Manifest);
    let indexes = commit.indexes.iter().map(|i| Stream::Index(i.index.digest));
    let own: BTreeSet<Stream> = manifests.chain(indexes).collect();
    for name in &own {
        if repository.resolve_stream(&name.name())?.is_none() {
            new.insert(*name.digest());
        }
    }
    let mut adopting = Vec::new();
    if new.is_empty() {
        return Ok(adopting);
    }
    for (name, linked) in listing::streams_of(repository, &|name| matches!(name, Stream::Index(_)))?
    {
        if own.contains(&name) {
            continue;
        }
        let read = stored::read_from(repository, name, linked)
            .and_then(|stored| Ok((stored::parse_index(name.digest(), &stored.bytes)?, stored)));
        let (index, stored) = match read {
            Ok(read) => read,
            Err(error) if error.is_damage() => {
                tracing::warn!(stream = %name, %error, "passing over a damaged index");
                continue;
            }
            Err(error) => return Err(error),
        };
        if !index
            .manifests
            .iter()
            .any(|entry| new.contains(&entry.digest))
        {
            continue;
        }
        let mut refs = Refs::new();
        for child in &index.manifests {
            if let Some((_, stream)) = child_of(documents, &child.digest)? {
                refs.insert(child_key(&child.digest), stream);
            }
        }
        documents.stage_other(name, &stored, refs)?;
        adopting.push(index);
    }
    Ok(adopting)
}
