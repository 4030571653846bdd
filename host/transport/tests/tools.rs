//! Layouts and archives that other programs wrote and what those programs say is in them; what they
//! make of those that this program writes.
//!
//! A test whose tool is not installed passes without having looked, except where `CI=true`.

#![expect(clippy::unwrap_used, reason = "all of this file is tests")]

use std::io::{self, Read};
use std::path::Path;
use std::process::Command;

use lazaret_artifact::{ContentDigest, Descriptor, media_type};
use lazaret_transport::{
    BlobSource, Destination, ManifestDocument, Reference, RegistryOptions, Selection, Source,
};
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

/// An index of two images of two architectures, as `multi` in a layout that also has `one`.
fn write_index(directory: &Path) {
    write_image(directory, "one", "amd64");
    write_image(directory, "two", "s390x");
    let path = directory.to_str().unwrap();
    let entries: Vec<serde_json::Value> = [("one", "amd64"), ("two", "s390x")]
        .iter()
        .map(|(tag, architecture)| {
            let (root, _) = resolve(&format!("oci:{path}:{tag}"), None);
            serde_json::json!({
                "mediaType": root.media_type, "digest": root.digest, "size": root.size,
                "platform": {"os": "linux", "architecture": architecture},
            })
        })
        .collect();
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
    });
    let index = index.to_string();
    let digest = ContentDigest::sha256(index.as_bytes());
    let blob = directory.join("blobs/sha256").join(digest.hex());
    std::fs::write(blob, &index).unwrap();
    let listing = directory.join("index.json");
    let mut document: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&listing).unwrap()).unwrap();
    let entries = document["manifests"].as_array_mut().unwrap();
    entries.push(serde_json::json!({
        "mediaType": media_type::OCI_INDEX, "digest": digest, "size": index.len(),
        "annotations": {"org.opencontainers.image.ref.name": "multi"},
    }));
    std::fs::write(&listing, document.to_string()).unwrap();
}

struct FromSource<'a>(&'a Source, &'a Descriptor);

impl BlobSource for FromSource<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.0.open_blob(self.1)?))
    }
}

/// Copies all of `from` to `to`, under the tag that `to` names.
fn copy(from: &str, to: &str) {
    let source = open(from);
    let reference: Reference = to.parse().unwrap();
    let destination = Destination::open(&reference, &RegistryOptions::default()).unwrap();
    let resolved = source.resolve(&Selection::All).unwrap();
    let root = resolved.root.digest;
    let tag = destination.tag();
    let tag_of = |digest| tag.as_deref().filter(|_| digest == root);
    for document in &resolved.manifests {
        let manifest = &document.manifest;
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            if !destination.has_blob(blob).unwrap() {
                destination
                    .put_blob(blob, &FromSource(&source, blob), &|_| {})
                    .unwrap();
            }
        }
        let entry = &document.descriptor;
        destination
            .put_document(entry, &document.bytes, None, tag_of(entry.digest))
            .unwrap();
    }
    for index in resolved.indexes.iter().rev() {
        let entry = &index.descriptor;
        destination
            .put_document(entry, &index.bytes, None, tag_of(entry.digest))
            .unwrap();
    }
    destination.finish().unwrap();
}

fn inspect(name: &str) -> Vec<u8> {
    run(tool("skopeo").unwrap(), &["inspect", "--raw", name])
}

#[test]
fn an_archive_of_skopeo_is_read() {
    let Some(_) = tool("skopeo") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    write_index(&directory.path().join("layout"));
    for (tag, name) in [("one", "x/y:1.0"), ("multi", "multi")] {
        let original = format!("oci:{path}/layout:{tag}");
        let archive = format!("oci-archive:{path}/{tag}.tar");
        let named = format!("{archive}:{name}");
        let all = ["copy", "-q", "--all", &original, &named];
        run(tool("skopeo").unwrap(), &all);
        for name in [&archive, &named] {
            let source = open(name);
            let resolved = source.resolve(&Selection::All).unwrap();
            let bytes = match resolved.indexes.first() {
                Some(index) => &index.bytes,
                None => &resolved.manifests[0].bytes,
            };
            assert_eq!(*bytes, inspect(&original), "{name}");
            for document in &resolved.manifests {
                for layer in &document.manifest.layers {
                    source.open_blob(layer).unwrap().finish().unwrap();
                }
            }
            let reference: Reference = name.parse().unwrap();
            let tag = reference.default_tag(&resolved.root).unwrap();
            assert!(name == &archive || named.ends_with(tag.as_str()));
        }
        let manifests = open(&named).resolve(&Selection::All).unwrap().manifests;
        assert_eq!(manifests.len(), if tag == "multi" { 2 } else { 1 });
    }
}

#[test]
fn what_is_written_skopeo_reads_and_copies() {
    let Some(_) = tool("skopeo") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    write_index(&directory.path().join("from"));
    for (number, tag) in ["one", "multi"].into_iter().enumerate() {
        let original = format!("oci:{path}/from:{tag}");
        let want = inspect(&original);
        for to in ["oci:D/to:x", "oci-archive:D/to.tar:x"] {
            let to = to.replace('D', path);
            copy(&original, &to);
            assert_eq!(inspect(&to), want, "{to}");
            // Back through skopeo into one directory, which has each blob under its digest.
            let out = directory.path().join(format!("out{number}{}", to.len()));
            let to_dir = format!("dir:{}", out.display());
            let all = ["copy", "-q", "--all", &to, &to_dir];
            run(tool("skopeo").unwrap(), &all);
            assert_eq!(std::fs::read(out.join("manifest.json")).unwrap(), want);
            let source = open(&to);
            let resolved = source.resolve(&Selection::All).unwrap();
            for document in &resolved.manifests {
                let config = document.manifest.config.digest.hex();
                assert_eq!(std::fs::read(out.join(config)).unwrap(), document.config);
                for layer in &document.manifest.layers {
                    let mut bytes = Vec::new();
                    let mut blob = source.open_blob(layer).unwrap();
                    blob.read_to_end(&mut bytes).unwrap();
                    let there = std::fs::read(out.join(layer.digest.hex())).unwrap();
                    assert_eq!(there, bytes);
                }
            }
        }
    }
}

#[test]
fn a_layout_that_is_written_umoci_works_with() {
    let Some(_) = tool("umoci") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    write_image(&directory.path().join("from"), "t", "amd64");
    copy(&format!("oci:{path}/from:t"), &format!("oci:{path}/to:a"));
    copy(&format!("oci:{path}/from:t"), &format!("oci:{path}/to:b"));
    let layout = format!("{path}/to");
    let listed = run(tool("umoci").unwrap(), &["list", "--layout", &layout]);
    assert_eq!(String::from_utf8(listed).unwrap(), "a\nb\n");
    let before = blobs(&layout);
    run(tool("umoci").unwrap(), &["gc", "--layout", &layout]);
    assert_eq!(blobs(&layout), before);
    let image = format!("{layout}:b");
    run(tool("umoci").unwrap(), &["tag", "--image", &image, "c"]);
    // And what it wrote is extended in turn.
    copy(&format!("oci:{path}/from:t"), &format!("oci:{path}/to:d"));
    let mut tags = open(&format!("oci:{layout}")).tags().unwrap();
    tags.sort_unstable();
    assert_eq!(tags, ["a", "b", "c", "d"]);
}

fn blobs(layout: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(format!("{layout}/blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}
