//! A repository in a temporary directory, filled by hand with what an import would have left.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lazaret_artifact::media_type::{
    DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST,
};
use lazaret_artifact::{
    ContentDigest, Index, Manifest, MediaType, Platform, Relation, Tag, VerityAlgorithm,
    VerityDigest,
};
use lazaret_graph::{
    BlobRef, Commit, ContentRef, IndexCommit, LayerRef, ManifestCommit, ReferrerCommit,
};
use lazaret_layouts::{Compression, LayerBuilder};
use lazaret_push::{Event, PushError, PushOptions, Pushed, push};
use lazaret_store::{ContentType, Repository, VerityPolicy};
use serde_json::{Value, json};

use crate::shelf::{Shelf, digest_of};

/// How a layer came, and whether its compressed bytes were kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Plain,
    Kept(Compression),
    Unpacked(Compression),
}

/// What will be committed.
#[derive(Default)]
pub(crate) struct Goods {
    manifests: Vec<(ContentDigest, MediaType, Vec<u8>, Vec<u8>)>,
    indexes: Vec<(MediaType, Vec<u8>)>,
    layers: Vec<LayerRef>,
    blobs: Vec<BlobRef>,
    contents: Vec<ContentRef>,
    referrers: Vec<ReferrerCommit>,
}

pub(crate) struct Fixture {
    directory: tempfile::TempDir,
    pub(crate) repository: Repository,
    pub(crate) shelf: Shelf,
    goods: Goods,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repo");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Auto).unwrap();
        Self {
            directory,
            repository,
            shelf: Shelf::default(),
            goods: Goods::default(),
        }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join(inside)
    }

    /// Stores a tar layer the way an importer cuts it: headers inline, content as objects.
    fn store_layer(&self, tar: &[u8]) -> LayerRef {
        let mut writer = self.repository.stream_writer(ContentType::LAYER).unwrap();
        let cut = tar.len().min(512);
        let end = tar.len().saturating_sub(1024).max(cut);
        writer.inline(&tar[..cut]).unwrap();
        for piece in tar[cut..end].chunks(100_000) {
            let object = self.repository.put(piece).unwrap();
            writer.object(&object.digest, object.size).unwrap();
        }
        writer.inline(&tar[end..]).unwrap();
        let stream = writer.finish().unwrap().digest;
        LayerRef {
            key: ContentDigest::sha256(tar),
            stream,
        }
    }

    fn store_whole(&self, bytes: &[u8]) -> VerityDigest {
        let object = self.repository.put(bytes).unwrap();
        let mut writer = self.repository.stream_writer(ContentType::BLOB).unwrap();
        writer.object(&object.digest, object.size).unwrap();
        writer.finish().unwrap().digest
    }

    /// An image for `platform`; its descriptor as an index has it.
    pub(crate) fn image(&mut self, platform: &str, layers: &[(&[u8], Came)]) -> Value {
        self.image_of(
            platform,
            layers,
            OCI_MANIFEST,
            OCI_CONFIG,
            "application/vnd.oci.image.layer.v1.tar",
            '+',
        )
    }

    pub(crate) fn docker_image(&mut self, platform: &str, layers: &[(&[u8], Came)]) -> Value {
        let stem = "application/vnd.docker.image.rootfs.diff.tar";
        self.image_of(platform, layers, DOCKER_MANIFEST, DOCKER_CONFIG, stem, '.')
    }

    fn image_of(
        &mut self,
        platform: &str,
        layers: &[(&[u8], Came)],
        kind: &str,
        config_kind: &str,
        stem: &str,
        joint: char,
    ) -> Value {
        let mut descriptors = Vec::new();
        let mut diff_ids = Vec::new();
        for (tar, came) in layers {
            let compression = match came {
                Came::Plain => Compression::None,
                Came::Kept(compression) | Came::Unpacked(compression) => *compression,
            };
            let suffix = match compression {
                Compression::None => String::new(),
                Compression::Gzip => format!("{joint}gzip"),
                Compression::Zstd => format!("{joint}zstd"),
            };
            let bytes = compression.apply(tar).unwrap();
            descriptors.push(self.shelf.add(&format!("{stem}{suffix}"), &bytes));
            let layer = self.store_layer(tar);
            diff_ids.push(layer.key);
            self.goods.layers.push(layer);
            if matches!(came, Came::Kept(_)) {
                let stream = self.store_whole(&bytes);
                let digest = ContentDigest::sha256(&bytes);
                self.goods.blobs.push(BlobRef { digest, stream });
            }
        }
        let platform: Platform = platform.parse().unwrap();
        let mut config = serde_json::to_value(&platform).unwrap();
        config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        // Two images of one platform and content are not meant to be one.
        config["x-serial"] = json!(self.goods.manifests.len());
        let config = format!("{config:#}\n").into_bytes();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": kind, "layers": descriptors,
            "config": self.shelf.add(config_kind, &config), "x-unknown": {"kept": [1.50, null]},
        });
        // White space that nobody writing JSON anew would hit upon.
        let manifest = format!(" {manifest:#}\n\n");
        let mut descriptor = self.manifest(kind, manifest.as_bytes(), &config);
        descriptor["platform"] = serde_json::to_value(&platform).unwrap();
        descriptor
    }

    /// An artifact with the empty config, perhaps about something.
    pub(crate) fn artifact(&mut self, blobs: &[&[u8]], subject: Option<&Value>) -> Value {
        let layers: Vec<Value> = blobs
            .iter()
            .map(|blob| {
                let layer = LayerRef {
                    key: ContentDigest::sha256(blob),
                    stream: self.store_whole(blob),
                };
                self.goods.layers.push(layer);
                self.shelf.add("text/x-test", blob)
            })
            .collect();
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.test",
            "config": self.shelf.add(OCI_EMPTY, b"{}"), "layers": layers,
        });
        if let Some(subject) = subject {
            manifest["subject"] = subject.clone();
        }
        self.manifest(OCI_MANIFEST, format!("{manifest}\n").as_bytes(), b"{}")
    }

    /// An artifact of compressed archives, what they hold beside them.
    pub(crate) fn packed(&mut self, archives: &[(&[u8], Compression)]) -> Value {
        let mut layers = Vec::new();
        for (tar, compression) in archives {
            let suffix = match compression {
                Compression::None => "",
                Compression::Gzip => "+gzip",
                Compression::Zstd => "+zstd",
            };
            let bytes = compression.apply(tar).unwrap();
            let blob = LayerRef {
                key: ContentDigest::sha256(&bytes),
                stream: self.store_whole(&bytes),
            };
            let content = self.store_layer(tar);
            self.goods.contents.push(ContentRef {
                blob: blob.key,
                content: content.key,
            });
            self.goods.layers.extend([blob, content]);
            let kind = format!("application/vnd.cncf.model.weight.v1.tar{suffix}");
            layers.push(self.shelf.add(&kind, &bytes));
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.test",
            "config": self.shelf.add(OCI_EMPTY, b"{}"), "layers": layers,
        });
        self.manifest(OCI_MANIFEST, format!("{manifest}\n").as_bytes(), b"{}")
    }

    /// A manifest as it is.
    pub(crate) fn manifest(&mut self, kind: &str, bytes: &[u8], config: &[u8]) -> Value {
        let descriptor = self.shelf.add(kind, bytes);
        self.goods.manifests.push((
            digest_of(&descriptor),
            kind.parse().unwrap(),
            bytes.to_vec(),
            config.to_vec(),
        ));
        descriptor
    }

    /// An index of these.
    pub(crate) fn index(&mut self, children: &[Value]) -> Value {
        let index = json!({
            "manifests": children, "schemaVersion": 2, "mediaType": OCI_INDEX,
            "x-unknown": "é \u{1f4e6}",
        });
        self.index_as_is(OCI_INDEX, format!("{index:#}").as_bytes())
    }

    pub(crate) fn index_as_is(&mut self, kind: &str, bytes: &[u8]) -> Value {
        self.goods
            .indexes
            .push((kind.parse().unwrap(), bytes.to_vec()));
        self.shelf.add(kind, bytes)
    }

    /// BuildKit's attestation of `image`, as its entry in an index.
    pub(crate) fn attestation(&mut self, image: &Value) -> Value {
        let statement = format!("in-toto statement on {}", image["digest"]);
        let mut entry = self.artifact(&[statement.as_bytes()], None);
        entry["platform"] = json!({"architecture": "unknown", "os": "unknown"});
        entry["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image["digest"],
        });
        entry
    }

    pub(crate) fn refers(&mut self, referrer: &Value, subject: &Value, relation: Relation) {
        self.goods.referrers.push(ReferrerCommit {
            subject: digest_of(subject),
            referrer: digest_of(referrer),
            relation,
        });
    }

    /// Names everything made since the last time, and gives these tags.
    pub(crate) fn commit(&mut self, tags: &[(&str, &Value)]) {
        let goods = std::mem::take(&mut self.goods);
        let parsed: Vec<Manifest> = goods
            .manifests
            .iter()
            .map(|(_, kind, bytes, _)| Manifest::parse(bytes, Some(kind)).unwrap())
            .collect();
        let manifests: Vec<ManifestCommit<'_>> = parsed
            .iter()
            .zip(&goods.manifests)
            .map(
                |(manifest, (_, _, manifest_bytes, config_bytes))| ManifestCommit {
                    manifest,
                    manifest_bytes,
                    config_bytes,
                },
            )
            .collect();
        let parsed: Vec<Index> = goods
            .indexes
            .iter()
            .map(|(kind, bytes)| Index::parse(bytes, Some(kind)).unwrap())
            .collect();
        let indexes: Vec<IndexCommit<'_>> = parsed
            .iter()
            .zip(&goods.indexes)
            .map(|(index, (_, bytes))| IndexCommit { index, bytes })
            .collect();
        let tags: Vec<(Tag, ContentDigest)> = tags
            .iter()
            .map(|(tag, descriptor)| (tag.parse().unwrap(), digest_of(descriptor)))
            .collect();
        Commit {
            manifests: &manifests,
            indexes: &indexes,
            layers: &goods.layers,
            blobs: &goods.blobs,
            contents: &goods.contents,
            referrers: &goods.referrers,
            tags: &tags,
            ..Commit::default()
        }
        .run(&self.repository)
        .unwrap();
    }

    pub(crate) fn push(
        &self,
        name: &str,
        destination: &str,
        options: &PushOptions,
    ) -> Result<Pushed, PushError> {
        self.push_seen(name, destination, options).0
    }

    /// [`Self::push`] with all events.
    pub(crate) fn push_seen(
        &self,
        name: &str,
        destination: &str,
        options: &PushOptions,
    ) -> (Result<Pushed, PushError>, Vec<Event>) {
        let events = Mutex::new(Vec::new());
        let pushed = push(
            &self.repository,
            &name.parse().unwrap(),
            &destination.parse().unwrap(),
            options,
            &|event| events.lock().unwrap().push(event),
        );
        (pushed, events.into_inner().unwrap())
    }

    /// Takes the object away that holds exactly `bytes`.
    pub(crate) fn lose(&self, bytes: &[u8]) {
        let digest = self.repository.put(bytes).unwrap().digest;
        let hex = digest.to_string();
        let hex = hex.rsplit(':').next().unwrap();
        let path = self.path("repo/objects").join(&hex[..2]).join(&hex[2..]);
        std::fs::remove_file(path).unwrap();
    }
}

/// A tar archive of one file of `size` bytes that depend on `seed`, and a small one.
pub(crate) fn tar(seed: u8, size: usize) -> Vec<u8> {
    let content: Vec<u8> = (0..size)
        .map(|at| (at / 7 + usize::from(seed) * (at % 251)) as u8)
        .collect();
    let mut layer = LayerBuilder::default();
    layer.add_file("big", &content, 0o644).unwrap();
    layer.add_file("small", &[seed], 0o600).unwrap();
    layer.finish().unwrap()
}

pub(crate) fn all() -> PushOptions {
    PushOptions {
        all: true,
        ..PushOptions::default()
    }
}

pub(crate) fn with_referrers() -> PushOptions {
    PushOptions {
        all: true,
        referrers: true,
        ..PushOptions::default()
    }
}

/// `oci:` and the path, which needs no escaping.
pub(crate) fn oci(path: &Path) -> String {
    format!("oci:{}", path.display())
}

/// This machine's platform, as text.
pub(crate) fn here() -> String {
    Platform::host().to_string()
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
