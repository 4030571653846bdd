//! How much a repository holds.

use std::collections::HashSet;

use crate::error::StoreError;
use crate::repository::Repository;

/// What a repository holds. Sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Objects.
    pub objects: u64,
    /// Sum of their sizes.
    pub apparent: u64,
    /// What they take on disk, without directories.
    pub allocated: u64,
    /// Named streams.
    pub streams: u64,
    /// Objects that named streams lead to.
    pub distinct_streams: u64,
    /// References to streams, of all namespaces.
    pub refs: u64,
    /// Images that composefs may mount.
    pub images: u64,
}

impl Repository {
    /// Counts everything.
    ///
    /// # Errors
    /// When the operating system refuses, or a name is not what it should be.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let mut usage = Usage::default();
        for directory in 0..=u8::MAX {
            self.list_objects(directory, &mut |object| {
                if object.digest.is_some() && object.is_file {
                    usage.objects += 1;
                    usage.apparent += object.size;
                    usage.allocated += object.allocated;
                }
                Ok(())
            })?;
        }
        let streams = self.streams()?;
        let distinct: HashSet<_> = streams.iter().map(|(_, digest)| digest).collect();
        usage.streams = streams.len() as u64;
        usage.distinct_streams = distinct.len() as u64;
        usage.refs = self.stream_roots()?.len() as u64;
        usage.images = self.images()?.len() as u64;
        Ok(usage)
    }
}
