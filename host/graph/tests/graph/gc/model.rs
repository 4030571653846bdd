//! Random repositories against the model of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use lazaret_graph::names::Stream;
use lazaret_graph::{FsckOptions, RecordReader, fsck, load, rebuild};
use lazaret_store::{Access, CheckOptions, Repository};
use proptest::prelude::*;

use super::world::{LayerSpec, Spec, World};
use super::{collect, collect_until, files, plan};
use crate::fixture::{run, tool};

fn layer() -> impl Strategy<Value = LayerSpec> {
    let files = proptest::collection::btree_set(0..16_u8, 0..6);
    (files, any::<bool>(), any::<bool>()).prop_map(|(files, record, kept_blob)| LayerSpec {
        files,
        record,
        kept_blob,
    })
}

fn spec() -> impl Strategy<Value = Spec> {
    use proptest::collection::vec;
    let many = || vec(any::<usize>(), 0..4);
    let subject = || proptest::option::of(any::<usize>());
    let documents = (
        vec(layer(), 0..6),
        vec((many(), any::<bool>()), 0..5),
        vec((vec(0..8_u8, 0..3), subject()), 0..5),
        vec((many(), subject()), 0..4),
        vec((any::<usize>(), any::<usize>(), any::<bool>()), 0..3),
    );
    let names = (
        vec((many(), any::<bool>()), 0..4),
        vec(any::<usize>(), 0..5),
        vec(any::<usize>(), 0..4),
        0..4_u8,
    );
    (documents, names).prop_map(
        |((layers, images, artifacts, indexes, attached), (foreign, tagged, untagged, garbage))| {
            Spec {
                layers,
                images,
                artifacts,
                indexes,
                attached,
                foreign,
                tagged,
                untagged,
                garbage,
            }
        },
    )
}

/// Everything that is named can be had.
fn assert_kept(repository: &Repository, world: &World) {
    for name in world.live() {
        match Stream::parse(&name) {
            Some(Stream::Record(content)) => {
                let stream = repository.resolve_stream(&name.parse().unwrap());
                let stream = stream.unwrap().unwrap();
                let record = RecordReader::open(repository, &content, &stream).unwrap();
                record.into_summary().unwrap();
            }
            Some(stream) => {
                assert!(rebuild(repository, stream, &mut std::io::sink()).unwrap());
            }
            None => {}
        }
    }
    for tag in world.tags() {
        let name = tag.parse().unwrap();
        match load(repository, &name) {
            Ok(_) => {}
            // An index without anything for this machine.
            Err(error) => assert!(!error.is_damage(), "{tag}: {error}"),
        }
    }
    assert_sound(repository);
}

fn assert_sound(repository: &Repository) {
    let options = FsckOptions {
        deep: false,
        store: CheckOptions::default(),
    };
    let report = fsck(repository, options, &|_| {}).unwrap();
    assert!(!report.is_damaged(), "{:?}", report.findings);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_cannot_be_reached_goes(spec in spec()) {
        let world = World::new(&spec);
        let repository = &world.fixture.repository;
        let before = (files(&world.path(), "streams"), files(&world.path(), "objects"));
        let planned = plan(repository).unwrap();
        prop_assert_eq!(&before.0, &files(&world.path(), "streams"), "a plan changes nothing");
        prop_assert_eq!(&before.1, &files(&world.path(), "objects"));
        let went = collect(repository).unwrap();
        prop_assert_eq!(&went, &planned, "what was shown is what was done");
        world.assert_collected(&world.path());

        // The plan named each thing that is gone, and nothing else.
        let after = (files(&world.path(), "streams"), files(&world.path(), "objects"));
        let named: BTreeSet<String> = went
            .streams
            .iter()
            .map(ToString::to_string)
            .chain(went.refs.iter().map(|path| format!("refs/{path}")))
            .collect();
        prop_assert_eq!(&before.0 - &after.0, named);
        let objects: BTreeSet<String> =
            went.objects.iter().map(|(digest, _)| super::object_path(digest)).collect();
        prop_assert_eq!(&before.1 - &after.1, objects);
        assert_kept(repository, &world);
        prop_assert!(collect(repository).unwrap().is_empty(), "once is enough");
    }
}

/// Something of every kind, needed and not.
fn rich() -> Spec {
    let layer = |files: &[u8]| LayerSpec {
        files: files.iter().copied().collect(),
        record: true,
        kept_blob: true,
    };
    Spec {
        layers: vec![
            layer(&[1, 9]),
            layer(&[9, 10, 11]),
            layer(&[11, 12]),
            layer(&[13]),
        ],
        images: vec![
            (vec![0, 1], false),
            (vec![1, 2], false),
            (vec![3], true),
            (vec![0, 3], false),
        ],
        // Subjects: 1 is the first document, 0 what is not there.
        artifacts: vec![
            (vec![1, 2], Some(1)),
            (vec![2, 3], Some(2)),
            (vec![4], Some(6)),
            (vec![5], Some(0)),
        ],
        indexes: vec![
            (vec![1, 2], None),
            (vec![3, 9], Some(4)),
            (vec![2, 10, 0], None),
            (vec![11], None),
        ],
        attached: vec![(1, 4, true), (3, 6, false)],
        foreign: vec![(vec![0, 5], true), (vec![3], false)],
        tagged: vec![0, 8, 7, 11],
        untagged: vec![1, 3],
        garbage: 3,
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_collection_that_dies_anywhere_leaves_a_whole_repository() {
    let world = World::new(&rich());
    let planned = plan(&world.fixture.repository).unwrap();
    let steps = planned.refs.len() + planned.streams.len() + planned.objects.len();
    assert!(
        planned.refs.len() > 5 && planned.streams.len() > 8,
        "{planned}"
    );
    let directory = tempfile::tempdir().unwrap();
    let mut checked_by_cfsctl = 0;
    for done in 0..=steps as u64 {
        let path = directory.path().join(format!("after-{done}"));
        copy(&world.path(), &path);
        let repository = Repository::open(&path, Access::Write).unwrap();
        let result = collect_until(&repository, done);
        assert_eq!(result.is_ok(), done == steps as u64, "{done}");
        let left = files(&path, "objects").len() + files(&path, "streams").len();
        let before = files(&world.path(), "objects").len() + files(&world.path(), "streams").len();
        assert_eq!(left, before - done as usize);

        assert_kept(&repository, &world);
        if done % 9 == 0 {
            drop(repository);
            for arguments in [&["fsck"][..], &["oci", "fsck"]] {
                if let Some(mut command) = tool("cfsctl") {
                    command.arg("--repo").arg(&path);
                    run(command, arguments);
                    checked_by_cfsctl += 1;
                }
            }
        } else {
            drop(repository);
        }
        let repository = Repository::open(&path, Access::Write).unwrap();
        collect(&repository).unwrap();
        world.assert_collected(&path);
        std::fs::remove_dir_all(&path).unwrap();
    }
    assert!(checked_by_cfsctl == 0 || checked_by_cfsctl > 8);
}

#[test]
fn its_own_collection_after_one_that_died_loses_nothing() {
    if tool("cfsctl").is_none() {
        return;
    }
    let world = World::new(&rich());
    let directory = tempfile::tempdir().unwrap();
    for done in [3, 9, 15, 25, 40] {
        let path = directory.path().join(format!("after-{done}"));
        copy(&world.path(), &path);
        let repository = Repository::open(&path, Access::Write).unwrap();
        let _ = collect_until(&repository, done);
        drop(repository);
        let mut command = tool("cfsctl").unwrap();
        command.arg("--repo").arg(&path);
        run(command, &["gc"]);
        let repository = Repository::open(&path, Access::Write).unwrap();
        assert_kept(&repository, &world);
    }
}
