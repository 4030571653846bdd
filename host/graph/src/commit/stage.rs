//! Which streams a commit has to write, its own and those of others that refer to what changes.
//!
//! Level by level, as things refer to each other: layers, configs, manifests, indexes. On every
//! level the commit's own documents come first, then all others that are linked, if anything
//! below them changed its stream.

mod adopt;
mod documents;

use std::collections::{BTreeMap, BTreeSet};

use lazaret_artifact::referrer::attested_in;
use lazaret_artifact::{ContentDigest, Index, Relation, VerityDigest};
use lazaret_store::Repository;

use super::check::Checked;
use super::plan::Plan;
use super::{Commit, Committed, IndexCommit, ReferrerCommit};
use crate::error::GraphError;
use crate::names::{
    self, OwnRef, Stream, child_key, config_key, is_known_image, layer_key, parse_child_key,
};
use crate::stored::Refs;

pub(super) use documents::Documents;

/// A commit with its streams written, ready to be linked.
pub(super) struct Staged {
    pub(super) plan: Plan,
    pub(super) committed: Committed,
}

/// Writes the streams.
pub(super) fn stage(
    repository: &Repository,
    commit: &Commit<'_>,
    checked: &[Checked<'_>],
) -> Result<Staged, GraphError> {
    let mut documents = Documents::new(repository);
    for (key, stream) in checked.iter().flat_map(|manifest| &manifest.layers) {
        documents.link(Stream::Layer(*key), *stream)?;
    }
    // Those of manifests are linked; what they hold comes with them.
    let given: BTreeMap<_, _> = commit.layers.iter().map(|l| (l.key, l.stream)).collect();
    for content in commit.contents.iter().map(|content| content.content) {
        documents.link(Stream::Layer(content), given[&content])?;
    }
    for blob in commit.blobs {
        documents.link(Stream::Blob(blob.digest), blob.stream)?;
    }
    for record in commit.records {
        documents.link(Stream::Record(record.content), record.stream)?;
    }
    stage_configs(&mut documents, checked)?;
    stage_manifests(&mut documents, checked)?;
    stage_indexes(&mut documents, commit.indexes)?;
    let adopting = adopt::adopt(repository, &mut documents, commit)?;
    documents.rewrite_others(|name| matches!(name, Stream::Index(_)))?;

    let refs = refs(&mut documents, commit, &adopting)?;
    let mut own: Vec<Stream> = Vec::new();
    own.extend(checked.iter().map(|m| config_name(m)));
    own.extend(checked.iter().map(|m| manifest_name(m)));
    own.extend(commit.indexes.iter().map(|i| Stream::Index(i.index.digest)));
    let mut streams = Vec::with_capacity(own.len());
    for name in own {
        if let Some(stream) = documents.current(name)?
            && !streams.contains(&(name, stream))
        {
            streams.push((name, stream));
        }
    }
    let (mut plan, rewritten) = documents.into_plan();
    plan.refs = refs;
    Ok(Staged {
        plan,
        committed: Committed {
            streams,
            rewritten,
            moved: Vec::new(),
        },
    })
}

fn config_name(manifest: &Checked<'_>) -> Stream {
    Stream::Config(manifest.commit.manifest.config.digest)
}

fn manifest_name(manifest: &Checked<'_>) -> Stream {
    Stream::Manifest(manifest.commit.manifest.digest)
}

fn stage_configs(documents: &mut Documents<'_>, checked: &[Checked<'_>]) -> Result<(), GraphError> {
    // One config may be that of several manifests.
    let mut needed: BTreeMap<Stream, (&[u8], Refs)> = BTreeMap::new();
    for manifest in checked {
        let bytes = manifest.commit.config_bytes;
        let (_, refs) = needed
            .entry(config_name(manifest))
            .or_insert_with(|| (bytes, Refs::new()));
        // Many artifacts share one config, often `{}`; no artifact's layers belong there.
        if manifest.image.is_some() {
            refs.extend(layer_refs(&manifest.layers));
        }
    }
    for (name, (bytes, refs)) in needed {
        documents.stage(name, bytes, refs)?;
    }
    documents.rewrite_others(|name| matches!(name, Stream::Config(_)))
}

fn stage_manifests(
    documents: &mut Documents<'_>,
    checked: &[Checked<'_>],
) -> Result<(), GraphError> {
    for checked in checked {
        let manifest = checked.commit.manifest;
        let mut refs = layer_refs(&checked.layers);
        let config = documents.require(config_name(checked))?;
        refs.insert(config_key(&manifest.config.digest), config);
        if let Some(image) = &checked.image
            && !is_known_image(manifest)
        {
            for (blob, diff_id) in manifest.layers.iter().zip(&image.diff_ids) {
                refs.insert(layer_key(&blob.digest), checked.layers[diff_id]);
            }
        }
        documents.stage(manifest_name(checked), checked.commit.manifest_bytes, refs)?;
    }
    documents.rewrite_others(|name| matches!(name, Stream::Manifest(_)))
}

fn stage_indexes(
    documents: &mut Documents<'_>,
    indexes: &[IndexCommit<'_>],
) -> Result<(), GraphError> {
    let mut waiting: Vec<&IndexCommit<'_>> = indexes.iter().collect();
    while !waiting.is_empty() {
        // Those that list none of the others that still wait.
        let names: BTreeSet<ContentDigest> = waiting.iter().map(|i| i.index.digest).collect();
        let (later, now): (Vec<_>, Vec<_>) = waiting.iter().partition(|index| {
            let mut children = index.index.manifests.iter();
            children.any(|child| names.contains(&child.digest))
        });
        // Digests cannot go round in a circle; if they did, this would go round for ever.
        let now = if now.is_empty() { waiting } else { now };
        waiting = later;
        waiting.retain(|index| !now.iter().any(|done| std::ptr::eq(*done, *index)));
        for index in now {
            let mut refs = Refs::new();
            for child in &index.index.manifests {
                if let Some((_, stream)) = child_of(documents, &child.digest)? {
                    refs.insert(child_key(&child.digest), stream);
                }
            }
            let name = Stream::Index(index.index.digest);
            documents.stage_without(name, index.bytes, refs, |key| {
                parse_child_key(key).is_some()
            })?;
        }
    }
    Ok(())
}

/// The manifest or index of that digest, if it is or will be there.
fn child_of(
    documents: &mut Documents<'_>,
    digest: &ContentDigest,
) -> Result<Option<(Stream, VerityDigest)>, GraphError> {
    for name in [Stream::Manifest(*digest), Stream::Index(*digest)] {
        if let Some(stream) = documents.current(name)? {
            return Ok(Some((name, stream)));
        }
    }
    Ok(None)
}

fn require_child(
    documents: &mut Documents<'_>,
    digest: &ContentDigest,
) -> Result<Stream, GraphError> {
    match child_of(documents, digest)? {
        Some((name, _)) => Ok(name),
        None => Err(GraphError::NoSuchImage { digest: *digest }),
    }
}

fn refs(
    documents: &mut Documents<'_>,
    commit: &Commit<'_>,
    adopting: &[Index],
) -> Result<Vec<(String, String, Stream)>, GraphError> {
    let mut refs = Vec::new();
    let mut own = |own: OwnRef, stream| {
        refs.push((names::LAZARET.to_owned(), own.to_string(), stream));
    };
    for record in commit.records {
        own(
            OwnRef::Record(record.content),
            Stream::Record(record.content),
        );
    }
    for blob in commit.blobs {
        own(OwnRef::Blob(blob.digest), Stream::Blob(blob.digest));
    }
    for content in commit.contents {
        own(
            OwnRef::Content(content.blob),
            Stream::Layer(content.content),
        );
    }
    // A pull or collection that died may have left a kept blob without its reference. It belongs to
    // whatever manifest names it, so it is needed again.
    let layers = commit.manifests.iter().flat_map(|m| &m.manifest.layers);
    for digest in layers.map(|layer| layer.digest) {
        if documents.current(Stream::Blob(digest))?.is_some() {
            own(OwnRef::Blob(digest), Stream::Blob(digest));
        }
    }
    for referrer in referrers(documents, commit, adopting)? {
        let stream = require_child(documents, &referrer.referrer)?;
        if let Relation::Cosign(kind) = referrer.relation {
            let name = OwnRef::Cosign(kind, referrer.subject).to_string();
            refs.push((names::LAZARET.to_owned(), name, stream));
        }
        let namespace = names::referrers_of(&referrer.subject);
        refs.push((namespace, referrer.referrer.to_string(), stream));
    }
    for (tag, digest) in commit.tags {
        let stream = require_child(documents, digest)?;
        refs.push((names::TAGS.to_owned(), tag.to_file_name(), stream));
    }
    Ok(refs)
}

/// Those that were given, and those that the documents themselves tell of, or indexes that were here
/// before them.
fn referrers(
    documents: &mut Documents<'_>,
    commit: &Commit<'_>,
    adopting: &[Index],
) -> Result<BTreeSet<ReferrerCommit>, GraphError> {
    let mut found: BTreeSet<ReferrerCommit> = commit.referrers.iter().copied().collect();
    let manifests = commit.manifests.iter().map(|m| m.manifest);
    let manifests = manifests.map(|m| (m.digest, m.subject.as_ref()));
    let indexes = commit.indexes.iter().map(|i| i.index);
    let indexes = indexes.map(|i| (i.digest, i.subject.as_ref()));
    for (referrer, subject) in manifests.chain(indexes) {
        if let Some(subject) = subject {
            found.insert(ReferrerCommit {
                subject: subject.digest,
                referrer,
                relation: Relation::Subject,
            });
        }
    }
    let indexes = commit.indexes.iter().map(|index| index.index);
    for index in indexes.chain(adopting) {
        for entry in &index.manifests {
            let Some(subject) = attested_in(index, entry) else {
                continue;
            };
            if subject != entry.digest
                && child_of(documents, &subject)?.is_some()
                && child_of(documents, &entry.digest)?.is_some()
            {
                found.insert(ReferrerCommit {
                    subject,
                    referrer: entry.digest,
                    relation: Relation::Attestation,
                });
            }
        }
    }
    Ok(found)
}

fn layer_refs(layers: &BTreeMap<ContentDigest, VerityDigest>) -> Refs {
    layers
        .iter()
        .map(|(key, stream)| (layer_key(key), *stream))
        .collect()
}
