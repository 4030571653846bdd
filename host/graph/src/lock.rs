//! One writer of names at a time.
//!
//! Naming an image is a read, a decision and a write: which layers are linked already, which
//! streams refer to them, what the new manifest must say. Two processes that decide at once could
//! each undo what the other relied on. The lock is a `flock` on `meta.json`; the store and `cfsctl`
//! lock the repository's directory, so neither is held up by it.

use std::fs::File;

use lazaret_store::Repository;

use crate::error::GraphError;

/// Held while names are read and rewritten; released when dropped.
#[derive(Debug)]
pub(crate) struct NamesLock {
    _file: File,
}

impl NamesLock {
    /// Waits until nobody else holds it.
    pub(crate) fn acquire(repository: &Repository) -> Result<Self, GraphError> {
        let path = repository.path().join("meta.json");
        let failed = |source| GraphError::Lock {
            path: path.clone(),
            source,
        };
        let file = File::open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(Self { _file: file })
    }
}
