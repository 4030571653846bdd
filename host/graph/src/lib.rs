//! What references what in a repository: tags, indexes, manifests, configs, layers, import records,
//! and what was attached to any of them.
//!
//! The names and keys are those of `cfsctl` 0.9.4, all of them in [`names`], so that it can list,
//! check and collect what is written here; lazaret's own records live beside them. Nothing is
//! linked before all that it refers to is in the store, and what another tool added to a stream
//! is kept when that stream is written anew.
//!
//! Never runs importers, never touches the network. Only [`gc`] deletes, and only what nobody needs.

// Unit tests use the fixture of the integration tests, which knows the crate by its name.
#[cfg(test)]
extern crate self as lazaret_graph;

pub mod commit;
pub mod content;
pub mod error;
pub mod fsck;
pub mod gc;
pub mod images;
mod listing;
mod lock;
pub mod name;
pub mod names;
pub mod rebuild;
pub mod records;
pub mod referrers;
pub mod sharing;
mod stored;
pub mod stream_content;
pub mod unpacked;

pub use commit::{
    BlobRef, Commit, Committed, ContentRef, IndexCommit, LayerRef, ManifestCommit, RecordRef,
    ReferrerCommit, finish_interrupted,
};
pub use content::{Content, find_content, open_kept_blob};
pub use error::GraphError;
pub use fsck::{Finding, FsckOptions, FsckProgress, FsckReport, Severity, fsck, fsck_image};
pub use gc::{GcOptions, GcPlan, GcProgress, ImageObjects, KeptCounts};
pub use images::{
    Child, Image, ImageRow, Kind, Layer, StoredGraph, StoredIndex, StoredManifest, list, load,
    load_graph, load_index, load_manifest, load_platform, tag, untag,
};
pub use name::Name;
pub use rebuild::{rebuild, rebuilt_digest};
pub use records::{Record, RecordReader, RecordWriter, find_record};
pub use referrers::{ReferrerNode, ReferrerRow, referrer_tree, referrers};
pub use sharing::{Share, Sharing, sharing};
pub use stored::Refs;
pub use stream_content::StreamContent;
pub use unpacked::{Unpacked, unpacked};
