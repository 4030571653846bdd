//! Importer of ONNX models.
//!
//! [`model`] walks the protobuf messages of a model through the small trait [`Input`], with a reader
//! of its own that knows every message of `onnx.proto` (`schema.rs`) and passes over tensors' data
//! unread: memory is in proportion to the number of tensors, whatever the size of the file.
//! `component` (in WebAssembly only) is such an input over the host's functions, [`mod@replay`] one
//! over a byte slice, for tests, benchmarks and fuzzing.
//!
//! Strict on purpose: where protobuf merges, overwrites or passes over what stands in a file twice or
//! in another shape, so that two readers see two models, the file is refused, with the rule and the
//! place ([`error::Rule`] lists all). What a graph computes, and whether the files that hold external
//! data exist, is for others to say.

pub mod dtype;
pub mod error;
pub mod external;
pub mod facts;
pub mod input;
pub mod limits;
pub mod location;
pub mod model;
pub mod part;
pub mod probe;
pub mod replay;

pub mod split;
pub mod summary;

mod attribute;
mod graph;
mod reader;
mod schema;
mod sparse;
mod tensor;
mod wire;

#[cfg(target_arch = "wasm32")]
mod component;

pub use dtype::DataType;
pub use error::{Fault, Rule, Span, Stop};
pub use external::External;
pub use facts::{Fact, Value};
pub use input::Input;
pub use model::parse;
pub use part::{Data, Encoding, Field, Part, Role};
pub use replay::{Read, Replay, replay};
pub use split::{Segment, Storage};
pub use summary::Summary;
