//! Models in several files, and indexes that say what is not so.

use lazaret_layouts::models::{Model, Shards, shards};
use lazaret_layouts::{Artifact, Carrier};
use serde_json::Value;

use crate::berth::Berth;
use crate::shelf::{assert_given_back, lay, pull};

const INDEX: &str = "model.safetensors.index.json";

fn pack(carrier: Carrier, parts: &Shards, index: &[u8]) -> Artifact {
    let mut files: Vec<(&str, &[u8])> = parts
        .files
        .iter()
        .map(|(path, content)| (&**path, &content[..]))
        .collect();
    files.push((INDEX, index));
    carrier.pack(&files).unwrap()
}

/// The index with a change.
fn with(parts: &Shards, change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut index = serde_json::from_slice(&parts.index).unwrap();
    change(&mut index);
    serde_json::to_vec(&index).unwrap()
}

const CARRIERS: [Carrier; 3] = [Carrier::ALL[0], Carrier::ALL[1], Carrier::ALL[2]];

#[test]
fn an_index_that_agrees_with_its_shards_is_fine_even_to_the_strict() {
    let parts = shards(&Model::small(12, 3), 3);
    for carrier in CARRIERS {
        let (berth, tag) = (Berth::new(), carrier.tag());
        let artifact = pack(carrier, &parts, &parts.index);
        lay(&berth, "layout", &[(&tag, &artifact)]);
        let ran = pull(&berth, "layout", &tag, &["--policy", "strict"]).expect(0);
        assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
        assert_given_back(&berth, &tag, &artifact);
    }
}

#[test]
fn an_index_that_its_shards_contradict_is_warned_of_and_refused_by_the_strict() {
    let parts = shards(&Model::small(13, 3), 3);
    let moved = with(&parts, |index| {
        let first = index["weight_map"]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .clone();
        let last = parts.files[2].0.clone();
        index["weight_map"][first] = last.into();
    });
    let absent = with(&parts, |index| {
        index["weight_map"]["model.nothing"] = parts.files[0].0.as_str().into();
    });
    let elsewhere = with(&parts, |index| {
        index["weight_map"]["model.nothing"] = "model-00004-of-00003.safetensors".into();
    });
    for (what, index) in [
        ("moved", &moved),
        ("absent", &absent),
        ("elsewhere", &elsewhere),
    ] {
        for carrier in CARRIERS {
            let (berth, tag) = (Berth::new(), carrier.tag());
            let artifact = pack(carrier, &parts, index);
            lay(&berth, "layout", &[(&tag, &artifact)]);
            let ran = pull(&berth, "layout", &tag, &["--policy", "strict"]).expect(4);
            ran.says(&["model-0000"]);
            assert!(
                berth.names().is_empty(),
                "{what}, {tag}: {:?}",
                berth.names()
            );
            let ran = pull(&berth, "layout", &tag, &[]).expect(0);
            ran.says(&["warning", "model-0000"]);
            assert_given_back(&berth, &tag, &artifact);
        }
    }
}
