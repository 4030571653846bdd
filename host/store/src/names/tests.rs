//! Links of streams and references: made, moved, refused.

use std::fs;
use std::os::unix::fs::symlink;

use lazaret_artifact::VerityAlgorithm;

use super::*;
use crate::repository::VerityPolicy;

fn repository() -> (tempfile::TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let repository = Repository::init(path, VerityAlgorithm::Sha512, VerityPolicy::Insecure);
    (directory, repository.unwrap())
}

fn name(text: &str) -> StreamName {
    StreamName::new(text).unwrap()
}

fn target(path: &std::path::Path) -> String {
    fs::read_link(path).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_transaction_names_streams_and_references() {
    let (directory, repository) = repository();
    let one = repository.put(b"one").unwrap().digest;
    let two = repository.put(b"two").unwrap().digest;
    let mut transaction = repository.transaction();
    transaction
        .link_stream(name("s2"), two)
        .link_stream(name("s1"), one)
        .link_ref("oci", "latest", name("s1"))
        .link_ref("lazaret", "a%2Fb", name("s2"));
    assert_eq!(repository.streams().unwrap(), [], "nothing before commit");
    transaction.commit().unwrap();

    assert_eq!(
        repository.streams().unwrap(),
        [(name("s1"), one), (name("s2"), two)]
    );
    assert_eq!(repository.resolve_stream(&name("s1")).unwrap(), Some(one));
    assert_eq!(repository.resolve_stream(&name("s3")).unwrap(), None);
    assert_eq!(
        repository.resolve_ref("oci", "latest").unwrap(),
        Some(name("s1"))
    );
    assert_eq!(repository.resolve_ref("oci", "missing").unwrap(), None);
    assert_eq!(repository.resolve_ref("missing", "latest").unwrap(), None);
    assert_eq!(
        repository.refs("lazaret").unwrap(),
        [("a%2Fb".to_owned(), name("s2"))]
    );
    assert_eq!(
        repository.stream_roots().unwrap(),
        [
            ("lazaret/a%2Fb".to_owned(), name("s2")),
            ("oci/latest".to_owned(), name("s1"))
        ]
    );
    let streams = directory.path().join("streams");
    let hex = one.hex();
    assert_eq!(
        target(&streams.join("s1")),
        format!("../objects/{}/{}", &hex[..2], &hex[2..])
    );
    assert_eq!(target(&streams.join("refs/oci/latest")), "../../s1");
    let usage = repository.usage().unwrap();
    assert_eq!((usage.objects, usage.apparent), (2, 6));
    assert_eq!(
        (
            usage.streams,
            usage.distinct_streams,
            usage.refs,
            usage.images
        ),
        (2, 2, 2, 0)
    );
}

#[test]
fn names_are_replaced_and_removed() {
    let (directory, repository) = repository();
    let one = repository.put(b"one").unwrap().digest;
    let two = repository.put(b"two").unwrap().digest;
    for (digest, stream) in [(one, "s1"), (one, "s1"), (two, "s2"), (one, "s1")] {
        let mut transaction = repository.transaction();
        transaction.link_stream(name(stream), digest);
        transaction.link_stream(name("moving"), digest);
        transaction.link_ref("oci", "latest", name(stream));
        transaction.commit().unwrap();
        assert_eq!(
            repository.resolve_stream(&name("moving")).unwrap(),
            Some(digest)
        );
        assert_eq!(
            repository.resolve_ref("oci", "latest").unwrap(),
            Some(name(stream))
        );
    }
    assert_eq!(repository.streams().unwrap().len(), 3);
    let left: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|e| e.unwrap())
        .collect();
    assert_eq!(left.len(), 3, "meta.json, objects, streams: {left:?}");
    assert!(repository.remove_ref("oci", "latest").unwrap());
    assert!(!repository.remove_ref("oci", "latest").unwrap());
    assert_eq!(repository.refs("oci").unwrap(), []);
    assert_eq!(repository.streams().unwrap().len(), 3);
}

#[test]
fn a_name_that_would_lead_nowhere_is_not_given() {
    let (_directory, repository) = repository();
    let stored = repository.put(b"one").unwrap().digest;
    let missing = crate::verity::digest(VerityAlgorithm::Sha512, b"missing");
    let mut transaction = repository.transaction();
    transaction
        .link_stream(name("good"), stored)
        .link_stream(name("bad"), missing);
    let error = transaction.commit().unwrap_err();
    assert!(matches!(error, StoreError::ObjectMissing { digest } if digest == missing));
    let mut transaction = repository.transaction();
    transaction
        .link_stream(name("good"), stored)
        .link_ref("oci", "x", name("bad"));
    let error = transaction.commit().unwrap_err();
    assert!(matches!(error, StoreError::StreamMissing { .. }), "{error}");
    for (namespace, reference) in [
        ("", "x"),
        ("..", "x"),
        ("a/", "x"),
        ("a//b", "x"),
        ("a/../b", "x"),
        (&*"a/".repeat(63), "x"),
        ("a", "b/x"),
        ("a", ""),
        ("a", "../x"),
    ] {
        let mut transaction = repository.transaction();
        transaction
            .link_stream(name("good"), stored)
            .link_ref(namespace, reference, name("good"));
        let error = transaction.commit().unwrap_err();
        assert!(matches!(error, StoreError::Name { .. }), "{error}");
        assert!(repository.resolve_ref(namespace, reference).is_err());
        assert!(repository.remove_ref(namespace, reference).is_err());
    }
    assert_eq!(repository.streams().unwrap(), [], "nothing was named");
}

#[test]
fn links_that_are_not_of_the_format_are_refused() {
    let (directory, repository) = repository();
    let digest = repository.put(b"one").unwrap().digest;
    let mut transaction = repository.transaction();
    transaction
        .link_stream(name("s"), digest)
        .link_ref("oci", "r", name("s"));
    transaction.commit().unwrap();
    let streams = directory.path().join("streams");
    for bad in ["/etc/passwd", "../objects/aa/bb", "s", "../meta.json"] {
        let link = streams.join("bad");
        symlink(bad, &link).unwrap();
        let error = repository.resolve_stream(&name("bad")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid link streams/bad: it leads to {bad:?}")
        );
        assert!(repository.streams().is_err(), "half a list is no list");
        fs::remove_file(link).unwrap();
    }
    fs::write(streams.join("bad"), b"x").unwrap();
    let error = repository.resolve_stream(&name("bad")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid link streams/bad: not a symbolic link"
    );
    assert!(repository.streams().is_err());
    fs::remove_file(streams.join("bad")).unwrap();

    for bad in [
        "/etc/passwd",
        "../s",
        "../../../s",
        "../../a/b",
        "../../refs",
        "../../..",
    ] {
        let link = streams.join("refs/oci/bad");
        symlink(bad, &link).unwrap();
        for result in [
            repository.resolve_ref("oci", "bad").map(drop),
            repository.refs("oci").map(drop),
            repository.stream_roots().map(drop),
        ] {
            let error = result.unwrap_err().to_string();
            assert_eq!(
                error,
                format!("invalid link streams/refs/oci/bad: it leads to {bad:?}")
            );
        }
        fs::remove_file(link).unwrap();
    }
}

#[test]
fn references_below_other_references_are_roots_too() {
    let (directory, repository) = repository();
    let digest = repository.put(b"one").unwrap().digest;
    let mut transaction = repository.transaction();
    transaction
        .link_stream(name("s"), digest)
        .link_ref("oci", "r", name("s"));
    transaction.commit().unwrap();
    let refs = directory.path().join("streams/refs");
    fs::create_dir_all(refs.join("oci/deep")).unwrap();
    symlink("../../../s", refs.join("oci/deep/x")).unwrap();
    symlink("../s", refs.join("shallow")).unwrap();
    assert_eq!(
        repository.refs("oci").unwrap(),
        [("r".to_owned(), name("s"))]
    );
    let roots: Vec<String> = repository
        .stream_roots()
        .unwrap()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(roots, ["oci/deep/x", "oci/r", "shallow"]);
}

#[test]
fn a_directory_that_is_a_link_is_not_followed() {
    let (directory, repository) = repository();
    let digest = repository.put(b"one").unwrap().digest;
    symlink("/tmp", directory.path().join("streams")).unwrap();
    assert!(repository.streams().is_err());
    let mut transaction = repository.transaction();
    transaction.link_stream(name("s"), digest);
    assert!(transaction.commit().is_err());
}

#[test]
fn namespaces_may_be_nested() {
    let (directory, repository) = repository();
    let digest = repository.put(b"one").unwrap().digest;
    let mut transaction = repository.transaction();
    transaction
        .link_stream(name("s"), digest)
        .link_ref("referrers/sha256:1", "a", name("s"))
        .link_ref("referrers/sha256:1", "b", name("s"))
        .link_ref("referrers/sha256:2/deep", "c", name("s"));
    transaction.commit().unwrap();
    let refs = directory.path().join("streams/refs");
    assert_eq!(target(&refs.join("referrers/sha256:1/a")), "../../../s");
    assert_eq!(
        target(&refs.join("referrers/sha256:2/deep/c")),
        "../../../../s"
    );
    let resolve = |namespace: &str, name: &str| repository.resolve_ref(namespace, name).unwrap();
    assert_eq!(resolve("referrers/sha256:1", "a"), Some(name("s")));
    assert_eq!(resolve("referrers/sha256:2/deep", "c"), Some(name("s")));
    assert_eq!(resolve("referrers/sha256:2", "a"), None);
    assert_eq!(
        repository.refs("referrers/sha256:1").unwrap(),
        [("a".to_owned(), name("s")), ("b".to_owned(), name("s"))]
    );
    assert_eq!(repository.refs("referrers").unwrap(), []);
    assert_eq!(repository.stream_roots().unwrap().len(), 3);
    let check = repository.check(crate::CheckOptions::default(), &|_| {});
    // "one" is no splitstream; the references are as they should be.
    let check = check.unwrap();
    assert_eq!((check.refs, check.damage.len()), (3, 1));

    // Emptied directories go, the first component stays.
    assert!(repository.remove_ref("referrers/sha256:1", "a").unwrap());
    assert!(refs.join("referrers/sha256:1").is_dir());
    let lock = repository.try_lock_exclusive().unwrap();
    assert!(lock.remove_ref("referrers/sha256:1/b").unwrap());
    assert!(!refs.join("referrers/sha256:1").exists());
    assert!(lock.remove_ref("referrers/sha256:2/deep/c").unwrap());
    assert!(!lock.remove_ref("referrers/sha256:2/deep/c").unwrap());
    assert!(lock.remove_ref("referrers/../../s").is_err());
    assert!(lock.remove_ref("..").is_err());
    lock.sync_names().unwrap();
    assert_eq!(fs::read_dir(refs.join("referrers")).unwrap().count(), 0);
}

#[test]
fn streams_are_named_in_the_order_they_were_added() {
    let (directory, repository) = repository();
    let digest = repository.put(b"one").unwrap().digest;
    // A directory under the second name stops the commit there.
    fs::create_dir_all(directory.path().join("streams/b/x")).unwrap();
    let mut transaction = repository.transaction();
    for stream in ["c", "b", "a"] {
        transaction.link_stream(name(stream), digest);
    }
    assert!(transaction.commit().is_err());
    assert_eq!(repository.resolve_stream(&name("c")).unwrap(), Some(digest));
    assert_eq!(repository.resolve_stream(&name("a")).unwrap(), None);
}

#[test]
fn directories_are_made_again_while_others_remove_them() {
    let (_directory, repository) = repository();
    let digest = repository.put(b"one").unwrap().digest;
    let mut transaction = repository.transaction();
    transaction.link_stream(name("s"), digest);
    transaction.commit().unwrap();
    let change = |own: &str| {
        for _ in 0..100 {
            let mut transaction = repository.transaction();
            transaction.link_ref("a/b/c", own, name("s"));
            transaction.commit().unwrap();
            assert!(repository.remove_ref("a/b/c", own).unwrap());
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| change("x"));
        scope.spawn(|| change("y"));
    });
    assert_eq!(repository.stream_roots().unwrap(), []);
}
