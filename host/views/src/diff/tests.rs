//! Two versions of one model, in one file, in many, in archives.

use lazaret_artifact::{Attribute, Entry, EntryKind, Extent, Fact};

use super::*;
use crate::samples::{Bench, Sketch, entry, noise, path};

const TITLE: &str = "org.opencontainers.image.title";

/// A tensor: name, type, bytes, and whether they are an object.
type Tensor<'a> = (&'a str, &'a str, &'a [u8], bool);

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Tensors after a header of so many bytes.
fn add(sketch: &mut Sketch, file: Option<&str>, header: usize, tensors: &[Tensor<'_>]) {
    sketch.bytes(&vec![b'h'; header], false);
    for (name, dtype, bytes, as_object) in tensors {
        let extent = sketch.bytes(bytes, *as_object);
        let mut attributes = vec![("dtype", *dtype), ("shape", "[1]")];
        attributes.extend(file.map(|file| ("file", file)));
        let at = match file {
            Some(file) => format!("{file}/{name}"),
            None => (*name).to_owned(),
        };
        sketch.entries.push(Entry {
            content: vec![extent],
            attributes: attributes
                .into_iter()
                .map(|(key, value)| Attribute {
                    key: key.to_owned(),
                    value: text(value),
                })
                .collect(),
            ..entry(EntryKind::Part, path(&at))
        });
    }
}

fn model(header: usize, tensors: &[Tensor<'_>], facts: &[(&str, Value)]) -> Sketch {
    let mut sketch = Sketch::new();
    add(&mut sketch, None, header, tensors);
    say(&mut sketch, None, facts);
    sketch
}

fn say(sketch: &mut Sketch, subject: Option<u32>, facts: &[(&str, Value)]) {
    for (key, value) in facts {
        sketch.facts.push(Fact {
            subject,
            key: (*key).to_owned(),
            value: value.clone(),
        });
    }
}

fn of(bench: &Bench, before: &[(&str, &Sketch)], after: &[(&str, &Sketch)]) -> Differences {
    of_reading(bench, before, after).0
}

/// And the bytes that were read for it.
fn of_reading(
    bench: &Bench,
    before: &[(&str, &Sketch)],
    after: &[(&str, &Sketch)],
) -> (Differences, u64) {
    let image = |files: &[(&str, &Sketch)]| {
        let titles: Vec<_> = files.iter().map(|(name, _)| [(TITLE, *name)]).collect();
        let blobs = files.iter().zip(&titles);
        let blobs: Vec<_> = blobs
            .map(|((_, s), title)| (*s, &title[..], true))
            .collect();
        bench.artifact(&blobs)
    };
    let mut read = 0;
    let found = diff(
        &bench.repository,
        &image(before),
        &image(after),
        &mut |progress| read = progress.done,
    );
    (found.unwrap(), read)
}

fn names(outlines: &[Outline]) -> Vec<&str> {
    outlines.iter().map(|outline| &*outline.name).collect()
}

const fn tally(parts: u64, bytes: u64) -> Tally {
    Tally { parts, bytes }
}

#[test]
fn tensors_are_equal_changed_added_or_gone() {
    let bench = Bench::new();
    let (one, two, three) = (noise(1, 5000), noise(2, 5000), noise(3, 6000));
    let before = model(
        10,
        &[
            ("same", "F32", &one, true),
            ("bytes", "F32", &one, true),
            ("type", "F32", &one, true),
            ("size", "F32", &one, true),
            ("gone", "F32", &one, true),
        ],
        &[],
    );
    let after = model(
        11,
        &[
            ("new", "F32", &three, true),
            ("size", "F32", &three, true),
            ("type", "I32", &one, true),
            ("bytes", "F32", &two, true),
            ("same", "F32", &one, true),
        ],
        &[],
    );
    let (found, read) = of_reading(&bench, &[("m", &before)], &[("m", &after)]);
    assert_eq!(found.equal, tally(1, 5000));
    assert_eq!(found.elsewhere, tally(0, 0));
    let changed: Vec<_> = found
        .changed
        .iter()
        .map(|one| {
            (
                &*one.after.name,
                one.content_only,
                one.before.size,
                one.after.size,
            )
        })
        .collect();
    assert_eq!(
        changed,
        [
            ("bytes", true, 5000, 5000),
            ("type", false, 5000, 5000),
            ("size", false, 5000, 6000)
        ]
    );
    assert_eq!(names(&found.gone), ["gone"]);
    assert_eq!(names(&found.added), ["new"]);
    assert!(!found.is_empty());
    // Objects say it all.
    assert_eq!(read, 0);
    let (same, read) = of_reading(&bench, &[("m", &before)], &[("m", &before)]);
    assert!(same.is_empty());
    assert_eq!((same.equal.parts, read), (5, 0));
}

#[test]
fn what_is_no_object_is_read_and_hashed() {
    let bench = Bench::new();
    let (one, two, three) = (noise(1, 5000), noise(2, 5000), noise(3, 5000));
    let before = model(
        10,
        &[("a", "F32", &one, true), ("b", "F32", &two, false)],
        &[],
    );
    let after = model(
        12,
        &[("a", "float32", &one, false), ("b", "F32", &three, false)],
        &[],
    );
    let (found, read) = of_reading(&bench, &[("m", &before)], &[("m", &after)]);
    assert_eq!(found.equal, tally(1, 5000));
    assert_eq!(found.changed[0].after.name, "b");
    assert_eq!(read, 20_000);

    // A file that is kept whole.
    let mut whole = Sketch::new();
    let all = whole.bytes(&[&[b'h'; 7][..], &one, &two].concat(), true);
    let Extent::Input { offset, .. } = all else {
        panic!()
    };
    for (number, name) in ["a", "b"].into_iter().enumerate() {
        whole.entries.push(Entry {
            content: vec![Extent::Input {
                offset: offset + 7 + 5000 * number as u64,
                length: 5000,
            }],
            attributes: before.entries[number].attributes.clone(),
            ..entry(EntryKind::Part, path(name))
        });
    }
    let found = of(&bench, &[("m", &before)], &[("m", &whole)]);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(found.equal, tally(2, 10_000));

    bench.damage(&one);
    let image = |sketch| bench.artifact(&[(sketch, &[(TITLE, "m")], true)]);
    let (before, after) = (image(&before), image(&after));
    let error = diff(&bench.repository, &before, &after, &mut |_| ()).unwrap_err();
    assert!(error.is_damage(), "{error}");
}

#[test]
fn a_model_may_be_spread_otherwise() {
    let bench = Bench::new();
    let tensors: Vec<_> = (0..6_u64).map(|seed| noise(seed, 4096)).collect();
    let tensor = |at: usize| ["a", "b", "c", "d", "e", "f"][at];
    let some = |range: std::ops::Range<usize>| -> Vec<Tensor<'_>> {
        range
            .map(|at| (tensor(at), "F32", &*tensors[at], true))
            .collect()
    };
    let facts = |tensors: u64| {
        vec![
            ("model.format", text("safetensors")),
            ("model.tensors", Value::Unsigned(tensors)),
            ("model.dtypes", text("F32:1")),
            ("file.metadata.format", text("pt")),
        ]
    };
    let single = model(8, &some(0..6), &facts(6));
    let first = model(9, &some(0..2), &facts(2));
    let second = model(10, &some(2..6), &facts(4));
    let index = model(
        11,
        &[],
        &[
            ("model.format", text("safetensors-index")),
            ("model.shard.x", Value::Unsigned(2)),
        ],
    );
    let sharded = [("1-of-2", &first), ("2-of-2", &second), ("index", &index)];
    let found = of(&bench, &[("m", &single)], &sharded);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(found.equal, tally(6, 6 * 4096));
    assert_eq!(found.elsewhere, tally(6, 6 * 4096));
    assert!(of(&bench, &sharded, &[("m", &single)]).is_empty());

    let mut archive = Sketch::new();
    archive.file("d/m", b"its entry");
    add(&mut archive, Some("d/m"), 3, &some(0..6));
    say(&mut archive, Some(0), &facts(6));
    let found = of(&bench, &[("m", &single)], &[("m.tar", &archive)]);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(found.elsewhere.parts, 6);

    // Names that two files have say nothing alone.
    let found = of(&bench, &[("m", &single)], &[("x", &single), ("y", &single)]);
    assert_eq!((found.added.len(), found.gone.len()), (12, 6));
}

#[test]
fn changed_metadata_is_listed() {
    let bench = Bench::new();
    let said = |name: &str, more: &[(&'static str, Value)]| {
        let mut facts = vec![
            ("model.format", text("gguf")),
            ("model.name", text(name)),
            ("model.tensor-names", text(name)),
            ("other.key", text(name)),
            ("file.metadata.general.name", text(name)),
        ];
        facts.extend(more.iter().cloned());
        model(name.len(), &[], &facts)
    };
    let one = said(
        "one",
        &[
            ("model.pickle-finding", text("a")),
            ("model.licence", text("mit")),
        ],
    );
    let two = said(
        "other",
        &[
            ("model.pickle-finding", text("a")),
            ("model.pickle-finding", text("b")),
        ],
    );
    let found = of(&bench, &[("dir/m", &one)], &[("m", &two)]);
    let shown: Vec<_> = found
        .metadata
        .iter()
        .map(|change| (&*change.key, change.before.clone(), change.after.clone()))
        .collect();
    assert_eq!(
        shown,
        [
            (
                "file.metadata.general.name",
                vec![text("one")],
                vec![text("other")]
            ),
            ("model.licence", vec![text("mit")], vec![]),
            ("model.name", vec![text("one")], vec![text("other")]),
            (
                "model.pickle-finding",
                vec![text("a")],
                vec![text("a"), text("b")]
            ),
        ]
    );
    assert_eq!(found.metadata[0].file, Some(path("m")));
    // A file more is not a file that changed.
    assert!(of(&bench, &[("m", &one)], &[("m", &one), ("n", &two)]).is_empty());
}
