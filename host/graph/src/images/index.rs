//! Indexes as they are stored.

use lazaret_artifact::{ContentDigest, Descriptor, Index, Tag, VerityDigest};
use lazaret_store::Repository;

use super::resolve::find;
use super::tags::tags_of;
use crate::error::GraphError;
use crate::names::Stream;
use crate::stored;

/// An index, read and verified.
#[derive(Debug, Clone)]
pub struct StoredIndex {
    /// The index; its digest is what it is stored under.
    pub index: Index,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// The stream that holds it.
    pub stream: VerityDigest,
    /// What it lists, in order.
    pub children: Vec<Child>,
    /// Tags that name it, sorted.
    pub tags: Vec<Tag>,
}

/// An entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// As the index has it.
    pub descriptor: Descriptor,
    /// Whether a manifest or index of that digest is stored.
    pub stored: bool,
}

/// Reads an index: verified against its digest, every child looked for.
///
/// # Errors
/// Not found; damage.
pub fn load_index(
    repository: &Repository,
    digest: &ContentDigest,
) -> Result<StoredIndex, GraphError> {
    let name = Stream::Index(*digest);
    let stored = stored::read_linked(repository, name)?
        .ok_or(GraphError::NoSuchImage { digest: *digest })?;
    let index = stored::parse_index(digest, &stored.bytes)?;
    let mut children = Vec::with_capacity(index.manifests.len());
    for descriptor in &index.manifests {
        children.push(Child {
            descriptor: descriptor.clone(),
            stored: find(repository, &descriptor.digest)?.is_some(),
        });
    }
    Ok(StoredIndex {
        index,
        bytes: stored.bytes,
        stream: stored.stream,
        children,
        tags: tags_of(repository, name)?,
    })
}
