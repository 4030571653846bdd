//! A commit that dies after each of its steps, and a collection by `cfsctl` right after.

use std::path::Path;

use lazaret_artifact::ContentDigest;
use lazaret_artifact::media_type::{DOCKER_CONFIG, DOCKER_MANIFEST};
use lazaret_store::{Repository, StreamName};

use super::plan::{Step, apply};
use super::{check, finish_interrupted, stage};
use crate::names::{Stream, parse_previous};
use crate::{Severity, fsck, list, load_index, load_manifest, rebuilt_digest, referrers};
use fixture::{Closed, Fixture, Parts, Whole, entry, index, index_entry, run, tool};

#[path = "../../tests/graph/fixture.rs"]
#[expect(dead_code, reason = "the integration tests use the rest")]
mod fixture;

const SHARED: [u8; 3000] = [b's'; 3000];

/// Two images that share a layer, one with Docker's types; an index of both, in another index; an
/// artifact, and a signature of the inner index.
struct Before {
    fixture: Fixture,
    image: Parts,
    tags: Vec<String>,
}

fn before() -> Before {
    let fixture = Fixture::in_memory();
    let shared = fixture.layer_cut_at(&[("shared", &SHARED)], 10_000);
    let image = fixture.image_for("amd64", &[shared]);
    let docker = fixture.layer(&[("docker", b"own")]);
    let docker = fixture.image_of_types(&[shared, docker], DOCKER_MANIFEST, DOCKER_CONFIG);
    let inner = index(&[
        entry(&image.manifest, Some("linux/amd64")),
        entry(&docker.manifest, Some("linux/arm64")),
    ]);
    let outer = index(&[index_entry(&inner)]);
    let artifact = fixture.artifact(&[(fixture.blob(b"a model"), b"a model")]);
    let signature = fixture.about(&inner, "application/vnd.test.signature");
    let digest = |bytes: &[u8]| ContentDigest::sha256(bytes);
    Whole {
        manifests: &[&image, &docker, &artifact, &signature],
        indexes: &[&outer, &inner],
        tags: &[
            ("image", image.digest()),
            ("inner", digest(&inner)),
            ("outer", digest(&outer)),
            ("artifact", artifact.digest()),
        ],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    Before {
        fixture,
        image,
        tags: ["artifact", "image", "inner", "outer"]
            .map(str::to_owned)
            .into(),
    }
}

/// The shared layer comes with other cuts in a new image, and in a new index with an old one.
fn with_change<T>(before: &Before, then: impl FnOnce(&Whole<'_>) -> T) -> T {
    let fixture = &before.fixture;
    let cut = fixture.layer_cut_at(&[("shared", &SHARED)], 64);
    let image = fixture.image_for("riscv64", &[cut]);
    let third = index(&[
        entry(&image.manifest, Some("linux/riscv64")),
        entry(&before.image.manifest, Some("linux/amd64")),
    ]);
    then(&Whole {
        manifests: &[&image],
        indexes: &[&third],
        tags: &[
            ("new", image.digest()),
            ("third", ContentDigest::sha256(&third)),
        ],
        ..Whole::default()
    })
}

/// Takes the first `count` steps of the change; how many there are.
fn die_after(before: &Before, count: usize) -> (usize, Vec<String>) {
    let repository = &before.fixture.repository;
    let steps: Vec<Step> = with_change(before, |change| {
        change.with(|commit| {
            let checked = check::check(commit).unwrap();
            let staged = stage::stage(repository, commit, &checked).unwrap();
            staged.plan.stages().concat()
        })
    });
    for step in steps.iter().take(count) {
        apply(repository, std::slice::from_ref(step)).unwrap();
    }
    (steps.len(), steps.iter().map(kind_of).collect())
}

fn kind_of(step: &Step) -> String {
    let kind = |name: &StreamName| match parse_previous(name.as_str()) {
        Some(stream) => format!("previous {}", noun(&stream)),
        None => noun(&Stream::parse(name.as_str()).unwrap()).to_owned(),
    };
    match step {
        Step::Link(name, _) => format!("link {}", kind(name)),
        Step::Ref(namespace, _, _) => format!("ref {namespace}"),
        Step::Unref(namespace, _) => format!("unref {namespace}"),
        Step::Unlink(name) => format!("unlink {}", kind(name)),
    }
}

fn noun(stream: &Stream) -> &'static str {
    match stream {
        Stream::Manifest(_) => "manifest",
        Stream::Index(_) => "index",
        Stream::Config(_) => "config",
        Stream::Layer(_) => "layer",
        Stream::Blob(_) => "blob",
        Stream::Record(_) => "record",
    }
}

/// `cfsctl`, with the repository closed: it wants the exclusive lock.
fn collect(fixture: Fixture) -> Fixture {
    let path = fixture.path("");
    let closed: Closed = fixture.closed();
    for arguments in [["gc"].as_slice(), &["fsck"], &["oci", "fsck"]] {
        run(cfsctl(&path), arguments);
    }
    closed.reopened()
}

fn cfsctl(repository: &Path) -> std::process::Command {
    let mut command = tool("cfsctl").unwrap();
    command.arg("--repo").arg(repository);
    command
}

/// Every tag loads, and everything below it gives back the bytes that it is named for.
fn assert_whole(repository: &Repository, context: &str) -> Vec<String> {
    let rows = list(repository).unwrap();
    for row in &rows {
        let digest = row.digest.unwrap();
        assert!(row.details.is_ok(), "{context}: {row:?}");
        assert_below(repository, &digest, context);
    }
    rows.into_iter().map(|row| row.tag).collect()
}

fn assert_below(repository: &Repository, digest: &ContentDigest, context: &str) {
    let is_index = repository.resolve_stream(&Stream::Index(*digest).name());
    if is_index.unwrap().is_some() {
        let index = load_index(repository, digest).unwrap();
        for child in &index.children {
            assert!(child.stored, "{context}: {}", child.descriptor.digest);
            assert_below(repository, &child.descriptor.digest, context);
        }
        return;
    }
    let image = load_manifest(repository, digest).unwrap();
    for layer in &image.layers {
        let found = rebuilt_digest(repository, &layer.stream, layer.key.algorithm());
        let found = found.unwrap_or_else(|error| panic!("{context}: {digest}: {error}"));
        assert_eq!(found, layer.key, "{context}");
    }
}

fn leftovers(repository: &Repository) -> usize {
    let streams = repository.streams().unwrap();
    let names = streams.iter().map(|(name, _)| name.as_str());
    names.filter(|name| parse_previous(name).is_some()).count()
}

fn damage(repository: &Repository) -> Vec<String> {
    let report = fsck(repository, Default::default(), &|_| ()).unwrap();
    let findings = report.findings.iter();
    let bad = findings.filter(|finding| finding.severity() > Severity::Information);
    bad.map(ToString::to_string).collect()
}

#[test]
fn whatever_step_a_commit_dies_after_nothing_tagged_is_lost() {
    if tool("cfsctl").is_none() {
        return;
    }
    let (total, kinds) = die_after(&before(), 0);
    // Old streams have second names first and last; leaves are linked first, tags last.
    let expected = [
        (1, "link previous layer"),
        (2, "link previous config"),
        (2, "link previous manifest"),
        (2, "link previous index"),
        (7, "ref lazaret"),
        (2, "link layer"),
        (3, "link config"),
        (3, "link manifest"),
        (3, "link index"),
        (2, "ref oci"),
        (7, "unref lazaret"),
        (1, "unlink previous layer"),
        (2, "unlink previous config"),
        (2, "unlink previous manifest"),
        (2, "unlink previous index"),
    ];
    let expected = expected.map(|(times, kind)| vec![kind; times]).concat();
    assert_eq!(kinds, expected);
    for count in 0..=total {
        let context = format!("after {count} of {total} steps");
        let Before {
            fixture,
            image,
            tags,
        } = {
            let before = before();
            die_after(&before, count);
            before
        };
        let fixture = collect(fixture);
        let found = assert_whole(&fixture.repository, &context);
        let missing = tags.iter().any(|tag| !found.contains(tag));
        assert!(!missing, "{context}: {found:?}");

        // The next one finishes it, and begins anew what is not there.
        let again = Before {
            fixture,
            image,
            tags,
        };
        with_change(&again, |change| change.run(&again.fixture)).unwrap();
        let repository = &again.fixture.repository;
        assert_eq!(leftovers(repository), 0, "{context}");
        assert_eq!(damage(repository), Vec::<String>::new(), "{context}");
        let fixture = collect(again.fixture);
        let found = assert_whole(&fixture.repository, &context);
        assert_eq!(
            found,
            ["artifact", "image", "inner", "new", "outer", "third"]
        );
        assert_eq!(
            damage(&fixture.repository),
            Vec::<String>::new(),
            "{context}"
        );
        let inner = list(&fixture.repository).unwrap().remove(2).digest.unwrap();
        assert_eq!(referrers(&fixture.repository, &inner).unwrap().len(), 1);
    }
}

#[test]
fn what_a_commit_left_is_finished_without_another_one() {
    let before = before();
    let repository = &before.fixture.repository;
    assert_eq!(finish_interrupted(repository).unwrap(), []);
    // Second names, refs, and the layers.
    die_after(&before, 16);
    assert_eq!(leftovers(repository), 7);
    let rewritten = finish_interrupted(repository).unwrap();
    let nouns: Vec<&str> = rewritten.iter().map(noun).collect();
    let expected = ["config", "config", "manifest", "manifest", "index", "index"];
    assert_eq!(nouns, expected);
    assert_eq!(leftovers(repository), 0);
    assert_eq!(damage(repository), Vec::<String>::new());
    assert_eq!(finish_interrupted(repository).unwrap(), []);
}
