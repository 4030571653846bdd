//! What is to be sent: documents, each once, children before parents and what refers to something
//! before it; and their blobs, each once.
//!
//! Nothing is read here but documents, and of the destination nothing is known. What an index
//! names and the repository lacks is listed, all of it; whether it matters the destination decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lazaret_artifact::limits::MAX_INDEX_DEPTH;
use lazaret_artifact::media_type::Compression;
use lazaret_artifact::{ContentDigest, CosignKind, Descriptor, MediaType, Relation};
use lazaret_graph::names::{self, OwnRef, Stream};
use lazaret_graph::{GraphError, Image, Name, StoredIndex};
use lazaret_store::Repository;

use crate::content::Content;
use crate::error::PushError;
use crate::options::{PushOptions, Recompress};
use crate::parallel::Stop;

/// Documents of one push: whoever may add referrers to something could make a push of it endless.
const MAX_DOCUMENTS: usize = 65_536;

/// Referrers of referrers, and the indexes they may be: a chain is followed on the stack.
const MAX_DEPTH: usize = 32 + MAX_INDEX_DEPTH;

/// All that is to be sent.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// In the order of sending; the last is the one that was named.
    pub documents: Vec<Document>,
    /// Of all of them.
    pub blobs: Vec<Blob>,
    /// Named by an index and not stored.
    pub missing: Vec<Descriptor>,
    /// BuildKit's attestations of a manifest that is sent without the index that ties them to it.
    pub left_out: Vec<ContentDigest>,
}

impl Plan {
    /// The manifest or index that was named.
    pub(crate) fn root(&self) -> ContentDigest {
        let last = self.documents.last();
        let last = last.expect("a plan has what was named, or there is no plan");
        last.descriptor.digest
    }
}

/// A manifest or index.
#[derive(Debug)]
pub(crate) struct Document {
    /// As it came.
    pub descriptor: Descriptor,
    /// Where its bytes are.
    pub stream: Stream,
    /// What it refers to.
    pub subject: Option<ContentDigest>,
    /// Cosign's tags for it.
    pub tags: BTreeSet<String>,
    /// Whether it is sent only because it, or an index that lists it, refers to something.
    pub is_referrer: bool,
}

/// A blob.
#[derive(Debug)]
pub(crate) struct Blob {
    /// As the first document describes it.
    pub descriptor: Descriptor,
    /// What of it is stored.
    pub content: Content,
    /// All that documents say it is.
    pub media_types: BTreeSet<MediaType>,
}

impl Blob {
    /// Whether it can be compressed anew, and if so, whether every document that names it has a
    /// media type for the result.
    ///
    /// # Errors
    /// [`PushError::NoMediaType`].
    pub(crate) fn can_become(&self, how: Recompress) -> Result<bool, PushError> {
        let is_compressed = |kind: &MediaType| {
            matches!(
                kind.layer_compression(),
                Some(Compression::Gzip | Compression::Zstd)
            )
        };
        if !self.media_types.iter().all(is_compressed) {
            return Ok(false);
        }
        for media_type in &self.media_types {
            if crate::rewrite::layer_type(media_type, how.compression()).is_none() {
                return Err(PushError::NoMediaType {
                    digest: self.descriptor.digest,
                    media_type: media_type.clone(),
                    format: match how {
                        Recompress::Gzip(_) => "gzip",
                        Recompress::Zstd(_) => "zstd",
                    },
                });
            }
        }
        Ok(true)
    }
}

/// Plans what `name` stands for.
///
/// # Errors
/// Not found; damage; too much of it.
pub(crate) fn plan(
    repository: &Repository,
    name: &Name,
    options: &PushOptions,
    stop: &Stop,
) -> Result<Plan, PushError> {
    let mut planner = Planner {
        repository,
        referrers: options.referrers,
        stop,
        seen: HashMap::new(),
        blobs: HashMap::new(),
        tags: HashMap::new(),
        attestations: BTreeSet::new(),
        plan: Plan::default(),
    };
    match lazaret_graph::images::resolve(repository, name)? {
        Stream::Index(digest) if options.all => {
            let index = lazaret_graph::load_index(repository, &digest)?;
            planner.index(index, None, Place::ROOT)?;
        }
        _ => {
            let wanted = options.platform.as_ref();
            let image = lazaret_graph::load_platform(repository, name, wanted)?;
            planner.image(image, None, Place::ROOT)?;
        }
    }
    Ok(planner.finish())
}

/// Where the planner is.
#[derive(Debug, Clone, Copy)]
struct Place {
    depth: usize,
    is_referrer: bool,
}

impl Place {
    const ROOT: Self = Self {
        depth: 0,
        is_referrer: false,
    };

    const fn below(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }

    const fn referring(self) -> Self {
        Self {
            depth: self.depth + 1,
            is_referrer: true,
        }
    }
}

struct Planner<'a> {
    repository: &'a Repository,
    referrers: bool,
    stop: &'a Stop,
    /// Documents that were begun, and whether they were met only as referrers.
    seen: HashMap<ContentDigest, bool>,
    /// Places in the plan's blobs.
    blobs: HashMap<ContentDigest, usize>,
    tags: HashMap<ContentDigest, BTreeSet<String>>,
    attestations: BTreeSet<ContentDigest>,
    plan: Plan,
}

impl Planner<'_> {
    /// A manifest with its blobs and what refers to it. `parent` is what an index says of it.
    fn image(
        &mut self,
        image: Image,
        parent: Option<&Descriptor>,
        place: Place,
    ) -> Result<(), PushError> {
        let manifest = &image.manifest;
        if !self.begin(manifest.digest, place)? {
            return Ok(());
        }
        self.add_referrers(manifest.digest, place)?;
        self.add_blob(&manifest.config, Content::Exact(image.config_stream));
        for layer in &image.layers {
            let content = self.content_of(&layer.descriptor, layer.key, layer.stream)?;
            self.add_blob(&layer.descriptor, content);
        }
        let media_type = parent.map_or(&manifest.media_type, |parent| &parent.media_type);
        self.plan.documents.push(Document {
            descriptor: describe(
                manifest.digest,
                media_type,
                image.manifest_bytes.len(),
                manifest.artifact_type.as_ref(),
            ),
            stream: Stream::Manifest(manifest.digest),
            subject: manifest.subject.as_ref().map(|subject| subject.digest),
            // Known when all was met.
            tags: BTreeSet::new(),
            is_referrer: false,
        });
        Ok(())
    }

    /// An index with all that is below it and what refers to any of that.
    fn index(
        &mut self,
        stored: StoredIndex,
        parent: Option<&Descriptor>,
        place: Place,
    ) -> Result<(), PushError> {
        let index = &stored.index;
        if !self.begin(index.digest, place)? {
            return Ok(());
        }
        for child in &stored.children {
            let descriptor = &child.descriptor;
            let kind = &descriptor.media_type;
            if !kind.is_manifest() && !kind.is_index() {
                tracing::warn!(digest = %descriptor.digest, %kind, "neither manifest nor index");
            } else if child.stored {
                self.document(descriptor.digest, Some(descriptor), place.below())?;
            } else {
                self.plan.missing.push(descriptor.clone());
            }
        }
        self.add_referrers(index.digest, place)?;
        let media_type = parent.map_or(&index.media_type, |parent| &parent.media_type);
        self.plan.documents.push(Document {
            descriptor: describe(
                index.digest,
                media_type,
                stored.bytes.len(),
                index.artifact_type.as_ref(),
            ),
            stream: Stream::Index(index.digest),
            subject: index.subject.as_ref().map(|subject| subject.digest),
            // Known when all was met.
            tags: BTreeSet::new(),
            is_referrer: false,
        });
        Ok(())
    }

    fn document(
        &mut self,
        digest: ContentDigest,
        parent: Option<&Descriptor>,
        place: Place,
    ) -> Result<(), PushError> {
        match lazaret_graph::images::resolve(self.repository, &Name::Digest(digest))? {
            Stream::Index(digest) => {
                let index = lazaret_graph::load_index(self.repository, &digest)?;
                self.index(index, parent, place)
            }
            _ => {
                let image = lazaret_graph::load_manifest(self.repository, &digest)?;
                self.image(image, parent, place)
            }
        }
    }

    /// Whether a document is new here.
    fn begin(&mut self, digest: ContentDigest, place: Place) -> Result<bool, PushError> {
        self.stop.check()?;
        if let Some(is_referrer) = self.seen.get_mut(&digest) {
            *is_referrer &= place.is_referrer;
            return Ok(false);
        }
        self.seen.insert(digest, place.is_referrer);
        let limit = |what, limit| Err(PushError::Limit { what, limit });
        if self.seen.len() > MAX_DOCUMENTS {
            return limit("manifests and indexes", MAX_DOCUMENTS);
        }
        if place.depth > MAX_DEPTH {
            return limit("referrers and indexes one below the other", MAX_DEPTH);
        }
        Ok(true)
    }

    fn add_referrers(&mut self, subject: ContentDigest, place: Place) -> Result<(), PushError> {
        if !self.referrers {
            return Ok(());
        }
        // What has a `subject` may have cosign's tag besides.
        for kind in CosignKind::ALL {
            let name = OwnRef::Cosign(kind, subject).to_string();
            let target = self
                .repository
                .resolve_ref(names::LAZARET, &name)
                .map_err(GraphError::from)?;
            if let Some(target) = target.and_then(|target| Stream::parse(target.as_str())) {
                let tags = self.tags.entry(*target.digest()).or_default();
                tags.insert(kind.tag(&subject).to_string());
            }
        }
        for row in lazaret_graph::referrers(self.repository, &subject)? {
            if row.relation == Relation::Attestation {
                // Only the index that names both says that they belong together.
                self.attestations.insert(row.digest);
            } else {
                self.document(row.digest, None, place.referring())?;
            }
        }
        Ok(())
    }

    /// What of a layer is stored that the manifest describes and whose stream is `stream`.
    fn content_of(
        &self,
        descriptor: &Descriptor,
        key: ContentDigest,
        stream: lazaret_artifact::VerityDigest,
    ) -> Result<Content, PushError> {
        let is_plain = descriptor.media_type.layer_compression() == Some(Compression::None);
        if key == descriptor.digest || is_plain {
            return Ok(Content::Exact(stream));
        }
        let kept = lazaret_graph::find_content(self.repository, &descriptor.digest)?;
        Ok(match kept {
            Some(kept) => Content::Exact(kept.stream),
            None => Content::Unpacked {
                stream,
                diff_id: key,
            },
        })
    }

    fn add_blob(&mut self, descriptor: &Descriptor, content: Content) {
        let next = self.plan.blobs.len();
        let place = *self.blobs.entry(descriptor.digest).or_insert(next);
        if place == next {
            self.plan.blobs.push(Blob {
                descriptor: descriptor.clone(),
                content,
                media_types: BTreeSet::new(),
            });
        }
        let blob = &mut self.plan.blobs[place];
        blob.media_types.insert(descriptor.media_type.clone());
        if matches!(content, Content::Exact(_)) {
            blob.content = content;
        }
    }

    fn finish(mut self) -> Plan {
        for document in &mut self.plan.documents {
            let digest = &document.descriptor.digest;
            document.tags = self.tags.remove(digest).unwrap_or_default();
            document.is_referrer = self.seen.get(digest) == Some(&true);
        }
        self.plan.left_out = self
            .attestations
            .into_iter()
            .filter(|digest| !self.seen.contains_key(digest))
            .collect();
        self.plan
    }
}

fn describe(
    digest: ContentDigest,
    media_type: &MediaType,
    size: usize,
    artifact_type: Option<&MediaType>,
) -> Descriptor {
    Descriptor {
        media_type: media_type.clone(),
        digest,
        size: size as u64,
        artifact_type: artifact_type.cloned(),
        from: None,
        name: None,
        platform: None,
        annotations: BTreeMap::new(),
    }
}
