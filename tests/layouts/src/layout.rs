//! A layout directory (image-spec image-layout.md), written file by file.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::artifact::OCI_MANIFEST;
use crate::layer::Compression;

/// `sha256:…` of `data`.
#[must_use]
pub fn digest(data: &[u8]) -> String {
    spell(Sha256::new_with_prefix(data))
}

fn spell(hash: Sha256) -> String {
    let hash = hash.finalize();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A file, and the digest and size of what was written to it.
struct Hashed {
    file: fs::File,
    hash: Sha256,
    size: u64,
}

impl Write for Hashed {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.file.write(data)?;
        self.hash.update(&data[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A layout being written.
pub struct LayoutBuilder {
    directory: PathBuf,
    manifests: Vec<Value>,
}

impl LayoutBuilder {
    /// Begins a layout in `directory`, which must not exist or be empty.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory.join("blobs/sha256"))?;
        ensure!(
            !directory.join("index.json").exists(),
            "{} is a layout already",
            directory.display()
        );
        fs::write(
            directory.join("oci-layout"),
            br#"{"imageLayoutVersion":"1.0.0"}"#,
        )?;
        Ok(Self {
            directory: directory.to_owned(),
            manifests: Vec::new(),
        })
    }

    /// Writes a blob and returns its digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn blob(&self, data: &[u8]) -> Result<String> {
        let digest = digest(data);
        fs::write(self.blob_path(&digest), data)?;
        Ok(digest)
    }

    /// Writes a blob of any size, piece by piece, and returns its digest and size.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn blob_from(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(String, u64)> {
        let path = self.directory.join("blobs/being-written");
        let mut hashed = Hashed {
            file: fs::File::create(&path)?,
            hash: Sha256::new(),
            size: 0,
        };
        write(&mut hashed)?;
        let digest = spell(hashed.hash);
        fs::rename(path, self.blob_path(&digest))?;
        Ok((digest, hashed.size))
    }

    /// Where the blob `digest` lies.
    #[must_use]
    pub fn blob_path(&self, digest: &str) -> PathBuf {
        self.directory.join("blobs").join(digest.replace(':', "/"))
    }

    /// Adds an image for this machine's platform out of uncompressed archives and the compression
    /// each travels in. Returns the manifest's digest.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn image(&mut self, tag: &str, layers: &[(&[u8], Compression)]) -> Result<String> {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let mut descriptors = Vec::new();
        let mut diff_ids = Vec::new();
        for (archive, compression) in layers {
            let data = compression.apply(archive)?;
            diff_ids.push(digest(archive));
            descriptors.push(json!({
                "mediaType": compression.media_type(),
                "digest": self.blob(&data)?,
                "size": data.len(),
            }));
        }
        let config = serde_json::to_vec(&json!({
            "architecture": architecture,
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }))?;
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": self.blob(&config)?,
                "size": config.len(),
            },
            "layers": descriptors,
        }))?;
        self.manifest(tag, &manifest)
    }

    /// Adds a manifest as it is. Returns its digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn manifest(&mut self, tag: &str, manifest: &[u8]) -> Result<String> {
        self.manifest_as(tag, OCI_MANIFEST, manifest)
    }

    /// The same for a manifest of another type.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn manifest_as(&mut self, tag: &str, media_type: &str, manifest: &[u8]) -> Result<String> {
        let digest = self.blob(manifest)?;
        self.manifests.push(json!({
            "mediaType": media_type,
            "digest": digest,
            "size": manifest.len(),
            "annotations": {"org.opencontainers.image.ref.name": tag},
        }));
        Ok(digest)
    }

    /// Writes `index.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<()> {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": self.manifests,
        });
        fs::write(
            self.directory.join("index.json"),
            serde_json::to_vec(&index)?,
        )?;
        Ok(())
    }
}
