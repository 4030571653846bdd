//! Many images that share layers, indexes that share images, artifacts that share a config.

use lazaret_layouts::{Compression, digest};
use serde_json::{Value, json};

use crate::berth::Berth;
use crate::goods;
use crate::image::{ARCHITECTURE, FOREIGN, Image, Layer, OCI_MANIFEST};
use crate::layout::{Layout, on};
use crate::tools::{succeed, tool};

/// Layers of a few files, each in one of the ways layers travel.
pub fn layers(count: u64) -> Vec<Layer> {
    let ways = [Compression::Gzip, Compression::Zstd, Compression::None];
    (0..count)
        .map(|seed| Layer::new(&goods::made_up(seed + 1, 8), ways[seed as usize % 3]))
        .collect()
}

/// An artifact with the empty config and a blob; with a subject, a referrer.
pub fn artifact(layout: &Layout, data: &[u8], subject: Option<&Value>) -> Value {
    layout.blob(b"{}");
    layout.blob(data);
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.example.thing",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": digest(b"{}"),
            "size": 2,
        },
        "layers": [{
            "mediaType": "application/vnd.example.part",
            "digest": digest(data),
            "size": data.len(),
        }],
    });
    if let Some(subject) = subject {
        let bare = ["mediaType", "digest", "size"].map(|name| (name, subject[name].clone()));
        manifest["subject"] = bare
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
    }
    let manifest = serde_json::to_vec(&manifest).unwrap();
    json!({
        "mediaType": OCI_MANIFEST,
        "digest": layout.blob(&manifest),
        "size": manifest.len(),
    })
}

/// An index of an image for this machine and one for another.
pub fn index(layout: &Layout, own: &[Layer], foreign: &[Layer]) -> Value {
    let own = layout.store(&Image::new(own.to_vec()));
    let foreign = layout.store(&Image::for_platform(foreign.to_vec(), FOREIGN));
    layout.store_index(&[on(own, ARCHITECTURE), on(foreign, FOREIGN)])
}

/// Asserts that nothing is damaged and every blob that is kept rebuilds, and that there is nothing to
/// warn of about anything that has a tag. What a kill leaves without one may well go; so may what a
/// pull that was killed between two links brought along for an image or index that had one before.
#[track_caller]
pub fn assert_tagged_whole(berth: &Berth) {
    let document = berth.run(["fsck", "--deep", "--json"]).expect(0).json();
    assert_eq!(document["damaged"], false);
    for finding in document["findings"].as_array().unwrap() {
        let mut affected = finding["affected"].as_array().unwrap().iter();
        let untagged = affected.all(|name| name.as_str().unwrap().starts_with('@'));
        let text = finding["text"].as_str().unwrap();
        let begun = text.contains(" has no name under streams/refs/lazaret");
        assert!(
            finding["severity"] == "information" || untagged || begun,
            "{finding}"
        );
    }
}

/// The same, and that `cfsctl`, where there is one, thinks so of what it knows.
#[track_caller]
pub fn assert_undamaged(berth: &Berth) {
    assert_tagged_whole(berth);
    for check in [&["fsck"][..], &["oci", "fsck"]] {
        let Some(mut cfsctl) = tool("cfsctl") else {
            return;
        };
        cfsctl.arg("--repo").arg(berth.repository()).args(check);
        let said = succeed(&mut cfsctl);
        assert!(said.text().contains("status: ok"), "{}", said.text());
    }
}
