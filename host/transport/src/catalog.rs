//! What an `index.json` offers: the entries a reference may mean, their tags, and what refers to
//! what. The same for directories and archives.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use lazaret_artifact::limits::MAX_INDEX_DEPTH;
use lazaret_artifact::{ContentDigest, CosignKind, Descriptor, Index, Manifest, Relation};

use crate::documents::Documents;
use crate::error::TransportError;
use crate::reference::REF_NAME;
use crate::source::{Referrer, Source};

/// The entries of an `index.json`.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) index: Index,
    /// By subject; found out when first asked, for it takes reading every manifest.
    referrers: OnceLock<BTreeMap<ContentDigest, Vec<Referrer>>>,
    /// Held while that is found out, so that of several threads one reads and the others wait. How
    /// often it was.
    searches: Mutex<u32>,
}

impl Catalog {
    pub(crate) const fn new(index: Index) -> Self {
        Self {
            index,
            referrers: OnceLock::new(),
            searches: Mutex::new(0),
        }
    }

    /// The entries that a reference may mean: those with its tag, or all of them when it has none.
    /// An entry that is listed twice comes once. `path` is for messages.
    pub(crate) fn roots(
        &self,
        tag: Option<&str>,
        path: &Path,
    ) -> Result<Vec<Descriptor>, TransportError> {
        let mut seen = HashSet::new();
        let roots: Vec<Descriptor> = self
            .index
            .manifests
            .iter()
            .filter(|entry| tag.is_none() || name_of(entry) == tag)
            .filter(|entry| seen.insert(entry.digest))
            .cloned()
            .collect();
        match tag {
            _ if !roots.is_empty() => Ok(roots),
            None => Err(TransportError::Empty {
                path: path.to_owned(),
            }),
            Some(tag) => Err(TransportError::NoSuchTag {
                tag: tag.to_owned(),
                available: names_of(&self.index.manifests),
            }),
        }
    }

    /// The tags, each once, in the index's order.
    pub(crate) fn tags(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        self.index
            .manifests
            .iter()
            .filter_map(name_of)
            .filter(|name| seen.insert(*name))
            .map(str::to_owned)
            .collect()
    }

    /// What refers directly to `subject`; see [`Source::referrers`]. `source` is what this is the
    /// catalog of.
    pub(crate) fn referrers(
        &self,
        source: &Source,
        subject: &ContentDigest,
    ) -> Result<Vec<Referrer>, TransportError> {
        let all = match self.referrers.get() {
            Some(all) => all,
            None => self.search(source)?,
        };
        Ok(all.get(subject).cloned().unwrap_or_default())
    }

    fn search(
        &self,
        source: &Source,
    ) -> Result<&BTreeMap<ContentDigest, Vec<Referrer>>, TransportError> {
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        // Who waited finds it done, or fails as the other did.
        if let Some(all) = self.referrers.get() {
            return Ok(all);
        }
        *searches += 1;
        let found = Search::new(source).run(&self.index)?;
        Ok(self.referrers.get_or_init(|| found))
    }
}

/// A walk through all documents that the index leads to.
struct Search<'a> {
    documents: Documents<'a>,
    /// The greatest depth each index was walked at.
    walked: HashMap<ContentDigest, usize>,
    examined: HashSet<ContentDigest>,
    found: BTreeMap<ContentDigest, Vec<Referrer>>,
}

impl<'a> Search<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            documents: Documents::new(source, "documents to read for referrers"),
            walked: HashMap::new(),
            examined: HashSet::new(),
            found: BTreeMap::new(),
        }
    }

    fn run(
        mut self,
        index: &Index,
    ) -> Result<BTreeMap<ContentDigest, Vec<Referrer>>, TransportError> {
        self.walk(&index.manifests, 0)?;
        // Last, so that what has a subject counts as having one.
        for entry in &index.manifests {
            let tag = name_of(entry).map(|name| name.rsplit(':').next().unwrap_or(name));
            if let Some((kind, subject)) = tag.and_then(CosignKind::parse_tag) {
                self.add(subject, entry.clone(), Relation::Cosign(kind));
            }
        }
        Ok(self.found)
    }

    fn walk(&mut self, entries: &[Descriptor], depth: usize) -> Result<(), TransportError> {
        for entry in entries {
            if entry.media_type.is_manifest() {
                self.examine_manifest(entry)?;
            } else if entry.media_type.is_index() {
                self.examine_index(entry, depth)?;
            }
        }
        Ok(())
    }

    fn examine_manifest(&mut self, entry: &Descriptor) -> Result<(), TransportError> {
        if !self.examined.insert(entry.digest) {
            return Ok(());
        }
        let Some(manifest) = present(self.documents.manifest(entry))? else {
            return Ok(());
        };
        let Manifest {
            subject: Some(subject),
            artifact_type,
            config,
            ..
        } = manifest
        else {
            return Ok(());
        };
        let mut entry = entry.clone();
        // What a registry would say (distribution-spec, "Listing Referrers").
        entry.artifact_type = entry
            .artifact_type
            .or(artifact_type)
            .or(Some(config.media_type));
        self.add(subject.digest, entry, Relation::Subject);
        Ok(())
    }

    fn examine_index(&mut self, entry: &Descriptor, depth: usize) -> Result<(), TransportError> {
        match self.walked.insert(entry.digest, depth) {
            Some(before) if before >= depth => {
                self.walked.insert(entry.digest, before);
                return Ok(());
            }
            _ => {}
        }
        if depth >= MAX_INDEX_DEPTH {
            return Err(TransportError::nested(entry, depth));
        }
        let Some(index) = present(self.documents.index(entry))? else {
            return Ok(());
        };
        if let Some(subject) = &index.subject
            && self.examined.insert(entry.digest)
        {
            let mut entry = entry.clone();
            entry.artifact_type = entry.artifact_type.or_else(|| index.artifact_type.clone());
            self.add(subject.digest, entry, Relation::Subject);
        }
        self.walk(&index.manifests, depth + 1)
    }

    fn add(&mut self, subject: ContentDigest, descriptor: Descriptor, relation: Relation) {
        let of_subject = self.found.entry(subject).or_default();
        if of_subject
            .iter()
            .all(|other| other.descriptor.digest != descriptor.digest)
        {
            of_subject.push(Referrer {
                descriptor,
                relation,
            });
        }
    }
}

/// A layout need not have everything that its indexes name: who copies one platform of an image
/// leaves the others behind. What is not there refers to nothing.
fn present<T>(result: Result<T, TransportError>) -> Result<Option<T>, TransportError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(TransportError::MissingBlob { digest, .. }) => {
            tracing::debug!(%digest, "named and not there; not searched for referrers");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

pub(crate) fn name_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME).map(String::as_str)
}

/// How people would name these entries: by tag, or by digest where they have none.
pub(crate) fn names_of(entries: &[Descriptor]) -> Vec<String> {
    let mut seen = HashSet::new();
    entries
        .iter()
        .map(|entry| match name_of(entry) {
            Some(tag) => tag.to_owned(),
            None => format!("@{}", entry.digest),
        })
        .filter(|name| seen.insert(name.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
