//! Documents of one source, read once each, and not without end.

use std::collections::HashMap;
use std::rc::Rc;

use lazaret_artifact::{
    ContentDigest, Descriptor, ImageConfig, Index, Manifest, MediaType, Platform,
};

use crate::allowance::MAX_DOCUMENT_BYTES;
use crate::blob::Role;
use crate::error::TransportError;
use crate::resolve::{IndexDocument, ManifestDocument};
use crate::source::Source;

/// Documents read for one choice or search. Indexes of thousands of entries that name thousands
/// each would otherwise make the host read without end.
const MAX_DOCUMENTS: u64 = 10_000;

/// Documents read to choose one manifest. Thousands of entries without a platform would otherwise
/// make the host read gigabytes of configs before it imports anything.
pub(crate) const MAX_DOCUMENTS_TO_CHOOSE: u64 = 512;

/// A document by its name. Its size is the name's: with another one it would be refused.
type Key = (ContentDigest, u64);

/// Reads documents of a source, verified, and remembers them.
pub(crate) struct Documents<'a> {
    source: &'a Source,
    what: &'static str,
    limit: u64,
    count: u64,
    /// Bytes read.
    bytes: u64,
    /// Bytes of the documents that a caller was given, each time it was.
    held: u64,
    /// What of either was taken from the source's allowance; `None` where nothing is to be.
    charged: Option<u64>,
    known: HashMap<Key, Rc<[u8]>>,
    indexes: HashMap<(Key, MediaType), Rc<Index>>,
    platforms: HashMap<(Key, MediaType), Option<Platform>>,
}

impl<'a> Documents<'a> {
    /// `what` they are read for names the limit.
    pub(crate) fn new(source: &'a Source, what: &'static str) -> Self {
        Self {
            source,
            what,
            limit: MAX_DOCUMENTS,
            count: 0,
            bytes: 0,
            held: 0,
            charged: None,
            known: HashMap::new(),
            indexes: HashMap::new(),
            platforms: HashMap::new(),
        }
    }

    /// At most `limit` documents.
    pub(crate) const fn at_most(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// They are for a caller, who may come again: on account of the source's allowance.
    pub(crate) const fn for_caller(mut self) -> Self {
        self.charged = Some(0);
        self
    }

    pub(crate) const fn source(&self) -> &'a Source {
        self.source
    }

    /// A document that was read and verified elsewhere.
    pub(crate) fn insert(&mut self, descriptor: &Descriptor, bytes: Vec<u8>) {
        self.known
            .insert((descriptor.digest, descriptor.size), bytes.into());
    }

    /// An index, parsed once. Asking again costs nothing, but still ends when the user wants it.
    pub(crate) fn index(&mut self, descriptor: &Descriptor) -> Result<Rc<Index>, TransportError> {
        self.source.allowance().require_going_on()?;
        let key = (key(descriptor), descriptor.media_type.clone());
        if let Some(index) = self.indexes.get(&key) {
            return Ok(Rc::clone(index));
        }
        let bytes = self.read(descriptor, Role::Index)?;
        let mut index = Index::parse(&bytes, Some(&descriptor.media_type))?;
        // The bytes are what this digest names; the parser knows only the SHA-256 of them.
        index.digest = descriptor.digest;
        let index = Rc::new(index);
        self.indexes.insert(key, Rc::clone(&index));
        Ok(index)
    }

    pub(crate) fn manifest(&mut self, descriptor: &Descriptor) -> Result<Manifest, TransportError> {
        let bytes = self.read(descriptor, Role::Manifest)?;
        let mut manifest = Manifest::parse(&bytes, Some(&descriptor.media_type))?;
        manifest.digest = descriptor.digest;
        Ok(manifest)
    }

    pub(crate) fn image_config(
        &mut self,
        manifest: &Manifest,
    ) -> Result<Option<ImageConfig>, TransportError> {
        if !manifest.is_image() {
            return Ok(None);
        }
        let bytes = self.read(&manifest.config, Role::Config)?;
        Ok(Some(ImageConfig::parse(&bytes)?))
    }

    /// What an image is for, as its config has it, looked at once; `None` for artifacts.
    pub(crate) fn platform(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<Option<Platform>, TransportError> {
        let key = (key(descriptor), descriptor.media_type.clone());
        if let Some(platform) = self.platforms.get(&key) {
            return Ok(platform.clone());
        }
        let manifest = self.manifest(descriptor)?;
        let platform = self.image_config(&manifest)?.map(|image| image.platform);
        self.platforms.insert(key, platform.clone());
        Ok(platform)
    }

    pub(crate) fn index_document(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<IndexDocument, TransportError> {
        let index = self.index(descriptor)?;
        // Handed out, so that it is not held twice.
        self.indexes
            .remove(&(key(descriptor), descriptor.media_type.clone()));
        let bytes = self.read(descriptor, Role::Index)?;
        Ok(IndexDocument {
            descriptor: descriptor.clone(),
            bytes: self.hand_out(&bytes)?,
            index: Rc::unwrap_or_clone(index),
        })
    }

    /// A manifest with its config, which must name as many diff_ids as there are layers.
    pub(crate) fn manifest_document(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<ManifestDocument, TransportError> {
        let manifest = self.manifest(descriptor)?;
        let image = self.image_config(&manifest)?;
        if let Some(image) = &image
            && image.diff_ids.len() != manifest.layers.len()
        {
            return Err(TransportError::Mismatch {
                what: "number of layers",
                digest: descriptor.digest,
                expected: image.diff_ids.len().to_string().into(),
                found: manifest.layers.len().to_string().into(),
            });
        }
        let bytes = self.read(descriptor, Role::Manifest)?;
        let config = self.read(&manifest.config, Role::Config)?;
        Ok(ManifestDocument {
            descriptor: descriptor.clone(),
            bytes: self.hand_out(&bytes)?,
            config: self.hand_out(&config)?,
            manifest,
            image,
        })
    }

    /// A copy of its own for the caller. Ten thousand manifests may share a config of 4 MiB: what
    /// counts is the copies.
    fn hand_out(&mut self, bytes: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.held = self.held.saturating_add(bytes.len() as u64);
        self.require_room(self.held)?;
        Ok(bytes.to_vec())
    }

    fn read(&mut self, descriptor: &Descriptor, role: Role) -> Result<Rc<[u8]>, TransportError> {
        self.source.allowance().require_going_on()?;
        let key = key(descriptor);
        if let Some(bytes) = self.known.get(&key) {
            return Ok(Rc::clone(bytes));
        }
        self.count += 1;
        self.require(self.what.to_owned(), self.count, self.limit)?;
        self.bytes = self.bytes.saturating_add(descriptor.size);
        self.require_room(self.bytes)?;
        let bytes: Rc<[u8]> = self.source.read_document(descriptor, role)?.into();
        self.known.insert(key, Rc::clone(&bytes));
        Ok(bytes)
    }

    /// Whether there may be so many bytes, here and with all that the source gave before.
    fn require_room(&mut self, bytes: u64) -> Result<(), TransportError> {
        let what = format!("bytes of {}", self.what);
        self.require(what, bytes, MAX_DOCUMENT_BYTES)?;
        if let Some(before) = self.charged
            && before < bytes
        {
            self.source.allowance().take(bytes - before)?;
            self.charged = Some(bytes);
        }
        Ok(())
    }

    fn require(&self, what: String, found: u64, limit: u64) -> Result<(), TransportError> {
        if found <= limit {
            return Ok(());
        }
        Err(TransportError::Limit { what, found, limit })
    }
}

const fn key(descriptor: &Descriptor) -> Key {
    (descriptor.digest, descriptor.size)
}
