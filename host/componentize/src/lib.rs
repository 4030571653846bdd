//! From the source of an importer to a WebAssembly component: a nested `cargo build` for
//! `wasm32-unknown-unknown`, then `wit-component` around the core module.
//!
//! Used by build scripts; it never runs while lazaret does. The nested build has its own target
//! directory and none of the outer build's flags, so neither can spoil the other.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use wit_component::ComponentEncoder;

/// The target importers are built for: it has no system interface at all, so a component can
/// import nothing but the WIT.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The cargo profile importers are built with, from the workspace's `Cargo.toml`.
const PROFILE: &str = "importer";

/// Environment of the outer build that must not leak into the nested one.
const OUTER_ENVIRONMENT: [&str; 9] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
];

/// What to build.
#[derive(Debug, Clone)]
pub enum Artifact<'a> {
    /// The library of a package.
    Library(&'a str),
    /// All examples of a package; each is one component.
    Examples(&'a str),
}

/// A finished component.
#[derive(Debug, Clone)]
pub struct Built {
    /// Name of the library or example, with underscores.
    pub name: String,
    /// The component.
    pub component: Vec<u8>,
    /// Source files it was made from, for `cargo::rerun-if-changed`.
    pub sources: Vec<PathBuf>,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The target's standard library is not installed.
    #[error("the target {TARGET} is missing; add it with: rustup target add {TARGET}")]
    TargetMissing,
    /// Cargo could not be run.
    #[error("running cargo")]
    Run(#[source] io::Error),
    /// Cargo failed; its own messages say why.
    #[error("cargo build of {0} failed:\n{1}")]
    Cargo(String, String),
    /// A file cargo promised is not there.
    #[error("reading {0}")]
    Read(PathBuf, #[source] io::Error),
    /// The core module does not fit the importer world.
    #[error("encoding {0}: {1}")]
    Encode(String, String),
}

/// Builds `artifact` of the workspace at `workspace` below `target_dir`.
///
/// # Errors
/// See [`BuildError`].
pub fn build(
    workspace: &Path,
    target_dir: &Path,
    artifact: &Artifact<'_>,
) -> Result<Vec<Built>, BuildError> {
    let package = match artifact {
        Artifact::Library(package) | Artifact::Examples(package) => *package,
    };
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(workspace)
        .args([
            "build",
            "--target",
            TARGET,
            "--profile",
            PROFILE,
            "--package",
            package,
        ])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--target-dir")
        .arg(target_dir)
        .env("CARGO_BUILD_BUILD_DIR", target_dir);
    match artifact {
        Artifact::Library(_) => command.arg("--lib"),
        Artifact::Examples(_) => command.arg("--examples"),
    };
    for name in OUTER_ENVIRONMENT {
        command.env_remove(name);
    }
    let output = command.output().map_err(BuildError::Run)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        if text.contains("E0463") && text.contains(TARGET) {
            return Err(BuildError::TargetMissing);
        }
        return Err(BuildError::Cargo(package.to_owned(), text.into_owned()));
    }
    let wanted = match artifact {
        Artifact::Library(_) => "cdylib",
        Artifact::Examples(_) => "example",
    };
    modules(&output.stdout, wanted)
        .into_iter()
        .map(|(name, path)| {
            let module =
                std::fs::read(&path).map_err(|error| BuildError::Read(path.clone(), error))?;
            Ok(Built {
                component: encode(&name, &module)?,
                sources: sources(&path),
                name,
            })
        })
        .collect()
}

/// Wraps a core module that was built against the importer WIT into a component.
///
/// # Errors
/// When it imports or exports something else.
pub fn encode(name: &str, module: &[u8]) -> Result<Vec<u8>, BuildError> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| BuildError::Encode(name.to_owned(), format!("{error:#}")))
}

/// Name and path of each module of kind `wanted` in cargo's JSON messages.
fn modules(messages: &[u8], wanted: &str) -> Vec<(String, PathBuf)> {
    messages
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| {
            let kinds = message["target"]["kind"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == wanted))
        })
        .flat_map(|message| {
            let name = message["target"]["name"]
                .as_str()
                .unwrap_or_default()
                .replace('-', "_");
            let files = message["filenames"].as_array().cloned().unwrap_or_default();
            files
                .into_iter()
                .filter_map(|file| file.as_str().map(PathBuf::from))
                .filter(|file| {
                    file.extension()
                        .is_some_and(|extension| extension == "wasm")
                })
                .map(move |file| (name.clone(), file))
        })
        .collect()
}

/// The prerequisites in the `.d` file that cargo leaves beside each module.
fn sources(module: &Path) -> Vec<PathBuf> {
    let Ok(rules) = std::fs::read_to_string(module.with_extension("d")) else {
        return Vec::new();
    };
    rules
        .lines()
        .filter_map(|line| line.split_once(": "))
        .flat_map(|(_, sources)| sources.split(' '))
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .collect()
}
