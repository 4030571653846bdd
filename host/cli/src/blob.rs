//! That there is nothing to give.

/// Nothing is stored under a digest.
#[derive(Debug, thiserror::Error)]
#[error("nothing is stored under this digest")]
pub struct NoBlob;
