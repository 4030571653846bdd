//! Indexes: what is taken of them, and that it is kept as it came.

use lazaret_artifact::Platform;
use lazaret_graph::names::Stream;
use lazaret_intake::{Event, PullOptions, Pulled};
use lazaret_layouts::Compression;
use lazaret_transport::Selection;
use serde_json::{Value, json};

use crate::berth::{Berth, all, parse};
use crate::layout::{DOCKER_CONFIG, DOCKER_LIST, DOCKER_MANIFEST, Layout, OTHER, OWN, archive};
use crate::layout::{attestation, digest_of};

/// An index of two images that share a layer, one of them attested, and a nested index with a third.
struct Shop {
    layout: Layout,
    own: Value,
    other: Value,
    attested: Value,
    inner: Value,
    nested: Value,
    root: Value,
}

fn shop(berth: &Berth) -> Shop {
    let mut layout = Layout::new(berth.path("layout"));
    let shared = archive(1);
    let own = layout.image(OWN, &[(&shared, Compression::Gzip)]);
    let top = archive(2);
    let other = layout.image(
        OTHER,
        &[(&shared, Compression::Gzip), (&top, Compression::Zstd)],
    );
    let statement = layout.blob("application/vnd.in-toto+json", b"{\"it\": \"was built\"}");
    let attested = attestation(layout.artifact("application/x", &[statement], None), &own);
    let inner = layout.image("riscv64", &[(&archive(3), Compression::None)]);
    let nested = layout.index(std::slice::from_ref(&inner));
    let root = layout.index(&[own.clone(), other.clone(), attested.clone(), nested.clone()]);
    layout.enter(Some("shop"), &root);
    Shop {
        layout,
        own,
        other,
        attested,
        inner,
        nested,
        root,
    }
}

fn manifests(pulled: &Pulled) -> Vec<String> {
    let manifests = pulled.manifests.iter();
    manifests
        .map(|manifest| manifest.manifest.to_string())
        .collect()
}

fn of(descriptors: &[&Value]) -> Vec<String> {
    let digests = descriptors.iter();
    digests.map(|it| digest_of(it).to_owned()).collect()
}

#[test]
fn each_selection_takes_what_it_says() {
    let platforms = |names: &[&str]| {
        let parse = |name: &&str| name.parse::<Platform>().expect("a platform");
        Selection::Platforms(names.iter().map(parse).collect())
    };
    let other = format!("linux/{OTHER}");
    type Expected = fn(&Shop) -> (Vec<&Value>, Vec<&Value>);
    let cases: [(Selection, Expected); 4] = [
        (Selection::Best, |s| (vec![&s.root], vec![&s.own])),
        (platforms(&[&other]), |s| (vec![&s.root], vec![&s.other])),
        (platforms(&["linux/riscv64", &other]), |s| {
            (vec![&s.root, &s.nested], vec![&s.other, &s.inner])
        }),
        (Selection::All, |s| {
            let manifests = vec![&s.own, &s.other, &s.attested, &s.inner];
            (vec![&s.root, &s.nested], manifests)
        }),
    ];
    for (selection, expected) in cases {
        let berth = Berth::new();
        let shop = shop(&berth);
        let options = PullOptions {
            selection: selection.clone(),
            ..PullOptions::default()
        };
        let pulled = berth.take(&shop.layout, ":shop", &options);
        let (indexes, chosen) = expected(&shop);
        assert!(pulled.root_is_index, "{selection:?}");
        assert_eq!(pulled.root.to_string(), digest_of(&shop.root));
        let found: Vec<String> = pulled.indexes.iter().map(ToString::to_string).collect();
        assert_eq!(found, of(&indexes), "{selection:?}");
        assert_eq!(manifests(&pulled), of(&chosen), "{selection:?}");
        for index in &indexes {
            let digest = digest_of(index);
            let bytes = std::fs::read(shop.layout.blob_path(digest)).expect("the index");
            assert_eq!(berth.rebuilt(Stream::Index(parse(digest))), bytes);
        }
        for manifest in [&shop.own, &shop.other, &shop.attested, &shop.inner] {
            let digest = digest_of(manifest);
            let wanted = chosen.contains(&manifest);
            assert_eq!(berth.has(Stream::Manifest(parse(digest))), wanted);
        }
        assert_eq!(berth.tags(), ["shop"]);
        berth.assert_sound();
    }
}

#[test]
fn a_blob_that_several_manifests_name_is_fetched_once() {
    let berth = Berth::new();
    let shop = shop(&berth);
    let pulled = berth.take(&shop.layout, ":shop", &all());
    let events = std::mem::take(&mut *berth.events.lock().expect("no test panicked"));
    let started = events
        .iter()
        .filter(|event| matches!(event, Event::Started { .. }))
        .count();
    // The shared layer, two others, the statement.
    assert_eq!(started, 4);
    assert!(events.contains(&Event::Resolved {
        root: pulled.root,
        manifests: 4,
        blobs: 4,
        bytes: pulled.distinct_layers().map(|layer| layer.travelled).sum(),
    }));
    let shared = |number: usize| &pulled.manifests[number].layers[0];
    assert_eq!(shared(0).digest, shared(1).digest);
    assert_eq!(shared(0).objects, shared(1).objects);
    assert_eq!(pulled.distinct_layers().count(), 4);
    assert_eq!(pulled.manifests[3].platform, "linux/riscv64".parse().ok());

    // And not at all a second time.
    for layer in pulled.distinct_layers() {
        let path = shop.layout.blob_path(&layer.digest.to_string());
        std::fs::remove_file(path).expect("a blob");
    }
    let names = berth.names();
    let again = berth.take(&shop.layout, ":shop", &all());
    assert!(again.distinct_layers().all(|layer| layer.reused));
    assert_eq!(berth.names(), names);
}

#[test]
fn what_comes_later_joins_what_is_there() {
    let berth = Berth::new();
    let shop = shop(&berth);
    berth.take(&shop.layout, ":shop", &PullOptions::default());
    let pulled = berth.take(&shop.layout, ":shop", &all());
    let reused: Vec<bool> = pulled.distinct_layers().map(|layer| layer.reused).collect();
    assert_eq!(reused, [true, false, false, false]);
    berth.assert_sound();
    // Less does not take away what is there.
    let names = berth.names();
    berth.take(&shop.layout, ":shop", &PullOptions::default());
    assert_eq!(berth.names(), names);
    berth.assert_sound();
}

#[test]
fn a_list_of_dockers_is_an_index_too() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let archive = archive(1);
    let packed = Compression::Gzip.apply(&archive).expect("compressed");
    let config = json!({
        "architecture": OWN,
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [lazaret_layouts::digest(&archive)]},
    });
    let mut image = layout.document(&json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": layout.blob(DOCKER_CONFIG, &serde_json::to_vec(&config).expect("JSON")),
        "layers": [layout.blob("application/vnd.docker.image.rootfs.diff.tar.gzip", &packed)],
    }));
    image["platform"] = json!({"os": "linux", "architecture": OWN});
    let list = layout.document(&json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_LIST,
        "manifests": [image],
    }));
    layout.enter(Some("docker"), &list);
    let pulled = berth.take(&layout, ":docker", &PullOptions::default());
    assert_eq!(pulled.root.to_string(), digest_of(&list));
    assert_eq!(manifests(&pulled), of(&[&image]));
    assert_eq!(pulled.manifests[0].layers[0].entries, 6);
    berth.assert_sound();
    assert!(berth.take(&layout, ":docker", &all()).manifests[0].layers[0].reused);
}

#[test]
fn a_layer_in_two_compressions_is_known_by_both() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let archive = archive(1);
    let image = layout.image(
        OWN,
        &[
            (&archive, Compression::Gzip),
            (&archive, Compression::Zstd),
            (&archive, Compression::None),
        ],
    );
    layout.enter(Some("thrice"), &image);
    let pulled = berth.take(&layout, ":thrice", &PullOptions::default());
    assert_eq!(pulled.manifests[0].layers.len(), 3);
    let content = pulled.manifests[0].layers[0].content;
    let record = lazaret_graph::find_record(&berth.repository, &content)
        .expect("readable")
        .expect("a record");
    let mut blobs: Vec<_> = record.summary.blobs.clone();
    blobs.sort();
    let mut travelled: Vec<_> = pulled.distinct_layers().map(|layer| layer.digest).collect();
    travelled.sort();
    assert_eq!(blobs, travelled);
    assert_eq!(record.summary.entries, 6);
    berth.assert_sound();
    let again = berth.take(&layout, ":thrice", &PullOptions::default());
    assert!(again.manifests[0].layers.iter().all(|layer| layer.reused));
}
