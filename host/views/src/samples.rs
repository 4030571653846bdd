//! Images for tests, written by hand into a temporary repository.

use lazaret_artifact::entry::Xattr;
use lazaret_artifact::media_type::{OCI_CONFIG, OCI_EMPTY, OCI_MANIFEST, OCI_TAR};
use lazaret_artifact::record::{Header, Line, RECORD_VERSION, Summary, Verdict};
use lazaret_artifact::{
    ContentDigest, Entry, EntryKind, EntryPath, Extent, Fact, Manifest, Posix, Timestamp,
    VerityAlgorithm, VerityDigest,
};
use lazaret_graph::{
    Commit, ContentRef, Image, LayerRef, ManifestCommit, Name, RecordRef, RecordWriter, load,
};
use lazaret_store::{ContentType, Repository, VerityPolicy};

use crate::error::ViewError;
use crate::lookup::Follow;
use crate::tree::Tree;

pub(crate) fn path(text: &str) -> EntryPath {
    match text {
        "" => EntryPath::root(),
        _ => EntryPath::from_untrusted(text.as_bytes()).unwrap(),
    }
}

/// An entry without content or attributes.
pub(crate) fn entry(kind: EntryKind, path: EntryPath) -> Entry {
    Entry {
        path,
        kind,
        content: Vec::new(),
        target: Vec::new(),
        link: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    }
}

pub(crate) fn posix(mode: u32, uid: u32, gid: u32, seconds: i64, nanoseconds: u32) -> Posix {
    let mtime = Timestamp {
        seconds,
        nanoseconds,
    };
    Posix {
        mode,
        uid,
        gid,
        mtime,
        ..Posix::default()
    }
}

/// A layer that looks like a tar archive: a block of header before each file, 64 bytes of content
/// inline and more as an object.
#[derive(Default)]
pub(crate) struct Sketch {
    pub(crate) entries: Vec<Entry>,
    pub(crate) facts: Vec<Fact>,
    pieces: Vec<(bool, Vec<u8>)>,
    size: u64,
}

impl Sketch {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds bytes to the stream and says where they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8], as_object: bool) -> Extent {
        let offset = self.size;
        self.size += bytes.len() as u64;
        self.pieces.push((as_object, bytes.to_vec()));
        Extent::Input {
            offset,
            length: bytes.len() as u64,
        }
    }

    pub(crate) fn push(&mut self, entry: Entry) -> &mut Self {
        self.bytes(&[b'#'; 512], false);
        self.entries.push(entry);
        self
    }

    pub(crate) fn extents(&mut self, at: &str, content: Vec<Extent>) -> &mut Self {
        self.push(Entry {
            content,
            ..entry(EntryKind::Regular, path(at))
        })
    }

    pub(crate) fn file_at(&mut self, at: EntryPath, content: &[u8]) -> &mut Self {
        self.push(entry(EntryKind::Regular, at));
        if !content.is_empty() {
            let extent = self.bytes(content, content.len() > 64);
            self.entries.last_mut().unwrap().content = vec![extent];
        }
        self
    }

    pub(crate) fn file(&mut self, at: &str, content: &[u8]) -> &mut Self {
        self.file_at(path(at), content)
    }

    pub(crate) fn directory(&mut self, at: &str) -> &mut Self {
        self.push(entry(EntryKind::Directory, path(at)))
    }

    pub(crate) fn symlink(&mut self, at: &str, target: &[u8]) -> &mut Self {
        let target = target.to_vec();
        self.push(Entry {
            target,
            ..entry(EntryKind::Symlink, path(at))
        })
    }

    pub(crate) fn hardlink(&mut self, at: &str, target: &str) -> &mut Self {
        let link = Some(path(target));
        self.push(Entry {
            link,
            ..entry(EntryKind::Hardlink, path(at))
        })
    }

    pub(crate) fn fifo(&mut self, at: &str) -> &mut Self {
        self.push(entry(EntryKind::Fifo, path(at)))
    }

    pub(crate) fn device(&mut self, at: &str, kind: EntryKind, numbers: (u32, u32)) -> &mut Self {
        let posix = Posix {
            device: Some(numbers),
            ..posix(0o640, 0, 0, 1_000_000_000, 0)
        };
        self.push(Entry {
            posix: Some(posix),
            ..entry(kind, path(at))
        })
    }

    /// Describes the entry added last.
    pub(crate) fn posix(&mut self, posix: Posix) -> &mut Self {
        self.entries.last_mut().unwrap().posix = Some(posix);
        self
    }

    /// Gives the entry added last an extended attribute.
    pub(crate) fn xattr(&mut self, name: &[u8], value: &[u8]) -> &mut Self {
        let posix = self
            .entries
            .last_mut()
            .unwrap()
            .posix
            .get_or_insert_default();
        posix.xattrs.push(Xattr {
            name: name.to_vec(),
            value: value.to_vec(),
        });
        posix.xattrs.sort();
        self
    }

    fn key(&self) -> ContentDigest {
        let whole: Vec<u8> = self
            .pieces
            .iter()
            .flat_map(|(_, bytes)| bytes)
            .copied()
            .collect();
        ContentDigest::sha256(&whole)
    }
}

/// A layer, and how its import ended; none leaves no record.
pub(crate) type Imported<'a> = (&'a Sketch, Option<Verdict>);

/// A blob, the annotations of its descriptor, and whether an importer took it apart.
pub(crate) type Attached<'a> = (&'a Sketch, &'a [(&'a str, &'a str)], bool);

/// A repository and what is in it.
pub(crate) struct Bench {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) repository: Repository,
}

impl Bench {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn stream(&self, sketch: &Sketch) -> VerityDigest {
        let mut writer = self.repository.stream_writer(ContentType::LAYER).unwrap();
        for (as_object, bytes) in &sketch.pieces {
            if *as_object {
                let object = self.repository.put(bytes).unwrap();
                writer.object(&object.digest, object.size).unwrap();
            } else {
                writer.inline(bytes).unwrap();
            }
        }
        writer.finish().unwrap().digest
    }

    fn record(&self, sketch: &Sketch, stream: VerityDigest, verdict: Verdict) -> RecordRef {
        let header = Header {
            record_version: RECORD_VERSION,
            role: lazaret_artifact::record::Role::Layer,
            content: sketch.key(),
            media_type: OCI_TAR.parse().unwrap(),
            importer: None,
            parameters: std::collections::BTreeMap::new(),
        };
        let mut writer = RecordWriter::new(&self.repository, &header).unwrap();
        for entry in &sketch.entries {
            writer.line(&Line::Entry(entry.clone())).unwrap();
        }
        for fact in &sketch.facts {
            writer.line(&Line::Fact(fact.clone())).unwrap();
        }
        writer
            .finish(Summary {
                stream,
                size: sketch.size,
                blobs: vec![sketch.key()],
                entries: 0,
                facts: 0,
                fuel: 0,
                verdict,
                severity: None,
                handed_on: std::collections::BTreeMap::new(),
                faults: 0,
                unread: 0,
                limited: false,
            })
            .unwrap()
    }

    /// Stores and loads an image of these layers.
    pub(crate) fn image_with(&self, sketches: &[Imported<'_>]) -> Image {
        let mut layers = Vec::new();
        let mut records = Vec::new();
        for (sketch, verdict) in sketches {
            let stream = self.stream(sketch);
            layers.push(LayerRef {
                key: sketch.key(),
                stream,
            });
            if let Some(verdict) = verdict {
                records.push(self.record(sketch, stream, verdict.clone()));
            }
        }
        let list = |format: &dyn Fn(&Imported<'_>) -> String| {
            sketches.iter().map(format).collect::<Vec<_>>().join(",")
        };
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
            list(&|(sketch, _)| format!("\"{}\"", sketch.key()))
        );
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{{"mediaType":"{OCI_CONFIG}","digest":"{}","size":{}}},"layers":[{}]}}"#,
            ContentDigest::sha256(config.as_bytes()),
            config.len(),
            list(&|(sketch, _)| format!(
                r#"{{"mediaType":"{OCI_TAR}","digest":"{}","size":{}}}"#,
                sketch.key(),
                sketch.size
            ))
        );
        self.commit(&manifest, config.as_bytes(), &layers, &records, &[])
    }

    /// Stores and loads an artifact of these blobs, each with annotations for its descriptor and, if
    /// an importer took it apart, its record.
    pub(crate) fn artifact(&self, blobs: &[Attached<'_>]) -> Image {
        self.artifact_with(blobs, &[])
    }

    /// The same, and what some of the blobs, by their numbers, decompress to.
    pub(crate) fn artifact_with(
        &self,
        blobs: &[Attached<'_>],
        contents: &[(usize, &Sketch)],
    ) -> Image {
        self.artifact_of((OCI_EMPTY, b"{}"), blobs, contents)
    }

    /// The same, with a config of this type.
    pub(crate) fn artifact_of(
        &self,
        (config_type, config): (&str, &[u8]),
        blobs: &[Attached<'_>],
        contents: &[(usize, &Sketch)],
    ) -> Image {
        let mut layers = Vec::new();
        let mut records = Vec::new();
        let mut descriptors = Vec::new();
        for (sketch, annotations, imported) in blobs {
            let stream = self.stream(sketch);
            layers.push(LayerRef {
                key: sketch.key(),
                stream,
            });
            let verdict = match imported {
                true => Verdict::Imported,
                false => Verdict::Opaque,
            };
            records.push(self.record(sketch, stream, verdict));
            let annotations: Vec<String> = annotations
                .iter()
                .map(|(key, value)| format!("{key:?}:{value:?}"))
                .collect();
            descriptors.push(format!(
                r#"{{"mediaType":"application/octet-stream","digest":"{}","size":{},"annotations":{{{}}}}}"#,
                sketch.key(),
                sketch.size,
                annotations.join(",")
            ));
        }
        let mut content_refs = Vec::new();
        for (blob, content) in contents {
            let stream = self.stream(content);
            layers.push(LayerRef {
                key: content.key(),
                stream,
            });
            records.push(self.record(content, stream, Verdict::Imported));
            content_refs.push(ContentRef {
                blob: blobs[*blob].0.key(),
                content: content.key(),
            });
        }
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","artifactType":"application/x","config":{{"mediaType":"{config_type}","digest":"{}","size":{}}},"layers":[{}]}}"#,
            ContentDigest::sha256(config),
            config.len(),
            descriptors.join(",")
        );
        self.commit(&manifest, config, &layers, &records, &content_refs)
    }

    fn commit(
        &self,
        manifest: &str,
        config: &[u8],
        layers: &[LayerRef],
        records: &[RecordRef],
        contents: &[ContentRef],
    ) -> Image {
        let parsed = Manifest::parse(manifest.as_bytes(), None).unwrap();
        let commit = Commit {
            manifests: &[ManifestCommit {
                manifest: &parsed,
                manifest_bytes: manifest.as_bytes(),
                config_bytes: config,
            }],
            layers,
            records,
            contents,
            ..Commit::default()
        };
        commit.run(&self.repository).unwrap();
        load(&self.repository, &Name::Digest(parsed.digest)).unwrap()
    }

    pub(crate) fn image(&self, sketches: &[&Sketch]) -> Image {
        let sketches: Vec<_> = sketches
            .iter()
            .map(|sketch| (*sketch, Some(Verdict::Imported)))
            .collect();
        self.image_with(&sketches)
    }

    pub(crate) fn tree(&self, sketches: &[&Sketch]) -> Tree {
        Tree::merge(&self.repository, &self.image(sketches)).unwrap()
    }

    pub(crate) fn read(&self, tree: &Tree, at: &str) -> Result<Vec<u8>, ViewError> {
        let found = tree.lookup(at, Follow::No)?;
        let mut out = Vec::new();
        let size = crate::read_file(&self.repository, tree, found.id, &mut out)?;
        assert_eq!(size, out.len() as u64);
        Ok(out)
    }

    /// Changes the first byte of the object that holds `content`.
    pub(crate) fn damage(&self, content: &[u8]) {
        let object = self.object_path(content);
        let mut bytes = std::fs::read(&object).unwrap();
        bytes[0] ^= 1;
        std::fs::remove_file(&object).unwrap();
        std::fs::write(&object, bytes).unwrap();
    }

    pub(crate) fn object_path(&self, content: &[u8]) -> std::path::PathBuf {
        let hex = self.repository.put(content).unwrap().digest.hex();
        self.repository
            .path()
            .join("objects")
            .join(&hex[..2])
            .join(&hex[2..])
    }
}

/// Bytes that do not repeat soon.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}
