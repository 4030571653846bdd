//! What only Ollama has: `from` and `name` in descriptors, and a blob for each tensor.

use lazaret_layouts::carrier::ollama_config;
use lazaret_layouts::models::{Format, Model};
use lazaret_layouts::{Blob, Carrier};
use serde_json::Value;

use crate::berth::Berth;
use crate::shelf::{assert_files, assert_given_back, lay, pull};

#[test]
fn fields_that_oci_does_not_know_are_kept_and_shown() {
    let berth = Berth::new();
    let model = Model::small(34, 1);
    let artifact = Carrier::Ollama
        .pack(&[("model.gguf", &Format::Gguf.write(&model))])
        .unwrap();
    lay(&berth, "layout", &[("demo", &artifact)]);
    pull(&berth, "layout", "demo", &[]).expect(0);
    assert_given_back(&berth, "demo", &artifact);
    let shown = berth.run(["inspect", "demo", "--json"]).expect(0).json();
    let from = &artifact.blobs[0].fields["from"];
    assert_eq!(&shown["layers"][0]["from"], from);
    berth.assert_sound();
}

#[test]
fn tensors_in_blobs_of_their_own_are_files_by_their_names() {
    let berth = Berth::new();
    let model = Model::small(34, 1);
    let mut artifact = Carrier::Ollama.pack(&[]).unwrap();

    artifact.blobs.clear();
    for tensor in &model.tensors {
        let blob = Blob::new("application/vnd.ollama.image.tensor", tensor.data.clone());
        let blob = blob.field("name", &*tensor.name);
        artifact
            .blobs
            .push(blob.holding(&tensor.name, &tensor.data));
    }
    artifact.config = ollama_config(&artifact.blobs);
    lay(&berth, "tensors", &[("tensors", &artifact)]);
    pull(&berth, "tensors", "tensors", &[]).expect(0);
    assert_given_back(&berth, "tensors", &artifact);
    assert_files(&berth, "tensors", &artifact);
    let shown = berth.run(["inspect", "tensors", "--json"]).expect(0).json();
    let names: Vec<&Value> = shown["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| &l["name"])
        .collect();
    let wanted: Vec<&str> = model.tensors.iter().map(|tensor| &*tensor.name).collect();
    assert_eq!(names, wanted);
    berth.assert_sound();
}
