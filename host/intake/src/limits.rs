//! Bounds on what a pull may bring in and a blob may become, and on what is in flight meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::BlobFault;

/// Limits on what comes in. A blob that passes any of them is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Bytes of one decompressed blob: stops a bomb from filling the disk.
    pub size: u64,
    /// Decompressed size as a multiple of the compressed size, once more than [`Self::free`] has
    /// come out: stops a bomb early.
    pub ratio: u64,
    /// Bytes that may come out whatever the ratio: a file of zeroes is no attack.
    pub free: u64,
    /// Bytes of all blobs of one pull, decompressed: stops an index of a thousand images, each
    /// within its bounds, from filling the disk.
    pub total: u64,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self {
            size: 256 << 30,
            ratio: 200,
            free: 1 << 30,
            total: 1 << 40,
        }
    }
}

/// What is left of [`UnpackLimits::total`], shared by all blobs of a pull.
#[derive(Debug)]
pub(crate) struct Allowance {
    limit: u64,
    used: AtomicU64,
}

impl Allowance {
    pub(crate) const fn new(limit: u64) -> Self {
        Self {
            limit,
            used: AtomicU64::new(0),
        }
    }

    /// Takes `bytes` from it.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), BlobFault> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed);
        if used.saturating_add(bytes) > self.limit {
            return Err(BlobFault::Total { limit: self.limit });
        }
        Ok(())
    }
}

/// Manifests and indexes of one pull: stops an index of indexes of signatures of signatures from
/// keeping the host asking for ever.
pub(crate) const MAX_DOCUMENTS: usize = 16 << 10;

/// Bytes of all manifests, indexes and configs of one pull, which are held in memory until they are
/// committed: stops thousands of documents, each within its bound, from taking all of it.
pub(crate) const MAX_DOCUMENT_BYTES: u64 = 256 << 20;

/// How far a referrer may be from what was asked for: a signature of a signature of an attestation
/// is three. Anybody who may push to a repository can make this chain longer.
pub(crate) const MAX_REFERRER_DEPTH: usize = 8;

/// Referrers of one pull, counted once for each subject and each way they refer to it.
pub(crate) const MAX_REFERRERS: usize = 4096;

/// Questions for referrers that are asked at once: each is a few round trips to a registry.
pub(crate) const QUESTIONS_AT_ONCE: usize = 8;

/// Bytes of the smallest file that is cloned instead of copied: no file shares less than a block.
pub(crate) const MIN_CLONE: u64 = 4096;

/// Log2 of the largest zstd window that is accepted: what `zstd --long` and `--ultra -22` write,
/// and what the `zstd` tool itself accepts by default. A frame may ask for it and so cost the host
/// 128 MiB.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Bytes of one buffer between the stages.
pub(crate) const CHUNK_SIZE: usize = 256 << 10;

/// Buffers of one blob. The tape holds at most [`SMALL_OBJECT`] bytes' worth and one to peek into;
/// all others are on their way through a stage that lets go of them.
pub(crate) const CHUNKS_PER_BLOB: usize = 20;

/// Chunks waiting between the reader and the tape.
pub(crate) const CHUNKS_AHEAD: usize = 4;

/// Objects up to this size are gathered, hashed in memory, and written only if they are new.
/// Larger ones are streamed to a file while they are hashed.
pub(crate) const SMALL_OBJECT: u64 = 1 << 20;

/// Objects waiting for the pool.
pub(crate) const OBJECTS_WAITING: usize = 64;

/// Small objects hashed together, at most.
pub(crate) const BATCH: usize = 16;

/// Bytes of objects hashed together, about.
pub(crate) const BATCH_BYTES: usize = 256 << 10;

/// Chunks of a large object waiting for the pool.
pub(crate) const PARTS_WAITING: usize = 4;

/// Bytes held back inline while an object before them is still being stored.
pub(crate) const INLINE_HELD: usize = 2 << 20;

/// How long the recorder waits for any object to be stored before it takes the pool for dead. A
/// disk that hangs longer than this fails the pull instead of hanging it.
pub(crate) const POOL_PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// Types and names of one blob beside the first that importers are asked about: a manifest can name
/// a blob ten thousand times.
pub(crate) const MAX_NAMES: usize = 16;

/// Links that are followed from a model's name to a file that was read.
pub(crate) const MAX_LINKS: usize = 8;

/// Bytes of what importers find in files of one blob, as it is recorded: each part is filed under its
/// file's path, which may be four thousand bytes for a tensor of none.
pub(crate) const MAX_FOUND_BYTES: u64 = 256 << 20;

/// Cuts of one blob that are noted before it is kept: stops an importer from filling memory with
/// them, sixteen bytes each.
pub(crate) const MAX_CUTS: usize = 2 << 20;

/// Places that an importer reads of a file that may change meanwhile, each remembered by its digest;
/// reading on from where the last read ended is the same place.
pub(crate) const MAX_READS: usize = 1 << 19;

/// Files of one blob that are handed to other importers: stops an archive of a hundred thousand tiny
/// models from starting the sandbox for each.
pub(crate) const MAX_HANDED: u64 = 4096;

/// Bytes of a file that is shown to another importer although it is kept inline.
pub(crate) const MAX_INLINE_FILE: u64 = 64 << 10;

/// Entries that the importers of all files of one blob may find together.
pub(crate) const MAX_HANDED_ENTRIES: u64 = 2_000_000;

/// How deep files are handed on: a model in an archive in an archive is two.
pub(crate) const MAX_NESTING: usize = 4;

/// Bytes of a blob an importer may see before it decides whether to take it.
pub(crate) const PROBE_HEAD: usize = lazaret_engine::budget::PROBE_HEAD;

/// Faults of files in a blob that are told one by one; the record has all of them.
pub(crate) const FAULTS_TOLD: usize = 8;

/// Bytes of waiting lines that are held before they go to a file.
pub(crate) const LINES_IN_MEMORY: usize = 1 << 20;
