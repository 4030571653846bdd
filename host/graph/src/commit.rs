//! Giving what was imported its names: the last step, in which images become visible.
//!
//! All layers, blobs and records are in the store already. The streams of configs, manifests and
//! indexes are staged, then everything is linked, what is referred to before what refers to it,
//! tags last. A stream that is there and says what is needed is used as it is; one that has to be
//! written anew keeps the named refs that other tools put there. Where a layer, config, manifest or
//! index gets another stream than it had, everything that refers to it is rewritten too, up to the
//! indexes: `cfsctl gc` follows only refs to streams that are linked, and would delete what the
//! others need. While that goes on, the old streams have second names ([`names::previous`]), so
//! that at no moment anything is lost to it; a commit that died is finished by the next one.

mod check;
mod interrupted;
mod plan;
mod stage;
#[cfg(test)]
mod tests;

use lazaret_artifact::{ContentDigest, Index, Manifest, Relation, Tag, VerityDigest};
use lazaret_store::Repository;

use crate::error::GraphError;
use crate::lock::NamesLock;
use crate::names;
use crate::names::Stream;

pub use interrupted::finish_interrupted;

/// A layer's stream, stored and verified, not necessarily linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerRef {
    /// The diff_id, or the digest of an artifact's blob.
    pub key: ContentDigest,
    /// The stream that rebuilds it.
    pub stream: VerityDigest,
}

/// An import record, stored, not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef {
    /// What it is a record of.
    pub content: ContentDigest,
    /// The record's own stream.
    pub stream: VerityDigest,
}

/// A compressed layer as it travelled, stored, not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRef {
    /// Digest of the blob, as its manifest has it.
    pub digest: ContentDigest,
    /// A stream of content type [`lazaret_store::ContentType::BLOB`] that is exactly its bytes.
    pub stream: VerityDigest,
}

/// What a compressed blob of an artifact holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentRef {
    /// Digest of the blob, as its manifest has it.
    pub blob: ContentDigest,
    /// Digest of the decompressed content, whose stream is a layer like any other.
    pub content: ContentDigest,
}

/// A manifest to be stored.
#[derive(Debug, Clone, Copy)]
pub struct ManifestCommit<'a> {
    /// The manifest. Its digest is what it is stored under.
    pub manifest: &'a Manifest,
    /// Its exact bytes.
    pub manifest_bytes: &'a [u8],
    /// The config's exact bytes.
    pub config_bytes: &'a [u8],
}

/// An index to be stored.
#[derive(Debug, Clone, Copy)]
pub struct IndexCommit<'a> {
    /// The index. Its digest is what it is stored under.
    pub index: &'a Index,
    /// Its exact bytes.
    pub bytes: &'a [u8],
}

/// That one manifest or index refers to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReferrerCommit {
    /// What is referred to; it need not be there.
    pub subject: ContentDigest,
    /// What refers to it: part of the same commit, or there.
    pub referrer: ContentDigest,
    /// How.
    pub relation: Relation,
}

/// Images, artifacts and indexes to be named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Commit<'a> {
    /// Manifests, each with its config.
    pub manifests: &'a [ManifestCommit<'a>],
    /// Indexes. Of what they list, what is among `manifests` and `indexes` or was there before
    /// becomes theirs.
    pub indexes: &'a [IndexCommit<'a>],
    /// A stream for every layer of every manifest and for each of the `contents`, in any order; one is
    /// enough for layers that are equal.
    pub layers: &'a [LayerRef],
    /// Records that this import made.
    pub records: &'a [RecordRef],
    /// Compressed layers to keep.
    pub blobs: &'a [BlobRef],
    /// What compressed blobs among the layers of artifacts hold. Both have to be among `layers`.
    pub contents: &'a [ContentRef],
    /// Who refers to whom, beyond what the documents here say: subjects, and BuildKit's
    /// attestations in indexes, are noted without being given.
    pub referrers: &'a [ReferrerCommit],
    /// Tags, each for a manifest or index that is part of this commit or there. A tag that is there
    /// moves.
    pub tags: &'a [(Tag, ContentDigest)],
}

/// What a commit linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The configs, manifests and indexes of the commit, in that order, with their streams.
    pub streams: Vec<(Stream, VerityDigest)>,
    /// Streams of other images that were rewritten because they share something with these and its
    /// stream changed.
    pub rewritten: Vec<Stream>,
    /// Tags that named something else until now, and what.
    pub moved: Vec<(Tag, ContentDigest)>,
}

impl Committed {
    /// The stream that one of the commit's documents has now.
    #[must_use]
    pub fn stream(&self, name: Stream) -> Option<VerityDigest> {
        let found = self.streams.iter().find(|(own, _)| *own == name);
        found.map(|(_, stream)| *stream)
    }
}

impl Commit<'_> {
    /// Stages the documents and links everything.
    ///
    /// # Errors
    /// Input faults when documents and layers contradict each other, not found for a tag or
    /// referrer of what is not there; nothing is linked then. The store's.
    pub fn run(&self, repository: &Repository) -> Result<Committed, GraphError> {
        let checked = check::check(self)?;
        self.require_objects(repository)?;
        let _lock = NamesLock::acquire(repository)?;
        interrupted::finish(repository)?;
        let mut staged = stage::stage(repository, self, &checked)?;
        staged.committed.moved = self.moved(repository)?;
        staged.plan.carry_out(repository)?;
        tracing::debug!(
            manifests = self.manifests.len(),
            indexes = self.indexes.len(),
            rewritten = staged.committed.rewritten.len(),
            "committed"
        );
        Ok(staged.committed)
    }

    /// Which tags will name something else than they do.
    fn moved(&self, repository: &Repository) -> Result<Vec<(Tag, ContentDigest)>, GraphError> {
        let mut moved = Vec::new();
        for (tag, digest) in self.tags {
            let target = match repository.resolve_ref(names::TAGS, &tag.to_file_name()) {
                Ok(target) => target,
                // It leads nowhere that anybody could want back.
                Err(error) if error.is_input_fault() => None,
                Err(error) => return Err(error.into()),
            };
            let named = target.and_then(|target| Stream::parse(target.as_str()));
            if let Some(named) = named.filter(|named| named.digest() != digest) {
                moved.push((tag.clone(), *named.digest()));
            }
        }
        Ok(moved)
    }

    /// A name must not lead nowhere, and whoever is told so wants to know which.
    fn require_objects(&self, repository: &Repository) -> Result<(), GraphError> {
        let layers = self.layers.iter().map(|l| (Stream::Layer(l.key), l.stream));
        let blobs = self
            .blobs
            .iter()
            .map(|b| (Stream::Blob(b.digest), b.stream));
        let records = self.records.iter();
        let records = records.map(|r| (Stream::Record(r.content), r.stream));
        for (stream, object) in layers.chain(blobs).chain(records) {
            if repository.has_object(&object)?.is_none() {
                return Err(GraphError::NoObject {
                    stream,
                    object: object.to_string(),
                });
            }
        }
        Ok(())
    }
}
