//! What is valid parses, and says what the example says.

use lazaret_artifact::{Document, ImageConfig, Index, Manifest};
use serde_json::{Value, json};

use crate::sources::{Example, Kind, example, examples};

/// All that there is, and whether the specification permits it: two have digests that are none, one
/// is a manifest that is no more, one a version that never was.
const EXAMPLES: [(&str, Kind, bool); 9] = [
    ("oci-spec/src/image/config.rs 0", Kind::Config, false),
    ("oci-spec/src/image/descriptor.rs 0", Kind::Descriptor, true),
    (
        "oci-spec/src/image/descriptor.rs 1",
        Kind::Descriptor,
        false,
    ),
    (
        "oci-spec/test/data/artifact_manifest.json",
        Kind::Withdrawn,
        false,
    ),
    ("oci-spec/test/data/config.json", Kind::Config, true),
    ("oci-spec/test/data/index.json", Kind::Index, true),
    ("oci-spec/test/data/manifest.json", Kind::Manifest, true),
    ("oci-spec/test/data/oci-layout", Kind::LayoutVersion, false),
    ("ocidir/src/lib.rs 0", Kind::LayoutVersion, true),
];

/// And one that follows a constant of its own.
const DERIVED: (&str, Kind, bool) = ("ocidir/src/lib.rs 1", Kind::Manifest, true);

fn table() -> Vec<(&'static str, Kind, bool)> {
    EXAMPLES.into_iter().chain([DERIVED]).collect()
}

/// An index with this as its only entry.
pub fn index_of(descriptor: &Value) -> Vec<u8> {
    serde_json::to_vec(&json!({"schemaVersion": 2, "manifests": [descriptor]})).unwrap()
}

fn parses(example: &Example) -> bool {
    let bytes = example.text.as_bytes();
    match example.kind() {
        Kind::Manifest | Kind::Withdrawn => Manifest::parse(bytes, None).is_ok(),
        Kind::Index => Index::parse(bytes, None).is_ok(),
        Kind::Config => ImageConfig::parse(bytes).is_ok(),
        Kind::Descriptor => Index::parse(&index_of(&example.value), None).is_ok(),
        // The program reads it: see where the malformed are.
        Kind::LayoutVersion => example.value["imageLayoutVersion"] == "1.0.0",
    }
}

#[test]
fn every_example_is_known_and_the_valid_ones_parse() {
    let found: Vec<(&str, Kind, bool)> = examples()
        .iter()
        .map(|example| (&*example.name, example.kind(), parses(example)))
        .collect();
    assert_eq!(found, table());
}

fn digests(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry["digest"].as_str().unwrap_or_default())
        .collect()
}

#[test]
fn manifests_say_what_the_examples_say() {
    for (name, kind, _) in table() {
        if kind != Kind::Manifest {
            continue;
        }
        let example = example(name);
        let parsed = Manifest::parse(example.text.as_bytes(), None).unwrap();
        assert_eq!(
            parsed.config.digest.to_string(),
            example.value["config"]["digest"]
        );
        assert_eq!(parsed.config.size, example.value["config"]["size"]);
        let layers: Vec<String> = parsed
            .layers
            .iter()
            .map(|layer| layer.digest.to_string())
            .collect();
        assert_eq!(layers, digests(&example.value["layers"]));
        assert!(parsed.is_image());
        let annotations = serde_json::to_value(&parsed.annotations).unwrap();
        let said = example.value.get("annotations").cloned();
        assert_eq!(annotations, said.unwrap_or_else(|| json!({})));
        let document = Document::parse(example.text.as_bytes(), None).unwrap();
        assert!(matches!(document, Document::Manifest(_)));
    }
}

#[test]
fn the_index_says_what_the_example_says() {
    let example = example("oci-spec/test/data/index.json");
    let parsed = Index::parse(example.text.as_bytes(), None).unwrap();
    let entries: Vec<String> = parsed
        .manifests
        .iter()
        .map(|entry| entry.digest.to_string())
        .collect();
    assert_eq!(entries, digests(&example.value["manifests"]));
    let platforms: Vec<String> = parsed
        .manifests
        .iter()
        .map(|entry| entry.platform.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(platforms, ["linux/ppc64le", "linux/amd64"]);
    let document = Document::parse(example.text.as_bytes(), None).unwrap();
    assert!(matches!(document, Document::Index(_)));
}

#[test]
fn the_config_and_the_descriptor_say_what_the_examples_say() {
    let config = example("oci-spec/test/data/config.json");
    let parsed = ImageConfig::parse(config.text.as_bytes()).unwrap();
    assert_eq!(parsed.platform.to_string(), "linux/amd64");
    assert_eq!(parsed.created.unwrap(), config.value["created"]);
    let diff_ids: Vec<String> = parsed.diff_ids.iter().map(ToString::to_string).collect();
    assert_eq!(json!(diff_ids), config.value["rootfs"]["diff_ids"]);

    let descriptor = example("oci-spec/src/image/descriptor.rs 0");
    let index = Index::parse(&index_of(&descriptor.value), None).unwrap();
    let parsed = serde_json::to_value(&index.manifests[0]).unwrap();
    assert_eq!(parsed, descriptor.value);
}
