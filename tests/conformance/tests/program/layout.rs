//! A layout directory (image-spec image-layout.md) written file by file, honest or not.

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_layouts::digest;
use serde_json::{Value, json};

use crate::image::{Image, OCI_INDEX, OCI_MANIFEST};

/// The annotation that holds a tag.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// A layout.
pub struct Layout {
    directory: PathBuf,
    /// Entries of `index.json`.
    pub entries: Vec<Value>,
}

impl Layout {
    /// An empty one; [`Layout::write`] makes it complete.
    pub fn new(directory: PathBuf) -> Self {
        fs::create_dir_all(directory.join("blobs/sha256")).unwrap();
        let version = br#"{"imageLayoutVersion":"1.0.0"}"#;
        fs::write(directory.join("oci-layout"), version).unwrap();
        Self {
            directory,
            entries: Vec::new(),
        }
    }

    /// One with one image.
    pub fn of(directory: PathBuf, tag: &str, image: &Image) -> Self {
        let mut layout = Self::new(directory);
        layout.add(Some(tag), image);
        layout.write();
        layout
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// What to pull.
    pub fn source(&self, tag: &str) -> String {
        format!("oci:{}:{tag}", self.directory.display())
    }

    /// Writes a blob under its digest, and returns that.
    pub fn blob(&self, data: &[u8]) -> String {
        let digest = digest(data);
        fs::write(self.blob_path(&digest), data).unwrap();
        digest
    }

    /// Where the blob of that digest is.
    pub fn blob_path(&self, digest: &str) -> PathBuf {
        self.directory.join("blobs").join(digest.replace(':', "/"))
    }

    /// Writes an image's blobs, and an entry for it. Returns its descriptor.
    pub fn add(&mut self, tag: Option<&str>, image: &Image) -> Value {
        let descriptor = self.store(image);
        self.enter(tag, descriptor.clone());
        descriptor
    }

    /// Writes an image's blobs under the digests that its documents say. Returns a descriptor of
    /// its manifest.
    pub fn store(&self, image: &Image) -> Value {
        for layer in &image.layers {
            fs::write(self.blob_path(&layer.digest), &layer.blob).unwrap();
        }
        let config = image.manifest["config"]["digest"].as_str().unwrap();
        fs::write(self.blob_path(config), image.config_bytes()).unwrap();
        let manifest = image.manifest_bytes();
        let media_type = image.manifest["mediaType"].as_str().unwrap_or(OCI_MANIFEST);
        json!({
            "mediaType": media_type,
            "digest": self.blob(&manifest),
            "size": manifest.len(),
        })
    }

    /// Writes an index as a blob. Returns a descriptor of it.
    pub fn store_index(&self, manifests: &[Value]) -> Value {
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
        let index = serde_json::to_vec(&index).unwrap();
        json!({"mediaType": OCI_INDEX, "digest": self.blob(&index), "size": index.len()})
    }

    /// Adds an entry to `index.json`.
    pub fn enter(&mut self, tag: Option<&str>, mut descriptor: Value) {
        if let Some(tag) = tag {
            descriptor["annotations"][REF_NAME] = tag.into();
        }
        self.entries.push(descriptor);
    }

    /// Writes `index.json`.
    pub fn write(&self) {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": self.entries,
        });
        let index = serde_json::to_vec(&index).unwrap();
        fs::write(self.directory.join("index.json"), index).unwrap();
    }
}

/// The descriptor with a platform.
pub fn on(mut descriptor: Value, architecture: &str) -> Value {
    descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
    descriptor
}
