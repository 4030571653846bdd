//! Repositories with models that no importer has seen: records and streams written by hand.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use lazaret_artifact::record::{Header, Line, RECORD_VERSION, Role, Severity, Summary, Verdict};
use lazaret_artifact::{
    Attribute, ContentDigest, Entry, EntryKind, EntryPath, Extent, Fact, Manifest, Value,
    VerityAlgorithm,
};
use lazaret_graph::{Commit, LayerRef, ManifestCommit, RecordRef, RecordWriter};
use lazaret_store::{ContentType, Repository, VerityPolicy};
use tempfile::TempDir;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A home with an empty repository.
pub struct Home {
    pub directory: TempDir,
    repository: Repository,
}

/// A file of tensors, each an object or inline.
#[derive(Default)]
pub struct Model {
    title: String,
    pieces: Vec<(bool, Vec<u8>)>,
    size: u64,
    lines: Vec<Line>,
    severity: Option<Severity>,
}

impl Model {
    /// A file of that name with nothing but a header.
    pub fn new(title: &str, header: &[u8]) -> Self {
        let mut new = Self {
            title: title.to_owned(),
            ..Self::default()
        };
        new.bytes(header, false);
        new
    }

    fn bytes(&mut self, bytes: &[u8], as_object: bool) -> Extent {
        let offset = self.size;
        self.size += bytes.len() as u64;
        self.pieces.push((as_object, bytes.to_vec()));
        Extent::Input {
            offset,
            length: bytes.len() as u64,
        }
    }

    /// Adds a tensor; the name must be a path.
    pub fn tensor(&mut self, name: &str, dtype: &str, shape: &str, bytes: &[u8], object: bool) {
        let extent = self.bytes(bytes, object);
        let text = |key: &str, text: &str| Attribute {
            key: key.to_owned(),
            value: Value::Text(text.to_owned()),
        };
        self.lines.push(Line::Entry(Entry {
            path: EntryPath::from_untrusted(name.as_bytes()).unwrap(),
            kind: EntryKind::Part,
            content: vec![extent],
            target: Vec::new(),
            link: None,
            posix: None,
            media_type: None,
            attributes: vec![text("dtype", dtype), text("shape", shape)],
        }));
    }

    /// States something of the file.
    pub fn fact(&mut self, key: &str, value: Value) {
        self.lines.push(Line::Fact(Fact {
            subject: None,
            key: key.to_owned(),
            value,
        }));
    }

    fn key(&self) -> ContentDigest {
        let whole: Vec<&[u8]> = self.pieces.iter().map(|(_, bytes)| &**bytes).collect();
        ContentDigest::sha256(&whole.concat())
    }
}

/// Text as a value.
pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

impl Home {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::init(
            &directory.path().join("repo"),
            VerityAlgorithm::Sha256,
            VerityPolicy::Insecure,
        )
        .unwrap();
        Self {
            directory,
            repository,
        }
    }

    /// Stores an artifact of these files under a tag.
    pub fn store(&self, tag: &str, files: &[&Model]) {
        let mut layers = Vec::new();
        let mut records = Vec::new();
        let mut descriptors = Vec::new();
        for file in files {
            let (layer, record) = self.put(file);
            layers.push(layer);
            records.push(record);
            descriptors.push(serde_json::json!({
                "mediaType": "application/octet-stream",
                "digest": file.key().to_string(),
                "size": file.size,
                "annotations": {"org.opencontainers.image.title": file.title},
            }));
        }
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "application/vnd.model",
            "config": {
                "mediaType": EMPTY,
                "digest": ContentDigest::sha256(b"{}").to_string(),
                "size": 2,
            },
            "layers": descriptors,
        })
        .to_string();
        let parsed = Manifest::parse(manifest.as_bytes(), None).unwrap();
        let commit = Commit {
            manifests: &[ManifestCommit {
                manifest: &parsed,
                manifest_bytes: manifest.as_bytes(),
                config_bytes: b"{}",
            }],
            layers: &layers,
            records: &records,
            tags: &[(tag.parse().unwrap(), parsed.digest)],
            ..Commit::default()
        };
        commit.run(&self.repository).unwrap();
    }

    fn put(&self, file: &Model) -> (LayerRef, RecordRef) {
        let mut writer = self.repository.stream_writer(ContentType::LAYER).unwrap();
        for (as_object, bytes) in &file.pieces {
            if *as_object {
                let object = self.repository.put(bytes).unwrap();
                writer.object(&object.digest, object.size).unwrap();
            } else {
                writer.inline(bytes).unwrap();
            }
        }
        let stream = writer.finish().unwrap().digest;
        let header = Header {
            record_version: RECORD_VERSION,
            role: Role::Blob,
            content: file.key(),
            media_type: "application/octet-stream".parse().unwrap(),
            importer: None,
            parameters: BTreeMap::new(),
        };
        let mut record = RecordWriter::new(&self.repository, &header).unwrap();
        for line in &file.lines {
            record.line(line).unwrap();
        }
        let summary = Summary {
            stream,
            size: file.size,
            blobs: vec![file.key()],
            entries: 0,
            facts: 0,
            fuel: 0,
            verdict: Verdict::Imported,
            severity: file.severity,
            handed_on: BTreeMap::new(),
            faults: 0,
            unread: 0,
            limited: false,
        };
        let record = record.finish(summary).unwrap();
        let key = file.key();
        (LayerRef { key, stream }, record)
    }

    /// Runs the program.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lazaret"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            // Compiled once for all tests.
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("LAZARET_REPO", self.path().join("repo"))
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Standard output and standard error of what must succeed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> (String, String) {
        let output = self.command(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        (stdout, stderr)
    }

    /// The JSON documents that are printed.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let (stdout, _) = self.run(&[arguments, &["--json"]].concat());
        let documents = serde_json::Deserializer::from_str(&stdout).into_iter();
        documents.collect::<Result<_, _>>().unwrap()
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}
