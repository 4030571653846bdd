//! What a pull did.

use lazaret_artifact::record::{Severity, Verdict};
use lazaret_artifact::{ContentDigest, MediaType, Platform, Tag};

use crate::documents::Documents;
use crate::fetch::{Fetched, Found};
use crate::plan::{Plan, Wanted};
use crate::recorder::ObjectCounts;
use crate::referrers::PulledReferrer;

/// What a pull brought in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pulled {
    /// Digest of what was asked for, which the tags name: an index, or a manifest.
    pub root: ContentDigest,
    /// Which of the two.
    pub root_is_index: bool,
    /// Tags it now has.
    pub tags: Vec<Tag>,
    /// Those of them that named something else before, and what.
    pub moved: Vec<(Tag, ContentDigest)>,
    /// All indexes, parents before children; those of referrers come last.
    pub indexes: Vec<ContentDigest>,
    /// All manifests in the order of the indexes; those of referrers come last.
    pub manifests: Vec<PulledManifest>,
    /// What came because it refers to something here. A manifest that refers to two is here twice.
    pub referrers: Vec<PulledReferrer>,
    /// What importers, or a comparison of what they say, find fault with, in words.
    pub findings: Vec<String>,
}

/// One image or artifact of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PulledManifest {
    /// Digest of the manifest.
    pub manifest: ContentDigest,
    /// Digest of its config.
    pub config: ContentDigest,
    /// Platform, for images.
    pub platform: Option<Platform>,
    /// What it says it is, for artifacts.
    pub artifact_type: Option<MediaType>,
    /// Layers or blobs, in the manifest's order.
    pub layers: Vec<PulledLayer>,
}

/// One layer or blob of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PulledLayer {
    /// Digest as it travelled.
    pub digest: ContentDigest,
    /// Digest of what is stored.
    pub content: ContentDigest,
    /// Media type, as declared.
    pub media_type: MediaType,
    /// Size as it travelled.
    pub travelled: u64,
    /// Size of what is stored.
    pub size: u64,
    /// Whether it was there and verified before.
    pub reused: bool,
    /// Whether something of it was there and damaged, and is not any more.
    pub repaired: bool,
    /// Whether the bytes that travelled are kept beside what they decompress to.
    pub kept_compressed: bool,
    /// Entries its importer found.
    pub entries: u64,
    /// Fuel its importer used.
    pub fuel: u64,
    /// Objects it became; zero for a reused one.
    pub objects: ObjectCounts,
    /// Why it has no entries, when its importer failed on it.
    pub opaque: Option<String>,
    /// What it decompresses to, where that was looked into: a blob of an artifact is kept as it
    /// travelled, and this beside it.
    pub inside: Option<ContentDigest>,
    /// Parts found in it by this pull, such as tensors.
    pub parts: u64,
    /// Files in it that an importer read in this pull.
    pub handed_on: u64,
    /// The worst verdict on it and the files in it; none where nobody judged.
    pub severity: Option<Severity>,
}

impl Pulled {
    pub(crate) fn new(
        root: ContentDigest,
        (tags, moved): (Vec<Tag>, Vec<(Tag, ContentDigest)>),
        documents: &Documents,
        plan: &Plan,
        fetched: &[Fetched],
        referrers: Vec<PulledReferrer>,
        findings: Vec<String>,
    ) -> Self {
        let indexes: Vec<ContentDigest> = documents
            .indexes
            .iter()
            .map(|document| document.index.digest)
            .collect();
        let manifests = documents
            .manifests
            .iter()
            .zip(&plan.layers)
            .map(|(document, layers)| PulledManifest {
                manifest: document.manifest.digest,
                config: document.manifest.config.digest,
                platform: document.image.as_ref().map(|image| image.platform.clone()),
                artifact_type: document.manifest.artifact_type.clone(),
                layers: layers
                    .iter()
                    .zip(&document.manifest.layers)
                    .map(|(&blob, descriptor)| PulledLayer {
                        media_type: descriptor.media_type.clone(),
                        ..PulledLayer::new(&plan.wanted[blob], &fetched[blob])
                    })
                    .collect(),
            })
            .collect();
        Self {
            root,
            root_is_index: indexes.contains(&root),
            tags,
            moved,
            indexes,
            manifests,
            referrers,
            findings,
        }
    }

    /// Each distinct layer or blob once, however many manifests have it.
    pub fn distinct_layers(&self) -> impl Iterator<Item = &PulledLayer> {
        let mut seen = std::collections::HashSet::new();
        self.manifests
            .iter()
            .flat_map(|manifest| &manifest.layers)
            .filter(move |layer| seen.insert((layer.digest, layer.content)))
    }
}

impl PulledLayer {
    fn new(wanted: &Wanted, fetched: &Fetched) -> Self {
        let found = &fetched.found;
        let mut layer = Self {
            digest: wanted.descriptor.digest,
            content: wanted.content(),
            media_type: wanted.descriptor.media_type.clone(),
            travelled: wanted.descriptor.size,
            size: found.size(),
            reused: matches!(found, Found::Known(_)),
            repaired: fetched.repaired,
            kept_compressed: fetched.kept.is_some(),
            entries: 0,
            fuel: 0,
            objects: ObjectCounts::default(),
            opaque: found.fault().map(str::to_owned),
            inside: None,
            parts: 0,
            handed_on: 0,
            severity: None,
        };
        layer.add(found);
        if let Some((content, found)) = &fetched.inside {
            layer.inside = Some(*content);
            layer.reused &= matches!(found, Found::Known(_));
            layer.add(found);
        }
        if let Some(stored) = fetched.kept.as_ref().and_then(|kept| kept.stored) {
            layer.objects.add(&stored);
        }
        layer
    }

    fn add(&mut self, found: &Found) {
        self.entries += found.entries();
        self.severity = self.severity.max(found.severity());
        match found {
            Found::Known(known) => self.fuel += known.summary.fuel,
            Found::Imported(imported) => {
                self.fuel += imported.fuel;
                self.objects.merge(&imported.counts);
                self.parts += imported.noted.parts;
                self.handed_on += imported.noted.read;
            }
        }
    }
}

impl Found {
    fn size(&self) -> u64 {
        match self {
            Self::Known(known) => known.summary.size,
            Self::Imported(imported) => imported.size,
        }
    }

    fn entries(&self) -> u64 {
        match self {
            Self::Known(known) => known.summary.entries,
            Self::Imported(imported) => imported.noted.entries,
        }
    }

    pub(crate) fn severity(&self) -> Option<Severity> {
        match self {
            Self::Known(known) => known.summary.severity,
            Self::Imported(imported) => imported.noted.severity,
        }
    }

    /// Why an importer failed on it.
    pub(crate) fn fault(&self) -> Option<&str> {
        match self {
            Self::Imported(imported) => imported.opaque.as_deref(),
            Self::Known(known) => match &known.summary.verdict {
                Verdict::Faulted(reason) => Some(reason),
                Verdict::Imported | Verdict::Opaque => None,
            },
        }
    }

    /// Whether it is declared as more than one thing.
    pub(crate) fn is_disputed(&self) -> bool {
        match self {
            Self::Known(known) => known.is_disputed,
            Self::Imported(imported) => imported.noted.is_disputed,
        }
    }

    /// Files in it that no importer was asked about.
    pub(crate) fn unread(&self) -> u64 {
        match self {
            Self::Known(known) => known.summary.unread,
            Self::Imported(imported) => imported.noted.unread,
        }
    }

    /// Files in it that an importer failed on.
    pub(crate) fn faults(&self) -> u64 {
        match self {
            Self::Known(known) => known.summary.faults,
            Self::Imported(imported) => imported.noted.faults,
        }
    }
}
