//! What is only claimed: by a registry's list of referrers, by an index about what is not in it, by
//! an annotation that picks a tag, by the name that another tool gave a blob.

use lazaret_graph::names::Stream;
use lazaret_intake::PullOptions;
use lazaret_layouts::Compression;
use lazaret_registry::{Behaviour, Registry};
use lazaret_store::ContentType;
use serde_json::json;

use crate::berth::{Berth, keep, parse, referrers};
use crate::layout::{INDEX, Layout, OTHER, OWN, archive, attestation, bare, digest_of};

/// Copies everything of a layout into a repository of a registry.
fn upload(layout: &Layout, registry: &Registry, tag: &str, root: &serde_json::Value) {
    let blobs = std::fs::read_dir(layout.path().join("blobs/sha256")).expect("blobs");
    for blob in blobs {
        let bytes = std::fs::read(blob.expect("a blob").path()).expect("a blob");
        registry.put_blob("app", &bytes);
        let media_type = serde_json::from_slice::<serde_json::Value>(&bytes)
            .ok()
            .and_then(|document| Some(document.get("mediaType")?.as_str()?.to_owned()));
        if let Some(media_type) = media_type {
            let is_root = lazaret_layouts::digest(&bytes) == digest_of(root);
            let tag = is_root.then_some(tag);
            registry.put_manifest("app", &media_type, &bytes, tag);
        }
    }
}

#[test]
fn a_list_that_names_what_refers_to_something_else_is_not_believed() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let image = layout.image(OWN, &[(&archive(1), Compression::Gzip)]);
    let other = layout.image(OTHER, &[(&archive(2), Compression::Gzip)]);
    let blob = layout.blob("application/x", b"signed");
    let signature = layout.artifact("application/x", &[blob], Some(&image));
    layout.enter(Some("image"), &image);
    let registry = Registry::start(Behaviour::without_referrers()).expect("a registry");
    upload(&layout, &registry, "image", &image);
    let listed = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [bare(&signature), bare(&other)],
    });
    let fallback = digest_of(&image).replace(':', "-");
    let listed = serde_json::to_vec(&listed).expect("JSON");
    registry.put_manifest("app", INDEX, &listed, Some(&fallback));

    let name = format!("docker://{}/app:image", registry.host());
    let pulled = berth.fetch(&name, &referrers()).expect("a pull");
    let found: Vec<String> = pulled
        .referrers
        .iter()
        .map(|referrer| referrer.digest.to_string())
        .collect();
    assert_eq!(found, [digest_of(&signature)]);
    assert!(!berth.has(Stream::Manifest(parse(digest_of(&other)))));
    berth.assert_sound();
}

#[test]
fn an_index_attests_nothing_that_is_not_in_it() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let image = layout.image(OWN, &[(&archive(1), Compression::Gzip)]);
    let blob = layout.blob("application/x", b"statement");
    let statement = layout.artifact("application/x", &[blob], None);
    let root = layout.index(std::slice::from_ref(&image));
    // Refers to the image, and calls something in it an attestation of the image.
    let bundle = layout.document(&json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [attestation(statement, &image)],
        "subject": bare(&image),
    }));
    layout.enter(Some("root"), &root);
    layout.enter(None, &bundle);
    let pulled = berth.take(&layout, ":root", &referrers());
    let found: Vec<String> = pulled
        .referrers
        .iter()
        .map(|referrer| referrer.digest.to_string())
        .collect();
    assert_eq!(found, [digest_of(&bundle)]);
    let listed = lazaret_graph::referrers(&berth.repository, &parse(digest_of(&image)));
    let listed = listed.expect("a list");
    assert_eq!(listed.len(), 1, "{listed:?}");
}

#[test]
fn a_tag_that_moves_is_told_whoever_chose_it() {
    let berth = Berth::new();
    let mut first = Layout::new(berth.path("first"));
    let image = first.image(OWN, &[(&archive(1), Compression::None)]);
    first.enter(Some("debian:12"), &image);
    let mut second = Layout::new(berth.path("second"));
    let other = second.image(OWN, &[(&archive(2), Compression::None)]);
    second.enter(Some("debian:12"), &other);
    let options = PullOptions::default();
    assert_eq!(berth.take(&first, "", &options).moved, []);
    // Nobody typed the tag.
    let moved = berth.take(&second, "", &options).moved;
    let tag = "debian:12".parse().expect("a tag");
    assert_eq!(moved, [(tag, parse(digest_of(&image)))]);
    assert_eq!(berth.take(&second, "", &options).moved, []);
}

#[test]
fn what_another_tool_calls_a_kept_blob_is_compared_once() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let image = layout.image(OWN, &[(&archive(1), Compression::Gzip)]);
    layout.enter(Some("image"), &image);
    let pulled = berth.take(&layout, "", &PullOptions::default());
    let layer = pulled.manifests[0].layers[0].digest;
    let travelled = std::fs::read(layout.blob_path(&layer.to_string())).expect("a blob");
    let lie = berth
        .repository
        .put(&vec![0; travelled.len()])
        .expect("room");
    let mut writer = berth
        .repository
        .stream_writer(ContentType::BLOB)
        .expect("a stream");
    writer.object(&lie.digest, lie.size).expect("a stream");
    let stream = writer.finish().expect("a stream").digest;
    let mut transaction = berth.repository.transaction();
    transaction.link_stream(Stream::Blob(layer).name(), stream);
    transaction.commit().expect("a name");

    berth.take(&layout, "", &keep());
    assert!(berth.rebuilt(Stream::Blob(layer)) == travelled);
    berth.assert_sound();
}
