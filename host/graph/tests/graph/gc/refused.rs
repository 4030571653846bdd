//! Whatever is in doubt, nothing is deleted.

use std::fs;
use std::os::unix::fs::symlink;

use lazaret_graph::names::Stream;

use super::{collect, files, object_path, plan};
use crate::fixture::{Fixture, chain};

type Harm = fn(&Fixture, &Stream, &Stream);

#[test]
fn what_is_odd_or_damaged_is_named_and_nothing_goes() {
    let harms: Vec<(Harm, &str)> = vec![
        (
            |f, _, _| fs::write(f.path("streams/odd"), b"").unwrap(),
            "streams/odd cannot be relied on: invalid link streams/odd: not a symbolic link",
        ),
        (
            |f, _, _| fs::create_dir(f.path("streams/odd")).unwrap(),
            "streams/odd cannot be relied on: invalid link streams/odd: not a symbolic link",
        ),
        (
            |f, _, _| symlink("/etc/passwd", f.path("streams/odd")).unwrap(),
            "streams/odd cannot be relied on: invalid link streams/odd: it leads to \
             \"/etc/passwd\"",
        ),
        (
            |f, _, _| symlink("../../nobody", f.path("streams/refs/oci/odd")).unwrap(),
            "streams/refs/oci/odd cannot be relied on: invalid link streams/refs/oci/odd: it leads \
             to \"nobody\", which is missing",
        ),
        (
            |f, _, _| symlink("elsewhere", f.path("streams/refs/oci/odd")).unwrap(),
            "streams/refs/oci/odd cannot be relied on: invalid link streams/refs/oci/odd: it leads \
             to \"elsewhere\"",
        ),
        (
            |f, _, _| fs::write(f.path("streams/refs/odd"), b"").unwrap(),
            "streams/refs/odd cannot be relied on: invalid link streams/refs/odd: not a symbolic \
             link",
        ),
        (
            |f, _, _| {
                fs::create_dir_all(f.path("images/refs")).unwrap();
                symlink("../00", f.path("images/refs/odd")).unwrap();
            },
            "images/refs/odd cannot be relied on: invalid link images/refs/odd: it leads to \"00\", \
             which is missing",
        ),
        (
            |f, _, _| {
                fs::create_dir_all(f.path("images")).unwrap();
                fs::write(f.path("images/odd"), b"").unwrap();
            },
            "images/odd cannot be relied on: invalid link images/odd: not a symbolic link",
        ),
        (
            |f, _, _| fs::write(f.path("objects/odd"), b"").unwrap(),
            "objects/odd cannot be relied on: objects/odd is not an object",
        ),
        (
            |f, _, _| {
                fs::create_dir_all(f.path("objects/ab")).unwrap();
                fs::write(f.path("objects/ab/odd"), b"").unwrap();
            },
            "objects/ab/odd cannot be relied on: objects/ab/odd is not an object",
        ),
        (
            |f, manifest, _| overwrite(f, manifest),
            "streams/MANIFEST cannot be relied on: object",
        ),
        (
            |f, _, layer| overwrite(f, layer),
            "streams/LAYER cannot be relied on: object",
        ),
        (
            |f, _, layer| {
                let linked = super::world::linked(f, &layer.to_string());
                fs::remove_file(f.path("objects").join(object_path(&linked))).unwrap();
            },
            "streams/LAYER cannot be relied on: object",
        ),
    ];
    for (harm, expected) in harms {
        let fixture = Fixture::new();
        let parts = fixture.demo("kept");
        fixture.repository.put(&[9; 999]).unwrap();
        let manifest = Stream::Manifest(parts.digest());
        let layer = Stream::Layer(parts.layers[0].key);
        harm(&fixture, &manifest, &layer);
        let before = files(&fixture.path(""), "");
        let expected = expected
            .replace("MANIFEST", &manifest.to_string())
            .replace("LAYER", &layer.to_string());
        let expected = format!("nothing is collected, since {expected}");
        for error in [
            plan(&fixture.repository).unwrap_err(),
            collect(&fixture.repository).unwrap_err(),
        ] {
            let text = chain(&error);
            assert!(text.starts_with(&expected), "{text}\nnot {expected}");
            assert!(error.is_damage(), "{text}");
            assert_eq!(text.matches("relied on").count(), 1, "{text}");
        }
        assert_eq!(files(&fixture.path(""), ""), before);
    }
}

/// Spoils the object of a stream.
fn overwrite(fixture: &Fixture, stream: &Stream) {
    let linked = super::world::linked(fixture, &stream.to_string());
    let path = fixture.path("objects").join(object_path(&linked));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
}

#[test]
fn damage_in_what_nobody_needs_is_no_hindrance() {
    let fixture = Fixture::new();
    let parts = fixture.demo("gone");
    overwrite(&fixture, &Stream::Manifest(parts.digest()));
    let layer = super::world::linked(&fixture, &Stream::Layer(parts.layers[0].key).to_string());
    fs::remove_file(fixture.path("objects").join(object_path(&layer))).unwrap();
    lazaret_graph::untag(&fixture.repository, &"gone".parse().unwrap()).unwrap();
    collect(&fixture.repository).unwrap();
    assert!(files(&fixture.path(""), "objects").is_empty());
    assert!(files(&fixture.path(""), "streams").is_empty());
}

#[test]
fn a_file_that_is_missing_is_counted_and_no_doubt() {
    let fixture = Fixture::new();
    fixture.demo("kept");
    let content = fixture.repository.put(&[b'x'; 5000]).unwrap().digest;
    fs::remove_file(fixture.path("objects").join(object_path(&content))).unwrap();
    let planned = plan(&fixture.repository).unwrap();
    assert_eq!((planned.missing, planned.is_empty()), (1, true));
}
