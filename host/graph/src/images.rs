//! Images, artifacts and indexes that are there: finding, loading, listing, naming and unnaming.

mod choose;
mod graph;
mod index;
mod list;
mod load;
mod resolve;
mod summary;
mod tags;

pub use graph::{StoredGraph, StoredManifest, load_graph};
pub use index::{Child, StoredIndex, load_index};
pub use list::{Details, ImageRow, list};
pub use load::{Image, Layer, load, load_manifest, load_platform};
pub use resolve::resolve;
pub use tags::{tag, tags_of, untag};

use serde::Serialize;

/// What a digest names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A container image.
    Image,
    /// Anything else that has a manifest.
    Artifact,
    /// A choice of images.
    Index,
}
