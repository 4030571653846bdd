//! Content from every place it can be in.

use lazaret_artifact::Extent;

use crate::error::ViewError;
use crate::samples::{Bench, Sketch, noise};
use crate::{NodeId, read_extents, read_file};

#[test]
fn content_comes_from_wherever_it_is_kept() {
    let bench = Bench::new();
    let big = noise(1, 1_000_000);
    let long = noise(2, 300_000);
    let mut layer = Sketch::new();
    layer
        .file("empty", b"")
        .file("inline", b"hello\n")
        .file("object", &big)
        .file("same", &big);
    let inline = layer.bytes(&long, false);
    layer.extents("long-inline", vec![inline]);
    let Extent::Input { offset, .. } = layer.bytes(&noise(3, 700_000), true) else {
        panic!()
    };
    layer.bytes(b"tail", false);
    let at = |from: u64, length: u64| Extent::Input {
        offset: offset + from,
        length,
    };
    // Parts of an object, backwards, twice, and on into what follows it.
    layer.extents(
        "parts",
        vec![
            at(500_000, 200_004),
            Extent::Hole(3),
            at(0, 10),
            Extent::Literal(b"literal".to_vec()),
            at(5, 300_000),
            at(0, 700_000),
        ],
    );
    let tree = bench.tree(&[&layer]);
    assert_eq!(bench.read(&tree, "empty").unwrap(), b"");
    assert_eq!(bench.read(&tree, "inline").unwrap(), b"hello\n");
    assert_eq!(bench.read(&tree, "object").unwrap(), big);
    assert_eq!(bench.read(&tree, "same").unwrap(), big);
    assert_eq!(bench.read(&tree, "long-inline").unwrap(), long);
    let object = noise(3, 700_000);
    let want = [
        &object[500_000..],
        b"tail",
        b"\0\0\0",
        &object[..10],
        b"literal",
        &object[5..300_005],
        &object,
    ]
    .concat();
    assert_eq!(bench.read(&tree, "parts").unwrap(), want);
}

#[test]
fn each_layer_has_its_own_bytes() {
    let bench = Bench::new();
    let mut layers = [Sketch::new(), Sketch::new()];
    layers[0].file("a", b"below").file("b", b"covered");
    layers[1].file("b", b"above").file("c", &noise(4, 100));
    let tree = bench.tree(&[&layers[0], &layers[1]]);
    assert_eq!(bench.read(&tree, "a").unwrap(), b"below");
    assert_eq!(bench.read(&tree, "b").unwrap(), b"above");
    assert_eq!(bench.read(&tree, "c").unwrap(), noise(4, 100));
}

#[test]
fn a_damaged_object_is_noticed_however_it_is_used() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    let content = noise(5, 600_000);
    layer.file("whole", &content);
    let Some(Extent::Input { offset, .. }) = layer.entries[0].content.first().cloned() else {
        panic!()
    };
    layer.extents(
        "part",
        vec![Extent::Input {
            offset: offset + 300_000,
            length: 100,
        }],
    );
    let tree = bench.tree(&[&layer]);
    assert_eq!(
        bench.read(&tree, "part").unwrap(),
        content[300_000..300_100]
    );
    bench.damage(&content);
    for at in ["whole", "part"] {
        let error = bench.read(&tree, at).unwrap_err();
        assert!(error.is_damage(), "{at}: {error}");
        let text = error.to_string();
        assert!(text.contains(" is corrupt: its digest is "), "{text}");
    }
    std::fs::remove_file(bench.object_path(&content)).unwrap();
    let error = bench.read(&tree, "whole").unwrap_err();
    assert!(error.to_string().ends_with("is missing"), "{error}");
    assert!(error.is_damage());
}

#[test]
fn extents_outside_the_layer_are_damage() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer.file("a", b"x");
    layer.extents(
        "beyond",
        vec![Extent::Input {
            offset: 1000,
            length: 26,
        }],
    );
    let tree = bench.tree(&[&layer]);
    let error = bench.read(&tree, "beyond").unwrap_err();
    assert!(matches!(error, ViewError::Record { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("names bytes that the layer does not have")
    );
    assert!(error.is_damage());
    assert_eq!(bench.read(&tree, "a").unwrap(), b"x");
}

#[test]
fn only_files_have_content() {
    let bench = Bench::new();
    let tree = bench.tree(&[&Sketch::new()]);
    let error = read_file(&bench.repository, &tree, NodeId::ROOT, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "not a regular file but a directory");
}

#[test]
fn extents_can_be_read_without_a_tree() {
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer.file("a", b"abcdef");
    let stream = bench.stream(&layer);
    let image = bench.image(&[&layer]);
    let mut out = Vec::new();
    let extents = [
        Extent::Input {
            offset: 514,
            length: 3,
        },
        Extent::Hole(2),
    ];
    let key = &image.layers[0].key;
    let size = read_extents(&bench.repository, key, &stream, &extents, &mut out).unwrap();
    assert_eq!((size, &*out), (5, &b"cde\0\0"[..]));
}

#[test]
fn a_reader_that_goes_away_is_an_output_error() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bench = Bench::new();
    let mut layer = Sketch::new();
    layer.file("a", b"x");
    let tree = bench.tree(&[&layer]);
    let id = tree.lookup("a", crate::Follow::No).unwrap().id;
    let error = read_file(&bench.repository, &tree, id, &mut Closed).unwrap_err();
    let ViewError::Output { source } = error else {
        panic!("{error}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::BrokenPipe);
}
