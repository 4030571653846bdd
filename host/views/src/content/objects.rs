//! Which objects a stream consists of, and where.

use lazaret_artifact::VerityDigest;
use lazaret_store::{Chunk, Repository, StoreError};

use crate::error::ViewError;

/// The objects of one stream, in order.
pub(crate) struct Objects(Vec<Placed>);

struct Placed {
    offset: u64,
    size: u64,
    digest: VerityDigest,
}

impl Objects {
    /// Walks the stream; reads none of the objects.
    pub(crate) fn of(repository: &Repository, stream: &VerityDigest) -> Result<Self, ViewError> {
        let mut reader = repository.open_stream(stream, None)?;
        let mut objects = Vec::new();
        let mut offset: u64 = 0;
        while let Some(chunk) = reader.next_chunk()? {
            let size = match chunk {
                Chunk::Inline(bytes) => bytes.len() as u64,
                Chunk::Object(digest) => {
                    let size = repository
                        .has_object(&digest)?
                        .ok_or(StoreError::ObjectMissing { digest })?;
                    objects.push(Placed {
                        offset,
                        size,
                        digest,
                    });
                    size
                }
            };
            // A stream that is longer than any number holds no part that far.
            offset = offset.saturating_add(size);
        }
        Ok(Self(objects))
    }

    /// The object that is exactly these bytes.
    pub(crate) fn find(&self, offset: u64, length: u64) -> Option<VerityDigest> {
        let at = self
            .0
            .binary_search_by_key(&offset, |placed| placed.offset)
            .ok()?;
        let placed = &self.0[at];
        (placed.size == length && length > 0).then_some(placed.digest)
    }
}
