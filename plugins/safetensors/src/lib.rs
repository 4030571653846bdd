//! Importer of safetensors files, and of the indexes that say which shard holds which tensor.
//!
//! [`header`] reads a file's header and [`shards`] an index, both as a stream of pieces through the
//! small trait [`Input`], with a JSON reader of their own that holds one string at a time: memory is
//! in proportion to the table of tensors, whatever the size of header and file, and the data is
//! never looked at. `component` (in WebAssembly only) is such an input over the host's functions,
//! [`mod@replay`] one over a byte slice, for tests, benchmarks and fuzzing.
//!
//! Strict on purpose: duplicate names, holes, overlaps and bytes that belong to no tensor are
//! refused, with the rule and the place ([`error::Rule`] lists all). What the values of a tensor
//! mean, and whether a shard that is named exists, is for others to say.

pub mod dtype;
pub mod error;
pub mod facts;
pub mod header;
pub mod input;
pub mod limits;
pub mod model;
pub mod probe;
pub mod replay;
pub mod shards;
pub mod split;

mod json;
mod names;

#[cfg(target_arch = "wasm32")]
mod component;

pub use dtype::Dtype;
pub use error::{Fault, Rule, Span, Stop};
pub use facts::{Fact, Value};
pub use input::Input;
pub use model::{Model, Tensor};
pub use probe::Kind;
pub use replay::{Read, Replay, replay};
pub use shards::ShardIndex;
pub use split::{Segment, Storage};
