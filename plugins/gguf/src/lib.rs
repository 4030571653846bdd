//! Importer of GGUF files, version 2 and 3.
//!
//! [`read`](mod@read) walks a file's index once, in order, through the small trait [`Input`]: keys and values,
//! then the tensors' descriptions. Memory is in proportion to the number of tensors; a tokenizer's
//! list of tokens is passed and hashed, not kept, and the data is never looked at. `component` (in
//! WebAssembly only) is such an input over the host's functions, [`mod@replay`] one over a byte slice,
//! for tests, benchmarks and fuzzing.
//!
//! The reference is `ggml/src/gguf.cpp`. Where Python's `gguf` or the specification would see another
//! file in the same bytes, it is refused, with the rule and the place ([`error::Rule`] lists all).
//! What the values of a tensor mean is for others to say, and so is what padding holds.

pub mod dtype;
pub mod error;
pub mod facts;
pub mod file_type;
pub mod input;
pub mod limits;
pub mod model;
pub mod probe;
pub mod read;
pub mod replay;
pub mod split;
pub mod value;

#[cfg(target_arch = "wasm32")]
mod component;

pub use dtype::Dtype;
pub use error::{Fault, Rule, Span, Stop};
pub use facts::{Fact, Statement};
pub use input::Input;
pub use model::{Model, Tensor};
pub use read::read;
pub use replay::{Replay, replay};
pub use split::{Segment, Storage};
pub use value::{Kind, Value};
