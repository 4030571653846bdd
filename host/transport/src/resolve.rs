//! From a reference to one manifest: by digest, through indexes, by platform.
//!
//! A platform that an index states decides; where it states none, the image's config does. Without
//! a wish from the caller the host's platform is looked for, but an image that is the only one
//! there is taken whatever it is for, as skopeo does. BuildKit's attestations are never chosen.

use lazaret_artifact::limits::MAX_INDEX_DEPTH;
use lazaret_artifact::referrer::is_attestation;
use lazaret_artifact::{ContentDigest, Descriptor, ImageConfig, Index, Manifest, Platform};

use crate::blob::Role;
use crate::error::TransportError;
use crate::layout::names_of;
use crate::reference::REF_NAME;
use crate::source::Source;

/// Documents read while resolving one reference. Thousands of entries without a platform would
/// otherwise make the host read gigabytes of configs before it imports anything.
const MAX_DOCUMENTS: u64 = 512;

/// A manifest with its config, both verified, and the way there.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The entry the reference named: an index's or the manifest's own. It carries the tag.
    pub root: Descriptor,
    /// The indexes passed through, outermost first; a layout's `index.json` is not one of them.
    pub path: Vec<IndexStep>,
    /// The manifest's descriptor.
    pub descriptor: Descriptor,
    /// The manifest's exact bytes.
    pub bytes: Vec<u8>,
    /// Parsed from them.
    pub manifest: Manifest,
    /// The config's exact bytes.
    pub config: Vec<u8>,
    /// Parsed from them, for an image. It names as many diff_ids as the manifest has layers.
    pub image: Option<ImageConfig>,
}

/// An index on the way to a manifest.
#[derive(Debug, Clone)]
pub struct IndexStep {
    /// What led to it.
    pub descriptor: Descriptor,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// Parsed from them.
    pub index: Index,
}

/// See [`Source::resolve`].
pub(crate) fn resolve(
    source: &Source,
    platform: Option<&Platform>,
) -> Result<Resolved, TransportError> {
    let mut resolver = Resolver {
        source,
        wanted: platform.cloned().unwrap_or_else(Platform::host),
        insisted: platform.is_some(),
        documents: 0,
        available: Vec::new(),
        path: Vec::new(),
    };
    let mut roots = source.roots()?;
    if let Some(digest) = source.wanted_digest() {
        let Some(found) = resolver.find_digest(&roots, digest, 0)? else {
            return Err(TransportError::NoSuchDigest {
                digest: *digest,
                available: names_of(&roots),
            });
        };
        roots = vec![found];
    }
    let choice = match roots.as_slice() {
        [root] => resolver.descend(root, root, Stated::No)?,
        roots => resolver.choose_root(roots)?,
    };
    match choice {
        Some(choice) => resolver.complete(choice),
        None => Err(resolver.no_platform()),
    }
}

struct Resolver<'a> {
    source: &'a Source,
    wanted: Platform,
    insisted: bool,
    documents: u64,
    /// Platforms met and not taken.
    available: Vec<String>,
    /// The indexes from the root to where the search is.
    path: Vec<IndexStep>,
}

/// Whether an index stated the platform of what it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stated {
    Yes,
    No,
}

/// The manifest to take.
struct Choice {
    root: Descriptor,
    descriptor: Descriptor,
    stated: Stated,
}

impl Resolver<'_> {
    /// Follows `descriptor` down to a manifest for the wanted platform; `None` when there is none.
    fn descend(
        &mut self,
        root: &Descriptor,
        descriptor: &Descriptor,
        stated: Stated,
    ) -> Result<Option<Choice>, TransportError> {
        if descriptor.media_type.is_manifest() {
            return Ok(Some(Choice {
                root: root.clone(),
                descriptor: descriptor.clone(),
                stated,
            }));
        }
        let step = self.read_index(descriptor, self.path.len())?;
        let entries = step.index.manifests.clone();
        self.path.push(step);
        let found = self.choose(Some(root), &entries)?;
        if found.is_none() {
            self.path.pop();
        }
        Ok(found)
    }

    /// Among several roots: right only when they are one image for different platforms.
    fn choose_root(&mut self, roots: &[Descriptor]) -> Result<Option<Choice>, TransportError> {
        let ambiguous = || TransportError::Ambiguous {
            available: names_of(roots),
        };
        let images: Vec<Descriptor> = roots
            .iter()
            .filter(|root| !is_attestation(root))
            .cloned()
            .collect();
        if let [root] = images.as_slice() {
            return self.descend(root, root, Stated::No);
        }
        let tag_of = |root: &Descriptor| root.annotations.get(REF_NAME).cloned();
        if images.iter().any(|root| tag_of(root) != tag_of(&images[0])) {
            return Err(ambiguous());
        }
        let mut platforms: Vec<Platform> = Vec::new();
        for root in &images {
            match self.platform_of(root)? {
                Some(platform) if !platforms.contains(&platform) => platforms.push(platform),
                _ => return Err(ambiguous()),
            }
        }
        if images.is_empty() {
            return Err(ambiguous());
        }
        self.choose(None, &images)
    }

    /// Among the entries of an index: the first that is exactly what is wanted, else the first
    /// that will do, else the first without a stated platform whose config will do. `root` is what
    /// led here; `None` when the entries are themselves roots.
    fn choose(
        &mut self,
        root: Option<&Descriptor>,
        entries: &[Descriptor],
    ) -> Result<Option<Choice>, TransportError> {
        let entries: Vec<&Descriptor> = entries
            .iter()
            .filter(|entry| !is_attestation(entry))
            .collect();
        let wanted = self.wanted.clone();
        let stated = |entry: &Descriptor| entry.platform.clone();
        let exact = entries
            .iter()
            .filter(|entry| stated(entry).is_some_and(|p| p == wanted));
        let close = entries.iter().filter(|entry| {
            stated(entry).is_some_and(|platform| platform != wanted && platform.satisfies(&wanted))
        });
        for entry in exact.chain(close) {
            if !is_document(entry) {
                continue;
            }
            let found = self.descend(root.unwrap_or(entry), entry, Stated::Yes)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        for entry in &entries {
            match &entry.platform {
                Some(platform) => self.note(platform),
                // An index may list what is neither; it is no candidate.
                None if !is_document(entry) => {}
                None => {
                    let found = self.try_unlabelled(root.unwrap_or(entry), entry)?;
                    if found.is_some() {
                        return Ok(found);
                    }
                }
            }
        }
        // The only one there is, and nobody said what it is for.
        match entries.as_slice() {
            [only] if only.platform.is_none() && only.media_type.is_manifest() => {
                self.descend(root.unwrap_or(only), only, Stated::No)
            }
            _ => Ok(None),
        }
    }

    fn try_unlabelled(
        &mut self,
        root: &Descriptor,
        entry: &Descriptor,
    ) -> Result<Option<Choice>, TransportError> {
        if entry.media_type.is_index() {
            return self.descend(root, entry, Stated::No);
        }
        match self.platform_of(entry)? {
            Some(platform) if platform.satisfies(&self.wanted) => {
                self.descend(root, entry, Stated::No)
            }
            Some(platform) => {
                self.note(&platform);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// As stated, or as the image's config has it. `None` for indexes and artifacts.
    fn platform_of(&mut self, entry: &Descriptor) -> Result<Option<Platform>, TransportError> {
        if entry.platform.is_some() {
            return Ok(entry.platform.clone());
        }
        if !entry.media_type.is_manifest() {
            return Ok(None);
        }
        let (_, manifest) = self.read_manifest(entry)?;
        if !manifest.is_image() {
            return Ok(None);
        }
        let config = self.read(&manifest.config, Role::Config)?;
        Ok(Some(ImageConfig::parse(&config)?.platform))
    }

    /// Reads and checks what was chosen.
    fn complete(mut self, choice: Choice) -> Result<Resolved, TransportError> {
        let Choice {
            root,
            descriptor,
            stated,
        } = choice;
        let path = std::mem::take(&mut self.path);
        let (bytes, manifest) = self.read_manifest(&descriptor)?;
        let config = self.read(&manifest.config, Role::Config)?;
        let image = match manifest.is_image() {
            true => Some(ImageConfig::parse(&config)?),
            false => None,
        };
        if let Some(image) = &image {
            if image.diff_ids.len() != manifest.layers.len() {
                return Err(TransportError::Mismatch {
                    what: "number of layers",
                    digest: descriptor.digest,
                    expected: image.diff_ids.len().to_string().into(),
                    found: manifest.layers.len().to_string().into(),
                });
            }
            if self.insisted {
                self.insist(&descriptor, &image.platform, stated)?;
            }
        }
        tracing::debug!(digest = %descriptor.digest, indexes = path.len(), "resolved");
        Ok(Resolved {
            root,
            path,
            descriptor,
            bytes,
            manifest,
            config,
            image,
        })
    }

    /// The config must be for the platform the caller asked for. Where an index stated the
    /// platform the variant is its word alone: configs often lack it or have a wrong one.
    fn insist(
        &mut self,
        descriptor: &Descriptor,
        found: &Platform,
        stated: Stated,
    ) -> Result<(), TransportError> {
        match stated {
            Stated::No if found.satisfies(&self.wanted) => Ok(()),
            Stated::No => {
                self.note(found);
                Err(self.no_platform())
            }
            Stated::Yes
                if found.os == self.wanted.os && found.architecture == self.wanted.architecture =>
            {
                Ok(())
            }
            Stated::Yes => Err(TransportError::Mismatch {
                what: "platform",
                digest: descriptor.digest,
                expected: self.wanted.to_string().into(),
                found: found.to_string().into(),
            }),
        }
    }

    /// The entry of that digest: here, or in an index below, at any depth that is allowed.
    fn find_digest(
        &mut self,
        entries: &[Descriptor],
        digest: &ContentDigest,
        depth: usize,
    ) -> Result<Option<Descriptor>, TransportError> {
        if let Some(found) = entries.iter().find(|entry| entry.digest == *digest) {
            return Ok(Some(found.clone()));
        }
        for entry in entries.iter().filter(|entry| entry.media_type.is_index()) {
            let below = self.read_index(entry, depth)?.index.manifests;
            let found = self.find_digest(&below, digest, depth + 1)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn read_index(
        &mut self,
        descriptor: &Descriptor,
        depth: usize,
    ) -> Result<IndexStep, TransportError> {
        if !descriptor.media_type.is_index() {
            return Err(TransportError::NotADocument {
                digest: descriptor.digest,
                media_type: descriptor.media_type.clone(),
            });
        }
        if depth >= MAX_INDEX_DEPTH {
            return Err(TransportError::Limit {
                what: format!("{}: indexes inside indexes", descriptor.digest),
                found: depth as u64 + 1,
                limit: MAX_INDEX_DEPTH as u64,
            });
        }
        let bytes = self.read(descriptor, Role::Index)?;
        let index = Index::parse(&bytes, Some(&descriptor.media_type))?;
        Ok(IndexStep {
            descriptor: descriptor.clone(),
            bytes,
            index,
        })
    }

    fn read_manifest(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<(Vec<u8>, Manifest), TransportError> {
        let bytes = self.read(descriptor, Role::Manifest)?;
        let manifest = Manifest::parse(&bytes, Some(&descriptor.media_type))?;
        Ok((bytes, manifest))
    }

    fn read(&mut self, descriptor: &Descriptor, role: Role) -> Result<Vec<u8>, TransportError> {
        self.documents += 1;
        if self.documents > MAX_DOCUMENTS {
            return Err(TransportError::Limit {
                what: "documents to read before the image is found".to_owned(),
                found: self.documents,
                limit: MAX_DOCUMENTS,
            });
        }
        self.source.read_document(descriptor, role)
    }

    fn note(&mut self, platform: &Platform) {
        let text = platform.to_string();
        if !self.available.contains(&text) {
            self.available.push(text);
        }
    }

    fn no_platform(&self) -> TransportError {
        TransportError::NoPlatform {
            wanted: self.wanted.clone(),
            available: self.available.clone(),
        }
    }
}

fn is_document(entry: &Descriptor) -> bool {
    entry.media_type.is_manifest() || entry.media_type.is_index()
}

#[cfg(test)]
mod tests;
