//! Indexes, referrers and kept blobs: what is told of them, and whom their damage concerns.

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_graph::names::{self, OwnRef, Stream};
use lazaret_graph::{BlobRef, FsckOptions, Severity, fsck, fsck_image};
use lazaret_store::ContentType;

use crate::fixture::{Fixture, Parts, Whole, entry, index, index_entry};
use crate::fsck::deep;

fn findings(fixture: &Fixture) -> Vec<String> {
    let report = fsck(&fixture.repository, deep(), &|_| ()).unwrap();
    let shown = report.findings.iter().map(ToString::to_string);
    // No layer here was imported.
    shown
        .filter(|text| !text.contains("not verified by lazaret"))
        .collect()
}

fn digest(bytes: &[u8]) -> ContentDigest {
    ContentDigest::sha256(bytes)
}

fn unlink(fixture: &Fixture, path: &str) {
    std::fs::remove_file(fixture.path("streams").join(path)).unwrap();
}

fn linked(fixture: &Fixture, stream: Stream) -> VerityDigest {
    let found = fixture.repository.resolve_stream(&stream.name());
    found.unwrap().unwrap()
}

fn overwrite(fixture: &Fixture, object: &VerityDigest, content: &[u8]) {
    let hex = object.hex();
    let path = fixture.path(&format!("objects/{}/{}", &hex[..2], &hex[2..]));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, content).unwrap();
}

/// An index of two images, in an index, with a signature of one image; all under one tag.
struct Multi {
    fixture: Fixture,
    images: [Parts; 2],
    inner: Vec<u8>,
    outer: Vec<u8>,
    signature: Parts,
}

fn multi() -> Multi {
    let fixture = Fixture::new();
    let shared = fixture.layer(&[("shared", &[b's'; 3000])]);
    let images = ["amd64", "arm64"].map(|name| fixture.image_for(name, &[shared]));
    let inner = index(&[
        entry(&images[0].manifest, Some("linux/amd64")),
        entry(&images[1].manifest, Some("linux/arm64")),
    ]);
    let outer = index(&[index_entry(&inner)]);
    let signature = fixture.about(&images[0].manifest, "application/vnd.test.signature");
    Whole {
        manifests: &[&images[0], &images[1], &signature],
        indexes: &[&outer, &inner],
        tags: &[("multi", digest(&outer))],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    Multi {
        fixture,
        images,
        inner,
        outer,
        signature,
    }
}

#[test]
fn a_whole_graph_has_no_findings_and_is_checked_from_its_name() {
    let multi = multi();
    assert_eq!(findings(&multi.fixture), Vec::<String>::new());
    let other = multi.fixture.layer(&[("other", b"other")]);
    multi
        .fixture
        .commit(&multi.fixture.image(&[other]), &["other"]);
    let name = "multi".parse().unwrap();
    let report = fsck_image(&multi.fixture.repository, &name, deep(), &|_| ()).unwrap();
    assert!(!report.is_damaged());
    // Two indexes, two images, a signature; the shared layer and one of each image.
    assert_eq!((report.images, report.layers), (5, 3));
}

#[test]
fn damage_is_blamed_on_the_tag_it_can_be_reached_from() {
    let Multi {
        fixture,
        images,
        signature,
        ..
    } = multi();
    let object = fixture.repository.put(&[b's'; 3000]).unwrap().digest;
    overwrite(&fixture, &object, &[b'!'; 3000]);
    let config = Stream::Config(signature.parsed().config.digest);
    overwrite(
        &fixture,
        &linked(&fixture, Stream::Manifest(signature.digest())),
        b"!",
    );
    let report = fsck(&fixture.repository, deep(), &|_| ()).unwrap();
    assert!(report.is_damaged());
    let damage: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Damage)
        .collect();
    assert!(damage.len() >= 4, "{damage:?}");
    for finding in damage {
        let names: Vec<String> = finding.affected.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["multi"], "{finding}");
        let of_layer = finding.to_string().contains(&object.to_string());
        // The same layer, of both images.
        let layer = images[0].parsed().layers[0].digest;
        let blobs: &[ContentDigest] = if of_layer { &[layer] } else { &[] };
        assert_eq!(finding.blobs, blobs, "{finding}");
    }
    assert!(
        fixture
            .repository
            .resolve_stream(&config.name())
            .unwrap()
            .is_some()
    );
    // From the name alone the same is found, but for the objects themselves.
    let name = "multi".parse().unwrap();
    let report = fsck_image(&fixture.repository, &name, deep(), &|_| ()).unwrap();
    let damage = report
        .findings
        .iter()
        .filter(|f| f.severity() == Severity::Damage);
    assert_eq!(damage.count(), 2);
}

#[test]
fn what_of_an_index_is_not_there_is_information() {
    let Multi {
        fixture, images, ..
    } = multi();
    let bytes = index(&[
        entry(&images[0].manifest, None),
        entry(b"not stored", None),
        entry(b"not stored either", None),
    ]);
    Whole {
        indexes: &[&bytes],
        tags: &[("part", digest(&bytes))],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    assert_eq!(
        findings(&fixture),
        [format!(
            "info: of the 3 that oci-index-{} lists, 2 are not stored; affects part",
            digest(&bytes)
        )]
    );
}

#[test]
fn an_index_that_does_not_refer_to_what_it_lists_is_warned_of() {
    let Multi {
        fixture,
        inner,
        outer,
        images,
        ..
    } = multi();
    // As a tool would write it that knows nothing of children; then one that refers to another
    // stream than is linked; then to one that is not linked at all.
    let rewrite = |refs: &[(String, VerityDigest)]| {
        let kind = ContentType::INDEX;
        let mut writer = fixture.repository.stream_writer(kind).unwrap();
        for (key, stream) in refs {
            writer.add_stream_ref(key, stream).unwrap();
        }
        let object = fixture.repository.put(&inner).unwrap();
        writer.object(&object.digest, object.size).unwrap();
        let stream = writer.finish().unwrap().digest;
        let mut transaction = fixture.repository.transaction();
        transaction.link_stream(Stream::Index(digest(&inner)).name(), stream);
        transaction.commit().unwrap();
    };
    let [amd64, arm64] = images.map(|parts| parts.digest());
    let index = Stream::Index(digest(&inner));
    let moved = format!(
        "warning: oci-index-{} refers to another stream than is linked as {index}; affects multi",
        digest(&outer)
    );
    rewrite(&[]);
    let not_referred = |child: &ContentDigest| {
        format!(
            "warning: {index} lists oci-manifest-{child} and does not refer to it; affects multi"
        )
    };
    let mut expected = vec![moved.clone(), not_referred(&amd64), not_referred(&arm64)];
    expected.sort();
    let mut found = findings(&fixture);
    found.sort();
    assert_eq!(found, expected);

    let elsewhere = linked(&fixture, Stream::Manifest(arm64));
    let right = linked(&fixture, Stream::Manifest(amd64));
    rewrite(&[
        (names::child_key(&amd64), elsewhere),
        (names::child_key(&arm64), elsewhere),
    ]);
    let other = format!(
        "warning: {index} refers to another stream than is linked as oci-manifest-{amd64}; affects \
         multi"
    );
    let mut expected = vec![moved.clone(), other];
    expected.sort();
    let mut found = findings(&fixture);
    found.sort();
    assert_eq!(found, expected);

    rewrite(&[
        (names::child_key(&amd64), right),
        (names::child_key(&arm64), elsewhere),
    ]);
    unlink(&fixture, &Stream::Manifest(arm64).to_string());
    let found = findings(&fixture);
    let not_linked = format!(
        "warning: {index} refers to oci-manifest-{arm64}, which is not linked; affects multi"
    );
    assert!(found.contains(&not_linked), "{found:?}");
}

#[test]
fn a_referrer_that_its_subject_does_not_list_is_warned_of() {
    let Multi {
        fixture,
        images,
        signature,
        ..
    } = multi();
    let (subject, referrer) = (images[0].digest(), signature.digest());
    unlink(
        &fixture,
        &format!("refs/oci-referrers/{subject}/{referrer}"),
    );
    assert_eq!(
        findings(&fixture),
        [format!(
            "warning: oci-manifest-{referrer} is not among the referrers of its subject {subject}; \
             affects @{referrer}"
        )]
    );
}

#[test]
fn odd_names_among_ours_are_told() {
    let Multi {
        fixture,
        images,
        signature,
        ..
    } = multi();
    let (subject, referrer) = (images[0].digest(), signature.digest());
    let mut transaction = fixture.repository.transaction();
    let name = Stream::Manifest(referrer).name();
    for (namespace, entry) in [
        ("oci-referrers/odd".to_owned(), referrer.to_string()),
        (names::referrers_of(&subject), "odd".to_owned()),
        (
            names::LAZARET.to_owned(),
            OwnRef::Blob(referrer).to_string(),
        ),
    ] {
        transaction.link_ref(&namespace, &entry, name.clone());
    }
    transaction.commit().unwrap();
    let mut found = findings(&fixture);
    found.sort();
    let mut expected = [
        format!("info: unknown name streams/refs/lazaret/blob-{referrer}"),
        format!("info: unknown name streams/refs/oci-referrers/odd/{referrer}"),
        format!("info: unknown name streams/refs/oci-referrers/{subject}/odd"),
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn kept_blobs_are_rebuilt_and_held() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    let content = format!("compressed {}", layer.key).into_bytes();
    let kept = fixture.blob(&content);
    let parts = fixture.image(&[layer]);
    let blobs = [BlobRef {
        digest: kept.key,
        stream: kept.stream,
    }];
    Whole {
        manifests: &[&parts],
        blobs: &blobs,
        tags: &[("kept", parts.digest())],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    assert_eq!(findings(&fixture), Vec::<String>::new());
    let report = fsck(&fixture.repository, FsckOptions::default(), &|_| ()).unwrap();
    assert_eq!((report.layers, report.blobs), (1, 1));

    unlink(&fixture, &format!("refs/lazaret/blob-{}", kept.key));
    assert_eq!(
        findings(&fixture),
        [format!(
            "warning: oci-blob-{} has no name under streams/refs/lazaret: a `cfsctl gc` would \
             delete it; affects kept",
            kept.key
        )]
    );
    // Whoever takes in the image again gives it its name back, even without bringing it along.
    Whole {
        manifests: &[&parts],
        tags: &[("kept", parts.digest())],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    assert_eq!(findings(&fixture), Vec::<String>::new());

    // Another blob's bytes under its name.
    let mut transaction = fixture.repository.transaction();
    let name = Stream::Blob(kept.key).name();
    transaction.link_stream(name.clone(), fixture.blob(b"other bytes").stream);
    transaction.link_ref(names::LAZARET, &OwnRef::Blob(kept.key).to_string(), name);
    transaction.commit().unwrap();
    let expected = format!(
        "damage: kept blob {0}: content mismatch: expected {0}, found {1}; affects kept; pull again \
         blob {0}",
        kept.key,
        digest(b"other bytes")
    );
    assert_eq!(findings(&fixture), std::slice::from_ref(&expected));
    let name = "kept".parse().unwrap();
    let report = fsck_image(&fixture.repository, &name, deep(), &|_| ()).unwrap();
    assert_eq!(report.findings[0].to_string(), expected);
}

#[test]
fn a_commit_that_died_is_told() {
    let Multi {
        fixture, images, ..
    } = multi();
    let layer = Stream::Layer(images[0].layers[0].key);
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(names::previous(&layer), linked(&fixture, layer));
    transaction.link_ref(
        names::LAZARET,
        &OwnRef::Replacing(layer).to_string(),
        layer.name(),
    );
    transaction.commit().unwrap();
    assert_eq!(
        findings(&fixture),
        [format!(
            "info: a commit died while it replaced {layer}; affects multi"
        )]
    );
    lazaret_graph::finish_interrupted(&fixture.repository).unwrap();
    assert_eq!(findings(&fixture), Vec::<String>::new());
}

#[test]
fn every_damage_of_a_graph_is_listed() {
    let Multi {
        fixture,
        images,
        inner,
        outer,
        signature,
    } = multi();
    // One byte of every document.
    let documents: Vec<Vec<u8>> = [&images[0].manifest, &images[1].config, &inner, &outer]
        .into_iter()
        .chain([&signature.manifest])
        .cloned()
        .collect();
    for bytes in &documents {
        let object = fixture.repository.put(bytes).unwrap().digest;
        let mut wrong = bytes.clone();
        wrong[1] ^= 1;
        overwrite(&fixture, &object, &wrong);
    }
    let found = findings(&fixture);
    for bytes in &documents {
        let name = digest(bytes).to_string();
        let about = found.iter().filter(|text| {
            text.starts_with("damage: oci-") && text.split(' ').nth(1).unwrap().ends_with(&name)
        });
        assert_eq!(about.count(), 1, "{name}: {found:#?}");
    }
    // Each says whom it concerns, though what leads there cannot be read either.
    assert!(
        found.iter().all(|text| text.contains("; affects multi")),
        "{found:#?}"
    );
}

#[test]
fn a_config_that_many_share_is_told_of_once() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"a model");
    let one = fixture.artifact(&[(blob, b"a model")]);
    let two = fixture.artifact(&[]);
    fixture.commit(&one, &["one"]);
    fixture.commit(&two, &["two"]);
    let object = fixture.repository.put(b"{}").unwrap().digest;
    overwrite(&fixture, &object, b"[]");
    let found = findings(&fixture);
    let config = Stream::Config(digest(b"{}")).to_string();
    let about = found.iter().filter(|text| text.contains(&config));
    let about: Vec<&String> = about.collect();
    assert_eq!(about.len(), 1, "{found:#?}");
    assert!(about[0].ends_with("; affects one, two"), "{about:?}");
}
