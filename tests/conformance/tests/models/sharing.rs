//! Equal tensors are stored once, whatever they come in.

use lazaret_layouts::models::{Format, Model, shards};
use lazaret_layouts::{Artifact, Carrier};

use crate::berth::Berth;
use crate::shelf::{SPLIT, assert_given_back, lay, object_bytes, pull};

/// 32 tensors of a quarter of a mebibyte.
fn model() -> Model {
    Model::uniform(8, 32, 256 << 10)
}

fn pack(carrier: Carrier, path: &str, content: &[u8]) -> Artifact {
    carrier.pack(&[(path, content)]).unwrap()
}

/// Pulls these one after another, and returns by how much each made the objects grow.
fn grown(berth: &Berth, artifacts: &[(&str, &Artifact)]) -> Vec<u64> {
    lay(berth, "layout", artifacts);
    let mut before = 0;
    let grow = artifacts.iter().map(|(tag, artifact)| {
        pull(berth, "layout", tag, &SPLIT).expect(0);
        berth.run(["gc"]).expect(0);
        assert_given_back(berth, tag, artifact);
        let after = object_bytes(berth);
        let grown = after - before;
        before = after;
        grown
    });
    let grown = grow.collect();
    berth.assert_sound();
    grown
}

/// Under a hundredth of the file.
#[track_caller]
fn assert_little(grown: u64, whole: u64) {
    assert!(
        grown * 100 < whole,
        "{grown} bytes more for a file of {whole}"
    );
}

#[test]
fn a_gguf_with_another_line_of_metadata_costs_under_a_hundredth() {
    let berth = Berth::new();
    let model = model();
    let longer = "a description that was not there before, so that all data are elsewhere";
    let changed = model.clone().with_metadata("general.description", longer);
    let [first, second] = [&model, &changed].map(|model| Format::Gguf.write(model));
    assert_ne!(first.len(), second.len());
    let [a, b] = [&first, &second].map(|file| pack(Carrier::ALL[0], "model-f32.gguf", file));
    let grown = grown(&berth, &[("first", &a), ("second", &b)]);
    assert_little(grown[1], second.len() as u64);
}

#[test]
fn the_same_tensors_in_files_archives_and_shards_are_stored_once() {
    let berth = Berth::new();
    let model = model();
    let file = Format::Safetensors.write(&model);
    let parts = shards(&model, 4);
    let mut files: Vec<(&str, &[u8])> = parts
        .files
        .iter()
        .map(|(path, content)| (&**path, &content[..]))
        .collect();
    files.push(("model.safetensors.index.json", &parts.index));
    let raw = pack(Carrier::ALL[0], "model.safetensors", &file);
    let tar = pack(Carrier::ALL[1], "model.safetensors", &file);
    let gzip = pack(Carrier::ALL[2], "model.safetensors", &file);
    let sharded = Carrier::ALL[0].pack(&files).unwrap();
    let gguf = pack(
        Carrier::ModelRunner,
        "model.gguf",
        &Format::Gguf.write(&model),
    );
    let grown = grown(
        &berth,
        &[
            ("raw", &raw),
            ("tar", &tar),
            ("sharded", &sharded),
            ("gguf", &gguf),
            ("gzip", &gzip),
        ],
    );
    let whole = file.len() as u64;
    for more in &grown[1..4] {
        assert_little(*more, whole);
    }
    let shown = berth.run(["info", "--json"]).expect(0).json();
    let saved = shown["sharing"]["saved"].as_u64().unwrap();
    assert!(saved > whole * 395 / 100, "{saved} of {whole} saved");
    let rows = berth
        .run(["images", "--sharing", "--json"])
        .expect(0)
        .json_lines();
    assert_eq!(rows.len(), 5);
    for row in rows {
        let shared = row["sharing"]["shared"].as_u64().unwrap();
        assert!(shared * 100 > whole * 99, "{row}");
    }
    // What travelled compressed is kept as it travelled, to be given back; its tensors are not.
    assert_little(grown[4] - gzip.blobs[0].data.len() as u64, whole);
}

#[test]
fn a_fine_tune_costs_the_tensors_that_changed() {
    let berth = Berth::new();
    let model = model();
    let tuned = model.clone().with_other(9, |at| at % 8 == 0);
    let [a, b] = [&model, &tuned].map(|model| {
        pack(
            Carrier::ALL[0],
            "model.safetensors",
            &Format::Safetensors.write(model),
        )
    });
    let grown = grown(&berth, &[("base", &a), ("tuned", &b)]);
    let changed = 4 * (256 << 10);
    assert!(grown[1] >= changed, "{grown:?}");
    assert_little(grown[1] - changed, model.bytes());
}
