//! The nouns every other crate speaks in: digests, media types, descriptors, manifests,
//! entry paths, entries, facts and import records.
//!
//! Nothing here reads or writes files, spawns threads or knows a file format. A value of one
//! of these types has been validated: untrusted text becomes a type at the edge and the inside
//! takes the type.

pub mod config;
pub mod descriptor;
pub mod digest;
pub mod entry;
pub mod error;
pub mod file_metadata;
pub mod json;
pub mod limits;
pub mod manifest;
pub mod media_type;
pub mod path;
pub mod platform;
pub mod record;
pub mod referrer;
mod rfc3339;
pub mod shards;
pub mod tag;
pub mod text;
pub mod verity;

pub use config::ImageConfig;
pub use descriptor::Descriptor;
pub use digest::{ContentDigest, ContentHasher, DigestAlgorithm};
pub use entry::{Attribute, Entry, EntryKind, Extent, Fact, Posix, Timestamp, Value};
pub use error::ArtifactError;
pub use file_metadata::FileMetadata;
pub use manifest::{Document, Index, Manifest};
pub use media_type::{Compression, MediaType};
pub use path::EntryPath;
pub use platform::Platform;
pub use referrer::{CosignKind, Relation};
pub use tag::Tag;
pub use verity::{VerityAlgorithm, VerityDigest};
