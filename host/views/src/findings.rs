//! What importers found in an image or artifact beside files: parts (tensors, partitions,
//! certificates) and facts. All of it is the importers' word, as their records have it; offsets and
//! sizes lie inside the content, which the host saw to when it was recorded.
//!
//! Both are handed over one by one: a model has hundreds of thousands of parts. Of a blob that is
//! kept compressed, the content is what was looked into.

mod about;
mod parts;

use std::sync::Arc;

use lazaret_artifact::record::Line;
use lazaret_artifact::{Attribute, ContentDigest, EntryPath, Extent, Value, VerityDigest};
use lazaret_graph::{Image, Layer, Record, RecordReader};
use lazaret_store::Repository;

use crate::error::ViewError;

/// The content that something was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The layer or blob as it travelled.
    pub blob: ContentDigest,
    /// What was imported of it: a layer's diff_id, an artifact's blob, or what is in one that is
    /// compressed.
    pub content: ContentDigest,
    /// The stream that rebuilds the content.
    pub stream: VerityDigest,
    /// The file that the artifact says the blob is.
    pub file: Option<EntryPath>,
}

/// A named stretch of a blob that is not a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it was found.
    pub place: Arc<Place>,
    /// The file it lies in: one inside the content, else the one that the blob is.
    pub file: Option<Arc<EntryPath>>,
    /// Its name, as the format has it; not necessarily a path, and not escaped.
    pub name: String,
    /// Its bytes, as pieces of the content.
    pub extents: Vec<Extent>,
    /// Their number.
    pub size: u64,
    /// The object that holds it and nothing else.
    pub object: Option<VerityDigest>,
    /// What else is known of it.
    pub attributes: Vec<Attribute>,
}

impl Part {
    /// Where it begins in the content; none for a part without bytes in it.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.extents.iter().find_map(|extent| match extent {
            Extent::Input { offset, .. } => Some(*offset),
            _ => None,
        })
    }

    /// An attribute that is text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|known| known.key == key)?;
        match &found.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// What a fact is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The content it was read in.
    pub place: Arc<Place>,
    /// The file: one inside the content, else the one that the blob is.
    pub file: Option<EntryPath>,
    /// Something that is in the file and not a file itself, such as a part; none for the file as a
    /// whole.
    pub entry: Option<String>,
    /// Bytes of the file, or of that.
    pub size: u64,
}

/// A statement about a blob, or about something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFact {
    /// What it is about. The same for all facts about the same.
    pub about: Arc<About>,
    /// Its dotted name.
    pub key: String,
    /// What is said.
    pub value: Value,
}

/// Hands over every part, in the order of the blobs and as their importers listed them.
///
/// # Errors
/// The store's, records that are damaged, and those of `visit`.
pub fn each_part<E: From<ViewError>>(
    repository: &Repository,
    image: &Image,
    mut visit: impl FnMut(Part) -> Result<(), E>,
) -> Result<(), E> {
    for layer in &image.layers {
        parts::of_place(repository, Arc::new(place_of(layer)), &mut visit)?;
    }
    Ok(())
}

/// Hands over every fact, in the order of the blobs and as it was stated. Takes memory for the facts
/// of one blob, which importers are limited in.
///
/// # Errors
/// The store's, records that are damaged, and those of `visit`.
pub fn each_fact<E: From<ViewError>>(
    repository: &Repository,
    image: &Image,
    mut visit: impl FnMut(FoundFact) -> Result<(), E>,
) -> Result<(), E> {
    for layer in &image.layers {
        about::of_place(repository, Arc::new(place_of(layer)), &mut visit)?;
    }
    Ok(())
}

/// The content of a layer or blob that is looked into.
fn place_of(layer: &Layer) -> Place {
    let (content, stream) = match &layer.unpacked {
        Some(unpacked) => (unpacked.content, unpacked.stream),
        None => (layer.key, layer.stream),
    };
    Place {
        blob: layer.descriptor.digest,
        content,
        stream,
        file: layer.descriptor.file_path().and_then(Result::ok),
    }
}

/// The lines of a record between header and summary.
fn lines(
    repository: &Repository,
    place: &Place,
    record: &Record,
) -> Result<impl Iterator<Item = Result<Line, ViewError>> + use<>, ViewError> {
    let reader = RecordReader::open(repository, &place.content, &record.stream)?;
    Ok(reader.map(|line| line.map_err(ViewError::from)))
}

#[cfg(test)]
mod tests;
