//! What a source may still hand out, and whether it may go on: for as long as it is open.
//!
//! Each single call is bounded where it is made. A caller that follows what it is told to, from
//! referrer to referrer, makes as many calls as the other side likes: these bounds are on all of
//! them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::TransportError;
use crate::registry::RegistryOptions;

/// Bytes of documents for one call, and for all calls of one source: they are held in memory, and
/// ten thousand of 4 MiB would fill it.
pub(crate) const MAX_DOCUMENT_BYTES: u64 = 128 * 1024 * 1024;

/// What is left of a source.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    cancel: Arc<AtomicBool>,
    /// Bytes of documents that were handed out.
    documents: AtomicU64,
}

impl Allowance {
    pub(crate) fn new(options: &RegistryOptions) -> Self {
        Self {
            cancel: Arc::clone(&options.cancel),
            documents: AtomicU64::new(0),
        }
    }

    /// An error once the user wants to stop.
    pub(crate) fn require_going_on(&self) -> Result<(), TransportError> {
        match self.cancel.load(Ordering::Relaxed) {
            true => Err(TransportError::Cancelled),
            false => Ok(()),
        }
    }

    /// Counts bytes of documents that a caller will hold. What was counted is not given back.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), TransportError> {
        let found = self
            .documents
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes);
        match found > MAX_DOCUMENT_BYTES {
            true => Err(TransportError::Limit {
                what: "bytes of documents of one source".to_owned(),
                found,
                limit: MAX_DOCUMENT_BYTES,
            }),
            false => Ok(()),
        }
    }
}
