//! Parts and facts, with their places, files and names.

use lazaret_artifact::{Attribute, Entry, EntryKind, Fact, Value};
use lazaret_graph::Image;

use super::*;
use crate::part_reader::PartReader;
use crate::samples::{Bench, Sketch, entry, noise, path};

const TITLE: &str = "org.opencontainers.image.title";

fn attribute(key: &str, text: &str) -> Attribute {
    Attribute {
        key: key.to_owned(),
        value: Value::Text(text.to_owned()),
    }
}

fn fact(subject: Option<u32>, key: &str, value: Value) -> Fact {
    Fact {
        subject,
        key: key.to_owned(),
        value,
    }
}

fn parts(bench: &Bench, image: &Image) -> Vec<Part> {
    let mut found = Vec::new();
    each_part(&bench.repository, image, |part| {
        found.push(part);
        Ok::<_, ViewError>(())
    })
    .unwrap();
    found
}

fn facts(bench: &Bench, image: &Image) -> Vec<FoundFact> {
    let mut found = Vec::new();
    each_fact(&bench.repository, image, |fact| {
        found.push(fact);
        Ok::<_, ViewError>(())
    })
    .unwrap();
    found
}

#[test]
fn parts_and_facts_come_with_their_places() {
    let bench = Bench::new();
    let mut model = Sketch::new();
    let content = model.bytes(&[7; 300], true);
    model.entries.push(Entry {
        content: vec![content],
        attributes: vec![attribute("dtype", "F32"), attribute("shape", "[75]")],
        ..entry(EntryKind::Part, path("layers/0"))
    });
    model.entries.push(Entry {
        attributes: vec![attribute("name", "../odd")],
        ..entry(EntryKind::Part, path("escaped"))
    });
    model.facts = vec![
        fact(None, "model.format", Value::Text("x".to_owned())),
        fact(Some(1), "model.odd", Value::Boolean(true)),
        fact(Some(9), "model.lost", Value::Boolean(true)),
    ];
    let image = bench.artifact(&[(&model, &[(TITLE, "a/model.bin")], true)]);

    let found = parts(&bench, &image);
    let shown: Vec<_> = found
        .iter()
        .map(|part| (&*part.name, part.offset(), part.size, part.text("dtype")))
        .collect();
    assert_eq!(
        shown,
        [
            ("layers/0", Some(0), 300, Some("F32")),
            ("../odd", None, 0, None)
        ]
    );
    assert_eq!(found[0].file.as_deref(), Some(&path("a/model.bin")));
    assert_eq!(found[0].place.blob, image.layers[0].key);
    assert_eq!(found[1].attributes, []);

    let found = facts(&bench, &image);
    let shown: Vec<_> = found
        .iter()
        .map(|fact| (&*fact.key, fact.about.entry.as_deref(), fact.about.size))
        .collect();
    assert_eq!(
        shown,
        [
            ("model.format", None, 300),
            ("model.odd", Some("../odd"), 0),
            ("model.lost", None, 300)
        ]
    );
}

#[test]
fn what_is_in_a_file_inside_says_so() {
    let bench = Bench::new();
    let mut archive = Sketch::new();
    archive.file("sub/model.x", &noise(1, 1000));
    let inside = |name: &str, own: Option<&str>| {
        let mut attributes = vec![attribute("file", "sub/model.x")];
        attributes.extend(own.map(|own| attribute("name", own)));
        Entry {
            attributes,
            ..entry(EntryKind::Part, path(name))
        }
    };
    archive
        .entries
        .push(inside("sub/model.x/blk.0/weight", None));
    archive.entries.push(inside("sub/model.x/%2F", Some("/")));
    // Nobody writes this; it is not lost.
    archive.entries.push(inside("elsewhere", None));
    archive.entries.push(Entry {
        attributes: vec![Attribute {
            key: "file".to_owned(),
            value: Value::Bytes(b"b\xff".to_vec()),
        }],
        ..entry(
            EntryKind::Part,
            EntryPath::from_untrusted(b"b\xff/t").unwrap(),
        )
    });
    archive.facts = vec![
        fact(None, "archive.members", Value::Unsigned(1)),
        fact(Some(0), "model.tensors", Value::Unsigned(2)),
        fact(Some(1), "model.of-a-part", Value::Unsigned(3)),
    ];
    let image = bench.artifact(&[(&archive, &[(TITLE, "weights.tar")], true)]);
    let names: Vec<_> = parts(&bench, &image)
        .iter()
        .map(|part| (part.file.as_ref().unwrap().to_string(), part.name.clone()))
        .collect();
    let in_model = |name: &str| ("sub/model.x".to_owned(), name.to_owned());
    assert_eq!(
        names,
        [
            in_model("blk.0/weight"),
            in_model("/"),
            in_model("elsewhere"),
            ("b\\xff".to_owned(), "t".to_owned())
        ]
    );
    let about: Vec<_> = facts(&bench, &image)
        .iter()
        .map(|fact| {
            let about = &fact.about;
            let file = about.file.as_ref().unwrap().to_string();
            (fact.key.clone(), file, about.entry.clone(), about.size)
        })
        .collect();
    let row = |key: &str, file: &str, entry: Option<&str>, size| {
        let entry = entry.map(str::to_owned);
        (key.to_owned(), file.to_owned(), entry, size)
    };
    let whole = facts(&bench, &image)[0].about.size;
    assert_eq!(
        about,
        [
            row("archive.members", "weights.tar", None, whole),
            row("model.tensors", "sub/model.x", None, 1000),
            row("model.of-a-part", "sub/model.x", Some("blk.0/weight"), 0),
        ]
    );
}

#[test]
fn a_part_that_is_an_object_is_known_by_it() {
    let bench = Bench::new();
    let mut model = Sketch::new();
    model.bytes(b"header", false);
    let (one, two) = (noise(1, 5000), noise(2, 700));
    let whole = model.bytes(&one, true);
    let inline = model.bytes(&two, false);
    let lazaret_artifact::Extent::Input { offset, .. } = whole else {
        panic!()
    };
    let half = Extent::Input {
        offset,
        length: 2500,
    };
    for (name, extents) in [
        ("whole", vec![whole.clone()]),
        ("inline", vec![inline.clone()]),
        ("half", vec![half]),
        ("both", vec![inline, Extent::Hole(3), whole]),
    ] {
        model.entries.push(Entry {
            content: extents,
            ..entry(EntryKind::Part, path(name))
        });
    }
    let image = bench.artifact(&[(&model, &[], true)]);
    let found = parts(&bench, &image);
    let object = bench.repository.put(&one).unwrap().digest;
    let objects: Vec<_> = found.iter().map(|part| part.object).collect();
    assert_eq!(objects, [Some(object), None, None, None]);

    let wanted = found.iter().map(|part| (&*part.place, &*part.extents));
    let reader = PartReader::locate(&bench.repository, wanted).unwrap();
    let want = [
        one.clone(),
        two.clone(),
        one[..2500].to_vec(),
        [&two[..], b"\0\0\0", &one].concat(),
    ];
    for (part, want) in found.iter().zip(want) {
        let digest = reader.sha256(&part.place, &part.extents).unwrap();
        assert_eq!(digest, ContentDigest::sha256(&want), "{}", part.name);
    }

    bench.damage(&one);
    let reader = PartReader::locate(
        &bench.repository,
        found.iter().map(|part| (&*part.place, &*part.extents)),
    )
    .unwrap();
    for part in [&found[0], &found[2]] {
        let error = reader.sha256(&part.place, &part.extents).unwrap_err();
        assert!(error.is_damage(), "{error}");
    }
}

#[test]
fn parts_that_all_claim_the_same_bytes_are_not_read() {
    let bench = Bench::new();
    let mut model = Sketch::new();
    let all = model.bytes(&noise(1, 1 << 20), true);
    for number in 0..20 {
        model.entries.push(Entry {
            content: vec![all.clone()],
            ..entry(EntryKind::Part, path(&number.to_string()))
        });
    }
    let image = bench.artifact(&[(&model, &[], true)]);
    let found = parts(&bench, &image);
    let wanted = found.iter().map(|part| (&*part.place, &*part.extents));
    let error = PartReader::locate(&bench.repository, wanted)
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, ViewError::Amplified { .. }), "{error}");
}

#[test]
fn what_nobody_took_apart_has_nothing() {
    let bench = Bench::new();
    let mut whole = Sketch::new();
    whole.bytes(b"whole", true);
    let image = bench.artifact(&[(&whole, &[], false)]);
    assert_eq!(parts(&bench, &image), []);
    assert_eq!(facts(&bench, &image), []);
}

#[test]
fn of_a_compressed_blob_what_is_in_it_counts() {
    let bench = Bench::new();
    let (mut blob, mut content) = (Sketch::new(), Sketch::new());
    blob.bytes(&noise(1, 200), true);
    let extent = content.bytes(&noise(2, 300), true);
    content.entries.push(Entry {
        content: vec![extent],
        ..entry(EntryKind::Part, path("t"))
    });
    let title = [(TITLE, "m.gz")];
    let image = bench.artifact_with(&[(&blob, &title, false)], &[(0, &content)]);
    let [part] = &*parts(&bench, &image) else {
        panic!()
    };
    assert_eq!(part.file.as_deref(), Some(&path("m.gz")));
    let unpacked = image.layers[0].unpacked.unwrap();
    assert_eq!(part.place.content, unpacked.content);
    assert_eq!(part.place.blob, image.layers[0].key);
    let object = bench.repository.put(&noise(2, 300)).unwrap().digest;
    assert_eq!(part.object, Some(object));
}
