//! What is collected, and what refuses to be.

mod beside;
mod model;
mod refused;
mod shared;
mod world;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lazaret_artifact::VerityDigest;
use lazaret_graph::gc::{self, GcOptions, GcPlan, GcProgress};
use lazaret_graph::{GraphError, names};
use lazaret_store::{ContentType, Repository, StoreError};

use crate::fixture::Fixture;

/// There are no images here that consist of anything.
pub(crate) fn no_images(_: &Repository, _: &VerityDigest) -> Result<Vec<VerityDigest>, GraphError> {
    Ok(Vec::new())
}

pub(crate) fn plan(repository: &Repository) -> Result<GcPlan, GraphError> {
    let options = GcOptions {
        image_objects: &no_images,
        cancel: &AtomicBool::new(false),
    };
    gc::plan(repository, &options, &|_| {})
}

pub(crate) fn collect(repository: &Repository) -> Result<GcPlan, GraphError> {
    collect_until(repository, u64::MAX)
}

/// Collects until so many things have been deleted.
pub(crate) fn collect_until(repository: &Repository, most: u64) -> Result<GcPlan, GraphError> {
    let cancel = AtomicBool::new(most == 0);
    let options = GcOptions {
        image_objects: &no_images,
        cancel: &cancel,
    };
    let lock = repository.try_lock_exclusive()?;
    gc::collect(repository, &lock, &options, &|progress| {
        if let GcProgress::Removing { done, .. } = progress {
            cancel.store(done >= most, Ordering::Relaxed);
        }
    })
}

/// Every file and link below a directory of the repository, by its path from there.
pub(crate) fn files(repository: &Path, directory: &str) -> BTreeSet<String> {
    fn walk(at: &Path, base: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(at).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                walk(&path, base, found);
            } else {
                found.insert(
                    path.strip_prefix(base)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }
    let mut found = BTreeSet::new();
    let base = repository.join(directory);
    walk(&base, &base, &mut found);
    found
}

/// An object's path below `objects/`.
pub(crate) fn object_path(digest: &VerityDigest) -> String {
    let hex = digest.hex();
    format!("{}/{}", &hex[..2], &hex[2..])
}

#[test]
fn an_empty_repository_has_nothing_to_collect() {
    let fixture = Fixture::new();
    assert_eq!(plan(&fixture.repository).unwrap(), GcPlan::default());
    assert!(collect(&fixture.repository).unwrap().is_empty());
}

#[test]
fn what_was_never_named_goes_and_a_plan_says_how_much() {
    let fixture = Fixture::new();
    fixture.demo("kept");
    let before = files(&fixture.path(""), "objects");
    let garbage = fixture.repository.put(&[b'g'; 10_000]).unwrap();
    let planned = plan(&fixture.repository).unwrap();
    assert_eq!(planned.objects, [(garbage.digest, 10_000)]);
    assert_eq!(
        (planned.bytes, planned.missing, planned.interrupted),
        (10_000, 0, 0)
    );
    assert!(planned.allocated >= 8192);
    assert_eq!(planned.kept.objects, before.len() as u64);
    assert_eq!((planned.kept.streams, planned.kept.refs), (4, 2));
    assert_eq!(
        planned.to_string(),
        "0 references, 0 streams, 0 images, 1 objects of 10000 bytes"
    );
    assert_eq!(collect(&fixture.repository).unwrap(), planned);
    assert_eq!(files(&fixture.path(""), "objects"), before);
    assert!(plan(&fixture.repository).unwrap().is_empty());
}

#[test]
fn an_image_goes_with_its_records_referring_streams_first() {
    let fixture = Fixture::new();
    fixture.demo("gone");
    lazaret_graph::untag(&fixture.repository, &"gone".parse().unwrap()).unwrap();
    let went = collect(&fixture.repository).unwrap();
    assert_eq!(went.refs.len(), 1, "{:?}", went.refs);
    let kinds: Vec<&str> = went
        .streams
        .iter()
        .map(|name| name.as_str().split("-sha256").next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["oci-manifest", "oci-config", "oci-layer", "lazaret-record"]
    );
    assert_eq!(
        went.streams_by_kind(),
        [
            ("manifests", 1),
            ("configs", 1),
            ("layers", 1),
            ("import records", 1)
        ]
    );
    assert!(files(&fixture.path(""), "objects").is_empty());
    assert!(files(&fixture.path(""), "streams").is_empty());
}

#[test]
fn a_cancelled_collection_says_so_and_deletes_nothing_more() {
    let fixture = Fixture::new();
    fixture.repository.put(&[1; 100]).unwrap();
    fixture.repository.put(&[2; 100]).unwrap();
    for (most, left) in [(0, 2), (1, 1)] {
        let error = collect_until(&fixture.repository, most).unwrap_err();
        assert_eq!(error.to_string(), "cancelled");
        assert!(!error.is_damage() && !error.is_input_fault());
        assert_eq!(files(&fixture.path(""), "objects").len(), left);
    }
}

#[test]
fn images_live_by_their_references_and_by_configs() {
    let fixture = Fixture::new();
    let repository = &fixture.repository;
    let stored = |content: &[u8]| repository.put(content).unwrap().digest;
    let part_of = |image: &VerityDigest| stored(format!("part of {image}, an image").as_bytes());
    let [rooted, referred, dead, both] = [1, 2, 3, 4].map(|number| stored(&[number; 5000]));
    let images = fixture.path("images");
    std::fs::create_dir_all(images.join("refs/deep")).unwrap();
    for image in [rooted, referred, dead, both] {
        part_of(&image);
        let target = format!("../objects/{}", object_path(&image));
        std::os::unix::fs::symlink(target, images.join(image.hex())).unwrap();
    }
    let link = |path: &str, image: &VerityDigest, up: &str| {
        let target = format!("{up}{}", image.hex());
        std::os::unix::fs::symlink(target, images.join(path)).unwrap();
    };
    link("refs/one", &rooted, "../");
    link("refs/deep/two", &both, "../../");
    // A config as composefs-oci leaves it, and an image that has lost its name.
    let nameless = stored(&[5; 5000]);
    part_of(&nameless);
    let mut writer = repository.stream_writer(ContentType::CONFIG).unwrap();
    for (key, image) in [
        ("composefs.image", &referred),
        ("composefs.image.v1", &both),
        ("composefs.image.v1.boot", &nameless),
    ] {
        writer.add_stream_ref(key, image).unwrap();
    }
    // What only its writer understands, and not an image.
    let odd = stored(b"neither stream nor image, but referred to");
    writer.add_stream_ref("x-odd", &odd).unwrap();
    let mut transaction = repository.transaction();
    transaction.link_stream("config".parse().unwrap(), writer.finish().unwrap().digest);
    transaction.link_ref("other/deep", "root", "config".parse().unwrap());
    transaction.commit().unwrap();

    let asked = AtomicU64::new(0);
    let options = GcOptions {
        image_objects: &|_, image| {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(vec![part_of(image)])
        },
        cancel: &AtomicBool::new(false),
    };
    let lock = repository.try_lock_exclusive().unwrap();
    let went = gc::collect(repository, &lock, &options, &|_| {}).unwrap();
    assert_eq!(asked.into_inner(), 4, "each image once");
    assert_eq!(went.images, [dead]);
    let mut gone = vec![dead, part_of(&dead)];
    gone.sort();
    let objects: Vec<VerityDigest> = went.objects.iter().map(|(digest, _)| *digest).collect();
    assert_eq!(objects, gone);
    assert!(went.streams.is_empty() && went.refs.is_empty());
}

#[test]
fn what_a_commit_that_died_left_is_finished_first() {
    let fixture = Fixture::new();
    let first = fixture.demo("a");
    // The layer is imported anew, with other cuts; the commit dies before the manifest knows.
    let content = vec![b'x'; 5000];
    let files = [
        ("usr", &b""[..]),
        ("usr/big", &content),
        ("usr/small", b"small"),
    ];
    let layer = names::Stream::Layer(first.layers[0].key);
    let old = first.layers[0].stream;
    let new = fixture.layer_cut_at(&files, 10_000);
    assert_eq!(new.key, first.layers[0].key);
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(names::previous(&layer), old);
    transaction.link_stream(layer.name(), new.stream);
    transaction.commit().unwrap();

    let planned = plan(&fixture.repository).unwrap();
    assert_eq!((planned.interrupted, planned.streams.len()), (1, 0));
    let objects: Vec<VerityDigest> = planned.objects.iter().map(|(digest, _)| *digest).collect();
    assert!(!objects.contains(&old), "the manifest still refers to it");
    collect(&fixture.repository).unwrap();
    let image = lazaret_graph::load(&fixture.repository, &"a".parse().unwrap()).unwrap();
    assert_eq!(image.layers[0].stream, new.stream);
    assert!(fixture.repository.has_object(&old).unwrap().is_none());
    assert_eq!(plan(&fixture.repository).unwrap().interrupted, 0);
    let mut out = Vec::new();
    assert!(lazaret_graph::rebuild(&fixture.repository, layer, &mut out).unwrap());
}

#[test]
fn nobody_else_may_have_the_repository_open() {
    let fixture = Fixture::new();
    let other = Repository::open(&fixture.path(""), lazaret_store::Access::Read).unwrap();
    let error = collect(&fixture.repository).unwrap_err();
    assert!(
        matches!(&error, GraphError::Store(store) if matches!(**store, StoreError::Locked { .. }))
    );
    drop(other);
    collect(&fixture.repository).unwrap();
}
