//! Registries (distribution-spec), for reading and writing.

use std::io::Read;

use lazaret_artifact::{ContentDigest, Descriptor};

use crate::blob::Role;
use crate::destination::BlobSource;
use crate::error::TransportError;
use crate::reference::RegistryRef;
use crate::source::Referrer;

mod options;

pub use options::RegistryOptions;

/// A repository of a registry.
#[derive(Debug)]
pub struct Registry {
    reference: RegistryRef,
}

impl Registry {
    /// Prepares; nothing is asked of the registry yet.
    pub fn open(
        reference: &RegistryRef,
        _options: &RegistryOptions,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            reference: reference.clone(),
        })
    }

    /// What was opened.
    #[must_use]
    pub const fn reference(&self) -> &RegistryRef {
        &self.reference
    }

    fn absent<T>(&self) -> Result<T, TransportError> {
        Err(TransportError::Reference {
            text: self.reference.to_string(),
            reason: "registries are not there yet".to_owned(),
        })
    }

    /// The document that the reference names, verified where it names a digest.
    pub(crate) fn resolve_root(&self) -> Result<(Descriptor, Vec<u8>), TransportError> {
        self.absent()
    }

    /// The bytes of a blob or document, resumed where the connection breaks; not yet verified.
    pub(crate) fn open_body(
        &self,
        _descriptor: &Descriptor,
        _role: Role,
    ) -> Result<Box<dyn Read + Send>, TransportError> {
        self.absent()
    }

    pub(crate) fn tags(&self) -> Result<Vec<String>, TransportError> {
        self.absent()
    }

    pub(crate) fn referrers(
        &self,
        _subject: &ContentDigest,
    ) -> Result<Vec<Referrer>, TransportError> {
        self.absent()
    }

    pub(crate) fn has_blob(&self, _descriptor: &Descriptor) -> Result<bool, TransportError> {
        self.absent()
    }

    pub(crate) fn has_document(&self, _descriptor: &Descriptor) -> Result<bool, TransportError> {
        self.absent()
    }

    pub(crate) fn mount_blob(
        &self,
        _descriptor: &Descriptor,
        _from: &str,
    ) -> Result<bool, TransportError> {
        self.absent()
    }

    pub(crate) fn put_blob(
        &self,
        _descriptor: &Descriptor,
        _bytes: &dyn BlobSource,
        _sent: &(dyn Fn(u64) + Sync),
    ) -> Result<(), TransportError> {
        self.absent()
    }

    pub(crate) fn put_document(
        &self,
        _descriptor: &Descriptor,
        _bytes: &[u8],
        _subject: Option<&ContentDigest>,
        _tag: Option<&str>,
    ) -> Result<(), TransportError> {
        self.absent()
    }
}
