//! Documents and blobs as they came from outside, by digest, and what a layout holds of them.

use std::collections::BTreeMap;
use std::path::Path;

use lazaret_artifact::ContentDigest;
use lazaret_artifact::media_type::{OCI_INDEX, OCI_MANIFEST};
use serde_json::{Value, json};

/// All bytes there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) bytes: BTreeMap<ContentDigest, Vec<u8>>,
}

impl Shelf {
    /// Puts bytes on the shelf and describes them.
    pub(crate) fn add(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = ContentDigest::sha256(bytes);
        self.bytes.insert(digest, bytes.to_vec());
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Whatever is needed for `root`, which is on the shelf.
    pub(crate) fn below(&self, root: &ContentDigest) -> BTreeMap<ContentDigest, Vec<u8>> {
        let mut found = BTreeMap::new();
        self.collect(root, &mut found);
        found
    }

    fn collect(&self, digest: &ContentDigest, found: &mut BTreeMap<ContentDigest, Vec<u8>>) {
        let bytes = &self.bytes[digest];
        found.insert(*digest, bytes.clone());
        let document: Value = serde_json::from_slice(bytes).unwrap_or_default();
        for descriptor in list(&document, "manifests") {
            self.collect(&digest_of(descriptor), found);
        }
        let config = document.get("layers").map(|_| &document["config"]);
        for descriptor in list(&document, "layers").iter().chain(config) {
            let digest = digest_of(descriptor);
            found.insert(digest, self.bytes[&digest].clone());
        }
    }
}

fn list<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

pub(crate) fn digest_of(descriptor: &Value) -> ContentDigest {
    descriptor["digest"].as_str().unwrap().parse().unwrap()
}

/// Every blob of a layout, each what its name says.
pub(crate) fn blobs(layout: &Path) -> BTreeMap<ContentDigest, Vec<u8>> {
    let mut found = BTreeMap::new();
    for algorithm in ["sha256", "sha512"] {
        let Ok(entries) = std::fs::read_dir(layout.join("blobs").join(algorithm)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.unwrap();
            let name = format!("{algorithm}:{}", entry.file_name().to_str().unwrap());
            let digest: ContentDigest = name.parse().unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            assert_eq!(digest.of_same_kind(&bytes), digest);
            found.insert(digest, bytes);
        }
    }
    found
}

/// What a layout's `index.json` names: names, empty for none, and digests, sorted.
pub(crate) fn named(layout: &Path) -> Vec<(String, ContentDigest)> {
    let index = std::fs::read(layout.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let mut found: Vec<(String, ContentDigest)> = list(&index, "manifests")
        .iter()
        .map(|entry| {
            let kind = entry["mediaType"].as_str().unwrap();
            assert!(
                [OCI_MANIFEST, OCI_INDEX].contains(&kind) || kind.contains("docker"),
                "{kind}"
            );
            let name = &entry["annotations"]["org.opencontainers.image.ref.name"];
            (
                name.as_str().unwrap_or_default().to_owned(),
                digest_of(entry),
            )
        })
        .collect();
    found.sort();
    found
}
