//! A repository of many things that refer to each other, and what its maker knows of it: what each
//! name consists of and what it needs, told when it is made and not read from the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lazaret_artifact::media_type::{
    DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST,
};
use lazaret_artifact::{ContentDigest, CosignKind, Index, Manifest, Relation, Tag, VerityDigest};
use lazaret_graph::names::Stream;
use lazaret_graph::{
    BlobRef, Commit, ContentRef, IndexCommit, LayerRef, ManifestCommit, RecordRef, ReferrerCommit,
    untag,
};
use lazaret_store::ContentType;
use serde_json::{Value, json};

use super::{files, object_path};
use crate::fixture::Fixture;

/// Blobs of artifacts from this number on hold something.
const FIRST_COMPRESSED: u8 = 4;

/// How the name begins that leads from a blob to what it holds.
const CONTENT: &str = "lazaret/content-";

/// What is to be made. Numbers choose among what has been made before, modulo how many there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spec {
    pub(crate) layers: Vec<LayerSpec>,
    /// Layers, and whether it is Docker's.
    pub(crate) images: Vec<(Vec<usize>, bool)>,
    /// Blobs, and what it refers to.
    pub(crate) artifacts: Vec<(Vec<u8>, Option<usize>)>,
    /// Children, and what it refers to.
    pub(crate) indexes: Vec<(Vec<usize>, Option<usize>)>,
    /// Subject and referrer, and whether as cosign does it.
    pub(crate) attached: Vec<(usize, usize, bool)>,
    /// Streams of others: what they refer to, and whether they are rooted.
    pub(crate) foreign: Vec<(Vec<usize>, bool)>,
    /// Named by tags of its own.
    pub(crate) tagged: Vec<usize>,
    /// Of the tags those to take away.
    pub(crate) untagged: Vec<usize>,
    /// Objects that nobody names.
    pub(crate) garbage: u8,
}

#[derive(Debug, Clone)]
pub(crate) struct LayerSpec {
    pub(crate) files: BTreeSet<u8>,
    pub(crate) record: bool,
    pub(crate) kept_blob: bool,
}

/// What a name consists of.
#[derive(Debug, Default, Clone)]
struct Node {
    /// Objects beside the stream's own.
    objects: BTreeSet<String>,
    /// Names that it needs.
    needs: BTreeSet<String>,
}

pub(crate) struct World {
    pub(crate) fixture: Fixture,
    nodes: BTreeMap<String, Node>,
    /// By the subject's digest the names of what refers to it.
    referrers: BTreeMap<ContentDigest, BTreeSet<String>>,
    /// References below `streams/refs`, what each leads to, and whether it is a root.
    refs: BTreeMap<String, (String, bool)>,
    layers: Vec<(LayerRef, bool)>,
    /// Images, and what their manifests call a layer as it travelled.
    travelled: Vec<(Stream, ContentDigest)>,
    /// Manifests and indexes.
    documents: Vec<(ContentDigest, Stream)>,
}

impl World {
    pub(crate) fn new(spec: &Spec) -> Self {
        let mut world = Self {
            fixture: Fixture::new(),
            nodes: BTreeMap::new(),
            referrers: BTreeMap::new(),
            refs: BTreeMap::new(),
            layers: Vec::new(),
            travelled: Vec::new(),
            documents: Vec::new(),
        };
        for layer in &spec.layers {
            world.add_layer(layer);
        }
        for (layers, docker) in &spec.images {
            world.add_image(layers, *docker, spec);
        }
        // Whoever kept a layer as it travelled, it is kept for every image that has it.
        for (manifest, digest) in std::mem::take(&mut world.travelled) {
            let blob = Stream::Blob(digest).to_string();
            if world.nodes.contains_key(&blob) {
                world.node(manifest).needs.insert(blob);
            }
        }
        for (blobs, subject) in &spec.artifacts {
            world.add_artifact(blobs, *subject);
        }
        for (children, subject) in &spec.indexes {
            world.add_index(children, *subject);
        }
        for (subject, referrer, cosign) in &spec.attached {
            world.attach(*subject, *referrer, *cosign);
        }
        for (number, (needs, rooted)) in spec.foreign.iter().enumerate() {
            world.add_foreign(number, needs, *rooted);
        }
        for (number, chosen) in spec.tagged.iter().enumerate() {
            world.tag(number, *chosen);
        }
        for number in 0..spec.garbage {
            world.fixture.repository.put(&[number; 77]).unwrap();
        }
        for number in &spec.untagged {
            if spec.tagged.is_empty() || world.documents.is_empty() {
                break;
            }
            let tag = format!("x/tag:{}", number % spec.tagged.len());
            let tag: Tag = tag.parse().unwrap();
            let path = format!("oci/{}", tag.to_file_name());
            if world.refs.remove(&path).is_some() {
                untag(&world.fixture.repository, &tag).unwrap();
            }
        }
        world
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.fixture.path("")
    }

    pub(crate) fn tags(&self) -> Vec<String> {
        let tags = self
            .refs
            .keys()
            .filter_map(|path| path.strip_prefix("oci/"));
        tags.map(|name| name.replace("%2F", "/")).collect()
    }

    /// The names that are needed.
    pub(crate) fn live(&self) -> BTreeSet<String> {
        let mut live = BTreeSet::new();
        let roots = self.refs.values().filter(|(_, is_root)| *is_root);
        let mut waiting: Vec<String> = roots.map(|(target, _)| target.clone()).collect();
        while let Some(name) = waiting.pop() {
            if !live.insert(name.clone()) {
                continue;
            }
            waiting.extend(self.nodes[&name].needs.iter().cloned());
            if let Some((_, digest)) = name.split_once("-sha256:") {
                let digest = format!("sha256:{digest}").parse().unwrap();
                waiting.extend(self.referrers.get(&digest).into_iter().flatten().cloned());
            }
        }
        live
    }

    /// Compares the repository at `path` with what should be left of it: exactly that.
    pub(crate) fn assert_collected(&self, path: &Path) {
        let live = self.live();
        let streams = files(path, "streams");
        let refs: BTreeSet<String> = self
            .refs
            .iter()
            .filter(|(path, (target, _))| match path.strip_prefix(CONTENT) {
                Some(blob) => live.contains(&format!("oci-layer-{blob}")),
                None => live.contains(target),
            })
            .map(|(path, _)| format!("refs/{path}"))
            .collect();
        let names: BTreeSet<String> = live.union(&refs).cloned().collect();
        assert_eq!(streams, names);
        let mut objects = BTreeSet::new();
        for name in &live {
            let target = std::fs::read_link(path.join("streams").join(name)).unwrap();
            let target = target.to_str().unwrap().to_owned();
            objects.insert(target.strip_prefix("../objects/").unwrap().to_owned());
            objects.extend(self.nodes[name].objects.iter().cloned());
        }
        assert_eq!(files(path, "objects"), objects);
    }

    fn node(&mut self, stream: impl ToString) -> &mut Node {
        self.nodes.entry(stream.to_string()).or_default()
    }

    fn put(&self, content: &[u8]) -> String {
        object_path(&self.fixture.repository.put(content).unwrap().digest)
    }

    fn add_layer(&mut self, spec: &LayerSpec) {
        let contents: Vec<(String, Vec<u8>)> = spec
            .files
            .iter()
            .map(|file| (format!("file-{file}"), vec![*file; 60 + usize::from(*file)]))
            .collect();
        let borrowed: Vec<(&str, &[u8])> = contents
            .iter()
            .map(|(name, content)| (&**name, &**content))
            .collect();
        let layer = self.fixture.layer(&borrowed);
        // Up to 64 bytes stay in the stream.
        let objects: BTreeSet<String> = contents
            .iter()
            .filter(|(_, content)| content.len() > 64)
            .map(|(_, content)| self.put(content))
            .collect();
        self.node(Stream::Layer(layer.key)).objects = objects;
        self.layers.push((layer, spec.record));
    }

    fn add_image(&mut self, layers: &[usize], docker: bool, spec: &Spec) {
        if self.layers.is_empty() {
            return;
        }
        let chosen: Vec<usize> = layers.iter().map(|n| n % self.layers.len()).collect();
        let layers: Vec<LayerRef> = chosen.iter().map(|n| self.layers[*n].0).collect();
        let (kind, config) = match docker {
            true => (DOCKER_MANIFEST, DOCKER_CONFIG),
            false => (OCI_MANIFEST, OCI_CONFIG),
        };
        let mut parts = self.fixture.image_of_types(&layers, kind, config);
        let manifest = parts.parsed();
        let manifest_name = Stream::Manifest(manifest.digest);
        let config_name = Stream::Config(manifest.config.digest);
        let mut blobs = Vec::new();
        for (number, layer) in chosen.iter().zip(&layers) {
            let name = Stream::Layer(layer.key);
            for from in [manifest_name, config_name] {
                self.node(from).needs.insert(name.to_string());
            }
            if self.layers[*number].1 {
                let record = self.fixture.record(layer, &["a", "b"]);
                parts.records.push(record);
                let record = Stream::Record(layer.key);
                self.node(record);
                self.node(name).needs.insert(record.to_string());
                self.refs.insert(
                    format!("lazaret/record-{}", layer.key),
                    (record.to_string(), false),
                );
            }
            if spec.layers[*number].kept_blob {
                // What the fixture's manifests call the layer as it travelled.
                let content = format!("compressed {}", layer.key).into_bytes();
                let kept = self.fixture.blob(&content);
                blobs.push(BlobRef {
                    digest: kept.key,
                    stream: kept.stream,
                });
                let object = self.put(&content);
                let blob = Stream::Blob(kept.key);
                self.node(blob).objects.insert(object);
                self.refs.insert(
                    format!("lazaret/blob-{}", kept.key),
                    (blob.to_string(), false),
                );
            }
            let travelled = ContentDigest::sha256(format!("compressed {}", layer.key).as_bytes());
            self.travelled.push((manifest_name, travelled));
        }
        let (manifest_object, config_object) = (self.put(&parts.manifest), self.put(&parts.config));
        self.node(config_name).objects.insert(config_object);
        let node = self.node(manifest_name);
        node.objects.insert(manifest_object);
        node.needs.insert(config_name.to_string());
        Commit {
            manifests: &[ManifestCommit {
                manifest: &manifest,
                manifest_bytes: &parts.manifest,
                config_bytes: &parts.config,
            }],
            layers: &parts.layers,
            records: &parts.records,
            blobs: &blobs,
            ..Commit::default()
        }
        .run(&self.fixture.repository)
        .unwrap();
        self.documents.push((manifest.digest, manifest_name));
    }

    /// The digest of the chosen document, or of one that is not there.
    fn subject(&self, chosen: usize) -> ContentDigest {
        match chosen % (self.documents.len() + 1) {
            0 => ContentDigest::sha256(b"not there"),
            number => self.documents[number - 1].0,
        }
    }

    fn note_referrer(&mut self, subject: ContentDigest, referrer: ContentDigest, name: Stream) {
        let path = format!("oci-referrers/{subject}/{referrer}");
        self.refs.insert(path, (name.to_string(), false));
        let referrers = self.referrers.entry(subject).or_default();
        referrers.insert(name.to_string());
    }

    fn add_artifact(&mut self, blobs: &[u8], subject: Option<usize>) {
        let contents: Vec<Vec<u8>> = blobs.iter().map(|b| vec![*b; 100]).collect();
        let layers: Vec<LayerRef> = contents.iter().map(|c| self.fixture.blob(c)).collect();
        let mut document = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.test",
            "config": descriptor(OCI_EMPTY, b"{}"),
            "layers": contents.iter().map(|c| descriptor("text/plain", c)).collect::<Vec<_>>(),
        });
        let subject = subject.map(|chosen| self.subject(chosen));
        if let Some(subject) = &subject {
            document["subject"] = json!({"mediaType": OCI_MANIFEST, "digest": subject, "size": 7});
        }
        let bytes = document.to_string().into_bytes();
        let manifest = Manifest::parse(&bytes, None).unwrap();
        let name = Stream::Manifest(manifest.digest);
        let config = Stream::Config(manifest.config.digest);
        let (object, empty) = (self.put(&bytes), self.put(b"{}"));
        self.node(config).objects.insert(empty);
        for (layer, content) in layers.iter().zip(&contents) {
            let object = self.put(content);
            self.node(Stream::Layer(layer.key)).objects.insert(object);
            self.node(name)
                .needs
                .insert(Stream::Layer(layer.key).to_string());
        }
        let (mut given, mut records, mut links) = (layers.clone(), Vec::new(), Vec::new());
        for (layer, number) in layers.iter().zip(blobs) {
            if let Some((content, record)) = self.add_content(layer, *number) {
                given.push(content);
                records.extend(record);
                links.push(ContentRef {
                    blob: layer.key,
                    content: content.key,
                });
            }
        }
        let node = self.node(name);
        node.objects.insert(object);
        node.needs.insert(config.to_string());
        Commit {
            manifests: &[ManifestCommit {
                manifest: &manifest,
                manifest_bytes: &bytes,
                config_bytes: b"{}",
            }],
            layers: &given,
            records: &records,
            contents: &links,
            ..Commit::default()
        }
        .run(&self.fixture.repository)
        .unwrap();
        if let Some(subject) = subject {
            self.note_referrer(subject, manifest.digest, name);
        }
        self.documents.push((manifest.digest, name));
    }

    /// What an artifact's blob holds, if it holds anything: a container's layer, or something of its
    /// own, which is not of every blob.
    fn add_content(
        &mut self,
        blob: &LayerRef,
        number: u8,
    ) -> Option<(LayerRef, Option<RecordRef>)> {
        if number < FIRST_COMPRESSED {
            return None;
        }
        let of_container = match self.layers.len() {
            count if count > 0 && number % 2 == 1 => Some(self.layers[usize::from(number) % count]),
            _ => None,
        };
        let (content, record) = match of_container {
            Some((layer, _)) => (layer, None),
            None => {
                let bytes = vec![100 + number / 3; 120];
                let layer = self.fixture.blob(&bytes);
                let object = self.put(&bytes);
                let (name, record) = (Stream::Layer(layer.key), Stream::Record(layer.key));
                self.node(record);
                let node = self.node(name);
                node.objects.insert(object);
                node.needs.insert(record.to_string());
                let path = format!("lazaret/record-{}", layer.key);
                self.refs.insert(path, (record.to_string(), false));
                (layer, Some(self.fixture.record(&layer, &["x"])))
            }
        };
        let name = Stream::Layer(content.key).to_string();
        self.node(Stream::Layer(blob.key))
            .needs
            .insert(name.clone());
        let path = format!("{CONTENT}{}", blob.key);
        self.refs.insert(path, (name, false));
        Some((content, record))
    }

    fn add_index(&mut self, children: &[usize], subject: Option<usize>) {
        let children: Vec<ContentDigest> = children.iter().map(|n| self.subject(*n)).collect();
        let entries: Vec<Value> = children
            .iter()
            .map(|child| {
                let found = self.documents.iter().find(|(digest, _)| digest == child);
                let kind = match found {
                    Some((_, Stream::Index(_))) => OCI_INDEX,
                    _ => OCI_MANIFEST,
                };
                json!({"mediaType": kind, "digest": child, "size": 7})
            })
            .collect();
        let mut document =
            json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        let subject = subject.map(|chosen| self.subject(chosen));
        if let Some(subject) = &subject {
            document["subject"] = json!({"mediaType": OCI_MANIFEST, "digest": subject, "size": 7});
        }
        let bytes = document.to_string().into_bytes();
        let index = Index::parse(&bytes, None).unwrap();
        let name = Stream::Index(index.digest);
        let object = self.put(&bytes);
        let stored: BTreeSet<String> = children
            .iter()
            .filter_map(|child| self.documents.iter().find(|(digest, _)| digest == child))
            .map(|(_, stream)| stream.to_string())
            .collect();
        let node = self.node(name);
        node.objects.insert(object);
        node.needs.extend(stored);
        Commit {
            indexes: &[IndexCommit {
                index: &index,
                bytes: &bytes,
            }],
            ..Commit::default()
        }
        .run(&self.fixture.repository)
        .unwrap();
        if let Some(subject) = subject {
            self.note_referrer(subject, index.digest, name);
        }
        self.documents.push((index.digest, name));
    }

    fn attach(&mut self, subject: usize, referrer: usize, cosign: bool) {
        if self.documents.is_empty() {
            return;
        }
        let subject = self.subject(subject);
        let (referrer, name) = self.documents[referrer % self.documents.len()];
        let relation = match cosign {
            true => Relation::Cosign(CosignKind::Signature),
            false => Relation::Attestation,
        };
        Commit {
            referrers: &[ReferrerCommit {
                subject,
                referrer,
                relation,
            }],
            ..Commit::default()
        }
        .run(&self.fixture.repository)
        .unwrap();
        self.note_referrer(subject, referrer, name);
        if cosign {
            let path = format!("lazaret/cosign-sha256-{}.sig", subject.hex());
            self.refs.insert(path, (name.to_string(), false));
        }
    }

    fn add_foreign(&mut self, number: usize, needs: &[usize], rooted: bool) {
        let repository = &self.fixture.repository;
        let kind = ContentType(0x1234_0000 + number as u64);
        let mut writer = repository.stream_writer(kind).unwrap();
        let known: Vec<String> = self.nodes.keys().cloned().collect();
        let mut node = Node::default();
        for (at, chosen) in needs.iter().enumerate() {
            if known.is_empty() {
                break;
            }
            let name = &known[chosen % known.len()];
            let linked = repository.resolve_stream(&name.parse().unwrap()).unwrap();
            // A layer that no image has was never named.
            if let Some(linked) = linked {
                writer.add_stream_ref(&format!("x-{at}"), &linked).unwrap();
                node.needs.insert(name.clone());
            }
        }
        let content = vec![b'f'; 200 + number];
        let object = repository.put(&content).unwrap();
        writer.object(&object.digest, object.size).unwrap();
        node.objects.insert(object_path(&object.digest));
        let name = format!("foreign-{number}");
        let mut transaction = repository.transaction();
        transaction.link_stream(name.parse().unwrap(), writer.finish().unwrap().digest);
        if rooted {
            transaction.link_ref("other/tool", &name, name.parse().unwrap());
            let path = format!("other/tool/{name}");
            self.refs.insert(path, (name.clone(), true));
        }
        transaction.commit().unwrap();
        self.nodes.insert(name, node);
    }

    fn tag(&mut self, number: usize, chosen: usize) {
        if self.documents.is_empty() {
            return;
        }
        let (digest, name) = self.documents[chosen % self.documents.len()];
        let tag: Tag = format!("x/tag:{number}").parse().unwrap();
        let path = format!("oci/{}", tag.to_file_name());
        Commit {
            tags: &[(tag, digest)],
            ..Commit::default()
        }
        .run(&self.fixture.repository)
        .unwrap();
        self.refs.insert(path, (name.to_string(), true));
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": ContentDigest::sha256(bytes), "size": bytes.len()})
}

/// The object that a link leads to.
pub(crate) fn linked(fixture: &Fixture, name: &str) -> VerityDigest {
    let resolved = fixture.repository.resolve_stream(&name.parse().unwrap());
    resolved.unwrap().unwrap()
}
