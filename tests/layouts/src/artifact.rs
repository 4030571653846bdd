//! An artifact as a set of values: what its manifest says, and its blobs.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::digest;
use crate::layout::LayoutBuilder;

/// Manifests of OCI, and of Docker.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// See [`OCI_MANIFEST`].
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A blob, and what its descriptor says.
#[derive(Debug, Clone, PartialEq)]
pub struct Blob {
    /// As the descriptor says.
    pub media_type: String,
    /// As it travels.
    pub data: Vec<u8>,
    /// Of the descriptor.
    pub annotations: Map<String, Value>,
    /// Fields of the descriptor beyond OCI's.
    pub fields: Map<String, Value>,
    /// Paths and contents of the files in it, decompressed and unpacked; the path is empty where the
    /// carrier gives none.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Blob {
    /// Without annotations or files.
    #[must_use]
    pub fn new(media_type: &str, data: Vec<u8>) -> Self {
        Self {
            media_type: media_type.to_owned(),
            data,
            annotations: Map::new(),
            fields: Map::new(),
            files: Vec::new(),
        }
    }

    /// With an annotation more.
    #[must_use]
    pub fn annotated(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.annotations.insert(key.to_owned(), value.into());
        self
    }

    /// With a field of the descriptor more.
    #[must_use]
    pub fn field(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(key.to_owned(), value.into());
        self
    }

    /// With a file that is in it.
    #[must_use]
    pub fn holding(mut self, path: &str, content: &[u8]) -> Self {
        self.files.push((path.to_owned(), content.to_vec()));
        self
    }

    /// `sha256:…`
    #[must_use]
    pub fn digest(&self) -> String {
        digest(&self.data)
    }

    /// As a manifest has it.
    #[must_use]
    pub fn descriptor(&self) -> Value {
        let mut descriptor = json!({
            "mediaType": self.media_type,
            "digest": self.digest(),
            "size": self.data.len(),
        });
        if !self.annotations.is_empty() {
            descriptor["annotations"] = Value::Object(self.annotations.clone());
        }
        for (key, value) in &self.fields {
            descriptor[key] = value.clone();
        }
        descriptor
    }
}

/// An artifact.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// Media type of the manifest.
    pub media_type: &'static str,
    /// Where there is one.
    pub artifact_type: Option<String>,
    /// The config.
    pub config: Blob,
    /// The layers.
    pub blobs: Vec<Blob>,
}

impl Artifact {
    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> Vec<u8> {
        let layers: Vec<Value> = self.blobs.iter().map(Blob::descriptor).collect();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.config.descriptor(),
            "layers": layers,
        });
        if let Some(artifact_type) = &self.artifact_type {
            manifest["artifactType"] = artifact_type.as_str().into();
        }
        manifest.to_string().into_bytes()
    }

    /// Digest of the manifest.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(&self.manifest())
    }

    /// Files in all blobs that have a path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.blobs.iter().flat_map(|blob| &blob.files);
        files
            .filter(|(path, _)| !path.is_empty())
            .map(|(path, content)| (&**path, &**content))
    }

    /// Writes everything, and an entry of that tag. Returns the manifest's digest.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn write(&self, layout: &mut LayoutBuilder, tag: &str) -> Result<String> {
        layout.blob(&self.config.data)?;
        for blob in &self.blobs {
            layout.blob(&blob.data)?;
        }
        layout.manifest_as(tag, self.media_type, &self.manifest())
    }
}
