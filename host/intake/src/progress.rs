//! What a pull tells its caller while it runs. The caller draws it.

use lazaret_artifact::ContentDigest;

/// Something happened. Blobs are counted from 0 in the order of the manifests, equal ones once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A referrer was found.
    Referrer {
        /// Its digest.
        digest: ContentDigest,
        /// What it refers to.
        subject: ContentDigest,
    },
    /// All manifests and indexes are known.
    Resolved {
        /// Digest of what was asked for.
        root: ContentDigest,
        /// Manifests to come, referrers' included.
        manifests: usize,
        /// Blobs to come.
        blobs: usize,
        /// Their sizes as they travel, added up.
        bytes: u64,
    },
    /// A blob is being read.
    Started {
        /// Which.
        blob: usize,
        /// Its digest.
        digest: ContentDigest,
        /// Its size as it travels.
        size: u64,
    },
    /// More of it has been read.
    Read {
        /// Which.
        blob: usize,
        /// Bytes read since the last such event.
        bytes: u64,
    },
    /// It is already there and was verified before.
    Reused {
        /// Which.
        blob: usize,
        /// Its digest.
        digest: ContentDigest,
        /// Its size as it travels.
        size: u64,
    },
    /// It is stored and verified.
    Finished {
        /// Which.
        blob: usize,
    },
    /// Everything is verified; data is being synced and names are written.
    Committing,
}

/// Receives events, from several threads.
pub type Progress<'a> = &'a (dyn Fn(Event) + Sync);
