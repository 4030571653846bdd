//! Importer of PyTorch checkpoints: zip archives as `torch.save` writes them, the pickle streams of
//! before, and bare pickles under a checkpoint's name.
//!
//! [`checkpoint::read`] reads the index through the small trait [`Input`]: the archive's directory and
//! headers ([`zip`]), and the pickle, which is walked and never run ([`pickle`]). Tensors are resolved
//! from the calls that would rebuild them; their data is never looked at. `component` (in WebAssembly
//! only) is such an input over the host's functions, [`mod@replay`] one over a byte slice.
//!
//! What is broken, or read differently by different readers, is refused, with the rule and the place
//! ([`error::Rule`] lists all). What is sound and can run code is not refused: it is a finding, and the
//! file's verdict. Whether such a file may be used is the operator's to decide.

pub mod checkpoint;
pub mod error;
pub mod facts;
pub mod input;
pub mod limits;
pub mod pickle;
pub mod probe;
pub mod replay;
pub mod split;
pub mod zip;

mod archive;
mod legacy;
mod names;
mod tensor;

#[cfg(target_arch = "wasm32")]
mod component;

pub use checkpoint::{Checkpoint, Format, Part, read};
pub use error::{Fault, Rule, Span};
pub use facts::{Fact, Value};
pub use input::Input;
pub use pickle::finding::{Finding, Findings, Level};
pub use pickle::opcode::Opcode;
pub use replay::{Replay, opcodes, replay};
pub use split::{Segment, Storage};
pub use tensor::Dtype;
