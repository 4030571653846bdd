//! Which blobs of an artifact are files, and under which names.

use crate::error::ViewError;
use crate::samples::{Bench, Sketch};
use crate::tree::Tree;

const TITLE: &str = "org.opencontainers.image.title";
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
