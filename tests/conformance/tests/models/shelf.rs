//! Layouts of artifacts, and what to expect of them in a repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use lazaret_layouts::models::Format;
use lazaret_layouts::{Artifact, LayoutBuilder, digest};
use serde_json::Value;

use crate::berth::Berth;
use crate::objects::objects;
use crate::program::Ran;
use crate::tools::{succeed, tool};

/// What cuts files by their tensors.
pub const SPLIT: [&str; 2] = ["--split", "tensors"];

/// Writes a layout of artifacts by tag below the berth.
#[track_caller]
pub fn lay(berth: &Berth, name: &str, artifacts: &[(&str, &Artifact)]) {
    let mut layout = LayoutBuilder::create(&berth.path(name)).unwrap();
    for (tag, artifact) in artifacts {
        artifact.write(&mut layout, tag).unwrap();
    }
    layout.finish().unwrap();
}

/// Pulls a tag of a layout, with more arguments.
pub fn pull(berth: &Berth, layout: &str, tag: &str, more: &[&str]) -> Ran {
    let source = format!("oci:{}:{tag}", berth.path(layout).display());
    let mut arguments = vec!["pull", &source];
    arguments.extend(more);
    berth.run(arguments)
}

/// Asserts that `name` is given back as the artifact was: manifest, config and blobs.
#[track_caller]
pub fn assert_given_back(berth: &Berth, name: &str, artifact: &Artifact) {
    let out = berth.path(&format!("out-{name}"));
    let to = format!("oci:{}:{name}", out.display());
    berth.run(["push", name, &to]).expect(0);
    let blobs = out.join("blobs/sha256");
    let manifest = artifact.manifest();
    let documents = [&manifest, &artifact.config.data];
    let data = artifact.blobs.iter().map(|blob| &blob.data);
    for wanted in documents.into_iter().chain(data) {
        let digest = digest(wanted);
        let given = fs::read(blobs.join(digest.trim_start_matches("sha256:"))).unwrap();
        assert!(given == *wanted, "{name}: {digest}");
    }
    fs::remove_dir_all(out).unwrap();
}

/// Asserts that each file is listed with its size, and given back.
#[track_caller]
pub fn assert_files(berth: &Berth, name: &str, artifact: &Artifact) {
    let lines = berth
        .run(["ls", name, "-R", "--json"])
        .expect(0)
        .json_lines();
    let regular = |line: &&Value| line["kind"] == "regular";
    let mut listed: Vec<(&str, u64)> = lines
        .iter()
        .filter(regular)
        .map(|line| {
            (
                line["path"].as_str().unwrap(),
                line["size"].as_u64().unwrap(),
            )
        })
        .collect();
    let mut wanted: Vec<(&str, u64)> = artifact
        .files()
        .map(|(path, content)| (path, content.len() as u64))
        .collect();
    listed.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(listed, wanted, "{name}");
    for (path, content) in artifact.files() {
        let given = berth.run(["cat", name, path]).expect(0).stdout;
        assert!(given == content, "{name}: {path}");
    }
}

/// Asserts that the other implementation of the format finds nothing wrong, where it is there.
#[track_caller]
pub fn assert_cfsctl_agrees(repository: &Path) {
    for check in [&["fsck"][..], &["oci", "fsck"]] {
        let Some(mut cfsctl) = tool("cfsctl") else {
            return;
        };
        let ran = succeed(
            Command::arg(&mut cfsctl, "--repo")
                .arg(repository)
                .args(check),
        );
        assert!(ran.text().contains("status: ok"), "{}", ran.text());
    }
}

/// Bytes of all objects.
#[track_caller]
pub fn object_bytes(berth: &Berth) -> u64 {
    let info = berth.run(["info", "--json"]).expect(0).json();
    info["objectBytes"].as_u64().unwrap()
}

/// Names of all objects.
#[track_caller]
pub fn object_names(berth: &Berth) -> Vec<String> {
    objects(berth.repository()).into_keys().collect()
}

/// The format that a file's name says.
pub fn format_of(path: &str) -> Option<Format> {
    let is_of = |format: &Format| path.ends_with(format.file());
    Format::ALL.into_iter().find(is_of)
}
