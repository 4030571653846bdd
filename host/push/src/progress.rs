//! What a caller may want to draw.

use lazaret_artifact::ContentDigest;

/// Something happened. Blobs are counted from 0 in the order of the plan, each once; events of
/// different blobs mix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The destination was asked what it has. First, and once.
    Planned {
        /// Manifests and indexes to be sent or found there.
        documents: usize,
        /// Blobs it lacks.
        blobs: usize,
        /// Their sizes added up; a layer that is compressed anew counts as it was before.
        bytes: u64,
        /// Blobs it has.
        present: usize,
    },
    /// The destination has it.
    Present {
        /// Which.
        blob: usize,
        /// Its digest.
        digest: ContentDigest,
        /// Its size.
        size: u64,
    },
    /// The registry has it in another repository and lent it.
    Mounted {
        /// Which.
        blob: usize,
        /// Its digest.
        digest: ContentDigest,
        /// Its size.
        size: u64,
        /// The other repository.
        from: String,
    },
    /// A layer is being compressed anew, to be sent after.
    Recompressing {
        /// Which.
        blob: usize,
        /// Its digest as it came.
        digest: ContentDigest,
    },
    /// Something has another digest than it came with.
    Renamed {
        /// As it came.
        old: ContentDigest,
        /// As it is sent.
        new: ContentDigest,
    },
    /// A blob is being sent.
    Started {
        /// Which.
        blob: usize,
        /// Its digest, the new one where there is one.
        digest: ContentDigest,
        /// Its size.
        size: u64,
    },
    /// More of it has been sent.
    Sent {
        /// Which.
        blob: usize,
        /// Bytes since the last such event.
        bytes: u64,
    },
    /// It is there now.
    Finished {
        /// Which.
        blob: usize,
    },
    /// A manifest or index is there now.
    Document {
        /// Its digest.
        digest: ContentDigest,
        /// The tag it got.
        tag: Option<String>,
        /// Whether it was sent; else the destination had it.
        sent: bool,
    },
    /// Everything was sent; the destination is being completed.
    Finishing,
}
