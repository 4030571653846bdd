//! A repository in a temporary directory, and tiny images to put there.

use std::path::PathBuf;
use std::process::Command;

use lazaret_artifact::media_type::{OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, OCI_TAR};
use lazaret_artifact::record::{Header, Line, RECORD_VERSION, Summary, Verdict};
use lazaret_artifact::{
    ContentDigest, Entry, EntryKind, EntryPath, Index, Manifest, Tag, VerityAlgorithm, VerityDigest,
};
use lazaret_graph::names::Stream;
use lazaret_graph::{
    BlobRef, Commit, Committed, ContentRef, GraphError, IndexCommit, LayerRef, ManifestCommit,
    RecordRef, RecordWriter, ReferrerCommit,
};
use lazaret_store::{Access, ContentType, Repository, VerityPolicy};
use serde_json::{Value, json};

pub(crate) struct Fixture {
    directory: tempfile::TempDir,
    pub(crate) repository: Repository,
}

/// A fixture whose repository is not open, so that another program can have the exclusive lock.
pub(crate) struct Closed {
    directory: tempfile::TempDir,
}

impl Closed {
    pub(crate) fn reopened(self) -> Fixture {
        let path = self.directory.path().join("repo");
        let repository = Repository::open(&path, Access::Write).unwrap();
        Fixture {
            directory: self.directory,
            repository,
        }
    }
}

/// A manifest and config as bytes, and the layers they name.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) layers: Vec<LayerRef>,
    pub(crate) records: Vec<RecordRef>,
}

/// A graph to be committed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Whole<'a> {
    pub(crate) manifests: &'a [&'a Parts],
    pub(crate) indexes: &'a [&'a [u8]],
    pub(crate) blobs: &'a [BlobRef],
    pub(crate) contents: &'a [ContentRef],
    pub(crate) referrers: &'a [ReferrerCommit],
    pub(crate) tags: &'a [(&'a str, ContentDigest)],
}

impl Whole<'_> {
    pub(crate) fn run(&self, fixture: &Fixture) -> Result<Committed, GraphError> {
        self.with(|commit| commit.run(&fixture.repository))
    }

    /// Calls `then` with the commit that this is.
    pub(crate) fn with<T>(&self, then: impl FnOnce(&Commit<'_>) -> T) -> T {
        let parsed: Vec<Manifest> = self.manifests.iter().map(|parts| parts.parsed()).collect();
        let manifests: Vec<ManifestCommit<'_>> = parsed
            .iter()
            .zip(self.manifests)
            .map(|(manifest, parts)| ManifestCommit {
                manifest,
                manifest_bytes: &parts.manifest,
                config_bytes: &parts.config,
            })
            .collect();
        let parsed: Vec<Index> = self
            .indexes
            .iter()
            .map(|bytes| Index::parse(bytes, None).unwrap())
            .collect();
        let indexes: Vec<IndexCommit<'_>> = parsed
            .iter()
            .zip(self.indexes)
            .map(|(index, bytes)| IndexCommit { index, bytes })
            .collect();
        let layers: Vec<LayerRef> = self
            .manifests
            .iter()
            .flat_map(|m| m.layers.clone())
            .collect();
        let records: Vec<RecordRef> = self
            .manifests
            .iter()
            .flat_map(|m| m.records.clone())
            .collect();
        let tags: Vec<(Tag, ContentDigest)> = self
            .tags
            .iter()
            .map(|(tag, digest)| (tag.parse().unwrap(), *digest))
            .collect();
        then(&Commit {
            manifests: &manifests,
            indexes: &indexes,
            layers: &layers,
            records: &records,
            blobs: self.blobs,
            contents: self.contents,
            referrers: self.referrers,
            tags: &tags,
        })
    }
}

/// An index's bytes.
pub(crate) fn index(entries: &[Value]) -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
        .to_string()
        .into_bytes()
}

/// An index's entry for a manifest, for a platform such as `linux/amd64`.
pub(crate) fn entry(manifest: &[u8], platform: Option<&str>) -> Value {
    let mut entry = describe(OCI_MANIFEST, manifest);
    if let Some((os, architecture)) = platform.and_then(|text| text.split_once('/')) {
        entry["platform"] = json!({"os": os, "architecture": architecture});
    }
    entry
}

/// An index's entry for an index.
pub(crate) fn index_entry(index: &[u8]) -> Value {
    describe(OCI_INDEX, index)
}

/// What committing a single image linked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) manifest: VerityDigest,
    pub(crate) config: VerityDigest,
    pub(crate) rewritten: Vec<Stream>,
}

impl Parts {
    pub(crate) fn parsed(&self) -> Manifest {
        Manifest::parse(&self.manifest, None).unwrap()
    }

    pub(crate) fn digest(&self) -> ContentDigest {
        ContentDigest::sha256(&self.manifest)
    }
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(VerityAlgorithm::Sha512)
    }

    pub(crate) fn with(algorithm: VerityAlgorithm) -> Self {
        Self::at(tempfile::tempdir().unwrap(), algorithm)
    }

    /// Where nothing waits for a disk.
    pub(crate) fn in_memory() -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::at(directory.unwrap(), VerityAlgorithm::Sha256)
    }

    fn at(directory: tempfile::TempDir, algorithm: VerityAlgorithm) -> Self {
        let path = directory.path().join("repo");
        let repository = Repository::init(&path, algorithm, VerityPolicy::Auto).unwrap();
        Self {
            directory,
            repository,
        }
    }

    pub(crate) fn closed(self) -> Closed {
        Closed {
            directory: self.directory,
        }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join("repo").join(inside)
    }

    /// An OCI layout of an image with this one layer, for other programs to pull.
    pub(crate) fn layout(&self, tag: &str, tar: &[u8]) -> PathBuf {
        let path = self.directory.path().join("layout");
        let blobs = path.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        let blob = |media_type: &str, bytes: &[u8]| {
            std::fs::write(blobs.join(ContentDigest::sha256(bytes).hex()), bytes).unwrap();
            describe(media_type, bytes)
        };
        let layer = blob(OCI_TAR, tar);
        let config = json!({"architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}});
        let config = blob(OCI_CONFIG, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config,
            "layers": [layer]});
        let mut manifest = blob(OCI_MANIFEST, manifest.to_string().as_bytes());
        manifest["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        std::fs::write(path.join("index.json"), index.to_string()).unwrap();
        std::fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        path
    }

    /// The same of an artifact with one file and the empty config.
    pub(crate) fn artifact_layout(&self, tag: &str, content: &[u8]) -> PathBuf {
        let path = self
            .directory
            .path()
            .join(format!("layout-{}", content.len()));
        let blobs = path.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        let blob = |media_type: &str, bytes: &[u8]| {
            std::fs::write(blobs.join(ContentDigest::sha256(bytes).hex()), bytes).unwrap();
            describe(media_type, bytes)
        };
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.test", "config": blob(OCI_EMPTY, b"{}"),
            "layers": [blob("text/plain", content)]});
        let mut manifest = blob(OCI_MANIFEST, manifest.to_string().as_bytes());
        // `cfsctl` 0.9.4 pulls nothing that is not said to be for this machine.
        let platform = lazaret_artifact::Platform::host();
        manifest["platform"] = json!({"os": platform.os, "architecture": platform.architecture});
        manifest["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        std::fs::write(path.join("index.json"), index.to_string()).unwrap();
        std::fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        path
    }

    /// A tar layer, cut as importers cut: files over 64 bytes are objects.
    pub(crate) fn layer(&self, files: &[(&str, &[u8])]) -> LayerRef {
        self.layer_cut_at(files, 64)
    }

    pub(crate) fn layer_cut_at(&self, files: &[(&str, &[u8])], inline: usize) -> LayerRef {
        let mut writer = self.repository.stream_writer(ContentType::LAYER).unwrap();
        let mut whole = Vec::new();
        for (path, content) in files {
            let header = tar_header(path, content.len());
            whole.extend_from_slice(&header);
            whole.extend_from_slice(content);
            let padding = vec![0; content.len().next_multiple_of(512) - content.len()];
            whole.extend_from_slice(&padding);
            writer.inline(&header).unwrap();
            if content.len() > inline {
                let object = self.repository.put(content).unwrap();
                writer.object(&object.digest, object.size).unwrap();
            } else {
                writer.inline(content).unwrap();
            }
            writer.inline(&padding).unwrap();
        }
        whole.extend_from_slice(&[0; 1024]);
        writer.inline(&[0; 1024]).unwrap();
        let stream = writer.finish().unwrap();
        assert_eq!(stream.total_size, whole.len() as u64);
        LayerRef {
            key: ContentDigest::sha256(&whole),
            stream: stream.digest,
        }
    }

    /// A blob kept whole.
    pub(crate) fn blob(&self, content: &[u8]) -> LayerRef {
        let object = self.repository.put(content).unwrap();
        let mut writer = self.repository.stream_writer(ContentType::BLOB).unwrap();
        writer.object(&object.digest, object.size).unwrap();
        let stream = writer.finish().unwrap().digest;
        LayerRef {
            key: ContentDigest::sha256(content),
            stream,
        }
    }

    /// A record that vouches for `layer` and names `entries` files.
    pub(crate) fn record(&self, layer: &LayerRef, entries: &[&str]) -> RecordRef {
        let mut writer = RecordWriter::new(&self.repository, &header(&layer.key)).unwrap();
        for path in entries {
            writer.line(&line(path)).unwrap();
        }
        writer.finish(summary(layer.stream)).unwrap()
    }

    /// A container image, to be committed.
    pub(crate) fn image(&self, layers: &[LayerRef]) -> Parts {
        self.image_of_types(layers, OCI_MANIFEST, OCI_CONFIG)
    }

    pub(crate) fn image_of_types(&self, layers: &[LayerRef], kind: &str, config: &str) -> Parts {
        let diff_ids: Vec<ContentDigest> = layers.iter().map(|layer| layer.key).collect();
        let config_bytes = json!({
            "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
            "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        })
        .to_string()
        .into_bytes();
        // Compressed layers have digests of their own; nobody here needs their bytes.
        let descriptors: Vec<Value> = diff_ids
            .iter()
            .map(|id| {
                let blob = ContentDigest::sha256(format!("compressed {id}").as_bytes());
                json!({"mediaType": format!("{OCI_TAR}+gzip"), "digest": blob, "size": 123})
            })
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": kind,
            "config": describe(config, &config_bytes), "layers": descriptors,
        });
        Parts {
            manifest: manifest.to_string().into_bytes(),
            config: config_bytes,
            layers: layers.to_vec(),
            records: Vec::new(),
        }
    }

    /// An artifact with the empty config that all artifacts share.
    pub(crate) fn artifact(&self, blobs: &[(LayerRef, &[u8])]) -> Parts {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.test",
            "config": describe(OCI_EMPTY, b"{}"),
            "layers": blobs.iter().map(|(_, b)| describe("text/plain", b)).collect::<Vec<_>>(),
        });
        Parts {
            manifest: manifest.to_string().into_bytes(),
            config: b"{}".to_vec(),
            layers: blobs.iter().map(|(layer, _)| *layer).collect(),
            records: Vec::new(),
        }
    }

    /// An artifact without layers, about something else.
    pub(crate) fn about(&self, subject: &[u8], kind: &str) -> Parts {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": kind,
            "config": describe(OCI_EMPTY, b"{}"), "layers": [],
            "subject": describe(OCI_MANIFEST, subject),
        });
        Parts {
            manifest: manifest.to_string().into_bytes(),
            config: b"{}".to_vec(),
            layers: Vec::new(),
            records: Vec::new(),
        }
    }

    /// An image with a file of its own and the layers given, for an architecture.
    pub(crate) fn image_for(&self, architecture: &str, layers: &[LayerRef]) -> Parts {
        let own = self.layer(&[(architecture, b"own")]);
        let mut layers = layers.to_vec();
        layers.push(own);
        let mut parts = self.image(&layers);
        let config = String::from_utf8(parts.config).unwrap();
        let config = config.replace("amd64", architecture).into_bytes();
        let mut manifest: Value = serde_json::from_slice(&parts.manifest).unwrap();
        manifest["config"] = describe(OCI_CONFIG, &config);
        parts.manifest = manifest.to_string().into_bytes();
        parts.config = config;
        parts
    }

    pub(crate) fn commit(&self, parts: &Parts, tags: &[&str]) -> Done {
        self.try_commit(parts, tags).unwrap()
    }

    pub(crate) fn try_commit(&self, parts: &Parts, tags: &[&str]) -> Result<Done, GraphError> {
        let manifest = parts.parsed();
        let tags: Vec<(Tag, ContentDigest)> = tags
            .iter()
            .map(|tag| (tag.parse().unwrap(), manifest.digest))
            .collect();
        let committed = Commit {
            manifests: &[ManifestCommit {
                manifest: &manifest,
                manifest_bytes: &parts.manifest,
                config_bytes: &parts.config,
            }],
            layers: &parts.layers,
            records: &parts.records,
            tags: &tags,
            ..Commit::default()
        }
        .run(&self.repository)?;
        let stream = |name| committed.stream(name).unwrap();
        Ok(Done {
            manifest: stream(Stream::Manifest(manifest.digest)),
            config: stream(Stream::Config(manifest.config.digest)),
            rewritten: committed.rewritten.clone(),
        })
    }

    /// An image with one file and a record, committed.
    pub(crate) fn demo(&self, tag: &str) -> Parts {
        let content = vec![b'x'; 5000];
        let layer = self.layer(&[("usr", b""), ("usr/big", &content), ("usr/small", b"small")]);
        let mut parts = self.image(&[layer]);
        parts.records = vec![self.record(&layer, &["usr", "usr/big", "usr/small"])];
        self.commit(&parts, &[tag]);
        parts
    }
}

fn describe(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": ContentDigest::sha256(bytes), "size": bytes.len()})
}

pub(crate) fn header(content: &ContentDigest) -> Header {
    Header {
        record_version: RECORD_VERSION,
        role: lazaret_artifact::record::Role::Layer,
        content: *content,
        media_type: OCI_TAR.parse().unwrap(),
        importer: None,
        parameters: std::collections::BTreeMap::new(),
    }
}

pub(crate) fn line(path: &str) -> Line {
    Line::Entry(Entry {
        path: EntryPath::from_untrusted(path.as_bytes()).unwrap(),
        kind: EntryKind::Regular,
        content: Vec::new(),
        target: Vec::new(),
        link: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    })
}

pub(crate) fn summary(stream: VerityDigest) -> Summary {
    Summary {
        stream,
        size: 1,
        blobs: Vec::new(),
        entries: 0,
        facts: 0,
        fuel: 0,
        verdict: Verdict::Imported,
        severity: None,
        handed_on: std::collections::BTreeMap::new(),
        faults: 0,
        unread: 0,
        limited: false,
    }
}

/// A ustar header of a regular file, or of a directory when it is empty and has no dot.
fn tar_header(path: &str, size: usize) -> [u8; 512] {
    let mut header = [0; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[108..116].copy_from_slice(b"0000000\0");
    header[116..124].copy_from_slice(b"0000000\0");
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[156] = if size == 0 { b'5' } else { b'0' };
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
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

/// A tool, if it is there; where `CI=true` it has to be.
pub(crate) fn tool(name: &str) -> Option<Command> {
    if Command::new(name).arg("--version").output().is_ok() {
        return Some(Command::new(name));
    }
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{name} is missing"
    );
    None
}

pub(crate) fn run(mut command: Command, arguments: &[&str]) -> String {
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}\n{}{}",
        text(output.stdout),
        text(output.stderr)
    );
    text(output.stdout)
}
