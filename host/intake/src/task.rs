//! What is imported, and from where: a blob as it comes from the source, what is stored of it, or
//! what a stored blob decompresses to.

use std::collections::BTreeMap;

use lazaret_artifact::descriptor::FILE_NAMES;
use lazaret_artifact::record::Role;
use lazaret_artifact::{Compression, ContentDigest, EntryPath, MediaType, VerityDigest};
use lazaret_engine::{Offer, Policy};
use lazaret_store::ContentType;

use crate::candidates::claimants;
use crate::options::{Importers, OnFault, PullOptions, Split};
use crate::plan::{Kind, Wanted};

/// The type that says nothing: the name decides.
const ANYTHING: &str = "application/octet-stream";

pub(crate) struct Task<'a> {
    /// The blob.
    pub(crate) wanted: &'a Wanted,
    /// Digest of what is to be recorded; none where only decompressing tells.
    pub(crate) content: Option<ContentDigest>,
    /// How the bytes that are read are wrapped.
    pub(crate) compression: Compression,
    pub(crate) from: From,
    /// What importers are offered.
    pub(crate) media_type: MediaType,
    /// What they are told by the operator.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Whether this is what the blob decompresses to, and the blob is kept beside it.
    pub(crate) is_inside: bool,
}

/// Where the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Source,
    /// In this stream.
    Stored(VerityDigest),
}

/// How files are to be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// What is there stays as it is; what is new is kept whole.
    AsIs,
    Split(Split),
    Whole,
}

impl Wish {
    pub(crate) const fn of(options: &PullOptions) -> Self {
        match options.split {
            Some(split) => Self::Split(split),
            None => Self::AsIs,
        }
    }

    /// The parameters of an import by this wish, where there was one with `before`.
    pub(crate) fn parameters(
        self,
        operators: &BTreeMap<String, String>,
        before: Option<&BTreeMap<String, String>>,
    ) -> BTreeMap<String, String> {
        let mut parameters = operators.clone();
        let split = match self {
            Self::Split(split) => Some(split.value().to_owned()),
            Self::Whole => None,
            Self::AsIs => before.and_then(|before| before.get(Split::PARAMETER).cloned()),
        };
        match split {
            Some(split) => parameters.insert(Split::PARAMETER.to_owned(), split),
            None => parameters.remove(Split::PARAMETER),
        };
        parameters
    }

    /// Whether an import with `before` is what would be made now. `matters` says whether anything in
    /// it could be cut further.
    pub(crate) fn is_met(
        self,
        operators: &BTreeMap<String, String>,
        before: &BTreeMap<String, String>,
        matters: bool,
    ) -> bool {
        let found = before.get(Split::PARAMETER).map(String::as_str);
        let mut others = before.clone();
        others.remove(Split::PARAMETER);
        let split = match self {
            Self::AsIs => true,
            Self::Split(split) => !matters || found == Some(split.value()),
            Self::Whole => !matters || found.is_none(),
        };
        others == *operators && split
    }
}

impl<'a> Task<'a> {
    /// A blob from the source.
    pub(crate) fn fetch(wanted: &'a Wanted, parameters: BTreeMap<String, String>) -> Self {
        Self {
            wanted,
            content: Some(wanted.content()),
            compression: wanted.compression(),
            from: From::Source,
            media_type: wanted.offered_as(),
            parameters,
            is_inside: false,
        }
    }

    /// What is stored of a blob, anew.
    pub(crate) fn again(
        wanted: &'a Wanted,
        stream: VerityDigest,
        parameters: BTreeMap<String, String>,
    ) -> Self {
        Self {
            compression: Compression::None,
            from: From::Stored(stream),
            ..Self::fetch(wanted, parameters)
        }
    }

    /// What a stored blob decompresses to.
    pub(crate) fn inside(
        wanted: &'a Wanted,
        stream: VerityDigest,
        (media_type, compression): (MediaType, Compression),
        parameters: BTreeMap<String, String>,
    ) -> Self {
        Self {
            wanted,
            content: None,
            compression,
            from: From::Stored(stream),
            media_type,
            parameters,
            is_inside: true,
        }
    }

    /// The same, from where that is stored.
    pub(crate) fn inside_again(
        wanted: &'a Wanted,
        (content, stream): (ContentDigest, VerityDigest),
        media_type: MediaType,
        parameters: BTreeMap<String, String>,
    ) -> Self {
        Self {
            wanted,
            content: Some(content),
            compression: Compression::None,
            from: From::Stored(stream),
            media_type,
            parameters,
            is_inside: true,
        }
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.compression != Compression::None
    }

    pub(crate) const fn is_layer(&self) -> bool {
        matches!(self.wanted.kind, Kind::Layer { .. })
    }

    pub(crate) const fn role(&self) -> Role {
        self.wanted.role()
    }

    pub(crate) const fn content_type(&self) -> ContentType {
        self.wanted.content_type()
    }

    /// Whether it is refused when no importer can read it.
    pub(crate) fn is_required(&self, options: &PullOptions) -> bool {
        self.is_layer() && options.on_fault == OnFault::Refuse
    }

    /// The size of what is recorded, where it is known before it is read from the source: an import
    /// of what is stored is told no more.
    pub(crate) fn size(&self) -> Option<u64> {
        let is_known = !self.is_inside && !self.wanted.is_compressed();
        is_known.then_some(self.wanted.descriptor.size)
    }

    /// All that it is offered as, in the order in which importers are asked: by each type that it is
    /// declared as, and by its names, whatever its type.
    pub(crate) fn offers(&self, importers: &Importers) -> Vec<Offer> {
        let mut offers = Vec::new();
        for descriptor in self.wanted.descriptors() {
            let media_type = match std::ptr::eq(descriptor, &self.wanted.descriptor) {
                true => self.media_type.essence(),
                false if self.is_inside => match descriptor.media_type.essence().unwrapped() {
                    Some((media_type, _)) => media_type,
                    None => continue,
                },
                false => descriptor.media_type.essence(),
            };
            let offer = self.offer_as(media_type, &descriptor.annotations);
            let is_named = FILE_NAMES
                .iter()
                .any(|key| offer.annotations.contains_key(*key));
            // What it decompresses to is looked into instead.
            let is_wrapping = !self.is_inside
                && offer
                    .media_type
                    .unwrapped()
                    .is_some_and(|(inner, _)| !claimants(importers, &inner).is_empty());
            let is_name_of_it = is_named && !is_wrapping && !offer.media_type.is_archive();
            let by_name = (is_name_of_it && !self.is_layer()).then(|| {
                let anything = ANYTHING.parse().expect("a valid media type");
                self.offer_as(anything, &descriptor.annotations)
            });
            offers.push(offer);
            offers.extend(by_name);
        }
        offers
    }

    /// What an importer is told of it.
    fn offer_as(&self, media_type: MediaType, annotations: &BTreeMap<String, String>) -> Offer {
        let wanted = self.wanted;
        let mut annotations = annotations.clone();
        for key in FILE_NAMES {
            // Importers are to see the name that the file will have.
            if let Some(name) = annotations.get_mut(key)
                && let Ok(path) = EntryPath::from_untrusted(name.as_bytes())
            {
                *name = String::from_utf8_lossy(path.as_bytes()).into_owned();
            }
        }
        Offer {
            media_type,
            artifact_type: wanted.setting.artifact_type.clone(),
            config_media_type: Some(wanted.setting.config_media_type.clone()),
            size: self.size(),
            travelling_size: wanted.descriptor.size,
            annotations,
            parameters: self.parameters.clone(),
            policy: match self.is_layer() {
                true => Policy::LAYER,
                false => Policy::STRICT,
            },
            fact_namespaces: Vec::new(),
            fuel: None,
        }
    }
}

#[cfg(test)]
mod tests;
