//! What is written is what was put, all of it or nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use lazaret_artifact::{CosignKind, DigestAlgorithm, Relation};
use serde_json::{Value, json};

use super::*;
use crate::blob::Role;
use crate::layout::fixture::{Fixture, chain, on};
use crate::resolve::Selection;
use crate::source::Source;

const S390X: &str = "linux/s390x";
const RISCV: &str = "linux/riscv64";

impl BlobSource for &[u8] {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(*self))
    }
}

fn options() -> RegistryOptions {
    RegistryOptions::default()
}

fn source(name: &str) -> Source {
    Source::open(&name.parse().unwrap(), &options()).unwrap()
}

fn destination(name: &str) -> Destination {
    Destination::open(&name.parse().unwrap(), &options()).unwrap()
}

fn refusal(name: &str) -> TransportError {
    Destination::open(&name.parse().unwrap(), &options()).unwrap_err()
}

fn described(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.parse().unwrap(),
        digest: ContentDigest::sha256(bytes),
        size: bytes.len() as u64,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: BTreeMap::new(),
    }
}

fn digest(entry: &Value) -> String {
    entry["digest"].as_str().unwrap().to_owned()
}

fn put(destination: &Destination, descriptor: &Descriptor, bytes: &[u8]) {
    destination.put_blob(descriptor, &bytes, &|_| {}).unwrap();
}

/// All of what `from` stands for, children first.
fn send(from: &Source, to: &Destination, tag: Option<&str>) -> Descriptor {
    let resolved = from.resolve(&Selection::All).unwrap();
    for document in &resolved.manifests {
        put(to, &document.manifest.config, &document.config);
        for layer in &document.manifest.layers {
            let bytes = from.read_document(layer, Role::Blob).unwrap();
            put(to, layer, &bytes);
        }
    }
    let root = resolved.root.digest;
    let tag_of = |digest: ContentDigest| if digest == root { tag } else { None };
    for document in &resolved.manifests {
        let subject = document.manifest.subject.as_ref().map(|s| s.digest);
        let entry = &document.descriptor;
        to.put_document(
            entry,
            &document.bytes,
            subject.as_ref(),
            tag_of(entry.digest),
        )
        .unwrap();
    }
    for document in resolved.indexes.iter().rev() {
        let subject = document.index.subject.as_ref().map(|s| s.digest);
        let entry = &document.descriptor;
        to.put_document(
            entry,
            &document.bytes,
            subject.as_ref(),
            tag_of(entry.digest),
        )
        .unwrap();
    }
    resolved.root
}

/// An index of two images, and a lone artifact.
fn fixture() -> (Fixture, Value, Value) {
    let mut fixture = Fixture::new();
    let images = [S390X, RISCV].map(|platform| on(&fixture.image(platform), platform));
    let index = fixture.index(&images);
    let artifact = fixture.artifact("text");
    fixture.add(&index, Some("index"));
    fixture.add(&artifact, Some("artifact"));
    (fixture, index, artifact)
}

/// A name of each kind in `directory`.
fn both(directory: &Path) -> [String; 2] {
    [
        format!("oci:{}/layout", directory.display()),
        format!("oci-archive:{}/a.tar", directory.display()),
    ]
}

/// All files below, with their content.
fn tree(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

fn same(one: &Source, other: &Source) {
    let [one, other] = [one, other].map(|source| source.resolve(&Selection::All).unwrap());
    assert_eq!(one.root.digest, other.root.digest);
    let bytes = |resolved: &crate::Resolved| {
        let indexes = resolved.indexes.iter().map(|index| index.bytes.clone());
        let manifests = resolved
            .manifests
            .iter()
            .flat_map(|document| [document.bytes.clone(), document.config.clone()]);
        indexes.chain(manifests).collect::<Vec<_>>()
    };
    assert_eq!(bytes(&one), bytes(&other));
}

#[test]
fn what_was_sent_is_read_back() {
    let (fixture, index, artifact) = fixture();
    let directory = tempfile::tempdir().unwrap();
    for name in both(directory.path()) {
        let to = destination(&format!("{name}:i"));
        assert_eq!((to.tag(), to.registry()), (Some("i".to_owned()), None));
        let root = send(&fixture.open(Some("index"), None).unwrap(), &to, Some("i"));
        send(
            &fixture.open(Some("artifact"), None).unwrap(),
            &to,
            Some("a"),
        );
        assert!(to.has_document(&root).unwrap() && to.has_blob(&root).unwrap());
        let absent = described("a/b", b"absent");
        assert!(!to.has_document(&absent).unwrap() && !to.has_blob(&absent).unwrap());
        assert!(!to.mount_blob(&root, "x").unwrap());
        to.finish().unwrap();
        let back = source(&format!("{name}:i"));
        assert_eq!(back.tags().unwrap(), ["i", "a"]);
        same(&fixture.open(Some("index"), None).unwrap(), &back);
        same(
            &fixture.open(Some("artifact"), None).unwrap(),
            &source(&format!("{name}:a")),
        );
        for (tag, entry) in [("i", &index), ("a", &artifact)] {
            let root = source(&format!("{name}:{tag}"))
                .resolve(&Selection::All)
                .unwrap()
                .root;
            assert_eq!(root.digest.to_string(), digest(entry));
        }
    }
}

#[test]
fn nothing_is_visible_before_the_end() {
    let (fixture, ..) = fixture();
    let directory = tempfile::tempdir().unwrap();
    for name in both(directory.path()) {
        let reference: Reference = name.parse().unwrap();
        for finish in [false, true] {
            let to = destination(&name);
            send(&fixture.open(Some("index"), None).unwrap(), &to, Some("i"));
            let error = Source::open(&reference, &options()).unwrap_err();
            assert!(
                matches!(
                    error,
                    TransportError::NoFile { .. } | TransportError::NotALayout { .. }
                ),
                "{error}"
            );
            if finish {
                to.finish().unwrap();
                Source::open(&reference, &options()).unwrap();
            } else {
                drop(to);
            }
            // No temporary of any name is left.
            let left = tree(directory.path());
            assert!(
                left.keys()
                    .all(|path| !path.to_str().unwrap().contains(".lazaret-")),
                "{left:?}"
            );
        }
    }
    // An archive that is there stays as it is until the other one takes its place.
    let path = directory.path().join("a.tar");
    let before = fs::read(&path).unwrap();
    let to = destination(&format!("oci-archive:{}:x", path.display()));
    send(
        &fixture.open(Some("artifact"), None).unwrap(),
        &to,
        Some("x"),
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    to.finish().unwrap();
    assert_eq!(
        source(&format!("oci-archive:{}", path.display()))
            .tags()
            .unwrap(),
        ["x"]
    );
}

#[test]
fn what_is_not_as_described_is_not_kept() {
    struct Broken;
    impl BlobSource for Broken {
        fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
            Ok(Box::new(b"hel".chain(Broken)))
        }
    }
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let hello = described("a/b", b"hello");
    let directory = tempfile::tempdir().unwrap();
    for name in both(directory.path()) {
        let to = destination(&name);
        let count = AtomicU64::new(0);
        let sent = |bytes| {
            count.fetch_add(bytes, Ordering::Relaxed);
        };
        let found = ContentDigest::sha256(b"hellO");
        let digest = hello.digest;
        for (bytes, want) in [
            (
                &b"hellO"[..],
                format!("{digest}: blob digest mismatch: expected {digest}, found {found}"),
            ),
            (
                b"hello!",
                format!("{digest}: blob size mismatch: expected 5, found more than 5"),
            ),
            (
                b"hell",
                format!("{digest}: blob size mismatch: expected 5, found 4"),
            ),
        ] {
            let error = to.put_blob(&hello, &bytes, &sent).unwrap_err();
            assert_eq!(error.to_string(), want);
            assert!(!to.has_blob(&hello).unwrap());
        }
        let error = to.put_blob(&hello, &Broken, &sent).unwrap_err();
        assert_eq!(
            chain(&error),
            format!("cannot read {digest} to send it: the disk is gone")
        );
        assert!(!error.is_input_fault());
        let document = Descriptor {
            media_type: lazaret_artifact::media_type::OCI_MANIFEST.parse().unwrap(),
            ..hello.clone()
        };
        let error = to
            .put_document(&document, b"hellO", None, Some("x"))
            .unwrap_err();
        assert!(error.to_string().contains("manifest digest mismatch"));
        let error = to
            .put_document(&document, b"hello!", None, Some("x"))
            .unwrap_err();
        assert!(error.to_string().contains("manifest size mismatch"));
        // Another, whole, in the place of what was begun.
        let other = described("a/b", &[7; 1000]);
        to.put_blob(&other, &&[7; 1000][..], &|_| {}).unwrap();
        to.finish().unwrap();
        let back = source(&name);
        assert!(matches!(
            back.open_blob(&hello).unwrap_err(),
            TransportError::MissingBlob { .. }
        ));
        back.open_blob(&other).unwrap().finish().unwrap();
        assert!(matches!(
            back.resolve(&Selection::All).unwrap_err(),
            TransportError::Empty { .. }
        ));
    }
}

#[test]
fn progress_counts_what_is_sent() {
    let content = vec![1; 1_000_000];
    let blob = described("a/b", &content);
    let directory = tempfile::tempdir().unwrap();
    for name in both(directory.path()) {
        let to = destination(&name);
        let count = AtomicU64::new(0);
        to.put_blob(&blob, &&*content, &|bytes| {
            count.fetch_add(bytes, Ordering::Relaxed);
        })
        .unwrap();
        assert_eq!(count.into_inner(), 1_000_000);
    }
}

#[test]
fn what_nothing_else_names_is_listed_without_a_name() {
    let (fixture, index, artifact) = fixture();
    let directory = tempfile::tempdir().unwrap();
    for name in both(directory.path()) {
        for (tag, once_more) in [(None, false), (Some(""), true)] {
            let to = destination(&name);
            send(&fixture.open(Some("index"), None).unwrap(), &to, tag);
            if once_more {
                send(&fixture.open(Some("artifact"), None).unwrap(), &to, tag);
            }
            to.finish().unwrap();
        }
        let back = source(&name);
        assert_eq!(back.tags().unwrap(), [""; 0]);
        let error = back.resolve(&Selection::All).unwrap_err();
        let want = format!(
            "several images to choose from: @{}, @{}",
            digest(&index),
            digest(&artifact)
        );
        assert_eq!(error.to_string(), want);
        for entry in [&index, &artifact] {
            let back = source(&format!("{name}@{}", digest(entry)));
            let root = back.resolve(&Selection::All).unwrap().root;
            assert_eq!(root.digest.to_string(), digest(entry));
            assert!(root.annotations.is_empty());
        }
    }
}

#[test]
fn referrers_are_found_again() {
    let (mut fixture, index, _) = fixture();
    let mut subject = index.clone();
    subject.as_object_mut().unwrap().remove("annotations");
    let config = fixture.blob("application/vnd.oci.empty.v1+json", b"{}");
    let by_subject = fixture.manifest(
        &json!({"config": config, "layers": [config], "artifactType": "text/sbom", "subject": subject}),
    );
    let by_tag = fixture.artifact("signature");
    fixture.add(&by_subject, Some("subject"));
    fixture.add(&by_tag, Some("signature"));
    let of: ContentDigest = digest(&index).parse().unwrap();
    let directory = tempfile::tempdir().unwrap();
    for name in both(directory.path()) {
        let to = destination(&format!("{name}:i"));
        send(&fixture.open(Some("subject"), None).unwrap(), &to, None);
        let tag = CosignKind::Signature.tag(&of);
        send(
            &fixture.open(Some("signature"), None).unwrap(),
            &to,
            Some(tag.as_str()),
        );
        send(&fixture.open(Some("index"), None).unwrap(), &to, Some("i"));
        to.finish().unwrap();
        let back = source(&format!("{name}:i"));
        assert_eq!(back.tags().unwrap(), [tag.as_str(), "i"]);
        let found: Vec<(String, Relation)> = back
            .referrers(&of)
            .unwrap()
            .into_iter()
            .map(|referrer| (referrer.descriptor.digest.to_string(), referrer.relation))
            .collect();
        let want = [
            (digest(&by_subject), Relation::Subject),
            (digest(&by_tag), Relation::Cosign(CosignKind::Signature)),
        ];
        assert_eq!(found, want);
    }
}

#[test]
fn one_writer_takes_blobs_from_several_threads() {
    let contents: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; 1000 * usize::from(n)]).collect();
    let directory = tempfile::tempdir().unwrap();
    for name in both(directory.path()) {
        let to = destination(&name);
        std::thread::scope(|scope| {
            for part in contents.chunks(10) {
                let to = &to;
                // Each blob from two threads.
                for _ in 0..2 {
                    scope.spawn(move || {
                        for content in part {
                            put(to, &described("a/b", content), content);
                        }
                    });
                }
            }
        });
        to.finish().unwrap();
        let back = source(&name);
        for content in &contents {
            let blob = back.open_blob(&described("a/b", content)).unwrap();
            blob.finish().unwrap();
        }
    }
}

#[test]
fn places_that_are_something_else_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().to_str().unwrap();
    fs::write(format!("{base}/file"), "").unwrap();
    fs::create_dir(format!("{base}/full")).unwrap();
    fs::write(format!("{base}/full/x"), "").unwrap();
    let shown = |error: TransportError| chain(&error).replace(base, "D");
    for (name, want) in [
        (
            "oci:D/file",
            "\"D/file\" is not an OCI layout: not a directory",
        ),
        (
            "oci:D/file/x",
            "\"D/file/x\" is not an OCI layout: not a directory",
        ),
        (
            "oci:D/full",
            "\"D/full\" is not an OCI layout: no file oci-layout",
        ),
        ("oci-archive:D/full", "\"D/full\" is not a regular file"),
        (
            "oci-archive:D/none/x",
            "cannot open \"D/none\": No such file or directory (os error 2)",
        ),
        (
            "oci-archive:D/none/..",
            "cannot open \"D/none\": No such file or directory (os error 2)",
        ),
    ] {
        let found = shown(refusal(&name.replace('D', base)));
        if name.ends_with("..") {
            assert!(found.contains("D/none/.."), "{found}");
        } else {
            assert_eq!(found, want);
        }
    }
    let digest = ContentDigest::sha256(b"");
    for name in ["oci:D/a", "oci-archive:D/a"] {
        let error = refusal(&format!("{}@{digest}", name.replace('D', base)));
        assert!(error.is_usage());
        assert_eq!(
            shown(error),
            format!(
                "invalid reference {:?}: a destination is named by a tag, not by a digest",
                format!("{name}@{digest}")
            )
        );
    }
    // Nothing was made of them, and what was there is there.
    assert_eq!(tree(directory.path()).len(), 2);
    // An index that cannot be read is not replaced.
    let fixture = Fixture::new();
    fs::write(fixture.path("index.json"), "{").unwrap();
    let name = format!("oci:{}", fixture.directory.path().display());
    assert!(refusal(&name).is_input_fault());
    assert_eq!(fs::read(fixture.path("index.json")).unwrap(), b"{");
}

#[test]
fn an_index_that_could_not_be_read_back_is_not_written() {
    let there = Fixture::new();
    let entry = there.artifact("x");
    let entries: Vec<Value> = (0..4096)
        .map(|number| {
            let mut entry = entry.clone();
            entry["annotations"] =
                json!({"org.opencontainers.image.ref.name": format!("t{number}")});
            entry
        })
        .collect();
    let document = json!({"schemaVersion": 2, "manifests": entries}).to_string();
    fs::write(there.path("index.json"), &document).unwrap();
    let from = Fixture::new();
    let manifest = from.artifact("y");
    let bytes = fs::read(from.blob_path(&digest(&manifest).parse().unwrap())).unwrap();
    let descriptor = described(lazaret_artifact::media_type::OCI_MANIFEST, &bytes);
    let name = format!("oci:{}", there.directory.path().display());
    let to = destination(&name);
    to.put_document(&descriptor, &bytes, None, Some("new"))
        .unwrap();
    assert_eq!(
        to.finish().unwrap_err().to_string(),
        "entries of index.json: 4097 is more than the limit of 4096"
    );
    assert_eq!(
        fs::read_to_string(there.path("index.json")).unwrap(),
        document
    );
    // In the place of another there is room.
    let to = destination(&name);
    to.put_document(&descriptor, &bytes, None, Some("t7"))
        .unwrap();
    to.finish().unwrap();
    assert_eq!(source(&name).tags().unwrap().len(), 4096);
}

mod archive;
mod layout;
