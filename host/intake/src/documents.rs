//! The manifests and indexes of a pull, gathered until all are known.

use std::collections::{BTreeMap, HashSet};

use lazaret_artifact::media_type::{OCI_INDEX, OCI_MANIFEST};
use lazaret_artifact::{ContentDigest, Descriptor};
use lazaret_graph::StoredGraph;
use lazaret_transport::{IndexDocument, ManifestDocument, Resolved};

use crate::error::IntakeError;
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_DOCUMENTS};

/// What was resolved so far, each document once. The root comes first.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// Parents before children.
    pub(crate) indexes: Vec<IndexDocument>,
    pub(crate) manifests: Vec<ManifestDocument>,
    known: HashSet<ContentDigest>,
    bytes: u64,
}

impl Documents {
    /// Takes what is new in `resolved`, and returns the digests of that.
    pub(crate) fn add(&mut self, resolved: Resolved) -> Result<Vec<ContentDigest>, IntakeError> {
        let mut new = Vec::new();
        for index in resolved.indexes {
            if self.is_new(index.index.digest, index.bytes.len())? {
                new.push(index.index.digest);
                self.indexes.push(index);
            }
        }
        for manifest in resolved.manifests {
            let size = manifest.bytes.len() + manifest.config.len();
            if self.is_new(manifest.manifest.digest, size)? {
                new.push(manifest.manifest.digest);
                self.manifests.push(manifest);
            }
        }
        Ok(new)
    }

    /// What is stored, in its own order.
    pub(crate) fn stored(graph: StoredGraph) -> Result<Self, IntakeError> {
        let mut documents = Self::default();
        let named = |media_type: &str, digest, size: usize| Descriptor {
            media_type: media_type.parse().expect("a valid media type"),
            digest,
            size: size as u64,
            artifact_type: None,
            platform: None,
            annotations: BTreeMap::new(),
            from: None,
            name: None,
        };
        documents.add(Resolved {
            root: named(OCI_MANIFEST, graph.root, 0),
            indexes: graph
                .indexes
                .into_iter()
                .map(|(index, bytes)| IndexDocument {
                    descriptor: named(OCI_INDEX, index.digest, bytes.len()),
                    bytes,
                    index,
                })
                .collect(),
            manifests: graph
                .manifests
                .into_iter()
                .map(|stored| ManifestDocument {
                    descriptor: named(
                        OCI_MANIFEST,
                        stored.manifest.digest,
                        stored.manifest_bytes.len(),
                    ),
                    bytes: stored.manifest_bytes,
                    manifest: stored.manifest,
                    config: stored.config_bytes,
                    image: stored.config,
                })
                .collect(),
        })?;
        Ok(documents)
    }

    pub(crate) fn contains(&self, digest: &ContentDigest) -> bool {
        self.known.contains(digest)
    }

    fn is_new(&mut self, digest: ContentDigest, size: usize) -> Result<bool, IntakeError> {
        if !self.known.insert(digest) {
            return Ok(false);
        }
        self.bytes = self.bytes.saturating_add(size as u64);
        if self.known.len() > MAX_DOCUMENTS {
            return Err(IntakeError::Limit {
                what: "manifests and indexes",
                limit: MAX_DOCUMENTS as u64,
            });
        }
        if self.bytes > MAX_DOCUMENT_BYTES {
            return Err(IntakeError::Limit {
                what: "bytes of manifests, indexes and configs",
                limit: MAX_DOCUMENT_BYTES,
            });
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> ContentDigest {
        ContentDigest::sha256(&number.to_le_bytes())
    }

    #[test]
    fn a_document_counts_once() {
        let mut documents = Documents::default();
        assert!(documents.is_new(digest(0), 10).unwrap());
        assert!(!documents.is_new(digest(0), 10).unwrap());
        assert!(documents.contains(&digest(0)));
        assert!(!documents.contains(&digest(1)));
        assert_eq!(documents.bytes, 10);
    }

    #[test]
    fn there_is_a_limit_to_their_number_and_to_their_size() {
        let mut documents = Documents::default();
        for number in 0..MAX_DOCUMENTS {
            assert!(documents.is_new(digest(number), 1).unwrap());
        }
        let error = documents.is_new(digest(MAX_DOCUMENTS), 1).unwrap_err();
        assert_eq!(error.to_string(), "more than 16384 manifests and indexes");
        assert!(error.is_input_fault());

        let mut documents = Documents::default();
        let half = usize::try_from(MAX_DOCUMENT_BYTES / 2).unwrap();
        assert!(documents.is_new(digest(0), half).unwrap());
        assert!(documents.is_new(digest(1), half).unwrap());
        let error = documents.is_new(digest(2), 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "more than 268435456 bytes of manifests, indexes and configs"
        );
    }
}
