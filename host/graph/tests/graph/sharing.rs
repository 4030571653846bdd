//! What is shared, against a count that keeps everything.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_graph::{BlobRef, ContentRef, LayerRef, Share, Sharing, load_graph, sharing};
use lazaret_store::{Chunk, Repository};
use proptest::prelude::*;

use crate::fixture::{Fixture, Whole, entry, index};

#[test]
fn nothing_shares_nothing() {
    let fixture = Fixture::new();
    assert_eq!(sharing(&fixture.repository).unwrap(), Sharing::default());
}

#[test]
fn what_two_have_is_counted_for_both_and_stored_once() {
    let fixture = Fixture::new();
    let (common, own) = (vec![1; 1000], vec![2; 300]);
    let first = fixture.layer(&[("a", &common), ("b", &own), ("inline", b"i")]);
    let second = fixture.layer(&[("c", &common), ("d", &common)]);
    let (one, two) = (fixture.image(&[first]), fixture.image(&[second, second]));
    fixture.commit(&one, &["one", "same"]);
    fixture.commit(&two, &["two"]);
    fixture.commit(&fixture.image(&[first, second]), &[]);
    let found = sharing(&fixture.repository).unwrap();
    let expected = BTreeMap::from([
        (
            one.digest(),
            Share {
                objects: 2,
                bytes: 1300,
                unique: 1300,
                shared: 1000,
            },
        ),
        (
            two.digest(),
            Share {
                objects: 1,
                bytes: 4000,
                unique: 1000,
                shared: 1000,
            },
        ),
    ]);
    assert_eq!(
        found,
        Sharing {
            of: expected,
            total: 5300,
            stored: 1300,
        }
    );
}

#[test]
fn what_blobs_hold_and_kept_blobs_count_and_damage_is_left_out() {
    let fixture = Fixture::new();
    let file = vec![3; 2000];
    let content = fixture.layer(&[("w", &file)]);
    let travelled = vec![4; 100];
    let blob = fixture.blob(&travelled);
    let mut packed = fixture.artifact(&[(blob, &travelled)]);
    packed.layers.push(content);
    let image = fixture.image(&[content]);
    let kept = fixture.blob(format!("compressed {}", content.key).as_bytes());
    let kept_size = format!("compressed {}", content.key).len() as u64;
    Whole {
        manifests: &[&packed, &image],
        blobs: &[BlobRef {
            digest: kept.key,
            stream: kept.stream,
        }],
        contents: &[ContentRef {
            blob: blob.key,
            content: content.key,
        }],
        tags: &[("packed", packed.digest()), ("image", image.digest())],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let found = sharing(&fixture.repository).unwrap();
    let share = |objects, unique| Share {
        objects,
        bytes: unique,
        unique,
        shared: 2000,
    };
    let expected = BTreeMap::from([
        (packed.digest(), share(2, 2100)),
        (image.digest(), share(2, 2000 + kept_size)),
    ]);
    assert_eq!(found.of, expected);
    assert_eq!(found.stored, 2100 + kept_size);

    let manifest = format!("streams/oci-manifest-{}", packed.digest());
    std::fs::remove_file(fixture.path(&manifest)).unwrap();
    let found = sharing(&fixture.repository).unwrap();
    assert_eq!(
        found.of,
        BTreeMap::from([(
            image.digest(),
            Share {
                shared: 0,
                ..share(2, 2000 + kept_size)
            }
        )])
    );
}

/// Everything in sets.
fn counted(repository: &Repository, roots: &BTreeSet<ContentDigest>) -> Sharing {
    let mut of = BTreeMap::new();
    let mut sizes: BTreeMap<VerityDigest, u64> = BTreeMap::new();
    for root in roots {
        let name = format!("@{root}").parse().unwrap();
        let (mut bytes, mut objects) = (0, BTreeSet::new());
        for manifest in load_graph(repository, &name).unwrap().manifests {
            for layer in manifest.layers {
                let mut reader = repository.open_stream(&layer.stream, None).unwrap();
                while let Some(chunk) = reader.next_chunk().unwrap() {
                    if let Chunk::Object(digest) = chunk {
                        let size = repository.has_object(&digest).unwrap().unwrap();
                        bytes += size;
                        sizes.insert(digest, size);
                        objects.insert(digest);
                    }
                }
            }
        }
        of.insert(*root, (bytes, objects));
    }
    let shares: BTreeMap<ContentDigest, Share> = of
        .iter()
        .map(|(root, (bytes, objects))| {
            let others: BTreeSet<&VerityDigest> = of
                .iter()
                .filter(|(other, _)| *other != root)
                .flat_map(|(_, (_, objects))| objects)
                .collect();
            let sum = |shared: bool| -> u64 {
                let counted = objects.iter().filter(|o| !shared || others.contains(o));
                counted.map(|object| sizes[object]).sum()
            };
            let share = Share {
                objects: objects.len() as u64,
                bytes: *bytes,
                unique: sum(false),
                shared: sum(true),
            };
            (*root, share)
        })
        .collect();
    Sharing {
        total: shares.values().map(|share| share.bytes).sum(),
        of: shares,
        stored: sizes.values().sum(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_count_is_exact(
        layers in proptest::collection::vec(proptest::collection::vec(0..12_u8, 0..6), 1..6),
        images in proptest::collection::vec(proptest::collection::vec(0..6_usize, 0..4), 1..6),
        lists in proptest::collection::vec(proptest::collection::vec(0..6_usize, 1..4), 0..3),
        tagged in proptest::collection::vec(any::<bool>(), 9),
    ) {
        let fixture = Fixture::new();
        let layers: Vec<LayerRef> = layers
            .iter()
            .map(|files| {
                let contents: Vec<Vec<u8>> =
                    files.iter().map(|file| vec![*file; 60 + usize::from(*file)]).collect();
                let files: Vec<(&str, &[u8])> = contents.iter().map(|c| ("f", &**c)).collect();
                fixture.layer(&files)
            })
            .collect();
        let images: Vec<_> = images
            .iter()
            .map(|chosen| {
                let own: Vec<LayerRef> = chosen.iter().map(|n| layers[n % layers.len()]).collect();
                fixture.image(&own)
            })
            .collect();
        let indexes: Vec<Vec<u8>> = lists
            .iter()
            .map(|chosen| {
                let entries = chosen.iter().map(|n| entry(&images[n % images.len()].manifest, None));
                index(&entries.collect::<Vec<_>>())
            })
            .collect();
        let digests = images.iter().map(|image| image.digest());
        let digests = digests.chain(indexes.iter().map(|bytes| ContentDigest::sha256(bytes)));
        let roots: BTreeSet<ContentDigest> =
            digests.zip(&tagged).filter(|(_, tagged)| **tagged).map(|(digest, _)| digest).collect();
        let names: Vec<String> = (0..roots.len()).map(|number| format!("t{number}")).collect();
        let tags: Vec<(&str, ContentDigest)> =
            names.iter().map(|name| &**name).zip(roots.iter().copied()).collect();
        let bytes: Vec<&[u8]> = indexes.iter().map(|bytes| &**bytes).collect();
        Whole {
            manifests: &images.iter().collect::<Vec<_>>(),
            indexes: &bytes,
            tags: &tags,
            ..Whole::default()
        }
        .run(&fixture)
        .unwrap();
        let repository = &fixture.repository;
        prop_assert_eq!(sharing(repository).unwrap(), counted(repository, &roots));
    }
}
