//! One thing wrong anywhere in a graph: the error names it, and nothing of the graph has a name.

use std::fs;

use lazaret_graph::names::Stream;
use lazaret_intake::{PullOptions, UnpackLimits};
use lazaret_layouts::Compression;
use serde_json::{Value, json};

use crate::berth::{Berth, all, parse};
use crate::layout::{Layout, MANIFEST, OTHER, OWN, archive, digest_of};

/// An index of two images of a layer each.
fn shop(berth: &Berth) -> (Layout, [Value; 2]) {
    let mut layout = Layout::new(berth.path("layout"));
    let images = [(OWN, 1), (OTHER, 2)].map(|(architecture, seed)| {
        layout.image(architecture, &[(&archive(seed), Compression::Gzip)])
    });
    let root = layout.index(&images);
    layout.enter(Some("shop"), &root);
    (layout, images)
}

/// The only layer of an image.
fn layer(layout: &Layout, image: &Value) -> String {
    let manifest = fs::read(layout.blob_path(digest_of(image))).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    digest_of(&manifest["layers"][0]).to_owned()
}

#[test]
fn a_layer_of_one_image_keeps_all_images_out() {
    type Spoil = fn(&std::path::Path);
    let cases: [(&str, Spoil); 3] = [
        ("missing", |path| fs::remove_file(path).expect("a blob")),
        ("blob size mismatch", |path| {
            let bytes = fs::read(path).expect("a blob");
            fs::write(path, &bytes[1..]).expect("a blob");
        }),
        ("blob digest mismatch", |path| {
            let mut bytes = fs::read(path).expect("a blob");
            bytes[100] ^= 1;
            fs::write(path, bytes).expect("a blob");
        }),
    ];
    for (says, spoil) in cases {
        for number in 0..2 {
            let berth = Berth::new();
            let (layout, images) = shop(&berth);
            let layer = layer(&layout, &images[number]);
            spoil(&layout.blob_path(&layer));
            let error = berth.refuse(&layout, "", &all(), &[says, &layer]);
            assert!(error.is_input_fault(), "{says}");
            assert!(berth.names().is_empty(), "{says}: {:?}", berth.names());
        }
    }
}

#[test]
fn a_layer_that_is_elsewhere_is_not_fetched_from_there() {
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let mut layer = layout.blob(foreign, b"somewhere else");
    layer["urls"] = json!([
        "https://registry.example/\u{1b}[2J",
        "https://other.example/"
    ]);
    let digest = digest_of(&layer).to_owned();
    let artifact = layout.artifact("application/x", &[layer], None);
    layout.enter(Some("foreign"), &artifact);
    // It is what the source has that counts.
    berth.take(&layout, "", &PullOptions::default());
    let berth = Berth::new();
    fs::remove_file(layout.blob_path(&digest)).expect("a blob");
    let parts = [
        &*digest,
        "it says \"https://registry.example/\\u{1b}[2J\", which is not followed",
    ];
    let error = berth.refuse(&layout, "", &PullOptions::default(), &parts);
    assert!(error.is_input_fault() && error.is_not_found());
    assert!(berth.names().is_empty());
}

#[test]
fn two_images_that_differ_on_the_size_of_a_blob_are_refused() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let honest = layout.blob("application/x-file", b"five!");
    let mut lying = honest.clone();
    lying["size"] = json!(6);
    let entries =
        [honest.clone(), lying].map(|blob| layout.artifact("application/x", &[blob], None));
    let root = layout.index(&entries);
    layout.enter(Some("shop"), &root);
    let parts = [
        digest_of(&honest),
        "one document says it has 5 bytes, another 6",
    ];
    let error = berth.refuse(&layout, "", &all(), &parts);
    assert!(error.is_input_fault());
    assert!(berth.names().is_empty());
}

#[test]
fn all_blobs_together_have_a_limit() {
    let berth = Berth::new();
    let (layout, _) = shop(&berth);
    // Each layer is about 1.6 MB.
    let limited = |total| PullOptions {
        limits: UnpackLimits {
            total,
            ..UnpackLimits::default()
        },
        ..all()
    };
    let parts = ["all blobs together are more than 2000000 bytes"];
    let error = berth.refuse(&layout, "", &limited(2_000_000), &parts);
    assert!(error.is_input_fault());
    assert!(berth.names().is_empty());
    berth.take(&layout, "", &limited(4_000_000));
    // What is there takes nothing.
    berth.take(&layout, "", &limited(0));
}

#[test]
fn an_entry_that_is_no_manifest_is_left_alone() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let image = layout.image(OWN, &[(&archive(1), Compression::Gzip)]);
    let odd = layout.blob("application/x-odd", b"what is this?");
    let root = layout.index(&[odd.clone(), image.clone()]);
    layout.enter(Some("odd"), &root);
    let pulled = berth.take(&layout, "", &all());
    assert_eq!(pulled.manifests.len(), 1);
    assert!(!berth.has(Stream::Layer(parse(digest_of(&odd)))));
    berth.assert_sound();
}

#[test]
fn malformed_documents_are_faults_of_the_input() {
    let cases: [fn(&Layout) -> Value; 3] = [
        |layout| layout.blob(MANIFEST, b"{}"),
        |layout| layout.document(&json!({"schemaVersion": 1, "mediaType": MANIFEST})),
        |layout| {
            let config = layout.blob("application/x", b"");
            let both = json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [],
                "manifests": [],
            });
            layout.document(&both)
        },
    ];
    for make in cases {
        let berth = Berth::new();
        let mut layout = Layout::new(berth.path("layout"));
        let image = layout.image(OWN, &[(&archive(1), Compression::Gzip)]);
        let bad = make(&layout);
        let root = layout.index(&[image, bad.clone()]);
        layout.enter(Some("bad"), &root);
        let error = berth.refuse(&layout, "", &all(), &[digest_of(&bad)]);
        assert!(error.is_input_fault(), "{error}");
        assert!(berth.names().is_empty());
    }
}
