//! Of 200 images that share layers half lose their tags: exactly what they alone needed goes.

use std::collections::BTreeSet;

use lazaret_layouts::digest;
use serde_json::Value;

use crate::berth::Berth;
use crate::chance::Chance;
use crate::image::Image;
use crate::layout::Layout;
use crate::reach::{Holdings, all, reachable};
use crate::stock::{artifact, assert_undamaged, index, layers};

/// Images, indexes and artifacts together.
const THINGS: usize = 200;

/// Layers that they choose theirs from.
const LAYERS: u64 = 300;

/// Those that everything is based on one of.
const BASES: u64 = 20;

/// What `gc` or `gc --dry-run` says: the streams, references and objects that go, and the bytes.
#[track_caller]
fn said(berth: &Berth, arguments: &[&str]) -> (Holdings, u64) {
    let document = berth.run(arguments).expect(0).json();
    println!("{arguments:?}: {}", summary(&document));
    let texts = |name: &str| -> Vec<String> {
        let list = document[name].as_array();
        let list = list.unwrap_or_else(|| panic!("no {name}: {document}"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        list.iter().map(text).collect()
    };
    let mut names = BTreeSet::new();
    for (member, prefix) in [
        ("manifests", "oci-manifest-"),
        ("indexes", "oci-index-"),
        ("configs", "oci-config-"),
        ("layers", "oci-layer-"),
        ("keptBlobs", "oci-blob-"),
        ("records", "lazaret-record-"),
        ("otherStreams", ""),
        ("references", "refs/"),
    ] {
        let prefixed = texts(member)
            .into_iter()
            .map(|name| format!("{prefix}{name}"));
        names.extend(prefixed);
    }
    assert_eq!(texts("erofsImages"), Vec::<String>::new());
    assert_eq!(document["missingObjects"], 0);
    let objects: BTreeSet<String> = texts("objectNames").into_iter().collect();
    assert_eq!(document["objects"], objects.len());
    (
        Holdings { names, objects },
        document["bytes"].as_u64().unwrap(),
    )
}

fn summary(document: &Value) -> String {
    let members = document.as_object().unwrap().iter();
    let short = members.map(|(name, value)| match value {
        Value::Array(list) => format!("{} {name}", list.len()),
        value => format!("{name} {value}"),
    });
    short.collect::<Vec<_>>().join(", ")
}

#[test]
fn of_many_that_share_what_they_have() {
    let mut chance = Chance::fresh("of_many_that_share_what_they_have");
    let berth = Berth::with("fsverity-sha256-12");
    let layers = layers(LAYERS);
    let mut layout = Layout::new(berth.path("layout"));
    let mut some = |count: u64| -> Vec<_> {
        let base = chance.below(BASES);
        let first = BASES + chance.below(LAYERS - BASES - count);
        let own = first..first + count - 1;
        let chosen = [base].into_iter().chain(own);
        chosen.map(|layer| layers[layer as usize].clone()).collect()
    };
    let mut tags = Vec::new();
    for number in 0..THINGS {
        let tag = format!("thing/{number:03}");
        let descriptor = match number % 10 {
            // Some of them an index, some an artifact, some an artifact about the one before.
            0 => index(&layout, &some(2), &some(2)),
            1 | 2 => artifact(&layout, format!("part of {}", number % 7).as_bytes(), None),
            3 => {
                let subject = layout.entries.last().cloned();
                artifact(&layout, b"about the one before", subject.as_ref())
            }
            _ => layout.store(&Image::new(some(3))),
        };
        layout.enter(Some(&tag), descriptor);
        tags.push(tag);
    }
    layout.write();
    for (number, tag) in tags.iter().enumerate() {
        let mut arguments = vec!["pull", "--all-platforms"];
        if number % 4 != 0 {
            arguments.push("--keep-compressed");
        }
        let source = layout.source(tag);
        arguments.push(&source);
        berth.run(arguments).expect(0);
    }
    let before = all(berth.repository());
    println!(
        "{} names, {} objects",
        before.names.len(),
        before.objects.len()
    );
    // What was written anew on the way is nobody's any more; all else is somebody's.
    let needless = before.without(&reachable(berth.repository()));
    assert_eq!(needless.names, Default::default());

    let mut kept = tags.clone();
    for _ in 0..THINGS / 2 {
        let gone = kept.swap_remove(chance.below(kept.len() as u64) as usize);
        berth.run(["untag", &gone]).expect(0);
    }
    kept.sort();
    let before = all(berth.repository());
    let wanted = reachable(berth.repository());
    let garbage = before.without(&wanted);
    let bytes = garbage.bytes(berth.repository());
    for kind in [
        "oci-manifest-",
        "oci-layer-",
        "oci-blob-",
        "lazaret-record-",
    ] {
        let of_kind = |holdings: &Holdings| {
            let names = holdings.names.iter();
            names.filter(|name| name.starts_with(kind)).count()
        };
        let (gone, left) = (of_kind(&garbage), of_kind(&wanted));
        println!("{kind}: {gone} to go, {left} to stay");
        assert!(gone > 0 && left > 0, "{kind}: {gone} {left}");
    }

    // What would go is what nobody reaches, and nothing goes by saying so.
    let (planned, planned_bytes) = said(&berth, &["gc", "-v", "--dry-run", "--json"]);
    assert_eq!(all(berth.repository()), before);
    assert_same(&planned, &garbage);
    assert_eq!(planned_bytes, bytes);
    let (went, went_bytes) = said(&berth, &["gc", "-v", "--json"]);
    assert_eq!((&went, went_bytes), (&planned, planned_bytes));
    assert_same(&all(berth.repository()), &wanted);

    // All that is left is whole and is what it was.
    assert_undamaged(&berth);
    let tags = berth.tags();
    assert_eq!(tags.keys().cloned().collect::<Vec<_>>(), kept);
    for entry in &layout.entries {
        let name = entry["annotations"][crate::layout::REF_NAME]
            .as_str()
            .unwrap();
        if let Some(found) = tags.get(name) {
            assert_eq!(*found, entry["digest"]);
        }
    }
    for layer in &layers {
        let name = format!("oci-layer-{}", layer.diff_id);
        let code = match wanted.names.contains(&name) {
            true => 0,
            false => 5,
        };
        let ran = berth.run(["cat", "--blob", &layer.diff_id]).expect(code);
        assert!(code != 0 || digest(&ran.stdout) == layer.diff_id);
    }
    // A second time there is nothing to do.
    let (again, bytes) = said(&berth, &["gc", "-v", "--json"]);
    assert_eq!((again, bytes), (Holdings::default(), 0));

    // What went can be had again.
    let gone = layout.entries.iter().find(|entry| {
        let name = entry["annotations"][crate::layout::REF_NAME]
            .as_str()
            .unwrap();
        !tags.contains_key(name)
    });
    let gone = gone.unwrap()["annotations"][crate::layout::REF_NAME]
        .as_str()
        .unwrap();
    berth
        .run(["pull", "--all-platforms", &layout.source(gone)])
        .expect(0);
    assert_undamaged(&berth);

    // And without any tag nothing is left.
    for tag in berth.tags().keys() {
        berth.run(["untag", tag]).expect(0);
    }
    berth.run(["gc"]).expect(0);
    assert_eq!(all(berth.repository()), Holdings::default());
    assert_undamaged(&berth);
}

#[track_caller]
fn assert_same(found: &Holdings, wanted: &Holdings) {
    let (more, less) = (found.without(wanted), wanted.without(found));
    assert_eq!(
        (more, less),
        (Holdings::default(), Holdings::default()),
        "more, and less"
    );
}
