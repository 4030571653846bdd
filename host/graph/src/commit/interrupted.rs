//! Finishing what a commit that died had begun.
//!
//! Second names that are left over say which streams were being replaced. Where the name itself
//! leads to another stream already, everything that still refers to the old one is rewritten; then
//! the second names go. Doing so twice does no harm, and dying in the middle of it neither.

use lazaret_store::Repository;

use super::stage::Documents;
use crate::error::GraphError;
use crate::listing;
use crate::lock::NamesLock;
use crate::names::Stream;

/// Finishes a commit that died, if there is one. Returns the streams that were rewritten. Every
/// commit does this before anything else.
///
/// # Errors
/// The store's.
pub fn finish_interrupted(repository: &Repository) -> Result<Vec<Stream>, GraphError> {
    let _lock = NamesLock::acquire(repository)?;
    finish(repository)
}

/// The same for who holds the lock.
pub(super) fn finish(repository: &Repository) -> Result<Vec<Stream>, GraphError> {
    let left = listing::previous(repository)?;
    if left.is_empty() {
        return Ok(Vec::new());
    }
    tracing::debug!(
        count = left.len(),
        "finishing a commit that was interrupted"
    );
    let mut documents = Documents::new(repository);
    for (name, old) in &left {
        if let Some(new) = repository.resolve_stream(&name.name())?
            && new != *old
        {
            documents.note_replaced(*name, *old, new);
        }
    }
    documents.rewrite_others(|name| matches!(name, Stream::Config(_)))?;
    documents.rewrite_others(|name| matches!(name, Stream::Manifest(_)))?;
    documents.rewrite_others(|name| matches!(name, Stream::Index(_)))?;
    let (mut plan, rewritten) = documents.into_plan();
    plan.leftover = left.into_iter().map(|(name, _)| name).collect();
    plan.carry_out(repository)?;
    Ok(rewritten)
}
