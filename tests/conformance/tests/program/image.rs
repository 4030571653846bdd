//! An image as a set of values, so that any of them can be made a lie.

use lazaret_layouts::{Compression, digest};
use serde_json::{Value, json};

/// Media types of OCI.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Media types of Docker.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// This machine's, as images name it.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") {
    "amd64"
} else {
    "arm64"
};

/// Another one.
pub const FOREIGN: &str = if cfg!(target_arch = "x86_64") {
    "arm64"
} else {
    "amd64"
};

/// A layer as it travels and what is said of it.
#[derive(Debug, Clone)]
pub struct Layer {
    /// As it travels.
    pub blob: Vec<u8>,
    /// As the manifest says.
    pub media_type: String,
    /// As the manifest says.
    pub digest: String,
    /// As the manifest says.
    pub size: u64,
    /// As the config says.
    pub diff_id: String,
}

impl Layer {
    /// An honest one.
    pub fn new(archive: &[u8], compression: Compression) -> Self {
        let blob = compression.apply(archive).unwrap();
        Self {
            digest: digest(&blob),
            size: blob.len() as u64,
            blob,
            media_type: compression.media_type().to_owned(),
            diff_id: digest(archive),
        }
    }

    /// Travels as `blob` and says so; the diff_id stays.
    pub fn travelling_as(self, blob: Vec<u8>) -> Self {
        Self {
            digest: digest(&blob),
            size: blob.len() as u64,
            blob,
            ..self
        }
    }
}

/// An image: layers, bottom first, and what its documents say.
#[derive(Debug, Clone)]
pub struct Image {
    pub layers: Vec<Layer>,
    pub config: Value,
    pub manifest: Value,
}

impl Image {
    /// An honest one for this machine.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self::for_platform(layers, ARCHITECTURE)
    }

    /// An honest one for Linux on another.
    pub fn for_platform(layers: Vec<Layer>, architecture: &str) -> Self {
        let diff_ids: Vec<&str> = layers.iter().map(|layer| &*layer.diff_id).collect();
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let descriptors: Vec<Value> = layers
            .iter()
            .map(|layer| {
                json!({"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size})
            })
            .collect();
        let config_bytes = serde_json::to_vec(&config).unwrap();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": OCI_CONFIG,
                "digest": digest(&config_bytes),
                "size": config_bytes.len(),
            },
            "layers": descriptors,
        });
        Self {
            layers,
            config,
            manifest,
        }
    }

    /// The config as it travels.
    pub fn config_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.config).unwrap()
    }

    /// The manifest as it travels.
    pub fn manifest_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.manifest).unwrap()
    }

    /// Digest of the manifest.
    pub fn digest(&self) -> String {
        digest(&self.manifest_bytes())
    }
}
