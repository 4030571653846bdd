//! Which blobs a graph of documents needs: each once, however many manifests name it.

use std::collections::HashMap;
use std::sync::Arc;

use lazaret_artifact::media_type::OCI_TAR;
use lazaret_artifact::record::Role;
use lazaret_artifact::{Compression, ContentDigest, Descriptor, MediaType};
use lazaret_store::ContentType;
use lazaret_transport::ManifestDocument;

use crate::error::{BlobFault, IntakeError};
use crate::limits::MAX_NAMES;

/// A blob to import.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) descriptor: Descriptor,
    pub(crate) kind: Kind,
    pub(crate) setting: Arc<Setting>,
    /// What else manifests call the same blob: other types, other annotations.
    pub(crate) others: Vec<Descriptor>,
    /// Whether there are more of these than are looked at.
    pub(crate) has_too_many_names: bool,
}

/// What importers are told of the manifest that named a blob first.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) artifact_type: Option<MediaType>,
    pub(crate) config_media_type: MediaType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A container layer, and what it must decompress to.
    Layer {
        compression: Compression,
        diff_id: ContentDigest,
    },
    /// Anything else.
    Blob,
}

/// All blobs of a pull.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Each distinct one, in the order of the documents.
    pub(crate) wanted: Vec<Wanted>,
    /// For each manifest, where in `wanted` its layers are.
    pub(crate) layers: Vec<Vec<usize>>,
}

impl Plan {
    pub(crate) fn new(manifests: &[ManifestDocument]) -> Result<Self, IntakeError> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut places: HashMap<(ContentDigest, Kind), usize> = HashMap::new();
        let mut layers = Vec::with_capacity(manifests.len());
        for document in manifests {
            let setting = Arc::new(Setting {
                artifact_type: document.manifest.artifact_type.clone(),
                config_media_type: document.manifest.config.media_type.clone(),
            });
            let mut own = Vec::with_capacity(document.manifest.layers.len());
            for (index, descriptor) in document.manifest.layers.iter().enumerate() {
                let kind = kind(document, index)?;
                let place = *places.entry((descriptor.digest, kind)).or_insert_with(|| {
                    wanted.push(Wanted {
                        descriptor: descriptor.clone(),
                        kind,
                        setting: Arc::clone(&setting),
                        others: Vec::new(),
                        has_too_many_names: false,
                    });
                    wanted.len() - 1
                });
                require_same_size(&wanted[place], descriptor)?;
                wanted[place].also(descriptor);
                own.push(place);
            }
            layers.push(own);
        }
        Ok(Self { wanted, layers })
    }

    /// Bytes to fetch, as they travel.
    pub(crate) fn bytes(&self) -> u64 {
        self.wanted
            .iter()
            .fold(0, |sum, blob| sum.saturating_add(blob.descriptor.size))
    }
}

/// An image says of each layer what it must unpack to. Where the layer's type is not one this
/// program can unpack, that is only known to hold when it is the blob itself.
fn kind(document: &ManifestDocument, index: usize) -> Result<Kind, IntakeError> {
    let descriptor = &document.manifest.layers[index];
    let Some(image) = &document.image else {
        return Ok(Kind::Blob);
    };
    let diff_id = image.diff_ids[index];
    match descriptor.media_type.layer_compression() {
        Some(compression) => Ok(Kind::Layer {
            compression,
            diff_id,
        }),
        None if diff_id == descriptor.digest => Ok(Kind::Blob),
        None => Err(IntakeError::Blob {
            kind: "layer",
            digest: descriptor.digest,
            fault: BlobFault::UnknownLayerType {
                media_type: descriptor.media_type.clone(),
            },
        }),
    }
}

/// A blob is fetched once, so only one of two sizes could ever be compared with it.
fn require_same_size(wanted: &Wanted, descriptor: &Descriptor) -> Result<(), IntakeError> {
    if wanted.descriptor.size == descriptor.size {
        return Ok(());
    }
    Err(IntakeError::Blob {
        kind: wanted.noun(),
        digest: descriptor.digest,
        fault: BlobFault::Sizes {
            one: wanted.descriptor.size,
            other: descriptor.size,
        },
    })
}

impl Wanted {
    /// Takes note that this is the same blob.
    fn also(&mut self, descriptor: &Descriptor) {
        let is_same = |known: &Descriptor| {
            known.media_type == descriptor.media_type && known.annotations == descriptor.annotations
        };
        if self.kind != Kind::Blob || is_same(&self.descriptor) || self.others.iter().any(is_same) {
            return;
        }
        match self.others.len() < MAX_NAMES {
            true => self.others.push(descriptor.clone()),
            false => self.has_too_many_names = true,
        }
    }

    /// All that manifests say of it.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        std::iter::once(&self.descriptor).chain(&self.others)
    }

    /// The digest of the bytes that are recorded.
    pub(crate) const fn content(&self) -> ContentDigest {
        match self.kind {
            Kind::Layer { diff_id, .. } => diff_id,
            Kind::Blob => self.descriptor.digest,
        }
    }

    pub(crate) const fn compression(&self) -> Compression {
        match self.kind {
            Kind::Layer { compression, .. } => compression,
            Kind::Blob => Compression::None,
        }
    }

    pub(crate) const fn content_type(&self) -> ContentType {
        match self.kind {
            Kind::Layer { .. } => ContentType::LAYER,
            Kind::Blob => ContentType::BLOB,
        }
    }

    /// What it is taken for.
    pub(crate) const fn role(&self) -> Role {
        match self.kind {
            Kind::Layer { .. } => Role::Layer,
            Kind::Blob => Role::Blob,
        }
    }

    /// What importers are offered.
    pub(crate) fn offered_as(&self) -> MediaType {
        match self.kind {
            Kind::Layer { .. } => OCI_TAR.parse().expect("a valid media type"),
            Kind::Blob => self.descriptor.media_type.clone(),
        }
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.compression() != Compression::None
    }

    /// Whether the bytes that travel, by the name they travel under, can be had again only if they
    /// are kept beside the content.
    pub(crate) fn is_wrapped(&self) -> bool {
        self.is_compressed() || self.content().algorithm() != self.descriptor.digest.algorithm()
    }

    /// The word for it in messages.
    pub(crate) const fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Layer { .. } => "layer",
            Kind::Blob => "blob",
        }
    }
}

#[cfg(test)]
mod tests;
