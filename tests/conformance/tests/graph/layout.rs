//! A layout directory (image-spec image-layout.md) of any documents at all.

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_layouts::{Compression, LayerBuilder, digest};
use serde_json::{Value, json};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// This machine's architecture, as images name it.
pub const OWN: &str = if cfg!(target_arch = "x86_64") {
    "amd64"
} else {
    "arm64"
};

/// Another one.
pub const OTHER: &str = "s390x";

/// A layout.
pub struct Layout {
    directory: PathBuf,
    entries: Vec<Value>,
}

impl Layout {
    pub fn new(directory: PathBuf) -> Self {
        fs::create_dir_all(directory.join("blobs/sha256")).expect("a directory");
        let version = br#"{"imageLayoutVersion":"1.0.0"}"#;
        fs::write(directory.join("oci-layout"), version).expect("a file");
        Self {
            directory,
            entries: Vec::new(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.directory
    }

    pub fn blob_path(&self, digest: &str) -> PathBuf {
        self.directory.join("blobs").join(digest.replace(':', "/"))
    }

    /// Stores a blob and returns its descriptor.
    pub fn blob(&self, media_type: &str, data: &[u8]) -> Value {
        let digest = digest(data);
        fs::write(self.blob_path(&digest), data).expect("a blob");
        json!({"mediaType": media_type, "digest": digest, "size": data.len()})
    }

    /// Stores a document and returns its descriptor.
    pub fn document(&self, document: &Value) -> Value {
        let media_type = document["mediaType"].as_str().expect("a media type");
        let mut descriptor = self.blob(media_type, &serde_json::to_vec(document).expect("JSON"));
        if let Some(kind) = document.get("artifactType") {
            descriptor["artifactType"] = kind.clone();
        }
        descriptor
    }

    /// Stores an image of these archives for `architecture`.
    pub fn image(&self, architecture: &str, layers: &[(&[u8], Compression)]) -> Value {
        let diff_ids: Vec<String> = layers.iter().map(|(archive, _)| digest(archive)).collect();
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let layers: Vec<Value> = layers
            .iter()
            .map(|(archive, how)| {
                self.blob(how.media_type(), &how.apply(archive).expect("compressed"))
            })
            .collect();
        let config = self.blob(CONFIG, &serde_json::to_vec(&config).expect("JSON"));
        let mut descriptor = self.document(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": layers,
        }));
        descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
        descriptor
    }

    /// Stores an artifact of these blobs, with the empty config and perhaps a subject.
    pub fn artifact(&self, kind: &str, layers: &[Value], subject: Option<&Value>) -> Value {
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": kind,
            "config": self.blob(EMPTY, b"{}"),
            "layers": layers,
        });
        if let Some(subject) = subject {
            manifest["subject"] = bare(subject);
        }
        self.document(&manifest)
    }

    /// Stores an index.
    pub fn index(&self, entries: &[Value]) -> Value {
        self.document(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))
    }

    /// Adds an entry to `index.json`.
    pub fn enter(&mut self, tag: Option<&str>, descriptor: &Value) {
        let mut descriptor = descriptor.clone();
        if let Some(tag) = tag {
            descriptor["annotations"]["org.opencontainers.image.ref.name"] = tag.into();
        }
        self.entries.push(descriptor);
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries});
        let index = serde_json::to_vec(&index).expect("JSON");
        fs::write(self.directory.join("index.json"), index).expect("a file");
    }
}

/// Type, digest and size.
pub fn bare(descriptor: &Value) -> Value {
    json!({
        "mediaType": descriptor["mediaType"],
        "digest": descriptor["digest"],
        "size": descriptor["size"],
    })
}

/// BuildKit's entry for an attestation of `image`.
pub fn attestation(mut descriptor: Value, image: &Value) -> Value {
    descriptor["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    descriptor["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image["digest"],
    });
    descriptor
}

/// The digest a descriptor names.
pub fn digest_of(descriptor: &Value) -> &str {
    descriptor["digest"].as_str().expect("a digest")
}

/// An archive of a few files, different for each `seed`: some inline, some objects.
pub fn archive(seed: u8) -> Vec<u8> {
    let mut layer = LayerBuilder::default();
    layer.add_directory("usr").expect("a directory");
    for (number, size) in [10, 100, 5000, 70_000, 1_500_000].into_iter().enumerate() {
        let content: Vec<u8> = (0..size)
            .map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed)
            .collect();
        let name = format!("usr/{seed}-{number}");
        layer.add_file(&name, &content, 0o644).expect("a file");
    }
    layer.finish().expect("an archive")
}
