//! Where bytes go to. Each transport is a variant that takes blobs and documents, children before
//! parents; nothing of a layout or archive is visible under a name before [`Destination::finish`].

use std::io::{self, Read};

use lazaret_artifact::{ContentDigest, Descriptor};

use crate::error::TransportError;
use crate::reference::Reference;
use crate::registry::{Registry, RegistryOptions};

mod archive;
mod layout;
mod listing;
mod outgoing;
mod temporary;

pub use archive::ArchiveWriter;
pub use layout::LayoutWriter;

/// Bytes that can be read more than once.
pub trait BlobSource: Sync {
    /// Opens them, from their start. They are as many as the descriptor says that goes with them.
    ///
    /// # Errors
    /// The system's.
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// An opened destination. Its methods may be called from several threads.
#[derive(Debug)]
#[non_exhaustive]
pub enum Destination {
    /// An OCI layout directory.
    Layout(LayoutWriter),
    /// An OCI layout in a tar archive.
    Archive(ArchiveWriter),
    /// A repository of a registry.
    Registry(Registry),
}

impl Destination {
    /// Opens what `reference` names, and makes it where that is a directory or file.
    ///
    /// # Errors
    /// When it can not be written, or is something else already.
    pub fn open(reference: &Reference, options: &RegistryOptions) -> Result<Self, TransportError> {
        match reference {
            Reference::Layout(layout) => LayoutWriter::open(layout).map(Self::Layout),
            Reference::Archive(archive) => ArchiveWriter::open(archive).map(Self::Archive),
            Reference::Registry(registry) => Registry::open(registry, options).map(Self::Registry),
        }
    }

    /// Whether the blob is there already.
    ///
    /// # Errors
    /// The system's, the network's, the registry's.
    pub fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, TransportError> {
        match self {
            Self::Layout(layout) => layout.has_blob(descriptor),
            Self::Archive(archive) => archive.has_blob(descriptor),
            Self::Registry(registry) => registry.has_blob(descriptor),
        }
    }

    /// Whether the manifest or index is there already.
    ///
    /// # Errors
    /// The system's, the network's, the registry's.
    pub fn has_document(&self, descriptor: &Descriptor) -> Result<bool, TransportError> {
        match self {
            Self::Layout(layout) => layout.has_blob(descriptor),
            Self::Archive(archive) => archive.has_blob(descriptor),
            Self::Registry(registry) => registry.has_document(descriptor),
        }
    }

    /// Has a registry take the blob from another of its own repositories; `false` where that is
    /// not possible.
    ///
    /// # Errors
    /// The network's, the registry's.
    pub fn mount_blob(
        &self,
        descriptor: &Descriptor,
        from_repository: &str,
    ) -> Result<bool, TransportError> {
        match self {
            Self::Layout(_) | Self::Archive(_) => Ok(false),
            Self::Registry(registry) => registry.mount_blob(descriptor, from_repository),
        }
    }

    /// Host and repository of a registry's destination.
    #[must_use]
    pub fn registry(&self) -> Option<(&str, &str)> {
        match self {
            Self::Layout(_) | Self::Archive(_) => None,
            Self::Registry(registry) => {
                let reference = registry.reference();
                Some((&reference.host, &reference.repository))
            }
        }
    }

    /// Sends a blob; `sent` is called with the number of bytes of each piece that went. What is
    /// not as the descriptor says is not kept.
    ///
    /// # Errors
    /// Size or digest are not the descriptor's; reading or writing failed.
    pub fn put_blob(
        &self,
        descriptor: &Descriptor,
        bytes: &dyn BlobSource,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<(), TransportError> {
        match self {
            Self::Layout(layout) => layout.put_blob(descriptor, bytes, sent),
            Self::Archive(archive) => archive.put_blob(descriptor, bytes, sent),
            Self::Registry(registry) => registry.put_blob(descriptor, bytes, sent),
        }
    }

    /// Sends a manifest or index, whose children must be there. In a layout or archive a document
    /// with a `tag` or a `subject` becomes an entry of `index.json`, one without a name where the
    /// tag is empty, and so does one that no index sent with it names. A registry that does not keep
    /// referrers itself gets the subject's fallback tag updated.
    ///
    /// # Errors
    /// Size or digest are not the descriptor's; writing failed.
    pub fn put_document(
        &self,
        descriptor: &Descriptor,
        bytes: &[u8],
        subject: Option<&ContentDigest>,
        tag: Option<&str>,
    ) -> Result<(), TransportError> {
        match self {
            Self::Layout(layout) => layout.put_document(descriptor, bytes, subject, tag),
            Self::Archive(archive) => archive.put_document(descriptor, bytes, subject, tag),
            Self::Registry(registry) => registry.put_document(descriptor, bytes, subject, tag),
        }
    }

    /// The tag the reference asks for.
    #[must_use]
    pub fn tag(&self) -> Option<String> {
        match self {
            Self::Layout(layout) => layout.reference().tag.clone(),
            Self::Archive(archive) => archive.reference().tag.clone(),
            Self::Registry(registry) => registry.reference().tag.clone(),
        }
    }

    /// Makes all that was sent visible.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(self) -> Result<(), TransportError> {
        match self {
            Self::Layout(layout) => layout.finish(),
            Self::Archive(archive) => archive.finish(),
            Self::Registry(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
