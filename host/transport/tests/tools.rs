//! Layouts that other programs wrote, and what those programs say is in them.
//!
//! A test whose tool is not installed passes without having looked, except where `CI=true`.

#![expect(clippy::unwrap_used, reason = "all of this file is tests")]

use std::path::Path;
use std::process::Command;

use lazaret_artifact::{Descriptor, media_type};
use lazaret_transport::{ManifestDocument, Reference, RegistryOptions, Selection, Source};
use oci_spec::image as oci;
use ocidir::OciDir;
use ocidir::cap_std::ambient_authority;
use ocidir::cap_std::fs::Dir;

fn tool(name: &str) -> Option<Command> {
    if Command::new(name).arg("--version").output().is_ok() {
        return Some(Command::new(name));
    }
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{name} is missing"
    );
    None
}

fn run(mut command: Command, arguments: &[&str]) -> Vec<u8> {
    let output = command.args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn open(source: &str) -> Source {
    let source: Reference = source.parse().unwrap();
    Source::open(&source, &RegistryOptions::default()).unwrap()
}

/// The root and the one manifest.
fn resolve(source: &str, platform: Option<&str>) -> (Descriptor, ManifestDocument) {
    let opened = open(source);
    let selection = match platform {
        None => Selection::Best,
        Some(text) => Selection::Platforms(vec![text.parse().unwrap()]),
    };
    let mut resolved = opened.resolve(&selection).unwrap();
    assert_eq!(resolved.manifests.len(), 1);
    let document = resolved.manifests.remove(0);
    for layer in &document.manifest.layers {
        opened.open_blob(layer).unwrap().finish().unwrap();
    }
    (resolved.root, document)
}

/// An image of one gzip layer, written with `ocidir`.
fn write_image(directory: &Path, tag: &str, architecture: &str) {
    std::fs::create_dir_all(directory).unwrap();
    let layout =
        OciDir::ensure(Dir::open_ambient_dir(directory, ambient_authority()).unwrap()).unwrap();
    let mut layer = layout.create_gzip_layer(None).unwrap();
    std::io::Write::write_all(&mut layer, &[0; 1024]).unwrap();
    let layer = layer.complete().unwrap();
    let mut manifest = layout.new_empty_manifest().unwrap().build().unwrap();
    let mut config = oci::ImageConfiguration::default();
    config.set_architecture(architecture.into());
    layout.push_layer(&mut manifest, &mut config, layer, "test", None);
    let platform = oci::PlatformBuilder::default()
        .architecture(architecture)
        .os("linux")
        .build()
        .unwrap();
    layout
        .insert_manifest_and_config(manifest, config, Some(tag), platform)
        .unwrap();
}

#[test]
fn a_layout_of_ocidir_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    write_image(directory.path(), "one", "amd64");
    write_image(directory.path(), "two", "arm64");
    let (_, one) = resolve(&format!("oci:{path}:one"), None);
    let (_, two) = resolve(&format!("oci:{path}:two"), Some("linux/arm64"));
    assert_eq!(one.image.unwrap().platform.architecture, "amd64");
    assert_eq!(two.image.unwrap().platform.architecture, "arm64");
    assert_eq!(one.manifest.layers[0].digest, two.manifest.layers[0].digest);
}

#[test]
fn skopeo_finds_the_same_manifest_under_the_same_name() {
    let Some(_) = tool("skopeo") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    write_image(&directory.path().join("a"), "x/y:1.0", "amd64");
    write_image(&directory.path().join("single"), "t", "amd64");
    let copy = format!("oci:{path}/copy:docker.io/library/z:2");
    let original = format!("oci:{path}/a:x/y:1.0");
    run(tool("skopeo").unwrap(), &["copy", "-q", &original, &copy]);
    for name in [original, copy, format!("oci:{path}/single")] {
        let raw = run(tool("skopeo").unwrap(), &["inspect", "--raw", &name]);
        let (_, resolved) = resolve(&name, None);
        assert_eq!(resolved.bytes, raw, "{name}");
        let config = run(
            tool("skopeo").unwrap(),
            &["inspect", "--raw", "--config", &name],
        );
        assert_eq!(resolved.config, config, "{name}");
    }
}

#[test]
fn a_layout_of_umoci_is_read() {
    let Some(_) = tool("umoci") else { return };
    let directory = tempfile::tempdir().unwrap();
    let layout = directory.path().join("layout");
    let layout = layout.to_str().unwrap();
    let image = format!("{layout}:empty");
    run(tool("umoci").unwrap(), &["init", "--layout", layout]);
    run(tool("umoci").unwrap(), &["new", "--image", &image]);
    let (root, resolved) = resolve(&format!("oci:{layout}"), None);
    assert_eq!(
        resolved.manifest.config.media_type.as_str(),
        media_type::OCI_CONFIG
    );
    assert!(resolved.manifest.layers.is_empty());
    let source: Reference = format!("oci:{layout}").parse().unwrap();
    assert_eq!(source.default_tag(&root).unwrap().as_str(), "empty");

    let root = directory.path().join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("file"), "content").unwrap();
    run(
        tool("umoci").unwrap(),
        &[
            "insert",
            "--rootless",
            "--image",
            &image,
            root.join("file").to_str().unwrap(),
            "/file",
        ],
    );
    let (_, resolved) = resolve(&format!("oci:{image}"), None);
    assert_eq!(resolved.manifest.layers.len(), 1);
}
