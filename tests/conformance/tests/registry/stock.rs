//! What goes to and fro: images, an index of them with an attestation, artifacts of several kinds.

use std::collections::BTreeMap;

use lazaret_layouts::{Compression, digest};
use serde_json::{Value, json};

use crate::berth::Berth;
use crate::goods;
use crate::image::{ARCHITECTURE, FOREIGN, Image, Layer, OCI_INDEX, OCI_MANIFEST};
use crate::layout::{Layout, on};

/// The media type of `{}` (image-spec manifest.md).
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A layout with something of each kind.
pub struct Stock {
    /// The layout.
    pub layout: Layout,
    /// Digests by tag.
    pub digests: BTreeMap<&'static str, String>,
}

/// What other programs can copy, too.
pub const TAGS: [&str; 4] = ["artifact", "image", "multi", "none"];

impl Stock {
    /// Written to the berth's directory `stock`.
    pub fn new(berth: &Berth) -> Self {
        let mut layout = Layout::new(berth.path("stock"));
        let mut digests = BTreeMap::new();
        let mut enter = |layout: &mut Layout, tag: &'static str, descriptor: Value| {
            digests.insert(tag, digest_of(&descriptor));
            layout.enter(Some(tag), descriptor);
        };
        let image = image(ARCHITECTURE, 1);
        let descriptor = layout.store(&image);
        enter(&mut layout, "image", descriptor.clone());
        let foreign = layout.store(&self::image(FOREIGN, 2));
        let attestation = attestation(&layout, &digest_of(&descriptor));
        let multi = [
            on(descriptor, ARCHITECTURE),
            on(foreign, FOREIGN),
            attestation,
        ];
        let multi = layout.store_index(&multi);
        enter(&mut layout, "multi", multi.clone());
        let artifact = Artifact::new("application/vnd.example.model")
            .layer(
                "application/vnd.example.weights",
                "weights.bin",
                &[7; 70_000],
            )
            .layer("text/plain", "README", b"small\n");
        let artifact = artifact.store(&layout);
        enter(&mut layout, "artifact", artifact.clone());
        let none = Artifact::new("application/vnd.example.nothing").store(&layout);
        enter(&mut layout, "none", none);
        // An index in an index, and an artifact in it: what OCI can say, if few programs can hear it.
        let nested = layout.store_index(&[multi, artifact]);
        enter(&mut layout, "nested", nested);
        layout.write();
        Self { layout, digests }
    }

    /// What to pull, or to copy.
    pub fn source(&self, tag: &str) -> String {
        self.layout.source(tag)
    }
}

/// An image of a layer of each compression.
pub fn image(architecture: &str, seed: u64) -> Image {
    let layers = [
        Layer::new(&goods::made_up(seed, 30), Compression::Gzip),
        Layer::new(&goods::made_up(seed + 10, 10), Compression::Zstd),
        Layer::new(&goods::on_top(seed), Compression::None),
    ];
    Image::for_platform(layers.to_vec(), architecture)
}

/// One small layer.
pub fn small(seed: u64, compression: Compression) -> Image {
    Image::new(vec![Layer::new(&goods::made_up(seed, 12), compression)])
}

/// An artifact to be described.
pub struct Artifact {
    manifest: Value,
    blobs: Vec<Vec<u8>>,
}

impl Artifact {
    /// With the empty config and no layers.
    pub fn new(kind: &str) -> Self {
        let config = json!({"mediaType": EMPTY, "digest": digest(b"{}"), "size": 2});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": kind,
            "config": config,
            "layers": [],
        });
        Self {
            manifest,
            blobs: vec![b"{}".to_vec()],
        }
    }

    /// One more layer, which is a file of this name.
    pub fn layer(mut self, media_type: &str, title: &str, data: &[u8]) -> Self {
        let layer = json!({
            "mediaType": media_type,
            "digest": digest(data),
            "size": data.len(),
            "annotations": {"org.opencontainers.image.title": title},
        });
        self.manifest["layers"].as_array_mut().unwrap().push(layer);
        self.blobs.push(data.to_vec());
        self
    }

    /// What it is about.
    pub fn about(mut self, subject: &Value) -> Self {
        let mut subject = subject.clone();
        subject.as_object_mut().unwrap().remove("annotations");
        subject.as_object_mut().unwrap().remove("platform");
        self.manifest["subject"] = subject;
        self
    }

    /// The manifest as it travels.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.manifest).unwrap()
    }

    /// Config and layers as they travel.
    pub fn blobs(&self) -> &[Vec<u8>] {
        &self.blobs
    }

    /// Writes it, and returns a descriptor of it.
    pub fn store(&self, layout: &Layout) -> Value {
        for blob in &self.blobs {
            layout.blob(blob);
        }
        let bytes = self.bytes();
        json!({"mediaType": OCI_MANIFEST, "digest": layout.blob(&bytes), "size": bytes.len()})
    }
}

/// What BuildKit attaches to a manifest, as an entry of the index that has both
/// (moby/buildkit docs/attestations/attestation-storage.md).
fn attestation(layout: &Layout, subject: &str) -> Value {
    let statement = br#"{"_type":"https://in-toto.io/Statement/v0.1"}"#;
    let config = br#"{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"]}}"#;
    let config = String::from_utf8(config.to_vec())
        .unwrap()
        .replace(&digest(b"{}"), &digest(statement));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": crate::image::OCI_CONFIG,
            "digest": layout.blob(config.as_bytes()),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.in-toto+json",
            "digest": layout.blob(statement),
            "size": statement.len(),
            "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
        }],
    });
    let manifest = serde_json::to_vec(&manifest).unwrap();
    json!({
        "mediaType": OCI_MANIFEST,
        "digest": layout.blob(&manifest),
        "size": manifest.len(),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject,
        },
    })
}

/// The digest that a descriptor says.
pub fn digest_of(descriptor: &Value) -> String {
    descriptor["digest"].as_str().unwrap().to_owned()
}

/// Whether a media type is that of an index.
pub fn is_index(media_type: &str) -> bool {
    media_type == OCI_INDEX || media_type.ends_with("manifest.list.v2+json")
}
