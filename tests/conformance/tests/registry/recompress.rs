//! Layers whose compressed bytes were not kept: the push says so, and compresses anew when told to.

use lazaret_registry::{Behaviour, Registry};
use serde_json::Value;

use crate::berth::Berth;
use crate::shelf::assert_sound;
use crate::stock::Stock;

#[test]
fn a_push_without_the_bytes_says_what_to_do_and_sends_nothing() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    berth.run(["pull", &stock.source("image")]).expect(0);
    let to = format!("docker://{}/a:1", registry.host());
    let ran = berth.run(["push", "image", &to]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    ran.says(&["hint:", "--keep-compressed", "--recompress"]);
    assert_eq!(registry.count("PUT", "*"), 0);
    assert_eq!(registry.count("POST", "*"), 0);
    // A layer that travels uncompressed, and an artifact's, are there as they came.
    berth.run(["pull", &stock.source("artifact")]).expect(0);
    berth
        .run([
            "push",
            "artifact",
            &format!("docker://{}/b:1", registry.host()),
        ])
        .expect(0);
    assert_eq!(
        registry.repository("b").tags["1"],
        stock.digests["artifact"]
    );
}

#[test]
fn recompressed_it_has_another_digest_and_the_same_content() {
    for (how, media_type) in [
        ("gzip", "application/vnd.oci.image.layer.v1.tar+gzip"),
        ("zstd", "application/vnd.oci.image.layer.v1.tar+zstd"),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        let berth = Berth::new();
        let stock = Stock::new(&berth);
        berth.run(["pull", &stock.source("image")]).expect(0);
        let to = format!("docker://{}/a:1", registry.host());
        let ran = berth
            .run(["push", "--recompress", how, "image", &to])
            .expect(0);
        let held = registry.repository("a");
        let digest = &held.tags["1"];
        assert_ne!(*digest, stock.digests["image"]);
        assert!(
            ran.text().contains(digest) || ran.stderr.contains(digest),
            "{how}: the new digest is not said: {} {}",
            ran.text(),
            ran.stderr
        );
        let manifest: Value = serde_json::from_slice(&held.manifests[digest].bytes).unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        assert!(layers.iter().any(|layer| layer["mediaType"] == media_type));
        // Back it comes with the same diff_ids, so all its layers are the same.
        let other = Berth::new();
        other.run(["pull", "--tag", "image", &to]).expect(0);
        let config = |berth: &Berth| berth.run(["inspect", "image", "--config"]).expect(0).json();
        assert_eq!(config(&other)["rootfs"], config(&berth)["rootfs"]);
        assert_sound(&other);
    }
}
