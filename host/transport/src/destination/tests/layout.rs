//! Layouts that are there already, and several writers of one.

use super::*;

#[test]
fn a_layout_that_is_there_is_extended() {
    let (fixture, _, artifact) = fixture();
    let mut there = Fixture::new();
    let kept = there.artifact("kept");
    let replaced = there.artifact("replaced");
    there.add(&kept, Some("kept"));
    there.add(&replaced, Some("x"));
    there.add(&on(&replaced, S390X), Some("x"));
    there.add(&replaced, None);
    // What this program knows nothing of stays.
    let path = there.path("index.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    document["annotations"] = json!({"a": "b"});
    document["x-unknown"] = json!([1, {"y": null}]);
    document["manifests"][0]["data"] = json!("e30=");
    fs::write(&path, document.to_string()).unwrap();
    let name = format!("oci:{}", there.directory.path().display());
    for round in 0..2 {
        let to = destination(&format!("{name}:x"));
        send(
            &fixture.open(Some("artifact"), None).unwrap(),
            &to,
            Some("x"),
        );
        to.finish().unwrap();
        let found: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut want = document.clone();
        let entries = want["manifests"].as_array_mut().unwrap();
        entries.drain(1..3);
        let mut new = artifact.clone();
        new["annotations"] = json!({"org.opencontainers.image.ref.name": "x"});
        entries.push(new);
        assert_eq!(found, want, "round {round}");
    }
    source(&format!("{name}:kept"))
        .resolve(&Selection::Best)
        .unwrap();
}

#[test]
fn writers_at_once_lose_nothing() {
    const WRITERS: usize = 8;
    let fixtures: Vec<Fixture> = (0..WRITERS)
        .map(|number| {
            let mut fixture = Fixture::new();
            let artifact = fixture.artifact(&format!("text {number}"));
            fixture.add(&artifact, None);
            fixture
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let name = format!("oci:{}/layout", directory.path().display());
    std::thread::scope(|scope| {
        for (number, fixture) in fixtures.iter().enumerate() {
            let name = &name;
            scope.spawn(move || {
                for round in 0..5 {
                    let tag = format!("t{number}-{round}");
                    let to = destination(&format!("{name}:{tag}"));
                    send(&fixture.open(None, None).unwrap(), &to, Some(&tag));
                    to.finish().unwrap();
                }
            });
        }
    });
    let mut tags = source(&name).tags().unwrap();
    tags.sort_unstable();
    let mut want: Vec<String> = (0..WRITERS)
        .flat_map(|number| (0..5).map(move |round| format!("t{number}-{round}")))
        .collect();
    want.sort_unstable();
    assert_eq!(tags, want);
    for (number, fixture) in fixtures.iter().enumerate() {
        same(
            &fixture.open(None, None).unwrap(),
            &source(&format!("{name}:t{number}-4")),
        );
    }
}

#[test]
fn links_in_a_layout_do_not_lead_out_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let name = format!("oci:{}", directory.path().display());
    let blob = described("a/b", b"hello");
    destination(&name).finish().unwrap();
    // A link in the place of a blob is no blob, and is replaced.
    let path = directory
        .path()
        .join("blobs/sha256")
        .join(blob.digest.hex());
    let victim = outside.path().join("victim");
    fs::write(&victim, "other").unwrap();
    std::os::unix::fs::symlink(&victim, &path).unwrap();
    let to = destination(&name);
    assert!(!to.has_blob(&blob).unwrap());
    put(&to, &blob, b"hello");
    assert!(path.symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read(&victim).unwrap(), b"other");
    // A link in the place of the directory is refused.
    fs::remove_dir_all(directory.path().join("blobs")).unwrap();
    std::os::unix::fs::symlink(outside.path(), directory.path().join("blobs")).unwrap();
    assert!(to.put_blob(&blob, &&b"hello"[..], &|_| {}).is_err());
    assert_eq!(tree(outside.path()).len(), 1);
}

#[test]
fn what_has_only_the_name_and_size_of_a_blob_is_replaced() {
    let (fixture, _, artifact) = fixture();
    let from = fixture.open(Some("artifact"), None).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let name = format!("oci:{}", directory.path().display());
    let to = destination(&name);
    let root = send(&from, &to, Some("t"));
    to.finish().unwrap();
    let before = tree(&directory.path().join("blobs"));
    assert_eq!(root.digest.to_string(), digest(&artifact));

    // All as it is: nothing to send, nothing written.
    let to = destination(&name);
    assert!(to.has_document(&root).unwrap());
    drop(to);
    for (path, bytes) in &before {
        fs::write(path, vec![b'?'; bytes.len()]).unwrap();
    }
    let to = destination(&name);
    assert!(!to.has_document(&root).unwrap());
    for (path, bytes) in &before {
        let blob = described("text/plain", bytes);
        assert!(path.ends_with(blob.digest.hex()));
        assert!(!to.has_blob(&blob).unwrap());
    }
    send(&from, &to, Some("t"));
    to.finish().unwrap();
    assert_eq!(tree(&directory.path().join("blobs")), before);
    same(&source(&format!("{name}:t")), &from);
}
