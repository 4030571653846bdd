//! The same bytes as an image's layer and as an artifact's blob, and layers that claim what nobody
//! can check.

use std::path::Path;
use std::sync::Arc;

use lazaret_artifact::record::{Role, Verdict};
use lazaret_artifact::{ContentDigest, VerityAlgorithm};
use lazaret_engine::{Registry, SandboxOptions};
use lazaret_intake::{Importers, IntakeError, PullOptions, Pulled, pull};
use lazaret_layouts::{Compression, LayerBuilder, LayoutBuilder};
use lazaret_store::{Access, Repository, VerityPolicy};
use serde_json::json;

const EMPTY: &str = "application/vnd.oci.empty.v1+json";

fn archive() -> Vec<u8> {
    let mut layer = LayerBuilder::default();
    layer.add_file("a/b", &[7; 5000], 0o644).expect("a file");
    layer.finish().expect("an archive")
}

/// A layout with the image `image` and the artifact `artifact`, both made of the same archive.
fn layout(directory: &Path, archive: &[u8]) {
    let mut layout = LayoutBuilder::create(directory).expect("a layout");
    layout
        .image("image", &[(archive, Compression::None)])
        .expect("an image");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/x-crate",
        "config": {"mediaType": EMPTY, "digest": layout.blob(b"{}").expect("a blob"), "size": 2},
        "layers": [{
            "mediaType": "application/x-archive",
            "digest": layout.blob(archive).expect("a blob"),
            "size": archive.len(),
        }],
    });
    let bytes = serde_json::to_vec(&manifest).expect("JSON");
    layout.manifest("artifact", &bytes).expect("a manifest");
    layout.finish().expect("an index");
}

fn repository(directory: &Path) -> Repository {
    Repository::init(directory, VerityAlgorithm::Sha512, VerityPolicy::Insecure)
        .expect("a repository");
    Repository::open(directory, Access::Write).expect("the repository")
}

fn take(repository: &Repository, layout: &Path, tag: &str) -> Result<Pulled, IntakeError> {
    let registry = Registry::new(SandboxOptions::default(), lazaret_builtins::BUILTINS);
    let reference = format!("oci:{}:{tag}", layout.display());
    pull(
        repository,
        &reference.parse().expect("a source"),
        &Importers::Registry(Arc::new(registry)),
        &PullOptions::default(),
        &|_| {},
    )
}

#[test]
fn an_artifact_does_not_unmake_an_image_of_the_same_bytes() {
    for order in [["image", "artifact"], ["artifact", "image"]] {
        let place = tempfile::tempdir().expect("a temporary directory");
        let source = place.path().join("layout");
        let archive = archive();
        layout(&source, &archive);
        let repository = repository(&place.path().join("repository"));
        for tag in order {
            take(&repository, &source, tag).expect("it is sound");
        }
        let content = ContentDigest::sha256(&archive);
        let record = lazaret_graph::find_record(&repository, &content)
            .expect("readable")
            .expect("a record");
        assert_eq!(record.header.role, Role::Layer, "{order:?}");
        assert_eq!(record.summary.verdict, Verdict::Imported, "{order:?}");
        assert_eq!(record.summary.entries, 1, "{order:?}");
        let again = take(&repository, &source, "image").expect("it is there");
        assert!(again.manifests[0].layers[0].reused, "{order:?}");
        let report = lazaret_graph::fsck(
            &repository,
            lazaret_graph::FsckOptions {
                deep: true,
                ..Default::default()
            },
            &|_| {},
        )
        .expect("a check");
        assert!(!report.is_damaged(), "{order:?}: {:?}", report.findings);
    }
}

#[test]
fn a_layer_that_cannot_be_unpacked_is_refused_before_anything_is_fetched() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let source = place.path().join("layout");
    let archive = archive();
    let mut layout = LayoutBuilder::create(&source).expect("a layout");
    let packed = Compression::Gzip.apply(&archive).expect("compressed");
    let diff_id = ContentDigest::sha256(&archive).to_string();
    let config = serde_json::to_vec(&json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [diff_id, diff_id]},
    }))
    .expect("JSON");
    let other = b"nobody knows what this unpacks to";
    let manifest = json!({
        "schemaVersion": 2,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": layout.blob(&config).expect("a blob"),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": Compression::Gzip.media_type(),
            "digest": layout.blob(&packed).expect("a blob"),
            "size": packed.len(),
        }, {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
            "digest": layout.blob(other).expect("a blob"),
            "size": other.len(),
        }],
    });
    let bytes = serde_json::to_vec(&manifest).expect("JSON");
    layout.manifest("image", &bytes).expect("a manifest");
    layout.finish().expect("an index");
    let repository = repository(&place.path().join("repository"));
    let error = take(&repository, &source, "image").expect_err("it cannot be verified");
    assert!(error.is_input_fault());
    assert!(
        error
            .to_string()
            .contains(&ContentDigest::sha256(other).to_string()),
        "{error}"
    );
    assert!(repository.streams().expect("streams").is_empty());
}
