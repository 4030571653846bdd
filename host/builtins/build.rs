//! Compiles every built-in importer to a component and leaves it in `OUT_DIR`.
//!
//! `LAZARET_COMPONENTS` names a folder of prebuilt `<name>.wasm` components to take instead, for
//! packagers who build the two parts apart.

use std::env;
use std::fs;
use std::path::PathBuf;

use lazaret_componentize::{Artifact, build};

/// Package and name of each built-in importer.
const BUILTINS: [(&str, &str); 6] = [
    ("lazaret-plugin-tar", "tar"),
    ("lazaret-plugin-safetensors", "safetensors"),
    ("lazaret-plugin-gguf", "gguf"),
    ("lazaret-plugin-pytorch", "pytorch"),
    ("lazaret-plugin-onnx", "onnx"),
    ("lazaret-plugin-model-config", "model-config"),
];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let workspace = manifest.join("../..");
    println!("cargo::rerun-if-env-changed=LAZARET_COMPONENTS");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../Cargo.toml");
    println!("cargo::rerun-if-changed=../../wit");
    let prebuilt = env::var_os("LAZARET_COMPONENTS").map(PathBuf::from);
    for (package, name) in BUILTINS {
        let to = out.join(format!("{name}.wasm"));
        if let Some(folder) = &prebuilt {
            let from = folder.join(format!("{name}.wasm"));
            println!("cargo::rerun-if-changed={}", from.display());
            if let Err(error) = fs::copy(&from, &to) {
                println!("cargo::error=copying {}: {error}", from.display());
            }
            continue;
        }
        match build(
            &workspace,
            &out.join("importers"),
            &Artifact::Library(package),
        ) {
            Ok(built) => {
                let Some(built) = built.into_iter().next() else {
                    println!("cargo::error=building {package} gave no component");
                    return;
                };
                for source in &built.sources {
                    println!("cargo::rerun-if-changed={}", source.display());
                }
                fs::write(&to, built.component).expect("OUT_DIR can be written");
            }
            Err(error) => {
                println!(
                    "cargo::error={}",
                    error.to_string().replace('\n', "\ncargo::error=")
                );
                return;
            }
        }
    }
}
