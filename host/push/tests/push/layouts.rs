//! To layout directories and archives: what arrives is what came, and nothing else.

use lazaret_artifact::Platform;
use lazaret_layouts::Compression;
use lazaret_push::{Event, PushOptions};
use serde_json::json;

use crate::fixture::{Came, Fixture, all, here, oci, tar};
use crate::shelf::{blobs, digest_of, named};
use crate::tools::{run, tool};

const GZIP: Came = Came::Kept(Compression::Gzip);
const ZSTD: Came = Came::Kept(Compression::Zstd);

/// Layers of every kind that can be sent, for two platforms, one of them in an index inside the
/// index, with an attestation and an artifact.
fn everything(fixture: &mut Fixture) -> serde_json::Value {
    let (shared, own, third) = (tar(1, 300_000), tar(2, 5000), tar(3, 70));
    let native = fixture.image(
        &here(),
        &[(&shared, Came::Plain), (&own, GZIP), (&third, ZSTD)],
    );
    let other = fixture.image("plan9/mips", &[(&shared, Came::Plain), (&third, ZSTD)]);
    let attestation = fixture.attestation(&native);
    let nested = fixture.index(&[other]);
    let artifact = fixture.artifact(&[b"one", b"", &own], None);
    fixture.index(&[native, nested, attestation, artifact])
}

#[test]
fn an_index_arrives_whole_and_byte_for_byte() {
    let mut fixture = Fixture::new();
    let root = everything(&mut fixture);
    fixture.commit(&[("shop/all:1", &root)]);
    let out = fixture.path("out");
    let (pushed, events) = fixture.push_seen("shop/all:1", &oci(&out), &all());
    let pushed = pushed.unwrap();

    let digest = digest_of(&root);
    assert_eq!(blobs(&out), fixture.shelf.below(&digest));
    assert_eq!(named(&out), [("shop/all:1".to_owned(), digest)]);
    assert_eq!(pushed.root, digest);
    assert_eq!(pushed.renamed, []);
    assert_eq!(pushed.tag.as_deref(), Some("shop/all:1"));
    let counts = (pushed.manifests, pushed.indexes, pushed.referrers);
    assert_eq!(counts, (4, 2, 0));
    assert_eq!(pushed.left_out, []);
    // Two configs, the empty one, three layers, the statement, and three blobs.
    assert_eq!(pushed.blobs_sent, 10);

    let sent = |event: &Event| match event {
        Event::Sent { bytes, .. } => *bytes,
        _ => 0,
    };
    assert_eq!(events.iter().map(sent).sum::<u64>(), pushed.bytes_sent);
    let expected = Event::Planned {
        documents: 6,
        blobs: 10,
        bytes: pushed.bytes_sent,
        present: 0,
    };
    assert_eq!(events[0], expected);
    let documents: Vec<&Event> = events
        .iter()
        .filter(|event| matches!(event, Event::Document { .. }))
        .collect();
    assert_eq!(documents.len(), 6);
    let last = Event::Document {
        digest,
        tag: Some("shop/all:1".to_owned()),
        sent: true,
    };
    assert_eq!(documents.last(), Some(&&last));
    assert_eq!(events.last(), Some(&Event::Finishing));
}

#[test]
fn compressed_blobs_go_back_as_they_travelled_and_what_they_hold_stays_here() {
    let mut fixture = Fixture::new();
    let (one, two) = (tar(1, 300_000), tar(2, 5000));
    let packed = fixture.packed(&[
        (&one, Compression::Gzip),
        (&two, Compression::Zstd),
        (&one, Compression::Zstd),
    ]);
    // Its layer is what a blob of the artifact holds, and is to be had as it travelled through that.
    let image = fixture.image(&here(), &[(&one, Came::Unpacked(Compression::Gzip))]);
    fixture.commit(&[("packed", &packed), ("image", &image)]);
    for (name, root) in [("packed", &packed), ("image", &image)] {
        let loaded = lazaret_graph::load(&fixture.repository, &name.parse().unwrap()).unwrap();
        let is_packed = name == "packed";
        assert!(
            loaded
                .layers
                .iter()
                .all(|l| l.unpacked.is_some() == is_packed)
        );
        for recompress in [None, Some(lazaret_push::Recompress::Zstd(3))] {
            let out = fixture.path(&format!("{name}-{}", recompress.is_some()));
            let options = PushOptions {
                recompress,
                ..all()
            };
            let pushed = fixture.push(name, &oci(&out), &options).unwrap();
            let digest = digest_of(root);
            assert_eq!((pushed.root, pushed.renamed), (digest, vec![]));
            assert_eq!(blobs(&out), fixture.shelf.below(&digest));
        }
    }
}

#[test]
fn what_is_there_is_not_sent_again() {
    let mut fixture = Fixture::new();
    let root = everything(&mut fixture);
    fixture.commit(&[("a", &root)]);
    let out = fixture.path("out");
    let first = fixture.push("a", &oci(&out), &all()).unwrap();
    let (second, events) = fixture.push_seen("a", &oci(&out), &all());
    let second = second.unwrap();
    assert_eq!((second.blobs_sent, second.bytes_sent), (0, 0));
    assert_eq!(second.blobs_present, first.blobs_sent);
    let sent = events.iter().filter(|event| {
        matches!(
            event,
            Event::Started { .. } | Event::Document { sent: true, .. }
        )
    });
    // The index alone: its name may have been another's.
    assert_eq!(sent.count(), 1);
    assert_eq!(named(&out), [("a".to_owned(), digest_of(&root))]);
}

#[test]
fn without_all_one_manifest_of_an_index_is_sent() {
    let mut fixture = Fixture::new();
    let native = fixture.image(&here(), &[(&tar(1, 900), GZIP)]);
    let other = fixture.image("plan9/mips", &[(&tar(2, 900), ZSTD)]);
    let root = fixture.index(&[other.clone(), native.clone()]);
    fixture.commit(&[("a", &root)]);
    let chosen = PushOptions {
        platform: Some("plan9/mips".parse::<Platform>().unwrap()),
        ..PushOptions::default()
    };
    for (options, expected) in [(PushOptions::default(), native), (chosen, other)] {
        let digest = digest_of(&expected);
        let out = fixture.path(&digest.hex());
        let pushed = fixture.push("a", &oci(&out), &options).unwrap();
        assert_eq!((pushed.root, pushed.indexes), (digest, 0));
        assert_eq!(blobs(&out), fixture.shelf.below(&digest));
        assert_eq!(named(&out), [("a".to_owned(), digest)]);
    }
}

#[test]
fn the_destinations_own_tag_counts_more_than_the_repositorys() {
    let mut fixture = Fixture::new();
    let artifact = fixture.artifact(&[b"content"], None);
    fixture.commit(&[("mine", &artifact)]);
    let digest = digest_of(&artifact);
    let out = fixture.path("out");
    for (name, destination, tag) in [
        ("mine", oci(&out), Some("mine")),
        ("mine", format!("{}:other", oci(&out)), Some("other")),
    ] {
        let pushed = fixture.push(name, &destination, &all()).unwrap();
        assert_eq!(pushed.tag.as_deref(), tag);
    }
    let expected = [("mine".to_owned(), digest), ("other".to_owned(), digest)];
    assert_eq!(named(&out), expected);
    // By digest alone it has no name, and is there all the same.
    let out = fixture.path("nameless");
    let name = format!("@{digest}");
    let pushed = fixture.push(&name, &oci(&out), &all()).unwrap();
    assert_eq!(pushed.tag, None);
    assert_eq!(named(&out), [(String::new(), digest)]);
    assert_eq!(blobs(&out), fixture.shelf.below(&digest));
}

#[test]
fn docker_documents_stay_dockers() {
    let mut fixture = Fixture::new();
    let image = fixture.docker_image(&here(), &[(&tar(1, 900), GZIP)]);
    let list = json!({
        "schemaVersion": 2, "manifests": [image],
        "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
    });
    let kind = "application/vnd.docker.distribution.manifest.list.v2+json";
    let list = fixture.index_as_is(kind, format!("{list:#}").as_bytes());
    fixture.commit(&[("a", &list)]);
    let out = fixture.path("out");
    fixture.push("a", &oci(&out), &all()).unwrap();
    assert_eq!(blobs(&out), fixture.shelf.below(&digest_of(&list)));
    let index = std::fs::read_to_string(out.join("index.json")).unwrap();
    assert!(index.contains(kind), "{index}");
}

#[test]
fn an_archive_holds_what_a_layout_would() {
    let Some(mut unpack) = tool("tar") else {
        return;
    };
    let mut fixture = Fixture::new();
    let root = everything(&mut fixture);
    fixture.commit(&[("a", &root)]);
    let archive = fixture.path("out.tar");
    let pushed = fixture
        .push("a", &format!("oci-archive:{}", archive.display()), &all())
        .unwrap();
    assert_eq!(pushed.root, digest_of(&root));
    let out = fixture.path("out");
    std::fs::create_dir(&out).unwrap();
    unpack.arg("-xf").arg(&archive).arg("-C").arg(&out);
    run(unpack, &[]);
    assert_eq!(blobs(&out), fixture.shelf.below(&digest_of(&root)));
    assert_eq!(named(&out), [("a".to_owned(), digest_of(&root))]);
}

#[test]
fn skopeo_reads_what_was_pushed() {
    let Some(_) = tool("skopeo") else { return };
    let mut fixture = Fixture::new();
    let (first, second) = (tar(1, 300_000), tar(2, 5000));
    let native = fixture.image(&here(), &[(&first, Came::Plain), (&second, GZIP)]);
    let other = fixture.image("plan9/mips", &[(&second, ZSTD)]);
    let root = fixture.index(&[other, native.clone()]);
    fixture.commit(&[("a", &root)]);
    let (layout, archive) = (fixture.path("out"), fixture.path("out.tar"));
    for destination in [oci(&layout), format!("oci-archive:{}", archive.display())] {
        let name = format!("{destination}:a");
        fixture.push("a", &name, &all()).unwrap();
        let raw = run(tool("skopeo").unwrap(), &["inspect", "--raw", &name]);
        assert!(raw == fixture.shelf.bytes[&digest_of(&root)], "{name}");
        let copy = tempfile::tempdir().unwrap();
        let copied = format!("dir:{}", copy.path().display());
        run(
            tool("skopeo").unwrap(),
            &["copy", "-q", "--all", &name, &copied],
        );
        let manifest = copy.path().join("manifest.json");
        assert!(std::fs::read(manifest).unwrap() == raw);
        for (digest, bytes) in fixture.shelf.below(&digest_of(&native)) {
            let file = copy.path().join(digest.hex());
            let file = match file.exists() {
                true => file,
                false => copy.path().join(format!("{}.manifest.json", digest.hex())),
            };
            assert!(std::fs::read(file).unwrap() == bytes, "{digest}");
        }
    }
}
