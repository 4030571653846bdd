//! Where bytes come from. Each transport is a variant that can name root descriptors and open
//! blobs; all else is the same for every transport.

use std::path::PathBuf;

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::{ContentDigest, Descriptor, Relation};

use crate::allowance::Allowance;
use crate::archive::Archive;
use crate::blob::{Blob, Role};
use crate::error::TransportError;
use crate::layout::Layout;
use crate::reference::Reference;
use crate::registry::{Registry, RegistryOptions};
use crate::resolve::{Resolved, Selection, resolve, resolve_descriptor};

/// An opened source.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// An OCI layout directory.
    Layout(Layout),
    /// An OCI layout in a tar archive.
    Archive(Archive),
    /// A repository of a registry.
    Registry(Registry),
}

/// A manifest or index that refers to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// What refers, as the source describes it.
    pub descriptor: Descriptor,
    /// How: by its `subject` or by cosign's tag.
    pub relation: Relation,
}

impl Source {
    /// Opens what `reference` names. Setting `options.cancel` stops it, whatever it is.
    ///
    /// # Errors
    /// When it does not exist or is not what its transport wants.
    pub fn open(reference: &Reference, options: &RegistryOptions) -> Result<Self, TransportError> {
        match reference {
            Reference::Layout(layout) => {
                let mut layout = Layout::open(layout)?;
                layout.allowance = Allowance::new(options);
                Ok(Self::Layout(layout))
            }
            Reference::Archive(archive) => {
                let mut archive = Archive::open(archive)?;
                archive.allowance = Allowance::new(options);
                Ok(Self::Archive(archive))
            }
            Reference::Registry(registry) => Registry::open(registry, options).map(Self::Registry),
        }
    }

    /// Finds what is meant and reads it, through any indexes; all of it verified.
    ///
    /// # Errors
    /// Nothing or too much to choose from, or a document that is not what was promised. Documents
    /// of more than 128 MiB, counting all that this source has handed out.
    pub fn resolve(&self, selection: &Selection) -> Result<Resolved, TransportError> {
        resolve(self, selection)
    }

    /// A referrer, or any other manifest or index of this source, with all that is below it.
    ///
    /// # Errors
    /// A document is missing or is not what was promised. Documents of more than 128 MiB, counting
    /// all that this source has handed out.
    pub fn resolve_descriptor(&self, descriptor: &Descriptor) -> Result<Resolved, TransportError> {
        resolve_descriptor(self, descriptor)
    }

    /// What refers directly to `subject` in this source, each digest once, in a stable order. Of a
    /// layout or archive: what `index.json` or an index in it names and has that `subject`, then
    /// what is tagged cosign's way. Of a registry: what the referrers API or the fallback tag
    /// lists, then cosign's tags. BuildKit's attestations are entries of the image's own index and
    /// not among them.
    ///
    /// # Errors
    /// A document is not what was promised, or there are too many.
    pub fn referrers(&self, subject: &ContentDigest) -> Result<Vec<Referrer>, TransportError> {
        match self {
            Self::Layout(layout) => layout.catalog().referrers(self, subject),
            Self::Archive(archive) => archive.catalog().referrers(self, subject),
            Self::Registry(registry) => registry.referrers(subject),
        }
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

    /// The tags there are: of a layout or archive in the order of `index.json`, of a registry in
    /// the registry's.
    ///
    /// # Errors
    /// The registry does not say.
    pub fn tags(&self) -> Result<Vec<String>, TransportError> {
        match self {
            Self::Layout(layout) => Ok(layout.catalog().tags()),
            Self::Archive(archive) => Ok(archive.catalog().tags()),
            Self::Registry(registry) => registry.tags(),
        }
    }

    /// Host and repository of a registry's source, which blobs may be mounted from.
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

    /// The descriptors the reference may mean, before any choice by digest or platform. A registry
    /// has exactly one, and its own way to it.
    pub(crate) fn roots(&self) -> Result<Vec<Descriptor>, TransportError> {
        match self {
            Self::Layout(layout) => layout.roots(),
            Self::Archive(archive) => archive.roots(),
            Self::Registry(registry) => Ok(vec![registry.resolve_root()?.0]),
        }
    }

    /// The digest the reference insists on.
    pub(crate) fn wanted_digest(&self) -> Option<&ContentDigest> {
        match self {
            Self::Layout(layout) => layout.reference().digest.as_ref(),
            Self::Archive(archive) => archive.reference().digest.as_ref(),
            Self::Registry(registry) => registry.reference().digest.as_ref(),
        }
    }

    pub(crate) fn allowance(&self) -> &Allowance {
        match self {
            Self::Layout(layout) => &layout.allowance,
            Self::Archive(archive) => &archive.allowance,
            Self::Registry(registry) => &registry.allowance,
        }
    }

    fn open_as(&self, descriptor: &Descriptor, role: Role) -> Result<Blob, TransportError> {
        match self {
            Self::Layout(layout) => layout.open_as(descriptor, role),
            Self::Archive(archive) => archive.open_as(descriptor, role),
            Self::Registry(registry) => {
                let body = registry.open_body(descriptor, role)?;
                let from = PathBuf::from(registry.reference().to_string());
                Ok(Blob::from_stream(body, from, descriptor, role))
            }
        }
    }
}
