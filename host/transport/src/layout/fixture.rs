//! Layouts made by hand, for this crate's tests.

use std::fs;
use std::path::PathBuf;

use lazaret_artifact::media_type::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST};
use lazaret_artifact::{ContentDigest, Descriptor, Platform};
use serde_json::{Value, json};

use crate::error::TransportError;
use crate::reference::{LayoutRef, REF_NAME, Reference};
use crate::registry::RegistryOptions;
use crate::resolve::{ManifestDocument, Resolved, Selection};
use crate::source::Source;

/// A layout in a directory of its own.
pub(crate) struct Fixture {
    pub(crate) directory: tempfile::TempDir,
    entries: Vec<Value>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("blobs/sha256")).unwrap();
        fs::write(
            directory.path().join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        let new = Self {
            directory,
            entries: Vec::new(),
        };
        new.write_index();
        new
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join(inside)
    }

    pub(crate) fn blob_path(&self, digest: &ContentDigest) -> PathBuf {
        self.path("blobs")
            .join(digest.algorithm().name())
            .join(digest.hex())
    }

    /// Stores a blob and describes it.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = ContentDigest::sha256(bytes);
        fs::write(self.blob_path(&digest), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// An image of one layer for `platform`.
    pub(crate) fn image(&self, platform: &str) -> Value {
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar", &[0; 1024]);
        let parsed: Platform = platform.parse().unwrap();
        let mut config = json!({
            "os": parsed.os, "architecture": parsed.architecture,
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        });
        if let Some(variant) = parsed.variant {
            config["variant"] = variant.into();
        }
        let config = self.blob(OCI_CONFIG, config.to_string().as_bytes());
        self.manifest(&json!({"config": config, "layers": [layer]}))
    }

    /// An artifact of one blob.
    pub(crate) fn artifact(&self, content: &str) -> Value {
        let blob = self.blob("text/plain", content.as_bytes());
        let config = self.blob("application/vnd.oci.empty.v1+json", b"{}");
        self.manifest(&json!({"config": config, "layers": [blob], "artifactType": "text/x"}))
    }

    pub(crate) fn manifest(&self, members: &Value) -> Value {
        let mut document = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST});
        for (name, value) in members.as_object().unwrap() {
            document[name] = value.clone();
        }
        self.blob(OCI_MANIFEST, document.to_string().as_bytes())
    }

    pub(crate) fn index(&self, manifests: &[Value]) -> Value {
        let document = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
        self.blob(OCI_INDEX, document.to_string().as_bytes())
    }

    /// Adds an entry to `index.json`.
    pub(crate) fn add(&mut self, entry: &Value, tag: Option<&str>) {
        let mut entry = entry.clone();
        if let Some(tag) = tag {
            entry["annotations"][REF_NAME] = tag.into();
        }
        self.entries.push(entry);
        self.write_index();
    }

    fn write_index(&self) {
        let document = json!({"schemaVersion": 2, "manifests": self.entries});
        fs::write(self.path("index.json"), document.to_string()).unwrap();
    }

    pub(crate) fn open(
        &self,
        tag: Option<&str>,
        digest: Option<&Value>,
    ) -> Result<Source, TransportError> {
        let reference = Reference::Layout(LayoutRef {
            path: self.directory.path().to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(|entry| entry["digest"].as_str().unwrap().parse().unwrap()),
        });
        Source::open(&reference, &RegistryOptions::default())
    }

    /// The one manifest for `platform`, or for this machine.
    pub(crate) fn resolve(
        &self,
        tag: Option<&str>,
        platform: Option<&str>,
    ) -> Result<One, TransportError> {
        One::of(&self.open(tag, None)?, platform)
    }
}

/// What a choice of one manifest came to.
#[derive(Debug)]
pub(crate) struct One {
    pub(crate) root: Descriptor,
    pub(crate) path: Vec<ContentDigest>,
    pub(crate) document: ManifestDocument,
}

impl One {
    pub(crate) fn of(source: &Source, platform: Option<&str>) -> Result<Self, TransportError> {
        let selection = match platform {
            None => Selection::Best,
            Some(text) => Selection::Platforms(vec![text.parse().unwrap()]),
        };
        let Resolved {
            root,
            indexes,
            mut manifests,
        } = source.resolve(&selection)?;
        assert_eq!(manifests.len(), 1);
        Ok(Self {
            root,
            path: indexes
                .iter()
                .map(|index| index.descriptor.digest)
                .collect(),
            document: manifests.remove(0),
        })
    }

    pub(crate) fn digest(&self) -> String {
        self.document.descriptor.digest.to_string()
    }
}

/// `entry` with a platform stated.
pub(crate) fn on(entry: &Value, platform: &str) -> Value {
    let parsed: Platform = platform.parse().unwrap();
    let mut entry = entry.clone();
    entry["platform"] = serde_json::to_value(parsed).unwrap();
    entry
}

/// The chain of an error, as the command line prints it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
