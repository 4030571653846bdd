//! The components say of themselves what the table says of them.

use lazaret_artifact::MediaType;
use lazaret_builtins::BUILTINS;
use lazaret_engine::{Importer, Registry, Sandbox, SandboxOptions, Steer as _};
use std::sync::Arc;

#[test]
fn every_component_claims_what_it_is_registered_for() {
    let sandbox = Arc::new(Sandbox::new(SandboxOptions::default()).expect("wasmtime runs here"));
    for builtin in BUILTINS {
        let importer = Importer::load(Arc::clone(&sandbox), builtin.name, builtin.component)
            .expect("it is an importer");
        let claimed: Vec<&str> = importer
            .media_types()
            .iter()
            .map(MediaType::as_str)
            .collect();
        assert_eq!(claimed, builtin.media_types, "{}", builtin.name);
        assert_eq!(importer.identity().name, builtin.name);
        let reads_models = builtin.name != "tar";
        assert_eq!(importer.needs_random(), reads_models, "{}", builtin.name);
        let namespaces: &[&str] = match builtin.name {
            "tar" => &[],
            "model-config" => &["model"],
            _ => &["model", "file"],
        };
        assert_eq!(importer.fact_namespaces(), namespaces, "{}", builtin.name);
    }
}

#[test]
fn who_claims_a_type_is_known_without_loading_anybody() {
    let registry = Registry::new(SandboxOptions::default(), BUILTINS);
    let digest = |name: &str| {
        let mut listed = registry.list();
        listed
            .find(|(listed, ..)| *listed == name)
            .expect("listed")
            .1
    };
    assert_eq!(registry.claimants("application/x-onnx"), [digest("onnx")]);
    let mut all = ["safetensors", "gguf", "pytorch", "onnx", "model-config"].map(digest);
    all.sort_unstable();
    assert_eq!(registry.claimants("application/octet-stream"), all);
    assert_eq!(registry.claimants("text/plain"), []);
}
