//! What Hugging Face's JSON files and an artifact's own config say of a model.

use lazaret_layouts::models::{Format, Model};
use lazaret_layouts::{Artifact, Carrier, Compression, LayerBuilder};
use serde_json::{Value, json};

use crate::berth::Berth;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::listing::facts;
use crate::shelf::{lay, pull};

const CONFIG: &[u8] = br#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama",
    "max_position_embeddings": 2048, "hidden_size": 64,
    "quantization_config": {"quant_method": "gptq"}}"#;

const TOKENIZER: &[u8] = br#"{"tokenizer_class": "LlamaTokenizerFast", "chat_template": "abc"}"#;

/// SHA-256 of `abc` (FIPS 180-4's example).
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn packed(carrier: Carrier, config: &[u8], tokenizer: &[u8]) -> Artifact {
    let weights = Format::Safetensors.write(&Model::small(41, 2));
    carrier
        .pack(&[
            ("model.safetensors", &weights),
            ("config.json", config),
            ("tokenizer_config.json", tokenizer),
        ])
        .unwrap()
}

/// The one model of an artifact that a strict policy lets pass; it is pulled twice.
#[track_caller]
fn card(carrier: Carrier, artifact: &Artifact) -> Value {
    let berth = Berth::new();
    let tag = carrier.tag();
    lay(&berth, &tag, &[(&tag, artifact)]);
    let strict = ["--policy", "strict", "--json"];
    pull(&berth, &tag, &tag, &strict).expect(0);
    let again = pull(&berth, &tag, &tag, &strict).expect(0).json();
    for layer in again["layers"].as_array().unwrap() {
        assert_eq!(layer["reused"], true, "{tag}: {layer}");
    }
    let inspected = berth.run(["inspect", &tag, "--json"]).expect(0).json();
    assert_eq!(inspected["models"].as_array().unwrap().len(), 1, "{tag}");
    berth.assert_sound();
    inspected["models"][0].clone()
}

/// Carriers that name their files, and whose archives are no container layers.
fn carriers() -> impl Iterator<Item = Carrier> {
    Carrier::ALL.into_iter().filter(|carrier| {
        !matches!(
            carrier,
            Carrier::Ollama | Carrier::OrasUntyped | Carrier::OrasDirectory
        )
    })
}

#[test]
fn what_the_weights_do_not_say_stands_beside_them() {
    for carrier in carriers() {
        let model = card(carrier, &packed(carrier, CONFIG, TOKENIZER));
        let tag = carrier.tag();
        for (member, expected) in [
            ("format", json!("safetensors")),
            ("architecture", json!("LlamaForCausalLM")),
            ("contextLength", json!(2048)),
            ("embeddingLength", json!(64)),
            ("quantization", json!("gptq")),
            ("tokenizer", json!("LlamaTokenizerFast")),
            ("chatTemplate", json!(ABC)),
        ] {
            assert_eq!(model[member], expected, "{tag}: {member}");
        }
        let beside = model["describedBy"].as_array().unwrap();
        let files: Vec<&str> = beside
            .iter()
            .map(|file| file["file"].as_str().unwrap())
            .collect();
        assert_eq!(files, ["config.json", "tokenizer_config.json"], "{tag}");
        assert_eq!(model["files"].as_array().unwrap().len(), 1, "{tag}");
    }
}

#[test]
fn other_files_of_these_names_are_no_fault() {
    for carrier in carriers() {
        for (config, tokenizer) in [
            (&br#"{"port": 8080}"#[..], &b"[]"[..]),
            (
                b"no JSON",
                b"{\"tokenizer_class\": \"A\", \"tokenizer_class\": \"B\"}",
            ),
        ] {
            let model = card(carrier, &packed(carrier, config, tokenizer));
            let tag = carrier.tag();
            assert_eq!(model["describedBy"], Value::Null, "{tag}");
            assert_eq!(model["tokenizer"], Value::Null, "{tag}");
        }
    }
}

#[test]
fn what_the_artifact_claims_is_told_apart() {
    let modelpack = Carrier::ALL[0];
    let mut artifact = packed(modelpack, CONFIG, TOKENIZER);
    artifact.config.data = br#"{"descriptor": {"name": "tiny", "licenses": ["MIT"]},
        "config": {"architecture": "transformer", "paramSize": "7b", "precision": "bf16",
        "format": "gguf"}, "modelfs": {"type": "layers", "diffIds": []}}"#
        .to_vec();
    let model = card(modelpack, &artifact);
    // The files were looked at: their word counts.
    assert_eq!(model["architecture"], "LlamaForCausalLM");
    assert_eq!(model["format"], "safetensors");
    assert_eq!(model["claimed"], json!({"name": "tiny", "licence": "MIT"}));
}

#[test]
fn layers_of_containers_are_not_asked() {
    let mut layer = LayerBuilder::default();
    layer.add_file("config.json", CONFIG, 0o644).unwrap();
    layer
        .add_file("tokenizer_config.json", TOKENIZER, 0o644)
        .unwrap();
    let berth = Berth::new();
    let archive = layer.finish().unwrap();
    let image = Image::new(vec![Layer::new(&archive, Compression::Gzip)]);
    Layout::of(berth.path("layout"), "demo", &image);
    pull(&berth, "layout", "demo", &[]).expect(0);
    assert!(facts(&berth, "demo", "model.architecture").is_empty());
    assert!(facts(&berth, "demo", "import.importer").is_empty());
}
