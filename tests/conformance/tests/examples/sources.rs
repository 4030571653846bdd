//! The examples, found in the sources of the crates `oci-spec` and `ocidir`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// A document, and where it is from.
#[derive(Debug, Clone)]
pub struct Example {
    /// Crate and file; of several in a file, with a number from 0.
    pub name: String,
    /// As it is written there.
    pub text: String,
    /// What it says.
    pub value: Value,
}

/// What an example is of, by the members it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Manifest,
    Index,
    Config,
    Descriptor,
    LayoutVersion,
    /// An artifact manifest, which the specification had before version 1.1 and has no more.
    Withdrawn,
}

impl Example {
    /// What it is an example of.
    #[track_caller]
    pub fn kind(&self) -> Kind {
        let has = |name: &str| self.value.get(name).is_some();
        match () {
            () if has("manifests") => Kind::Index,
            () if has("layers") => Kind::Manifest,
            () if has("rootfs") => Kind::Config,
            () if has("blobs") => Kind::Withdrawn,
            () if has("digest") => Kind::Descriptor,
            () if has("imageLayoutVersion") => Kind::LayoutVersion,
            () => panic!("{}: what is this?", self.name),
        }
    }
}

/// All of them, in the order of their names.
pub fn examples() -> &'static [Example] {
    static EXAMPLES: OnceLock<Vec<Example>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let mut found = Vec::new();
        for name in ["oci-spec", "ocidir"] {
            let root = sources(name);
            let mut files = Vec::new();
            gather(&root.join("src"), &mut files);
            if root.join("test").exists() {
                gather(&root.join("test"), &mut files);
            }
            files.sort();
            for file in files {
                let path = file.strip_prefix(&root).unwrap();
                // Those of other specifications.
                if path.starts_with("src/runtime") || path.starts_with("src/distribution") {
                    continue;
                }
                let place = format!("{name}/{}", path.display());
                read(&place, &file, &mut found);
            }
        }
        found
    })
}

/// The one of that name.
#[track_caller]
pub fn example(name: &str) -> &'static Example {
    let mut all = examples().iter();
    all.find(|example| example.name == name).unwrap()
}

/// Where cargo keeps the sources of a crate.
fn sources(name: &str) -> PathBuf {
    static METADATA: OnceLock<Value> = OnceLock::new();
    let metadata = METADATA.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked", "--offline"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo metadata: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    });
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == name);
    let manifest = package.unwrap()["manifest_path"].as_str().unwrap();
    Path::new(manifest).parent().unwrap().to_owned()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => gather(&path, files),
            false => files.push(path),
        }
    }
}

/// A file that is JSON, or the raw strings of a program that are.
fn read(place: &str, file: &Path, found: &mut Vec<Example>) {
    let text = fs::read_to_string(file).unwrap();
    if let Ok(value) = serde_json::from_str(&text) {
        found.push(Example {
            name: place.to_owned(),
            text,
            value,
        });
        return;
    }
    let strings = text.split("r#\"").skip(1);
    let objects = strings
        .filter_map(|rest| rest.split("\"#").next())
        .filter_map(|text| Some((text, serde_json::from_str(text).ok()?)))
        .filter(|(_, value): &(&str, Value)| value.is_object());
    for (number, (text, value)) in objects.enumerate() {
        found.push(Example {
            name: format!("{place} {number}"),
            text: text.to_owned(),
            value,
        });
    }
}
