//! Artifacts of every kind, kept whole and given back bit for bit.

use std::fs;

use lazaret_artifact::record::{Role, Verdict};
use lazaret_graph::names::Stream;
use lazaret_intake::PullOptions;
use lazaret_layouts::Compression;
use serde_json::{Value, json};

use crate::berth::{Berth, parse};
use crate::layout::{DOCKER_MANIFEST, EMPTY, Layout, MANIFEST, OWN, archive, digest_of};

/// A manifest as a value, to be stored after the blobs it names.
type Make = fn(&Layout) -> Value;

#[test]
fn every_kind_is_kept_and_rebuilt() {
    let cases: [(&str, Make); 11] = [
        ("empty config and artifactType", |layout| {
            let file = layout.blob("application/x-data", b"hello");
            layout.artifact("application/x", &[file], None)
        }),
        ("no layers", |layout| {
            layout.artifact("application/x", &[], None)
        }),
        // ORAS, and cosign where there is nothing to attach.
        ("the empty blob as the only layer", |layout| {
            let empty = layout.blob(EMPTY, b"{}");
            layout.artifact("application/x", &[empty], None)
        }),
        ("config of its own kind", |layout| {
            let config = layout.blob("application/vnd.cncf.helm.config.v1+json", b"{\"a\":1}");
            let chart = layout.blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"??");
            layout.document(&json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [chart],
            }))
        }),
        ("config that is no JSON", |layout| {
            let config = layout.blob("application/wasm", b"\0asm\x01\0\0\0");
            layout.document(&json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [],
            }))
        }),
        ("config without any bytes", |layout| {
            let config = layout.blob("application/x-nothing", b"");
            layout.document(&json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [],
            }))
        }),
        ("config that is a layer too", |layout| {
            let both = layout.blob("application/x-both", b"the same bytes");
            layout.document(&json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": both, "layers": [both],
            }))
        }),
        ("blobs of no bytes, and one twice", |layout| {
            let none = layout.blob("application/x-none", b"");
            let one = layout.blob("application/x-one", &[7; 4096]);
            layout.artifact("application/x", &[none, one.clone(), one], None)
        }),
        ("the same bytes under two types", |layout| {
            let one = layout.blob("application/x-one", b"bytes");
            let other = layout.blob("application/x-other", b"bytes");
            layout.artifact("application/x", &[one, other], None)
        }),
        ("layers of an image without an image's config", |layout| {
            let packed = Compression::Gzip.apply(&archive(1)).expect("compressed");
            let layer = layout.blob(Compression::Gzip.media_type(), &packed);
            layout.artifact("application/x", &[layer], None)
        }),
        ("Docker's manifest", |layout| {
            let config = layout.blob("application/vnd.docker.plugin.v1+json", b"{}");
            let layer = layout.blob("application/x-plugin", &archive(1));
            layout.document(&json!({
                "schemaVersion": 2,
                "mediaType": DOCKER_MANIFEST,
                "config": config,
                "layers": [layer],
            }))
        }),
    ];
    // All in one repository: none disturbs another.
    let shared = Berth::new();
    for (number, (what, make)) in cases.into_iter().enumerate() {
        for berth in [&Berth::new(), &shared] {
            let mut layout = Layout::new(berth.path(&format!("layout{number}")));
            let root = make(&layout);
            layout.enter(Some(&format!("artifact{number}")), &root);
            let pulled = berth.take(&layout, "", &PullOptions::default());
            assert_eq!(pulled.root.to_string(), digest_of(&root), "{what}");
            assert!(!pulled.root_is_index);
            assert_same(berth, &layout, &root);
            let again = berth.take(&layout, "", &PullOptions::default());
            let layers = &again.manifests[0].layers;
            assert!(layers.iter().all(|layer| layer.reused), "{what}");
        }
    }
    assert_eq!(shared.tags().len(), 11);
    shared.assert_sound();
}

/// Asserts that a manifest and all it names are in the repository, bit for bit.
fn assert_same(berth: &Berth, layout: &Layout, descriptor: &Value) {
    let read = |digest: &str| fs::read(layout.blob_path(digest)).expect("a blob");
    let digest = digest_of(descriptor);
    let bytes = read(digest);
    assert_eq!(berth.rebuilt(Stream::Manifest(parse(digest))), bytes);
    let manifest: Value = serde_json::from_slice(&bytes).expect("JSON");
    let config = digest_of(&manifest["config"]);
    assert_eq!(berth.rebuilt(Stream::Config(parse(config))), read(config));
    for layer in manifest["layers"].as_array().expect("layers") {
        let digest = digest_of(layer);
        assert_eq!(berth.rebuilt(Stream::Layer(parse(digest))), read(digest));
    }
}

#[test]
fn a_blob_that_nobody_claims_is_one_object_without_entries() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let model = layout.blob("application/x-model", &[9; 3_000_000]);
    let root = layout.artifact("application/x-weights", std::slice::from_ref(&model), None);
    layout.enter(Some("model"), &root);
    let pulled = berth.take(&layout, "", &PullOptions::default());
    let manifest = &pulled.manifests[0];
    assert_eq!(manifest.platform, None);
    assert_eq!(manifest.artifact_type, "application/x-weights".parse().ok());
    let layer = &manifest.layers[0];
    let objects = layer.objects;
    assert_eq!((objects.written, objects.written_bytes), (1, 3_000_000));
    assert_eq!((layer.entries, layer.opaque.as_deref()), (0, None));
    let record = lazaret_graph::find_record(&berth.repository, &layer.content)
        .expect("readable")
        .expect("a record");
    assert_eq!(record.header.role, Role::Blob);
    assert_eq!(record.summary.verdict, Verdict::Opaque);
}

#[test]
fn the_same_bytes_as_layer_and_blob_are_known_as_both_at_once() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let archive = archive(1);
    let image = layout.image(OWN, &[(&archive, Compression::None)]);
    let blob = layout.blob("application/x-archive", &archive);
    let artifact = layout.artifact("application/x", &[blob], None);
    let root = layout.index(&[artifact, image]);
    layout.enter(Some("both"), &root);
    for _ in 0..2 {
        let pulled = berth.take(&layout, "", &crate::berth::all());
        let content = pulled.manifests[0].layers[0].content;
        let record = lazaret_graph::find_record(&berth.repository, &content)
            .expect("readable")
            .expect("a record");
        assert_eq!(record.header.role, Role::Layer);
        assert_eq!(record.summary.entries, 6);
        berth.assert_sound();
    }
    let again = berth.take(&layout, "", &crate::berth::all());
    assert!(again.distinct_layers().all(|layer| layer.reused));
}
