//! What is not stored, or not as it travels, or damaged: said before anything is sent, all of it.

use std::sync::atomic::Ordering;

use lazaret_artifact::{ContentDigest, Descriptor};
use lazaret_layouts::Compression;
use lazaret_push::{Event, PushError, PushOptions};
use serde_json::json;

use crate::fixture::{Came, Fixture, all, chain, here, oci, tar};
use crate::shelf::{blobs, digest_of, named};

const GONE: Came = Came::Unpacked(Compression::Gzip);

fn digests(descriptors: &[Descriptor]) -> Vec<ContentDigest> {
    descriptors
        .iter()
        .map(|descriptor| descriptor.digest)
        .collect()
}

#[test]
fn layers_whose_bytes_were_not_kept_are_all_named_and_nothing_is_sent() {
    let mut fixture = Fixture::new();
    let (first, second, third) = (tar(1, 900), tar(2, 900), tar(3, 900));
    let kept = Came::Kept(Compression::Gzip);
    let image = fixture.image(&here(), &[(&first, GONE), (&second, kept), (&third, GONE)]);
    fixture.commit(&[("a", &image)]);
    let out = fixture.path("out");
    let error = fixture.push("a", &oci(&out), &all()).unwrap_err();
    assert!(error.is_not_found() && !error.is_usage());
    let text = error.to_string();
    let PushError::BytesNotKept { layers } = error else {
        panic!("{text}");
    };
    let expected: Vec<ContentDigest> = [&first, &third]
        .map(|tar| ContentDigest::sha256(&Compression::Gzip.apply(tar).unwrap()))
        .into();
    assert_eq!(digests(&layers), expected);
    assert!(blobs(&out).is_empty());
    assert_eq!(
        text,
        format!(
            "the compressed bytes were not kept of 2 layers: {}, {}",
            expected[0], expected[1]
        )
    );
}

#[test]
fn bytes_that_the_destination_has_are_not_needed() {
    let mut fixture = Fixture::new();
    let (first, second) = (tar(1, 900), tar(2, 900));
    let kept = Came::Kept(Compression::Gzip);
    let full = fixture.image(&here(), &[(&first, kept), (&second, kept)]);
    fixture.commit(&[("full", &full)]);
    let out = fixture.path("out");
    fixture.push("full", &oci(&out), &all()).unwrap();

    let mut lacking = Fixture::new();
    let image = lacking.image(&here(), &[(&first, GONE), (&second, GONE)]);
    lacking.commit(&[("lacking", &image)]);
    let pushed = lacking.push("lacking", &oci(&out), &all()).unwrap();
    // The same image, down to its manifest.
    assert_eq!(pushed.root, digest_of(&full));
    assert_eq!((pushed.blobs_sent, pushed.blobs_present), (0, 3));
    let names: Vec<String> = named(&out).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["full", "lacking"]);
}

#[test]
fn manifests_that_are_not_stored_are_all_named_unless_the_destination_has_them() {
    let mut fixture = Fixture::new();
    let native = fixture.image(&here(), &[]);
    let mut elsewhere = Fixture::new();
    let foreign = elsewhere.image("plan9/mips", &[(&tar(1, 80), Came::Plain)]);
    let more = elsewhere.artifact(&[b"more"], None);
    elsewhere.commit(&[("foreign", &foreign), ("more", &more)]);
    let unknown = json!({"mediaType": "text/x-odd", "size": 1,
        "digest": ContentDigest::sha256(b"odd")});
    let root = fixture.index(&[foreign.clone(), native.clone(), more.clone(), unknown]);
    fixture.commit(&[("a", &root)]);

    let out = fixture.path("out");
    let error = fixture.push("a", &oci(&out), &all()).unwrap_err();
    assert!(error.is_not_found());
    let PushError::Incomplete { missing } = error else {
        panic!("{error}");
    };
    assert_eq!(digests(&missing), [digest_of(&foreign), digest_of(&more)]);
    assert!(blobs(&out).is_empty());
    // One platform of it can go.
    let pushed = fixture.push("a", &oci(&out), &PushOptions::default());
    assert_eq!(pushed.unwrap().root, digest_of(&native));

    let out = fixture.path("has");
    elsewhere.push("foreign", &oci(&out), &all()).unwrap();
    elsewhere.push("more", &oci(&out), &all()).unwrap();
    let pushed = fixture.push("a", &oci(&out), &all()).unwrap();
    assert_eq!(pushed.root, digest_of(&root));
    assert_eq!((pushed.manifests, pushed.indexes), (1, 1));
}

#[test]
fn a_lost_object_is_damage_and_nothing_is_named() {
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[(&tar(1, 200_000), Came::Plain)]);
    fixture.commit(&[("a", &image)]);
    fixture.lose(&tar(1, 200_000)[100_512..200_512]);
    let out = fixture.path("out");
    let error = fixture.push("a", &oci(&out), &all()).unwrap_err();
    assert!(error.is_damage() && !error.is_input_fault(), "{error}");
    let layer = ContentDigest::sha256(&tar(1, 200_000));
    let text = chain(&error);
    assert!(
        text.starts_with(&format!("cannot read blob {layer}: object ")),
        "{text}"
    );
    assert!(text.ends_with(" is missing"), "{text}");
    assert!(!blobs(&out).contains_key(&layer));
    assert!(!out.join("index.json").exists() || named(&out).is_empty());
}

#[test]
fn a_blob_that_is_not_what_its_manifest_says_is_damage() {
    let mut fixture = Fixture::new();
    let artifact = fixture.artifact(&[b"right"], None);
    let digest = ContentDigest::sha256(b"right");
    fixture.commit(&[("a", &artifact)]);
    // Another tool could link anything.
    let other = fixture.artifact(&[b"wrong"], None);
    fixture.commit(&[("b", &other)]);
    let wrong = lazaret_graph::load(&fixture.repository, &"b".parse().unwrap()).unwrap();
    let mut transaction = fixture.repository.transaction();
    let manifest = lazaret_graph::names::Stream::Manifest(digest_of(&artifact));
    let image = lazaret_graph::load(&fixture.repository, &"a".parse().unwrap()).unwrap();
    let mut writer = fixture
        .repository
        .stream_writer(lazaret_store::ContentType::MANIFEST)
        .unwrap();
    let object = fixture.repository.put(&image.manifest_bytes).unwrap();
    writer.object(&object.digest, object.size).unwrap();
    let config = format!("config:{}", image.manifest.config.digest);
    writer
        .add_stream_ref(&config, &image.config_stream)
        .unwrap();
    let stream = wrong.layers[0].stream;
    writer.add_stream_ref(&digest.to_string(), &stream).unwrap();
    transaction.link_stream(manifest.name(), writer.finish().unwrap().digest);
    transaction.commit().unwrap();

    let out = fixture.path("out");
    let error = fixture.push("a", &oci(&out), &all()).unwrap_err();
    assert!(error.is_damage() && !error.is_input_fault(), "{error}");
    let found = ContentDigest::sha256(b"wrong").to_string();
    let expected = digest.to_string();
    assert_eq!(error.expected_found(), Some((&*expected, &*found)));
    assert!(!blobs(&out).contains_key(&digest));
}

#[test]
fn a_request_to_stop_ends_it_and_nothing_is_named() {
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[(&tar(1, 2_000_000), Came::Plain)]);
    fixture.commit(&[("a", &image)]);
    let out = fixture.path("out");
    let options = all();
    let pushed = lazaret_push::push(
        &fixture.repository,
        &"a".parse().unwrap(),
        &oci(&out).parse().unwrap(),
        &options,
        &|event| {
            if matches!(event, Event::Sent { .. }) {
                options.cancel.store(true, Ordering::Relaxed);
            }
        },
    );
    assert!(matches!(pushed, Err(PushError::Interrupted)), "{pushed:?}");
    assert!(!out.join("index.json").exists() || named(&out).is_empty());
}

#[test]
fn what_does_not_exist_is_not_found() {
    let fixture = Fixture::new();
    let out = fixture.path("out");
    let digest = ContentDigest::sha256(b"nothing");
    for name in ["nothing".to_owned(), format!("@{digest}")] {
        let error = fixture.push(&name, &oci(&out), &all()).unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }
    assert!(!out.exists());
}
