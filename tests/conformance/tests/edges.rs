//! The walls of the house: which crate may use which. `docs/architecture.md` has the reasons.
#![expect(clippy::unwrap_used, reason = "a test: what is missing fails it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Crates of the workspace that each crate of the product may depend on, at run time.
const ALLOWED: [(&str, &[&str]); 19] = [
    ("lazaret-artifact", &[]),
    ("lazaret-store", &["lazaret-artifact"]),
    ("lazaret-engine", &["lazaret-artifact"]),
    ("lazaret-transport", &["lazaret-artifact"]),
    ("lazaret-graph", &["lazaret-artifact", "lazaret-store"]),
    (
        "lazaret-intake",
        &[
            "lazaret-artifact",
            "lazaret-engine",
            "lazaret-graph",
            "lazaret-store",
            "lazaret-transport",
        ],
    ),
    (
        "lazaret-push",
        &[
            "lazaret-artifact",
            "lazaret-graph",
            "lazaret-store",
            "lazaret-transport",
        ],
    ),
    (
        "lazaret-views",
        &["lazaret-artifact", "lazaret-graph", "lazaret-store"],
    ),
    ("lazaret-builtins", &["lazaret-engine"]),
    ("lazaret-componentize", &[]),
    (
        "lazaret",
        &[
            "lazaret-artifact",
            "lazaret-builtins",
            "lazaret-engine",
            "lazaret-graph",
            "lazaret-intake",
            "lazaret-push",
            "lazaret-store",
            "lazaret-transport",
            "lazaret-views",
        ],
    ),
    ("lazaret-guest", &[]),
    ("lazaret-plugin-gguf", &["lazaret-guest"]),
    ("lazaret-plugin-model-config", &["lazaret-guest"]),
    ("lazaret-plugin-onnx", &["lazaret-guest"]),
    ("lazaret-plugin-pytorch", &["lazaret-guest"]),
    ("lazaret-plugin-safetensors", &["lazaret-guest"]),
    ("lazaret-plugin-tar", &["lazaret-guest"]),
    ("lazaret-plugin-hostile", &["lazaret-guest"]),
];

/// Heavy dependencies that stay behind the wall of one crate.
const WALLS: [(&str, &[&str]); 4] = [
    ("wasmtime", &["lazaret-engine"]),
    ("ocidir", &["lazaret-transport"]),
    ("clap", &["lazaret"]),
    ("anyhow", &["lazaret"]),
];

#[test]
fn no_edge_appears_that_the_architecture_forbids() {
    let used = dependencies();
    for (name, allowed) in ALLOWED {
        let found: Vec<&str> = used[name]
            .iter()
            .map(String::as_str)
            .filter(|dependency| dependency.starts_with("lazaret"))
            .filter(|dependency| !allowed.contains(dependency))
            .collect();
        assert!(found.is_empty(), "{name} must not use {found:?}");
    }
    for (dependency, owners) in WALLS {
        for (name, _) in ALLOWED {
            let uses = used[name].iter().any(|used| used == dependency);
            assert!(
                !uses || owners.contains(&name),
                "{name} must not use {dependency}"
            );
        }
    }
}

#[test]
fn every_crate_of_the_product_has_its_place() {
    let used = dependencies();
    let support = [
        "lazaret-bench",
        "lazaret-conformance",
        "lazaret-fuzz",
        "lazaret-layouts",
        "lazaret-registry",
    ];
    for name in used.keys() {
        let known = ALLOWED.iter().any(|(allowed, _)| allowed == name);
        assert!(
            known || support.contains(&name.as_str()),
            "{name} is not in docs/architecture.md's table"
        );
    }
}

/// Run-time dependencies of each member of the workspace.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .output()
        .unwrap();
    assert!(output.status.success());
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let names = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}
