//! Objects: files named by their own fs-verity digest.

mod clone;
mod list;
mod read;
mod spool;
#[cfg(test)]
mod tests;
mod write;

use lazaret_artifact::VerityDigest;

pub use clone::ClonedFile;
pub(crate) use list::ListedObject;
pub use list::ObjectName;
pub use read::ObjectReader;
pub use spool::Spool;
pub use write::ObjectWriter;

/// An object that is in the repository now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub digest: VerityDigest,
    /// Its size in bytes.
    pub size: u64,
    /// Whether that took any writing.
    pub outcome: Outcome,
}

/// Whether something was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was written.
    Written,
    /// It was there.
    Present,
    /// It shares its blocks with the file that it was made from.
    Reflinked,
}
