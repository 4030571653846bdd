//! What can be derived from a stored image: its merged tree, the files in it, what importers found
//! beside files, cards of the models among them, what two images have in common, and copies of the
//! whole as a directory or a tar stream.
//!
//! Works from import records and layer streams alone. Knows nothing of importers or of the rules
//! for tags, never reads a layer's format, and never changes a repository.
//!
//! Invariants: what is read from an object has been compared with its digest by the time the
//! operation succeeds. A symbolic link of an image is text: it is followed inside the tree only
//! ([`lookup`](Tree::lookup)), and an export never goes through one on disk.

mod content;
pub mod diff;
pub mod erofs;
pub mod error;
pub mod export;
pub mod findings;
pub mod lookup;
mod merge;
pub mod model;
mod part_reader;
mod read;
#[cfg(test)]
mod samples;
pub mod tree;
pub mod walk;

pub use diff::{Changed, DiffProgress, Differences, MetadataChange, Outline, Tally, diff};
pub use error::{PathFault, ViewError};
pub use export::{ExportOptions, Exported, Owners, Progress, Skipped, Warning, directory, tar};
pub use findings::{About, FoundFact, Part, Place, each_fact, each_part};
pub use lookup::{Follow, Found};
pub use model::{Claims, FileFault, ModelCard, ModelFile, Models, Shards, models};
pub use part_reader::PartReader;
pub use read::{read_extents, read_file};
pub use tree::{Content, Node, NodeId, NodeKind, Totals, Tree};
pub use walk::{Visit, Walk};
