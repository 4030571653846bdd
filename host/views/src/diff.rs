//! What two images or artifacts have in common, and what not: tensors and other parts, and what the
//! files say of themselves.
//!
//! Parts are matched by file and name, and those that are left by name alone where that is
//! unambiguous: a model may be one file here and shards, or in an archive, there. Equal means the same
//! bytes of the same type and shape, whatever format spells that how. Objects answer without reading;
//! else both sides are read, compared with digests, and hashed. Metadata is matched by file likewise.

mod metadata;
mod parts;

use std::sync::Arc;

use lazaret_artifact::{EntryPath, Value};
use lazaret_graph::Image;
use lazaret_store::Repository;

use crate::error::ViewError;

/// What differs from the first to the second.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// Parts that are the same.
    pub equal: Tally,
    /// Of these, those that lie in a file of another name.
    pub elsewhere: Tally,
    /// Parts that are on both sides and not the same, by the order of the first.
    pub changed: Vec<Changed>,
    /// Parts that only the second has, in its order.
    pub added: Vec<Outline>,
    /// Parts that only the first has, in its order.
    pub gone: Vec<Outline>,
    /// What files say of themselves and do not say alike, by file and key.
    pub metadata: Vec<MetadataChange>,
}

/// How many, and how large.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Parts.
    pub parts: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, size: u64) {
        self.parts += 1;
        self.bytes = self.bytes.saturating_add(size);
    }
}

/// A part on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// As it was.
    pub before: Outline,
    /// As it is.
    pub after: Outline,
    /// Whether only its bytes are others.
    pub content_only: bool,
}

/// What a part looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The file it lies in.
    pub file: Option<Arc<EntryPath>>,
    /// Its name.
    pub name: String,
    /// Its type, in the format's own spelling.
    pub dtype: Option<Arc<str>>,
    /// Its shape, as the format has it.
    pub shape: Option<Arc<str>>,
    /// Its bytes.
    pub size: u64,
}

/// Something that files say of themselves, here and there.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataChange {
    /// The file, by its name on the second side; none for what all files of one side say together.
    pub file: Option<EntryPath>,
    /// Dotted name of the fact.
    pub key: String,
    /// What is said on the first side; none where nothing is.
    pub before: Vec<Value>,
    /// And on the second.
    pub after: Vec<Value>,
}

/// How far a comparison is in reading what only its bytes can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffProgress {
    /// Bytes read.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// Compares two images or artifacts of a repository. `reading` is told as it goes on.
///
/// # Errors
/// The store's, records that are damaged, and [`ViewError::Amplified`].
pub fn diff(
    repository: &Repository,
    before: &Image,
    after: &Image,
    reading: &mut dyn FnMut(DiffProgress),
) -> Result<Differences, ViewError> {
    let mut differences = Differences::default();
    parts::compare(repository, before, after, reading, &mut differences)?;
    differences.metadata = metadata::compare(repository, before, after)?;
    Ok(differences)
}

impl Differences {
    /// Whether nothing was found that differs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changed.is_empty()
            && self.added.is_empty()
            && self.gone.is_empty()
            && self.metadata.is_empty()
    }
}

#[cfg(test)]
mod tests;
