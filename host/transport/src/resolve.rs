//! From a reference to what is to be had: one manifest, those for some platforms, or all there is.
//!
//! What is chosen comes with every index on the way to it, so that the way can be stored too.
//! BuildKit's attestations are never chosen for a platform; with everything they come along.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use lazaret_artifact::limits::MAX_INDEX_DEPTH;
use lazaret_artifact::referrer::is_attestation;
use lazaret_artifact::{ContentDigest, Descriptor, ImageConfig, Index, Manifest, Platform};

use crate::catalog::names_of;
use crate::documents::{Documents, MAX_DOCUMENTS_TO_CHOOSE};
use crate::error::TransportError;
use crate::source::Source;

mod choose;

use choose::{Choice, Chooser};

/// What of an index is wanted. A reference to a manifest means that manifest, whichever of these
/// it is, as long as it is for a platform that is insisted on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// This machine's manifest. An image that is the only one there is taken whatever it is for,
    /// as skopeo does.
    #[default]
    Best,
    /// For each of these platforms, one manifest; there must be one. None of them is [`Self::Best`].
    Platforms(Vec<Platform>),
    /// Every manifest of every index, attestations included.
    All,
}

/// What a reference stands for, read and verified.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The entry the reference named: an index's or the manifest's own. It carries the tag.
    pub root: Descriptor,
    /// The indexes on a way from the root to a chosen manifest, parents before children, each
    /// digest once; of [`Selection::All`] every index. A layout's `index.json` is not one of them.
    /// Empty when the root is a manifest.
    pub indexes: Vec<IndexDocument>,
    /// The chosen manifests in the indexes' order, each digest once.
    pub manifests: Vec<ManifestDocument>,
}

/// An index, verified.
#[derive(Debug, Clone)]
pub struct IndexDocument {
    /// What led to it.
    pub descriptor: Descriptor,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// Parsed from them; its digest is the descriptor's.
    pub index: Index,
}

/// A manifest with its config, both verified.
#[derive(Debug, Clone)]
pub struct ManifestDocument {
    /// What led to it.
    pub descriptor: Descriptor,
    /// The manifest's exact bytes.
    pub bytes: Vec<u8>,
    /// Parsed from them; its digest is the descriptor's.
    pub manifest: Manifest,
    /// The config's exact bytes.
    pub config: Vec<u8>,
    /// Parsed from them, for an image. It names as many diff_ids as the manifest has layers.
    pub image: Option<ImageConfig>,
}

/// See [`Source::resolve`].
pub(crate) fn resolve(source: &Source, selection: &Selection) -> Result<Resolved, TransportError> {
    let mut documents = match selection {
        Selection::All => Documents::new(source, "documents to read").for_caller(),
        Selection::Best | Selection::Platforms(_) => {
            Documents::new(source, "documents to read before the image is found")
                .at_most(MAX_DOCUMENTS_TO_CHOOSE)
                .for_caller()
        }
    };
    let roots = roots(&mut documents)?;
    let wanted: Vec<Option<&Platform>> = match selection {
        Selection::All => return everything(documents, only_root(&roots)?),
        Selection::Best => vec![None],
        Selection::Platforms(platforms) if platforms.is_empty() => vec![None],
        Selection::Platforms(platforms) => platforms.iter().map(Some).collect(),
    };
    let mut choices: Vec<Choice> = Vec::new();
    for platform in wanted {
        let choice = Chooser::new(&mut documents, platform).choose_from(&roots)?;
        // One name can be given to one root only.
        if choices
            .first()
            .is_some_and(|first| first.root.digest != choice.root.digest)
        {
            return Err(ambiguous(&roots));
        }
        choices.push(choice);
    }
    let root = choices[0].root.clone();
    let mut walk = Walk::new(&mut documents);
    walk.within = Some(
        choices
            .iter()
            .flat_map(|choice| &choice.path)
            .map(|index| index.digest)
            .collect(),
    );
    walk.enter(&root, 0)?;
    let Walk {
        indexes, manifests, ..
    } = walk;
    // As the choice described it: another entry of the same digest may say less.
    let chosen: Vec<&Descriptor> = manifests
        .iter()
        .filter_map(|entry| {
            let same = |choice: &&Choice| choice.descriptor.digest == entry.digest;
            choices.iter().find(same).map(|choice| &choice.descriptor)
        })
        .collect();
    read(&mut documents, root, &indexes, &chosen)
}

/// See [`Source::resolve_descriptor`].
pub(crate) fn resolve_descriptor(
    source: &Source,
    descriptor: &Descriptor,
) -> Result<Resolved, TransportError> {
    let documents = Documents::new(source, "documents to read").for_caller();
    everything(documents, descriptor)
}

/// The entries the reference may mean; the one of its digest, where it names one.
fn roots(documents: &mut Documents<'_>) -> Result<Vec<Descriptor>, TransportError> {
    let source = documents.source();
    if let Source::Registry(registry) = source {
        let (root, bytes) = registry.resolve_root()?;
        documents.insert(&root, bytes);
        return Ok(vec![root]);
    }
    let roots = source.roots()?;
    let Some(digest) = source.wanted_digest() else {
        return Ok(roots);
    };
    match find_digest(documents, &roots, digest, 0, &mut Tried::default())? {
        Some(found) => Ok(vec![found]),
        None => Err(TransportError::NoSuchDigest {
            digest: *digest,
            available: names_of(&roots),
        }),
    }
}

/// The entry of that digest: here, or in an index below, at any depth that is allowed.
fn find_digest(
    documents: &mut Documents<'_>,
    entries: &[Descriptor],
    digest: &ContentDigest,
    depth: usize,
    tried: &mut Tried,
) -> Result<Option<Descriptor>, TransportError> {
    if let Some(found) = entries.iter().find(|entry| entry.digest == *digest) {
        return Ok(Some(found.clone()));
    }
    for entry in entries.iter().filter(|entry| entry.media_type.is_index()) {
        if !tried.is_worth(&entry.digest, depth) {
            continue;
        }
        let below = read_index(documents, entry, depth)?;
        let found = find_digest(documents, &below.manifests, digest, depth + 1, tried)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The greatest depth at which each index was gone through. Four indexes one inside the other, each
/// listing the next a thousand times, would otherwise be gone through a thousand million times.
#[derive(Debug, Default)]
struct Tried(HashMap<ContentDigest, usize>);

impl Tried {
    /// Whether the index was gone through at a lesser depth only, or never: at a greater one it
    /// may lead too deep. That is at most once for each depth that is allowed.
    fn is_worth(&mut self, digest: &ContentDigest, depth: usize) -> bool {
        match self.0.get(digest) {
            Some(before) if *before >= depth => false,
            _ => {
                self.0.insert(*digest, depth);
                true
            }
        }
    }
}

/// The one root there is, leaving attestations beside it out of the count.
fn only_root(roots: &[Descriptor]) -> Result<&Descriptor, TransportError> {
    if let [root] = roots {
        return Ok(root);
    }
    let mut images = roots.iter().filter(|root| !is_attestation(root));
    match (images.next(), images.next()) {
        (Some(root), None) => Ok(root),
        _ => Err(ambiguous(roots)),
    }
}

fn ambiguous(roots: &[Descriptor]) -> TransportError {
    TransportError::Ambiguous {
        available: names_of(roots),
    }
}

fn everything(mut documents: Documents<'_>, root: &Descriptor) -> Result<Resolved, TransportError> {
    let mut walk = Walk::new(&mut documents);
    walk.enter(root, 0)?;
    let Walk {
        indexes, manifests, ..
    } = walk;
    let manifests: Vec<&Descriptor> = manifests.iter().collect();
    read(&mut documents, root.clone(), &indexes, &manifests)
}

fn read(
    documents: &mut Documents<'_>,
    root: Descriptor,
    indexes: &[Descriptor],
    manifests: &[&Descriptor],
) -> Result<Resolved, TransportError> {
    let resolved = Resolved {
        root,
        indexes: indexes
            .iter()
            .map(|index| documents.index_document(index))
            .collect::<Result<_, _>>()?,
        manifests: manifests
            .iter()
            .map(|manifest| documents.manifest_document(manifest))
            .collect::<Result<_, _>>()?,
    };
    tracing::debug!(
        root = %resolved.root.digest,
        indexes = resolved.indexes.len(),
        manifests = resolved.manifests.len(),
        "resolved"
    );
    Ok(resolved)
}

fn read_index(
    documents: &mut Documents<'_>,
    descriptor: &Descriptor,
    depth: usize,
) -> Result<Rc<Index>, TransportError> {
    if !descriptor.media_type.is_index() {
        return Err(TransportError::NotADocument {
            digest: descriptor.digest,
            media_type: descriptor.media_type.clone(),
        });
    }
    if depth >= MAX_INDEX_DEPTH {
        return Err(TransportError::nested(descriptor, depth));
    }
    documents.index(descriptor)
}

/// Collects all that is below a root, each digest once.
struct Walk<'a, 'b> {
    documents: &'a mut Documents<'b>,
    /// The only indexes to walk through, where there is a choice.
    within: Option<HashSet<ContentDigest>>,
    /// Of each index the longest way to it. Sorted by that, parents come before their children.
    depths: HashMap<ContentDigest, usize>,
    indexes: Vec<Descriptor>,
    seen: HashSet<ContentDigest>,
    manifests: Vec<Descriptor>,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn new(documents: &'a mut Documents<'b>) -> Self {
        Self {
            documents,
            within: None,
            depths: HashMap::new(),
            indexes: Vec::new(),
            seen: HashSet::new(),
            manifests: Vec::new(),
        }
    }

    /// The root itself must be a manifest or an index.
    fn enter(&mut self, root: &Descriptor, depth: usize) -> Result<(), TransportError> {
        if root.media_type.is_manifest() {
            self.manifests.push(root.clone());
            return Ok(());
        }
        self.walk(root, depth)?;
        let depths = &self.depths;
        self.indexes.sort_by_key(|index| depths[&index.digest]);
        Ok(())
    }

    fn walk(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), TransportError> {
        let before = self.depths.get(&descriptor.digest).copied();
        // At most once for each depth that is allowed, whatever the indexes look like.
        if before.is_some_and(|before| before >= depth) {
            return Ok(());
        }
        let index = read_index(self.documents, descriptor, depth)?;
        self.depths.insert(descriptor.digest, depth);
        if before.is_none() {
            self.indexes.push(descriptor.clone());
        }
        for entry in &index.manifests {
            if entry.media_type.is_manifest() {
                if self.seen.insert(entry.digest) {
                    self.manifests.push(entry.clone());
                }
            } else if !entry.media_type.is_index() {
                if self.within.is_none() {
                    tracing::warn!(
                        digest = %entry.digest, media_type = %entry.media_type,
                        "left out: neither a manifest nor an index"
                    );
                }
            } else if self
                .within
                .as_ref()
                .is_none_or(|within| within.contains(&entry.digest))
            {
                self.walk(entry, depth + 1)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
