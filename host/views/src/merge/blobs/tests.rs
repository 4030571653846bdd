//! Which blobs of an artifact are files, and under which names.

use crate::error::ViewError;
use crate::lookup::Follow;
use crate::samples::{Bench, Sketch};
use crate::tree::Tree;

const TITLE: &str = "org.opencontainers.image.title";
const METADATA: &str = "org.cncf.model.file.metadata+json";
const FILE_PATH: &str = "org.cncf.model.filepath";

/// A blob that no importer knows.
fn plain(content: &[u8]) -> Sketch {
    let mut sketch = Sketch::new();
    sketch.bytes(content, true);
    sketch
}

fn paths(tree: &Tree) -> Vec<String> {
    let below = tree.walk().filter(|visit| !visit.path.is_root());
    below.map(|visit| visit.path.to_string()).collect()
}

#[test]
fn named_blobs_are_files() {
    let bench = Bench::new();
    let (one, two, three) = (plain(b"first"), plain(b"second"), plain(b"third"));
    let image = bench.artifact(&[
        (&one, &[(TITLE, "./notes/one.txt")], false),
        (&two, &[(FILE_PATH, "two.bin"), ("other", "x")], false),
        (&three, &[], false),
    ]);
    let tree = Tree::merge(&bench.repository, &image).unwrap();
    assert_eq!(paths(&tree), ["notes", "notes/one.txt", "two.bin"]);
    assert_eq!(bench.read(&tree, "notes/one.txt").unwrap(), b"first");
    assert_eq!(bench.read(&tree, "two.bin").unwrap(), b"second");
}

#[test]
fn an_empty_blob_is_an_empty_file() {
    let bench = Bench::new();
    let empty = Sketch::new();
    let image = bench.artifact(&[(&empty, &[(TITLE, "empty")], false)]);
    let tree = Tree::merge(&bench.repository, &image).unwrap();
    assert_eq!(bench.read(&tree, "empty").unwrap(), b"");
}

#[test]
fn a_blob_with_files_shows_them_and_not_itself() {
    let bench = Bench::new();
    let mut archive = Sketch::new();
    archive.file("inside", b"content");
    let image = bench.artifact(&[
        (&archive, &[(TITLE, "archive.tar")], true),
        (&plain(b"beside"), &[(TITLE, "beside")], false),
    ]);
    let tree = Tree::merge(&bench.repository, &image).unwrap();
    assert_eq!(paths(&tree), ["beside", "inside"]);
}

#[test]
fn names_that_cannot_be_are_refused() {
    let blob = |seed: u8| plain(&[seed; 100]);
    for (first, second) in [
        ("../escape", "fine"),
        ("a/../../b", "fine"),
        ("/", "fine"),
        ("", "fine"),
        ("same", "same"),
        ("same", "./same"),
        ("directory/file", "directory"),
        ("file", "file/below"),
        ("file", "file/far/below"),
    ] {
        let bench = Bench::new();
        let image = bench.artifact(&[
            (&blob(1), &[(TITLE, first)], false),
            (&blob(2), &[(TITLE, second)], false),
        ]);
        let error = Tree::merge(&bench.repository, &image).unwrap_err();
        assert!(
            matches!(error, ViewError::FileName { .. }),
            "{first} {second}: {error}"
        );
        assert!(error.is_input_fault());
    }
}

#[test]
fn without_any_file_there_is_no_tree() {
    let bench = Bench::new();
    let image = bench.artifact(&[(&plain(b"x"), &[], false)]);
    let error = Tree::merge(&bench.repository, &image).unwrap_err();
    assert!(matches!(error, ViewError::NoFiles { .. }), "{error}");
    let nothing = bench.artifact(&[]);
    assert_eq!(
        paths(&Tree::merge(&bench.repository, &nothing).unwrap()),
        [""; 0]
    );
}

/// As ModelPack's tools write it.
fn metadata(mode: u32, size: u64, typeflag: u8) -> String {
    format!(
        r#"{{"name":"x","mode":{mode},"uid":7,"gid":8,"size":{size},"mtime":"2024-05-06T07:08:09Z","typeflag":{typeflag}}}"#
    )
}

#[test]
fn a_file_is_as_it_was_packed() {
    let bench = Bench::new();
    let (run, plain_file) = (metadata(0o104_755, 5, b'0'), metadata(0o600, 9, b'5'));
    let image = bench.artifact(&[
        (
            &plain(b"first"),
            &[(FILE_PATH, "run"), (METADATA, &run)],
            false,
        ),
        // Of a directory, which this is not.
        (
            &plain(b"second"),
            &[(FILE_PATH, "b"), (METADATA, &plain_file)],
            false,
        ),
    ]);
    let tree = Tree::merge(&bench.repository, &image).unwrap();
    let posix = |name: &str| {
        let found = tree.lookup(name, Follow::No).unwrap();
        tree.node(found.id).posix().clone()
    };
    assert_eq!(
        posix("run"),
        crate::samples::posix(0o755, 7, 8, 1_714_979_289, 0)
    );
    assert_eq!(posix("b"), crate::samples::posix(0o644, 0, 0, 0, 0));
}

#[test]
fn metadata_of_another_size_is_an_error_that_names_both() {
    let bench = Bench::new();
    let wrong = metadata(0o644, 6, b'0');
    let image = bench.artifact(&[(
        &plain(b"first"),
        &[(FILE_PATH, "a"), (METADATA, &wrong)],
        false,
    )]);
    let error = Tree::merge(&bench.repository, &image).unwrap_err();
    assert!(error.is_input_fault());
    let text = error.to_string();
    assert!(
        text.ends_with(" cannot be shown as a: its metadata says 6 bytes, it has 5"),
        "{text}"
    );
    let odd = bench.artifact(&[(&plain(b"x"), &[(FILE_PATH, "a"), (METADATA, "{}")], false)]);
    let error = Tree::merge(&bench.repository, &odd).unwrap_err();
    assert!(matches!(error, ViewError::FileName { .. }), "{error}");
}

#[test]
fn what_a_blob_decompresses_to_is_looked_into() {
    let bench = Bench::new();
    let mut archive = Sketch::new();
    archive.file("inside", b"content");
    let content = plain(b"a file, not compressed");
    let metadata = metadata(0o640, 22, b'0');
    let image = bench.artifact_with(
        &[
            (&plain(b"tar, compressed"), &[(FILE_PATH, "archive")], false),
            (&plain(b"one"), &[(FILE_PATH, "one.gz")], false),
            (
                &plain(b"two"),
                &[(FILE_PATH, "two"), (METADATA, &metadata)],
                false,
            ),
        ],
        &[(0, &archive), (1, &content), (2, &content)],
    );
    let tree = Tree::merge(&bench.repository, &image).unwrap();
    assert_eq!(paths(&tree), ["inside", "one.gz", "two"]);
    assert_eq!(bench.read(&tree, "inside").unwrap(), b"content");
    // As it travelled, unless the artifact says that the file is what comes out.
    assert_eq!(bench.read(&tree, "one.gz").unwrap(), b"one");
    assert_eq!(bench.read(&tree, "two").unwrap(), b"a file, not compressed");
}
