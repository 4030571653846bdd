//! Giving an import its names: the last step, in which an image becomes visible.
//!
//! All layers and records are in the store already. The config's and the manifest's streams are
//! staged, then one transaction links everything, tags last. A stream that is there and says what
//! is needed is used as it is; one that has to be written anew keeps the named refs that other
//! tools put there. Where a layer or config gets another stream than it had, every config and
//! manifest that refers to it by its key is rewritten in the same transaction: `cfsctl gc` follows
//! only refs to streams that are linked, and would delete what the others need.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_artifact::{ContentDigest, ImageConfig, Manifest, Tag, VerityDigest};
use lazaret_store::Repository;

use crate::error::GraphError;
use crate::listing;
use crate::lock::NamesLock;
use crate::names::{self, Stream, config_key, is_known_image, layer_key, record_ref};
use crate::stored::{self, Refs};

/// A layer's stream, stored and verified, not necessarily linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerRef {
    /// The diff_id, or the digest of an artifact's blob.
    pub key: ContentDigest,
    /// The stream that rebuilds it.
    pub stream: VerityDigest,
}

/// An import record, stored, not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef {
    /// What it is a record of.
    pub content: ContentDigest,
    /// The record's own stream.
    pub stream: VerityDigest,
}

/// An image or artifact to be named.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// Its exact bytes.
    pub manifest_bytes: &'a [u8],
    /// The config's exact bytes.
    pub config_bytes: &'a [u8],
    /// A stream for every layer, in any order; one is enough for layers that are equal.
    pub layers: &'a [LayerRef],
    /// Records that this import made.
    pub records: &'a [RecordRef],
    /// Tags to give it; a tag that is there moves.
    pub tags: &'a [Tag],
}

/// What a commit linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The manifest's stream.
    pub manifest: VerityDigest,
    /// The config's stream.
    pub config: VerityDigest,
    /// Streams of other images that were rewritten because they share a layer or config with this
    /// one and its stream changed.
    pub rewritten: Vec<Stream>,
}

impl Commit<'_> {
    /// Stages the documents and links everything.
    ///
    /// # Errors
    /// Input faults when documents and layers contradict each other; the store's. Nothing is
    /// linked then.
    pub fn run(&self, repository: &Repository) -> Result<Committed, GraphError> {
        let image = self.check()?;
        let layers = self.needed_layers(image.as_ref())?;
        for (key, stream) in &layers {
            require_object(repository, Stream::Layer(*key), stream)?;
        }
        for record in self.records {
            require_object(repository, Stream::Record(record.content), &record.stream)?;
        }
        let _lock = NamesLock::acquire(repository)?;

        // Keys whose stream is not the one that is linked now.
        let mut changed = Refs::new();
        let mut links: Vec<(Stream, VerityDigest)> = Vec::new();
        for (key, stream) in &layers {
            let name = Stream::Layer(*key);
            let linked = repository.resolve_stream(&name.name())?;
            if linked.is_some_and(|linked| linked != *stream) {
                changed.insert(layer_key(key), *stream);
            }
            links.push((name, *stream));
        }
        for record in self.records {
            links.push((Stream::Record(record.content), record.stream));
        }

        let config_name = Stream::Config(self.manifest.config.digest);
        let config_refs = match &image {
            Some(_) => layer_refs(&layers),
            // Many artifacts share one config, often `{}`; no artifact's layers belong there.
            None => Refs::new(),
        };
        let (config, config_changed) =
            stage(repository, config_name, self.config_bytes, config_refs)?;
        if config_changed {
            changed.insert(config_key(&self.manifest.config.digest), config);
        }

        let manifest_name = Stream::Manifest(self.manifest.digest);
        let manifest_refs = self.manifest_refs(&layers, image.as_ref(), config);
        let (manifest, _) = stage(
            repository,
            manifest_name,
            self.manifest_bytes,
            manifest_refs,
        )?;

        let own = BTreeSet::from([config_name, manifest_name]);
        let others = rewrite_others(repository, changed, &own)?;
        links.extend(&others);
        links.push((config_name, config));
        links.push((manifest_name, manifest));
        self.link(repository, &links)?;
        tracing::debug!(digest = %self.manifest.digest, rewritten = others.len(), "committed");
        Ok(Committed {
            manifest,
            config,
            rewritten: others.into_iter().map(|(name, _)| name).collect(),
        })
    }

    /// The caller verified all this when it fetched the documents; a mix-up between the two would
    /// put a lie into the repository, so it is looked at once more.
    fn check(&self) -> Result<Option<ImageConfig>, GraphError> {
        let manifest = self.manifest;
        let differs = |what, digest, expected: String, found: String| GraphError::Input {
            what,
            digest,
            expected: expected.into(),
            found: found.into(),
        };
        let found = manifest.digest.of_same_kind(self.manifest_bytes);
        if found != manifest.digest {
            let expected = manifest.digest.to_string();
            return Err(differs(
                "manifest digest",
                manifest.digest,
                expected,
                found.to_string(),
            ));
        }
        let config = manifest.config.digest;
        let found = config.of_same_kind(self.config_bytes);
        if found != config {
            return Err(differs(
                "config digest",
                config,
                config.to_string(),
                found.to_string(),
            ));
        }
        if !manifest.is_image() {
            return Ok(None);
        }
        let image =
            ImageConfig::parse(self.config_bytes).map_err(|source| GraphError::Document {
                source: Box::new(source),
            })?;
        let (expected, found) = (image.diff_ids.len(), manifest.layers.len());
        if expected != found {
            return Err(differs(
                "number of layers",
                manifest.digest,
                expected.to_string(),
                found.to_string(),
            ));
        }
        Ok(Some(image))
    }

    fn needed_layers(
        &self,
        image: Option<&ImageConfig>,
    ) -> Result<BTreeMap<ContentDigest, VerityDigest>, GraphError> {
        let given: BTreeMap<ContentDigest, VerityDigest> = self
            .layers
            .iter()
            .map(|layer| (layer.key, layer.stream))
            .collect();
        stored::layer_digests(self.manifest, image)
            .into_iter()
            .map(|key| match given.get(&key) {
                Some(stream) => Ok((key, *stream)),
                None => Err(GraphError::LayerNotGiven { layer: key }),
            })
            .collect()
    }

    fn manifest_refs(
        &self,
        layers: &BTreeMap<ContentDigest, VerityDigest>,
        image: Option<&ImageConfig>,
        config: VerityDigest,
    ) -> Refs {
        let mut refs = layer_refs(layers);
        refs.insert(config_key(&self.manifest.config.digest), config);
        if let Some(image) = image
            && !is_known_image(self.manifest)
        {
            for (blob, diff_id) in self.manifest.layers.iter().zip(&image.diff_ids) {
                refs.insert(layer_key(&blob.digest), layers[diff_id]);
            }
        }
        refs
    }

    fn link(
        &self,
        repository: &Repository,
        links: &[(Stream, VerityDigest)],
    ) -> Result<(), GraphError> {
        let mut transaction = repository.transaction();
        for (name, stream) in links {
            transaction.link_stream(name.name(), *stream);
        }
        for record in self.records {
            let name = Stream::Record(record.content).name();
            transaction.link_ref(names::LAZARET, &record_ref(&record.content), name);
        }
        for tag in self.tags {
            let name = Stream::Manifest(self.manifest.digest).name();
            transaction.link_ref(names::TAGS, &tag.to_file_name(), name);
        }
        Ok(transaction.commit()?)
    }
}

fn layer_refs(layers: &BTreeMap<ContentDigest, VerityDigest>) -> Refs {
    layers
        .iter()
        .map(|(key, stream)| (layer_key(key), *stream))
        .collect()
}

fn require_object(
    repository: &Repository,
    stream: Stream,
    object: &VerityDigest,
) -> Result<(), GraphError> {
    match repository.has_object(object)? {
        Some(_) => Ok(()),
        None => Err(GraphError::NoObject {
            stream,
            object: object.to_string(),
        }),
    }
}

/// The stream of a document with at least these refs, and whether that is another one than is
/// linked: the linked one if it will do, else a new one with all the linked one's other refs.
fn stage(
    repository: &Repository,
    name: Stream,
    bytes: &[u8],
    needed: Refs,
) -> Result<(VerityDigest, bool), GraphError> {
    let Some(linked) = repository.resolve_stream(&name.name())? else {
        return Ok((stored::write(repository, name, bytes, &needed)?, false));
    };
    let mut refs = match stored::read_from(repository, name, linked) {
        Ok(stored) => {
            let mut refs = stored.refs.clone();
            refs.extend(needed.clone());
            if refs == stored.refs {
                return Ok((linked, false));
            }
            refs
        }
        Err(error) if error.is_damage() => {
            tracing::warn!(stream = %name, %error, "replacing a damaged stream");
            Refs::new()
        }
        Err(error) => return Err(error),
    };
    refs.extend(needed);
    let stream = stored::write(repository, name, bytes, &refs)?;
    Ok((stream, stream != linked))
}

/// New streams for all other configs and manifests that refer to something under a changed key.
fn rewrite_others(
    repository: &Repository,
    mut changed: Refs,
    own: &BTreeSet<Stream>,
) -> Result<Vec<(Stream, VerityDigest)>, GraphError> {
    let mut rewritten = Vec::new();
    if changed.is_empty() {
        return Ok(rewritten);
    }
    let mut streams = listing::streams(repository)?;
    streams.retain(|(name, _)| {
        !own.contains(name) && matches!(name, Stream::Config(_) | Stream::Manifest(_))
    });
    // Configs first: a config's new stream changes what manifests must refer to.
    streams.sort_by_key(|(name, _)| (matches!(name, Stream::Manifest(_)), *name));
    for (name, linked) in streams {
        match rewrite(repository, name, linked, &changed) {
            Ok(None) => {}
            Ok(Some(stream)) => {
                if let Stream::Config(digest) = &name {
                    changed.insert(config_key(digest), stream);
                }
                rewritten.push((name, stream));
            }
            Err(error) if error.is_damage() => {
                tracing::warn!(stream = %name, %error, "cannot update references of this stream");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(rewritten)
}

fn rewrite(
    repository: &Repository,
    name: Stream,
    linked: VerityDigest,
    changed: &Refs,
) -> Result<Option<VerityDigest>, GraphError> {
    let (object, mut refs) = repository.single_object(&linked, stored::content_type(name))?;
    let mut differs = false;
    for (key, stream) in &mut refs {
        if let Some(new) = changed.get(key)
            && new != stream
        {
            *stream = *new;
            differs = true;
        }
    }
    if !differs {
        return Ok(None);
    }
    let Some(size) = repository.has_object(&object)? else {
        return Err(GraphError::NoObject {
            stream: name,
            object: object.to_string(),
        });
    };
    stored::write_refs(repository, name, &object, size, &refs).map(Some)
}
