//! Models from end to end: whatever carries them, they are pulled, listed as Python's own packages
//! list them, cut and joined, and given back bit for bit; and what is wrong with them is said.
//!
//! Files and artifacts are written by `lazaret-layouts`, which shares no code with the program under
//! test. `LAZARET_PYTHON` names an interpreter with the packages `safetensors`, `gguf` and `onnx`,
//! `LAZARET_MODEL_WHEEL` a published model; what needs them prints `skipped: …` and passes where they
//! are missing, and fails where `CI` is `true`.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]
#![expect(
    clippy::print_stdout,
    reason = "seen when a test fails, or when asked for"
)]

#[path = "../program/berth.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod berth;
#[path = "../program/chance.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod chance;
#[path = "../program/image.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod image;
#[path = "../program/layout.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod layout;
#[path = "../program/objects.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod objects;
#[path = "../program/program.rs"]
mod program;
#[path = "../program/tools.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod tools;

mod listing;
mod python;
mod shelf;

mod bombs;
mod carriers;
mod described;
mod differences;
mod inside;
mod killed;
mod lies;
mod mutated;
mod ollama;
mod pickles;
mod published;
mod shards;
mod sharing;
mod sources;
mod splitting;
mod written;
