//! Importer of the JSON files that Hugging Face's libraries keep beside a model's weights:
//! `config.json` and `tokenizer_config.json`.
//!
//! Weights of some formats say nothing but names and shapes; what network they are for stands in
//! these files. [`model`] reads them over the strict reader in `json`, [`facts`] states what a card
//! of the model wants, `component` (in WebAssembly only) is the glue, [`mod@replay`] the same over a
//! byte slice, for tests and fuzzing.
//!
//! Half the programs in the world have a `config.json`. So the importer has rules ([`error::Rule`])
//! and never a fault: of a file that is not a model's, or no JSON, nothing is said. It has no
//! `model.format` to state, as it describes no tensors.

pub mod error;
pub mod facts;
pub mod input;
pub mod limits;
pub mod model;
pub mod probe;
pub mod replay;

mod json;

#[cfg(target_arch = "wasm32")]
mod component;

pub use error::{Fault, Rule, Span, Stop};
pub use facts::{Fact, Value};
pub use input::Input;
pub use model::{Model, Tokenizer};
pub use probe::Kind;
pub use replay::{Read, replay};
