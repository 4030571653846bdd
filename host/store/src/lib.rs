//! Bytes at rest: a repository of objects named by their fs-verity digest, of splitstreams that
//! rebuild larger streams from them, and of names for those.
//!
//! The format on disk is composefs' as `cfsctl` 0.9 reads and writes it. Nothing here knows what
//! the bytes mean: a content type is a number, a stream's name is a file name.
//!
//! Invariants: an object appears under its digest whole or not at all. A name is made only after
//! everything it leads to has been synced. Symbolic links are never followed, and what is read
//! from the repository is checked like any input. No object and no stream is deleted
//! except under an exclusive lock.

mod beneath;
pub mod check;
pub mod content_type;
pub mod error;
mod examine;
mod layout;
mod lock;
pub mod metadata;
pub mod name;
mod names;
pub mod object;
pub mod repository;
pub mod splitstream;
mod temporary;
#[cfg(test)]
mod testing;
mod transaction;
mod usage;
pub mod verity;

pub use check::{CheckOptions, CheckProgress, CheckReport, Damage};
pub use content_type::ContentType;
pub use error::StoreError;
pub use examine::Trust;
pub use lock::ExclusiveLock;
pub use metadata::Metadata;
pub use name::StreamName;
pub use object::{ClonedFile, ObjectName, ObjectReader, ObjectWriter, Outcome, Spool, Stored};
pub use repository::{Access, Repository, VerityPolicy};
pub use splitstream::{Chunk, StoredStream, StreamReader, StreamWriter};
pub use transaction::Transaction;
pub use usage::Usage;
