//! What a registry holds, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};

/// `sha256:…` of `data`.
#[must_use]
pub fn digest(data: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(data)))
}

/// Whether `digest`, sha256 or sha512, is that of `data`.
#[must_use]
pub fn is_digest_of(digest: &str, data: &[u8]) -> bool {
    match digest.split_once(':') {
        Some(("sha256", wanted)) => wanted == hex(&Sha256::digest(data)),
        Some(("sha512", wanted)) => wanted == hex(&Sha512::digest(data)),
        _ => false,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All repositories, and uploads under way.
#[derive(Debug, Default)]
pub struct Contents {
    /// By name.
    pub repositories: BTreeMap<String, Repository>,
    /// Bytes that have come, by a number of its own and the repository's name.
    pub uploads: BTreeMap<(String, u64), Vec<u8>>,
    /// Uploads begun so far.
    pub begun: u64,
}

/// One repository.
#[derive(Debug, Default, Clone)]
pub struct Repository {
    /// By digest.
    pub blobs: BTreeMap<String, Arc<Vec<u8>>>,
    /// By digest.
    pub manifests: BTreeMap<String, Manifest>,
    /// Digests by tag.
    pub tags: BTreeMap<String, String>,
}

/// A manifest or index.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// As it was said when it came.
    pub media_type: String,
    /// As they came.
    pub bytes: Arc<Vec<u8>>,
}

impl Repository {
    /// The digest that a tag or digest stands for, if there is such a manifest.
    #[must_use]
    pub fn resolve<'a>(&'a self, reference: &'a str) -> Option<&'a str> {
        let digest = self.tags.get(reference).map_or(reference, |tag| tag);
        self.manifests.contains_key(digest).then_some(digest)
    }

    /// What a document names that is not here.
    #[must_use]
    pub fn missing(&self, document: &Value) -> Vec<String> {
        let digest = |value: &Value| value["digest"].as_str().unwrap_or_default().to_owned();
        let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
        let mut blobs: Vec<String> = list("layers").iter().map(digest).collect();
        if document["config"].is_object() {
            blobs.push(digest(&document["config"]));
        }
        blobs.retain(|blob| !self.blobs.contains_key(blob));
        let mut manifests: Vec<String> = list("manifests").iter().map(digest).collect();
        manifests.retain(|manifest| !self.manifests.contains_key(manifest));
        blobs.extend(manifests);
        blobs
    }

    /// Descriptors of what has this subject, in the order of their digests.
    #[must_use]
    pub fn referrers(&self, subject: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for (digest, manifest) in &self.manifests {
            let document: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
            if document["subject"]["digest"] != subject {
                continue;
            }
            let kind = match &document["artifactType"] {
                Value::Null => document["config"]["mediaType"].clone(),
                kind => kind.clone(),
            };
            let mut descriptor = serde_json::json!({
                "mediaType": manifest.media_type,
                "digest": digest,
                "size": manifest.bytes.len(),
            });
            if !kind.is_null() {
                descriptor["artifactType"] = kind;
            }
            if document["annotations"].is_object() {
                descriptor["annotations"] = document["annotations"].clone();
            }
            found.push(descriptor);
        }
        found
    }
}
