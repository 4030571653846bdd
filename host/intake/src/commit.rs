//! Giving everything its names, at once, when all of it is there.

use lazaret_artifact::{ContentDigest, Tag};
use lazaret_graph::{
    BlobRef, Commit, ContentRef, IndexCommit, LayerRef, ManifestCommit, RecordRef, ReferrerCommit,
};
use lazaret_store::Repository;

use crate::contents::Content;
use crate::documents::Documents;
use crate::error::IntakeError;
use crate::fetch::Fetched;
use crate::plan::Wanted;
use crate::referrers::PulledReferrer;

/// What a pull brought in, verified.
pub(crate) struct Verified<'a> {
    pub(crate) documents: &'a Documents,
    pub(crate) contents: &'a [Content],
    pub(crate) wanted: &'a [Wanted],
    pub(crate) fetched: &'a [Fetched],
    pub(crate) referrers: &'a [PulledReferrer],
    pub(crate) tags: &'a [(Tag, ContentDigest)],
}

impl Verified<'_> {
    /// Links all of it, names last. Returns the tags that named something else before, and what.
    pub(crate) fn commit(
        &self,
        repository: &Repository,
    ) -> Result<Vec<(Tag, ContentDigest)>, IntakeError> {
        let manifests: Vec<ManifestCommit<'_>> = self
            .documents
            .manifests
            .iter()
            .map(|document| ManifestCommit {
                manifest: &document.manifest,
                manifest_bytes: &document.bytes,
                config_bytes: &document.config,
            })
            .collect();
        let indexes: Vec<IndexCommit<'_>> = self
            .documents
            .indexes
            .iter()
            .map(|document| IndexCommit {
                index: &document.index,
                bytes: &document.bytes,
            })
            .collect();
        let layers: Vec<LayerRef> = self
            .contents
            .iter()
            .map(|content| LayerRef {
                key: content.key,
                stream: content.stream,
            })
            .collect();
        let records: Vec<RecordRef> = self
            .contents
            .iter()
            .map(|content| RecordRef {
                content: content.key,
                stream: content.record,
            })
            .collect();
        let referrers: Vec<ReferrerCommit> = self
            .referrers
            .iter()
            .map(|referrer| ReferrerCommit {
                subject: referrer.subject,
                referrer: referrer.digest,
                relation: referrer.relation,
            })
            .collect();
        // Documents are small: one that is there is read, and replaced when it is damaged.
        let committed = Commit {
            manifests: &manifests,
            indexes: &indexes,
            layers: &layers,
            records: &records,
            blobs: &self.blobs(),
            contents: &self.insides(),
            referrers: &referrers,
            tags: self.tags,
        }
        .run(&repository.with_verified_objects())?;
        Ok(committed.moved)
    }

    /// What blobs decompress to.
    fn insides(&self) -> Vec<ContentRef> {
        let pairs = self.wanted.iter().zip(self.fetched);
        pairs
            .filter_map(|(wanted, fetched)| {
                let (content, _) = fetched.inside.as_ref()?;
                Some(ContentRef {
                    blob: wanted.descriptor.digest,
                    content: *content,
                })
            })
            .collect()
    }

    /// Compressed bytes, each digest once.
    fn blobs(&self) -> Vec<BlobRef> {
        let mut blobs: Vec<BlobRef> = Vec::new();
        for (wanted, fetched) in self.wanted.iter().zip(self.fetched) {
            let digest = wanted.descriptor.digest;
            if let Some(kept) = fetched.kept
                && !blobs.iter().any(|blob| blob.digest == digest)
            {
                blobs.push(BlobRef {
                    digest,
                    stream: kept.stream,
                });
            }
        }
        blobs
    }
}
