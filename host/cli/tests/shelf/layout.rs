//! A layout with one of everything: an index of two images that share a layer, an attestation of
//! BuildKit's, an SBOM that refers to an image, a signature of the SBOM, cosign's signature of the
//! index, and an artifact of two files.

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_artifact::Platform;
use lazaret_layouts::{Compression, LayerBuilder, LayoutBuilder};
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// What was made, by its digest.
pub struct Shelf {
    pub path: PathBuf,
    pub index: String,
    /// For this machine.
    pub here: String,
    /// For another machine.
    pub there: String,
    pub attestation: String,
    pub sbom: String,
    pub signature: String,
    pub cosigned: String,
    pub files: String,
    /// The layer that both images have, as it travels.
    pub shared: String,
}

/// A platform that is never this machine's.
pub const OTHER: &str = "linux/s390x";

impl Shelf {
    /// Writes it below `directory`.
    pub fn make(directory: &Path) -> Self {
        let path = directory.join("shelf");
        let layout = LayoutBuilder::create(&path).unwrap();
        let maker = Maker { layout };
        let shared = maker.layer(&[("etc/shared", "for all")], Compression::Gzip);
        let here_layer = maker.layer(&[("etc/arch", "here\n")], Compression::None);
        let there_layer = maker.layer(&[("etc/arch", "there\n")], Compression::Gzip);
        let host = Platform::host();
        let other: Platform = OTHER.parse().unwrap();
        let here = maker.image(&host, &[&shared, &here_layer]);
        let there = maker.image(&other, &[&shared, &there_layer]);
        let mut attestation = maker.artifact(
            "application/vnd.in-toto+json",
            None,
            &[("provenance.json", "{\"made\": \"somewhere\"}")],
        );
        attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
        attestation["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": here["digest"],
        });
        let index = maker.document(
            INDEX,
            &json!({"schemaVersion": 2, "mediaType": INDEX,
                    "manifests": [here, there, attestation]}),
        );
        let sbom = maker.artifact(
            "application/spdx+json",
            Some(&here),
            &[("sbom.spdx.json", "{\"spdxVersion\": \"SPDX-2.3\"}")],
        );
        let signature = maker.artifact(
            "application/vnd.example.signature",
            Some(&sbom),
            &[("signature", "signed")],
        );
        let cosigned = maker.artifact(
            "application/vnd.dev.cosign.artifact.sig.v1+json",
            None,
            &[("payload", "{}")],
        );
        let files = maker.artifact(
            "application/vnd.example.model",
            None,
            &[("weights/one.bin", "0123456789"), ("README.md", "# read\n")],
        );
        let text = |descriptor: &Value| descriptor["digest"].as_str().unwrap().to_owned();
        let cosign_tag = format!("{}.sig", text(&index).replace(':', "-"));
        let top = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            named(&index, "demo"), named(&files, "files"), named(&cosigned, &cosign_tag),
            sbom, signature,
        ]});
        fs::write(path.join("index.json"), top.to_string()).unwrap();
        Self {
            index: text(&index),
            here: text(&here),
            there: text(&there),
            attestation: text(&attestation),
            sbom: text(&sbom),
            signature: text(&signature),
            cosigned: text(&cosigned),
            files: text(&files),
            shared: text(&shared.descriptor),
            path,
        }
    }

    /// The source of the index.
    pub fn demo(&self) -> String {
        format!("oci:{}:demo", self.path.display())
    }

    /// `text` with each digest replaced by a name as long as a short one.
    pub fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (digest, name) in [
            (&self.index, "INDEX"),
            (&self.here, "HERE"),
            (&self.there, "THERE"),
            (&self.attestation, "ATTESTATION"),
            (&self.sbom, "SBOM"),
            (&self.signature, "SIGNATURE"),
            (&self.cosigned, "COSIGNED"),
            (&self.files, "FILES"),
            (&self.shared, "SHARED"),
        ] {
            text = text.replace(digest, name);
            text = text.replace(&digest[..19], &format!("sha256:{name:_<12}"));
        }
        text.replace(&Platform::host().to_string(), "HOST/PLATFORM")
    }

    /// The files of a layout's blobs, by name.
    pub fn blobs(layout: &Path) -> Vec<(String, Vec<u8>)> {
        let mut blobs: Vec<(String, Vec<u8>)> = fs::read_dir(layout.join("blobs/sha256"))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect();
        blobs.sort();
        blobs
    }
}

fn named(descriptor: &Value, name: &str) -> Value {
    let mut named = descriptor.clone();
    named["annotations"]["org.opencontainers.image.ref.name"] = name.into();
    named
}

struct Maker {
    layout: LayoutBuilder,
}

struct Layer {
    descriptor: Value,
    diff_id: String,
}

impl Maker {
    fn layer(&self, files: &[(&str, &str)], compression: Compression) -> Layer {
        let mut builder = LayerBuilder::default();
        builder.add_directory("etc").unwrap();
        for (path, content) in files {
            builder.add_file(path, content.as_bytes(), 0o644).unwrap();
        }
        let archive = builder.finish().unwrap();
        Layer {
            descriptor: self.blob(
                compression.media_type(),
                &compression.apply(&archive).unwrap(),
            ),
            diff_id: lazaret_layouts::digest(&archive),
        }
    }

    fn image(&self, platform: &Platform, layers: &[&Layer]) -> Value {
        let diff_ids: Vec<&str> = layers.iter().map(|layer| &*layer.diff_id).collect();
        let descriptors: Vec<&Value> = layers.iter().map(|layer| &layer.descriptor).collect();
        let mut config = serde_json::to_value(platform).unwrap();
        config["created"] = "2026-01-01T00:00:00Z".into();
        config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        let config = self.blob(
            "application/vnd.oci.image.config.v1+json",
            config.to_string().as_bytes(),
        );
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config,
                              "layers": descriptors});
        let mut descriptor = self.document(MANIFEST, &manifest);
        descriptor["platform"] = serde_json::to_value(platform).unwrap();
        descriptor
    }

    fn artifact(&self, kind: &str, subject: Option<&Value>, files: &[(&str, &str)]) -> Value {
        let layers: Vec<Value> = files
            .iter()
            .map(|(name, content)| {
                let mut layer = self.blob("application/octet-stream", content.as_bytes());
                layer["annotations"] = json!({"org.opencontainers.image.title": name});
                layer
            })
            .collect();
        let mut manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind,
                                  "config": self.blob(EMPTY, b"{}"), "layers": layers,
                                  "annotations": {"org.opencontainers.image.created":
                                                  "2026-02-03T00:00:00Z"}});
        if let Some(subject) = subject {
            manifest["subject"] = json!({"mediaType": subject["mediaType"],
                                         "digest": subject["digest"], "size": subject["size"]});
        }
        self.document(MANIFEST, &manifest)
    }

    fn document(&self, media_type: &str, document: &Value) -> Value {
        self.blob(media_type, document.to_string().as_bytes())
    }

    fn blob(&self, media_type: &str, data: &[u8]) -> Value {
        let digest = self.layout.blob(data).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": data.len()})
    }
}
