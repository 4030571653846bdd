//! Tags: which there are of something, giving and taking them.

use lazaret_artifact::Tag;
use lazaret_store::Repository;

use super::resolve::resolve;
use crate::error::GraphError;
use crate::listing;
use crate::lock::NamesLock;
use crate::name::Name;
use crate::names::{self, Stream};

/// The tags that name a manifest or index, sorted.
///
/// # Errors
/// When the tags cannot be listed.
pub fn tags_of(repository: &Repository, stream: Stream) -> Result<Vec<Tag>, GraphError> {
    let name = stream.name();
    let mut tags: Vec<Tag> = listing::references(repository, names::TAGS)?
        .into_iter()
        .filter(|(_, target)| target.as_ref().is_ok_and(|target| *target == name))
        .filter_map(|(file_name, _)| Tag::from_file_name(&file_name).ok())
        .collect();
    tags.sort();
    Ok(tags)
}

/// Gives what `name` names another tag; a tag that is there moves.
///
/// # Errors
/// Not found.
pub fn tag(repository: &Repository, name: &Name, new: &Tag) -> Result<(), GraphError> {
    let _lock = NamesLock::acquire(repository)?;
    let stream = resolve(repository, name)?;
    let mut transaction = repository.transaction();
    transaction.link_ref(names::TAGS, &new.to_file_name(), stream.name());
    Ok(transaction.commit()?)
}

/// Takes a tag away. What it named stays until it is collected.
///
/// # Errors
/// Not found.
pub fn untag(repository: &Repository, tag: &Tag) -> Result<(), GraphError> {
    let _lock = NamesLock::acquire(repository)?;
    if repository.remove_ref(names::TAGS, &tag.to_file_name())? {
        Ok(())
    } else {
        Err(GraphError::NoSuchTag { tag: tag.clone() })
    }
}
