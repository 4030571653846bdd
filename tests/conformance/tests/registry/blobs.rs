//! All that belongs to a document of a layout: itself, what it names, and what that names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lazaret_layouts::digest;
use serde_json::Value;

use crate::stock::{digest_of, is_index};

/// Every blob that `root` leads to, by digest; each is there and has the digest it is named by.
#[track_caller]
pub fn closure(layout: &Path, root: &str) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let entries = read(layout, "index.json");
    let entries: Value = serde_json::from_slice(&entries).unwrap();
    let listed = entries["manifests"].as_array().unwrap();
    let root = listed.iter().find(|entry| entry["digest"] == root);
    follow(layout, root.unwrap(), &mut found);
    found
}

#[track_caller]
fn follow(layout: &Path, descriptor: &Value, found: &mut BTreeMap<String, Vec<u8>>) {
    let name = digest_of(descriptor);
    let bytes = read(layout, &format!("blobs/{}", name.replace(':', "/")));
    assert_eq!(digest(&bytes), name);
    assert_eq!(bytes.len() as u64, descriptor["size"]);
    let media_type = descriptor["mediaType"].as_str().unwrap();
    if is_index(media_type) || media_type.contains("manifest") {
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        for list in ["manifests", "layers"] {
            for child in document[list].as_array().into_iter().flatten() {
                follow(layout, child, found);
            }
        }
        if document["config"].is_object() {
            follow(layout, &document["config"], found);
        }
    }
    found.insert(name, bytes);
}

#[track_caller]
fn read(layout: &Path, name: &str) -> Vec<u8> {
    let path = layout.join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Asserts that the same document leads to the same blobs in both.
#[track_caller]
pub fn assert_same(ours: &Path, theirs: &Path, root: &str) {
    let (ours, theirs) = (closure(ours, root), closure(theirs, root));
    let names = |blobs: &BTreeMap<String, Vec<u8>>| blobs.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    assert!(ours == theirs, "the same names and other bytes");
}
