//! Which manifest is for a platform.
//!
//! A platform that an index states decides; where it states none, the image's config does. Without
//! a wish from the caller the host's platform is looked for, but an image that is the only one
//! there is taken whatever it is for. BuildKit's attestations are never chosen.

use std::collections::HashSet;

use lazaret_artifact::referrer::is_attestation;
use lazaret_artifact::{Descriptor, Platform};

use super::{Tried, ambiguous, read_index};
use crate::catalog::name_of;
use crate::documents::Documents;
use crate::error::TransportError;

/// Looks for one manifest.
pub(super) struct Chooser<'a, 'b> {
    documents: &'a mut Documents<'b>,
    wanted: Platform,
    insisted: bool,
    /// Platforms met and not taken, in that order.
    available: Vec<String>,
    noted: HashSet<Platform>,
    /// Indexes that nothing was found in.
    tried: Tried,
    /// The indexes from the root to where the search is.
    path: Vec<Descriptor>,
}

/// Whether an index stated the platform of what it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stated {
    Yes,
    No,
}

/// The manifest to take.
pub(super) struct Choice {
    pub(super) root: Descriptor,
    /// The indexes from the root on.
    pub(super) path: Vec<Descriptor>,
    pub(super) descriptor: Descriptor,
    stated: Stated,
}

impl<'a, 'b> Chooser<'a, 'b> {
    /// For `platform`, or for the host's where none is insisted on.
    pub(super) fn new(documents: &'a mut Documents<'b>, platform: Option<&Platform>) -> Self {
        Self {
            documents,
            wanted: platform.cloned().unwrap_or_else(Platform::host),
            insisted: platform.is_some(),
            available: Vec::new(),
            noted: HashSet::new(),
            tried: Tried::default(),
            path: Vec::new(),
        }
    }

    /// The manifest that one of `roots` stands for.
    pub(super) fn choose_from(mut self, roots: &[Descriptor]) -> Result<Choice, TransportError> {
        let choice = match roots {
            [root] => self.descend(root, root, Stated::No)?,
            roots => self.choose_root(roots)?,
        };
        match choice {
            Some(choice) => {
                self.confirm(&choice)?;
                Ok(choice)
            }
            None => Err(self.no_platform()),
        }
    }

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
                path: self.path.clone(),
                descriptor: descriptor.clone(),
                stated,
            }));
        }
        if !self.tried.is_worth(&descriptor.digest, self.path.len()) {
            return Ok(None);
        }
        let index = read_index(self.documents, descriptor, self.path.len())?;
        self.path.push(descriptor.clone());
        let found = self.choose(Some(root), &index.manifests)?;
        self.path.pop();
        Ok(found)
    }

    /// Among several roots: right only when they are one image for different platforms.
    fn choose_root(&mut self, roots: &[Descriptor]) -> Result<Option<Choice>, TransportError> {
        let images: Vec<Descriptor> = roots
            .iter()
            .filter(|root| !is_attestation(root))
            .cloned()
            .collect();
        if let [root] = images.as_slice() {
            return self.descend(root, root, Stated::No);
        }
        if images.is_empty()
            || images
                .iter()
                .any(|root| name_of(root) != name_of(&images[0]))
        {
            return Err(ambiguous(roots));
        }
        let mut platforms: HashSet<Platform> = HashSet::new();
        for root in &images {
            match self.platform_of(root)? {
                Some(platform) if platforms.insert(platform.clone()) => {}
                _ => return Err(ambiguous(roots)),
            }
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
        self.documents.platform(entry)
    }

    /// The config must be for the platform the caller asked for. Where an index stated the
    /// platform the variant is its word alone: configs often lack it or have a wrong one.
    fn confirm(&mut self, choice: &Choice) -> Result<(), TransportError> {
        if !self.insisted {
            return Ok(());
        }
        let Some(found) = self.documents.platform(&choice.descriptor)? else {
            return Ok(());
        };
        match choice.stated {
            Stated::No if found.satisfies(&self.wanted) => Ok(()),
            Stated::No => {
                self.note(&found);
                Err(self.no_platform())
            }
            Stated::Yes
                if found.os == self.wanted.os && found.architecture == self.wanted.architecture =>
            {
                Ok(())
            }
            Stated::Yes => Err(TransportError::Mismatch {
                what: "platform",
                digest: choice.descriptor.digest,
                expected: self.wanted.to_string().into(),
                found: found.to_string().into(),
            }),
        }
    }

    fn note(&mut self, platform: &Platform) {
        if self.noted.insert(platform.clone()) {
            self.available.push(platform.to_string());
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
