//! Writing an OCI layout.

use lazaret_artifact::{ContentDigest, Descriptor};

use super::BlobSource;
use crate::error::TransportError;
use crate::reference::LayoutRef;

/// An OCI layout that is being written.
#[derive(Debug)]
pub struct LayoutWriter {
    reference: LayoutRef,
}

impl LayoutWriter {
    pub(super) fn open(reference: &LayoutRef) -> Result<Self, TransportError> {
        Ok(Self {
            reference: reference.clone(),
        })
    }

    pub(super) const fn reference(&self) -> &LayoutRef {
        &self.reference
    }

    fn absent<T>(&self) -> Result<T, TransportError> {
        Err(TransportError::Reference {
            text: self.reference.to_string(),
            reason: "writing is not there yet".to_owned(),
        })
    }

    pub(super) fn has_blob(&self, _descriptor: &Descriptor) -> Result<bool, TransportError> {
        Ok(false)
    }

    pub(super) fn put_blob(
        &self,
        _descriptor: &Descriptor,
        _bytes: &dyn BlobSource,
        _sent: &(dyn Fn(u64) + Sync),
    ) -> Result<(), TransportError> {
        self.absent()
    }

    pub(super) fn put_document(
        &self,
        _descriptor: &Descriptor,
        _bytes: &[u8],
        _subject: Option<&ContentDigest>,
        _tag: Option<&str>,
    ) -> Result<(), TransportError> {
        self.absent()
    }

    pub(super) fn finish(self) -> Result<(), TransportError> {
        self.absent()
    }
}
