//! Where bytes come from. Each transport is a variant that can name root descriptors and open
//! blobs; all else is the same for every transport.

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::{Descriptor, Platform};

use crate::blob::{Blob, Role};
use crate::error::TransportError;
use crate::layout::Layout;
use crate::reference::SourceRef;
use crate::resolve::{Resolved, resolve};

/// An opened source.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// An OCI layout directory.
    Layout(Layout),
}

impl Source {
    /// Opens what `reference` names.
    ///
    /// # Errors
    /// When it does not exist or is not what its transport wants.
    pub fn open(reference: &SourceRef) -> Result<Self, TransportError> {
        match reference {
            SourceRef::Layout(layout) => Layout::open(layout).map(Self::Layout),
        }
    }

    /// Finds the one manifest meant, through any indexes, with its config; all of them verified.
    /// `platform` is what the caller insists on; without it the host's is preferred.
    ///
    /// # Errors
    /// Nothing or too much to choose from, or a document that is not what was promised.
    pub fn resolve(&self, platform: Option<&Platform>) -> Result<Resolved, TransportError> {
        resolve(self, platform)
    }

    /// Opens a blob. What is read from it is verified; see [`Blob`].
    ///
    /// # Errors
    /// When it is missing, not a regular file, or visibly of another size.
    pub fn open_blob(&self, descriptor: &Descriptor) -> Result<Blob, TransportError> {
        self.open_as(descriptor, Role::Blob)
    }

    /// The whole of a small blob, verified.
    ///
    /// # Errors
    /// Those of [`Self::open_blob`]; digest or size not as described; over
    /// [`MAX_DOCUMENT_SIZE`].
    pub fn read_document(
        &self,
        descriptor: &Descriptor,
        role: Role,
    ) -> Result<Vec<u8>, TransportError> {
        if descriptor.size > MAX_DOCUMENT_SIZE {
            return Err(TransportError::Limit {
                what: format!("{}: {}", descriptor.digest, role.size()),
                found: descriptor.size,
                limit: MAX_DOCUMENT_SIZE,
            });
        }
        self.open_as(descriptor, role)?.read_all()
    }

    /// The descriptors the reference may mean, before any choice by digest or platform.
    pub(crate) fn roots(&self) -> Result<Vec<Descriptor>, TransportError> {
        match self {
            Self::Layout(layout) => layout.roots(),
        }
    }

    /// The digest the reference insists on.
    pub(crate) fn wanted_digest(&self) -> Option<&lazaret_artifact::ContentDigest> {
        match self {
            Self::Layout(layout) => layout.reference().digest.as_ref(),
        }
    }

    fn open_as(&self, descriptor: &Descriptor, role: Role) -> Result<Blob, TransportError> {
        match self {
            Self::Layout(layout) => layout.open_as(descriptor, role),
        }
    }
}
