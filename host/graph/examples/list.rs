//! How long a list of images takes: `list [TAGS [OBJECTS [DIRECTORY]]]` makes a repository with so
//! many tags, each of an image of its own with a layer of its own and three that it shares, and so
//! many small objects, then lists it a few times and prints how long each time took.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program to measure with"
)]

use std::path::PathBuf;
use std::time::Instant;

use lazaret_artifact::media_type::{OCI_CONFIG, OCI_MANIFEST, OCI_TAR};
use lazaret_artifact::{ContentDigest, Manifest, Tag, VerityAlgorithm};
use lazaret_graph::{Commit, LayerRef, ManifestCommit, list};
use lazaret_store::{Access, ContentType, Repository, VerityPolicy};
use serde_json::{Value, json};

/// Images named in one transaction.
const BATCH: usize = 500;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| {
        arguments
            .next()
            .map_or(default, |text| text.parse().unwrap())
    };
    let (tags, objects): (usize, usize) = (number(10_000), number(0));
    let temporary = tempfile::tempdir().unwrap();
    let path = match arguments.next() {
        Some(directory) => PathBuf::from(directory),
        None => temporary.path().join("repository"),
    };
    if !path.exists() {
        make(&path, tags, objects);
    }
    for _ in 0..5 {
        let start = Instant::now();
        let repository = Repository::open(&path, Access::Read).unwrap();
        let rows = list(&repository).unwrap();
        let taken = start.elapsed();
        let good = rows.iter().filter(|row| row.details.is_ok()).count();
        println!(
            "{} rows, {good} good, {:.1} ms",
            rows.len(),
            taken.as_secs_f64() * 1e3
        );
    }
}

fn make(path: &std::path::Path, tags: usize, objects: usize) {
    let start = Instant::now();
    let policy = VerityPolicy::Auto;
    let repository = Repository::init(path, VerityAlgorithm::Sha512, policy).unwrap();
    let mut number = 0;
    let per_image = objects.div_ceil(tags.max(1));
    let layer = |name: &str, objects: std::ops::Range<usize>| {
        let mut whole = Vec::new();
        let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
        let header = format!("{name:512}");
        writer.inline(header.as_bytes()).unwrap();
        whole.extend_from_slice(header.as_bytes());
        for number in objects {
            let content = format!("{number:100}");
            let object = repository.put(content.as_bytes()).unwrap();
            writer.object(&object.digest, object.size).unwrap();
            whole.extend_from_slice(content.as_bytes());
        }
        LayerRef {
            key: ContentDigest::sha256(&whole),
            stream: writer.finish().unwrap().digest,
        }
    };
    let shared: Vec<LayerRef> = (0..3)
        .map(|n| layer(&format!("shared {n}"), 0..0))
        .collect();
    for first in (0..tags).step_by(BATCH) {
        let images: Vec<(Vec<u8>, Vec<u8>, LayerRef)> = (first..tags.min(first + BATCH))
            .map(|image| {
                let own = layer(&format!("image {image}"), number..number + per_image);
                number += per_image;
                let (manifest, config) = documents(image, &shared, own);
                (manifest, config, own)
            })
            .collect();
        let parsed: Vec<Manifest> = images
            .iter()
            .map(|(manifest, _, _)| Manifest::parse(manifest, None).unwrap())
            .collect();
        let manifests: Vec<ManifestCommit<'_>> = parsed
            .iter()
            .zip(&images)
            .map(
                |(manifest, (manifest_bytes, config_bytes, _))| ManifestCommit {
                    manifest,
                    manifest_bytes,
                    config_bytes,
                },
            )
            .collect();
        let mut layers = shared.clone();
        layers.extend(images.iter().map(|(_, _, layer)| *layer));
        let tags: Vec<(Tag, ContentDigest)> = parsed
            .iter()
            .enumerate()
            .map(|(at, manifest)| {
                let tag = format!("registry.example/team/image-{:05}:1", first + at);
                (tag.parse().unwrap(), manifest.digest)
            })
            .collect();
        let commit = Commit {
            manifests: &manifests,
            layers: &layers,
            tags: &tags,
            ..Commit::default()
        };
        commit.run(&repository).unwrap();
    }
    println!("made in {:.1} s", start.elapsed().as_secs_f64());
}

/// Of the size that they have in practice: a config has an environment and a history.
fn documents(image: usize, shared: &[LayerRef], own: LayerRef) -> (Vec<u8>, Vec<u8>) {
    let diff_ids: Vec<ContentDigest> = shared.iter().chain([&own]).map(|l| l.key).collect();
    let history: Vec<Value> = (0..8)
        .map(|step| {
            json!({"created": "2024-01-02T03:04:05Z", "empty_layer": step >= 4,
                "created_by": format!("/bin/sh -c #(nop) step {step} of image {image}")})
        })
        .collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["/bin/sh"], "Labels": {"number": image.to_string()}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history,
    });
    let config = config.to_string().into_bytes();
    let layers: Vec<Value> = diff_ids
        .iter()
        .map(|id| json!({"mediaType": format!("{OCI_TAR}+gzip"), "digest": id, "size": 12345}))
        .collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": layers,
        "config": {"mediaType": OCI_CONFIG, "size": config.len(),
            "digest": ContentDigest::sha256(&config)},
    });
    (manifest.to_string().into_bytes(), config)
}
