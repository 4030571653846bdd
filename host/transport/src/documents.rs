//! Documents of one source, read once each, and not without end.

use std::collections::HashMap;
use std::rc::Rc;

use lazaret_artifact::{Descriptor, ImageConfig, Index, Manifest};

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

/// Bytes of all documents read for one choice or search: they are held in memory, and ten thousand
/// of 4 MiB would fill it.
const MAX_DOCUMENT_BYTES: u64 = 128 * 1024 * 1024;

/// Reads documents of a source, verified, and remembers them.
pub(crate) struct Documents<'a> {
    source: &'a Source,
    what: &'static str,
    limit: u64,
    count: u64,
    bytes: u64,
    known: HashMap<(lazaret_artifact::ContentDigest, u64), Rc<[u8]>>,
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
            known: HashMap::new(),
        }
    }

    /// At most `limit` documents.
    pub(crate) const fn at_most(mut self, limit: u64) -> Self {
        self.limit = limit;
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

    pub(crate) fn index(&mut self, descriptor: &Descriptor) -> Result<Index, TransportError> {
        let bytes = self.read(descriptor, Role::Index)?;
        let mut index = Index::parse(&bytes, Some(&descriptor.media_type))?;
        // The bytes are what this digest names; the parser knows only the SHA-256 of them.
        index.digest = descriptor.digest;
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

    pub(crate) fn index_document(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<IndexDocument, TransportError> {
        let index = self.index(descriptor)?;
        Ok(IndexDocument {
            descriptor: descriptor.clone(),
            bytes: self.read(descriptor, Role::Index)?.to_vec(),
            index,
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
        Ok(ManifestDocument {
            descriptor: descriptor.clone(),
            bytes: self.read(descriptor, Role::Manifest)?.to_vec(),
            config: self.read(&manifest.config, Role::Config)?.to_vec(),
            manifest,
            image,
        })
    }

    fn read(&mut self, descriptor: &Descriptor, role: Role) -> Result<Rc<[u8]>, TransportError> {
        let key = (descriptor.digest, descriptor.size);
        if let Some(bytes) = self.known.get(&key) {
            return Ok(Rc::clone(bytes));
        }
        self.count += 1;
        self.require(self.what.to_owned(), self.count, self.limit)?;
        self.bytes = self.bytes.saturating_add(descriptor.size);
        self.require(
            format!("bytes of {}", self.what),
            self.bytes,
            MAX_DOCUMENT_BYTES,
        )?;
        let bytes: Rc<[u8]> = self.source.read_document(descriptor, role)?.into();
        self.known.insert(key, Rc::clone(&bytes));
        Ok(bytes)
    }

    fn require(&self, what: String, found: u64, limit: u64) -> Result<(), TransportError> {
        if found <= limit {
            return Ok(());
        }
        Err(TransportError::Limit { what, found, limit })
    }
}
