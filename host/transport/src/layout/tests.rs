//! Layouts that are none, blobs that are none.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use super::fixture::{Fixture, chain};
use super::*;
use crate::source::Source;

fn descriptor(value: &Value) -> Descriptor {
    Descriptor {
        media_type: value["mediaType"].as_str().unwrap().parse().unwrap(),
        digest: value["digest"].as_str().unwrap().parse().unwrap(),
        size: value["size"].as_u64().unwrap(),
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: std::collections::BTreeMap::new(),
    }
}

fn refusal(fixture: &Fixture) -> String {
    let error = fixture.open(None, None).unwrap_err();
    assert!(error.is_input_fault(), "{error}");
    chain(&error).replace(fixture.directory.path().to_str().unwrap(), "DIR")
}

#[test]
fn each_malformed_layout_is_refused_with_its_reason() {
    type Spoil = fn(&Fixture);
    let table: [(Spoil, &str); 13] = [
        (
            |f| fs::remove_file(f.path("oci-layout")).unwrap(),
            "\"DIR\" is not an OCI layout: no file oci-layout",
        ),
        (
            |f| fs::write(f.path("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap(),
            "\"DIR\" is not an OCI layout: imageLayoutVersion is \"2.0.0\", not \"1.0.0\"",
        ),
        (
            |f| fs::write(f.path("oci-layout"), "{").unwrap(),
            "cannot use \"DIR/oci-layout\": invalid layout file sha256:021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96: EOF while parsing an object at line 1 column 1",
        ),
        (
            |f| fs::write(f.path("oci-layout"), vec![b' '; 70_000]).unwrap(),
            "size of DIR/oci-layout: 70000 is more than the limit of 65536",
        ),
        (
            |f| fs::remove_dir(f.path("blobs/sha256")).unwrap(),
            "\"DIR\" is not an OCI layout: no directory blobs/sha256",
        ),
        (
            |f| {
                fs::remove_dir(f.path("blobs/sha256")).unwrap();
                fs::write(f.path("blobs/sha256"), "").unwrap();
            },
            "\"DIR\" is not an OCI layout: blobs/sha256 is not a directory",
        ),
        (
            |f| fs::remove_file(f.path("index.json")).unwrap(),
            "\"DIR\" is not an OCI layout: no file index.json",
        ),
        (
            |f| {
                fs::remove_file(f.path("index.json")).unwrap();
                fs::create_dir(f.path("index.json")).unwrap();
            },
            "\"DIR/index.json\" is not a regular file",
        ),
        (
            |f| {
                fs::remove_file(f.path("index.json")).unwrap();
                symlink("/etc/passwd", f.path("index.json")).unwrap();
            },
            "\"DIR/index.json\" leads out of its directory",
        ),
        (
            |f| {
                fs::remove_file(f.path("index.json")).unwrap();
                make_pipe(&f.path("index.json"));
            },
            "\"DIR/index.json\" is not a regular file",
        ),
        (
            |f| {
                fs::write(
                    f.path("index.json"),
                    r#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#,
                )
                .unwrap()
            },
            "cannot use \"DIR/index.json\": invalid index sha256:dca7eac7d2ce2aa55c3ab79d6e0d3fe8e5e7ff6a47e2e0b62e6ab9a0d1ca5d5b: duplicate name",
        ),
        (
            |f| {
                fs::write(
                    f.path("index.json"),
                    r#"{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}"#,
                )
                .unwrap()
            },
            "cannot use \"DIR/index.json\": invalid index",
        ),
        (
            |f| {
                let big = fs::File::create(f.path("index.json")).unwrap();
                big.set_len(1 << 40).unwrap();
            },
            "size of DIR/index.json: 1099511627776 is more than the limit of 4194304",
        ),
    ];
    for (spoil, want) in table {
        let fixture = Fixture::new();
        spoil(&fixture);
        let found = refusal(&fixture);
        let want = match want.split_once("index sha256:") {
            Some((before, _)) => before,
            None => want,
        };
        assert!(found.starts_with(want), "wanted {want}\nfound  {found}");
    }
}

fn make_pipe(path: &Path) {
    let status = std::process::Command::new("mkfifo")
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_directory_that_is_not_there_is_not_found() {
    let reference = LayoutRef {
        path: "/nonexistent/layout".into(),
        tag: None,
        digest: None,
    };
    let error = Layout::open(&reference).unwrap_err();
    assert_eq!(error.to_string(), "\"/nonexistent/layout\" does not exist");
    assert!(error.is_not_found() && !error.is_input_fault());
    let reference = LayoutRef {
        path: "/dev/null".into(),
        ..reference
    };
    let error = Layout::open(&reference).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"/dev/null\" is not an OCI layout: not a directory"
    );
}

#[test]
fn blobs_are_read_and_verified() {
    let fixture = Fixture::new();
    let content = vec![7; 300_000];
    let blob = descriptor(&fixture.blob("application/x", &content));
    let source = fixture.open(None, None).unwrap();
    let mut opened = source.open_blob(&blob).unwrap();
    assert_eq!((opened.size(), *opened.digest()), (300_000, blob.digest));
    let region = opened.file_unverified().unwrap();
    assert_eq!(region.offset, 0);
    assert_eq!(region.file.metadata().unwrap().len(), 300_000);
    let mut read = Vec::new();
    opened.read_to_end(&mut read).unwrap();
    assert!(opened.is_verified());
    assert_eq!(read, content);

    let mut flipped = content;
    flipped[299_999] ^= 1;
    fs::write(fixture.blob_path(&blob.digest), &flipped).unwrap();
    let error = source.open_blob(&blob).unwrap().finish().unwrap_err();
    let found = ContentDigest::sha256(&flipped).to_string();
    let expected = blob.digest.to_string();
    assert_eq!(error.expected_found(), Some((&*expected, &*found)));
    assert!(error.is_input_fault());

    fs::write(fixture.blob_path(&blob.digest), b"short").unwrap();
    let error = source.open_blob(&blob).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{expected}: blob size mismatch: expected 300000, found 5")
    );
}

#[test]
fn what_is_no_file_is_no_blob() {
    let fixture = Fixture::new();
    let blob = descriptor(&fixture.blob("application/x", b"x"));
    let path = fixture.blob_path(&blob.digest);
    let source = fixture.open(None, None).unwrap();
    let kind = |source: &Source| match source.open_blob(&blob) {
        Err(TransportError::NotAFile { .. }) => "not a file",
        Err(TransportError::Escape { .. }) => "escape",
        Err(TransportError::MissingBlob { .. }) => "missing",
        Err(other) => panic!("{}", chain(&other)),
        Ok(_) => "opened",
    };
    assert_eq!(kind(&source), "opened");
    fs::remove_file(&path).unwrap();
    assert_eq!(kind(&source), "missing");
    make_pipe(&path);
    assert_eq!(kind(&source), "not a file");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(kind(&source), "not a file");
    fs::remove_dir(&path).unwrap();
    let _listener = UnixListener::bind(fixture.path("s")).unwrap();
    fs::rename(fixture.path("s"), &path).unwrap();
    assert_eq!(kind(&source), "not a file");
    fs::remove_file(&path).unwrap();
    for target in ["/etc/passwd", "../../../../etc/passwd", "../../index.json"] {
        symlink(target, &path).unwrap();
        assert_eq!(kind(&source), "escape", "{target}");
        fs::remove_file(&path).unwrap();
    }
    // Inside, a link is as good as a copy: the bytes are verified.
    fs::write(fixture.path("blobs/sha256/elsewhere"), "x").unwrap();
    symlink("elsewhere", &path).unwrap();
    assert_eq!(kind(&source), "opened");
}

#[test]
fn blobs_of_both_algorithms_are_found() {
    let fixture = Fixture::new();
    let mut hasher = lazaret_artifact::ContentHasher::new(DigestAlgorithm::Sha512);
    hasher.update(b"hello");
    let digest = hasher.finish();
    let blob = descriptor(&json!({"mediaType": "a/b", "digest": digest, "size": 5}));
    let source = fixture.open(None, None).unwrap();
    let error = source.open_blob(&blob).unwrap_err();
    assert!(matches!(error, TransportError::MissingBlob { .. }));
    fs::create_dir(fixture.path("blobs/sha512")).unwrap();
    fs::write(fixture.blob_path(&digest), "hello").unwrap();
    source.open_blob(&blob).unwrap().finish().unwrap();
}

#[test]
fn a_document_over_the_limit_is_not_read() {
    let fixture = Fixture::new();
    let mut big = descriptor(&fixture.blob("application/x", b"x"));
    big.size = MAX_DOCUMENT_SIZE + 1;
    let error = fixture
        .open(None, None)
        .unwrap()
        .read_document(&big, Role::Config)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: config size: 4194305 is more than the limit of 4194304",
            big.digest
        )
    );
}
