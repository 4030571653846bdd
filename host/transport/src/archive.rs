//! OCI layouts in tar archives.

use lazaret_artifact::Descriptor;

use crate::blob::{Blob, Role};
use crate::catalog::Catalog;
use crate::error::TransportError;
use crate::reference::ArchiveRef;

/// An opened archive.
#[derive(Debug)]
pub struct Archive {
    reference: ArchiveRef,
    catalog: Catalog,
}

impl Archive {
    /// Opens the archive and finds out where in it everything is.
    ///
    /// # Errors
    /// When it does not exist or is no layout.
    pub fn open(reference: &ArchiveRef) -> Result<Self, TransportError> {
        Err(TransportError::NoDirectory {
            path: reference.path.clone(),
        })
    }

    /// What was opened.
    #[must_use]
    pub const fn reference(&self) -> &ArchiveRef {
        &self.reference
    }

    pub(crate) const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The entries of `index.json` that the reference may mean.
    pub(crate) fn roots(&self) -> Result<Vec<Descriptor>, TransportError> {
        let reference = &self.reference;
        self.catalog.roots(reference.tag.as_deref(), &reference.path)
    }

    pub(crate) fn open_as(
        &self,
        descriptor: &Descriptor,
        _role: Role,
    ) -> Result<Blob, TransportError> {
        Err(TransportError::MissingBlob {
            digest: descriptor.digest,
            path: self.reference.path.clone(),
        })
    }
}
