//! What references what in a repository: tags, manifests, configs, layers and import records.
//!
//! The names and keys are those of `cfsctl` 0.9.4, all of them in [`names`], so that it can list,
//! check and collect what is written here; lazaret's own records live beside them. Nothing is
//! linked before all that it refers to is in the store, and what another tool added to a stream
//! is kept when that stream is written anew.
//!
//! Never runs importers, never touches the network, never deletes objects.

pub mod commit;
pub mod error;
pub mod fsck;
pub mod images;
mod listing;
mod lock;
pub mod name;
pub mod names;
pub mod records;
mod stored;

pub use commit::{
    BlobRef, Commit, Committed, IndexCommit, LayerRef, ManifestCommit, RecordRef, ReferrerCommit,
    finish_interrupted,
};
pub use error::GraphError;
pub use fsck::{Finding, FsckOptions, FsckProgress, FsckReport, Severity, fsck, fsck_image};
pub use images::{Image, ImageRow, Kind, Layer, list, load, tag, untag};
pub use name::Name;
pub use records::{Record, RecordReader, RecordWriter, find_record};
pub use stored::Refs;
