//! Importer of tar archives, container layers first of all.
//!
//! [`parser`] is a state machine without I/O and without the interface's types: it says what it
//! wants, is given bytes, and answers with entries and cuts. [`drive`] runs it over anything that
//! can read and cut; `component` (in WebAssembly only) is such a thing over the host's functions,
//! [`mod@replay`] one over a byte slice, for tests, benchmarks and fuzzing.
//!
//! Strict on purpose: wherever GNU tar, Go's `archive/tar`, Python's `tarfile` or libarchive would
//! see different files in the same bytes, the archive is refused, with the rule and the place
//! ([`error::Rule`] lists all of them). Paths stay raw: cleaning and confining them, duplicates and
//! the targets of hard links are the host's to check.

pub mod drive;
pub mod entry;
pub mod error;
pub mod limits;
pub mod parser;
pub mod probe;
pub mod replay;

mod field;
mod header;
mod member;
mod pax;
mod sparse;
mod time;
mod whiteout;
mod xattr;

#[cfg(target_arch = "wasm32")]
mod component;

pub use drive::{Ending, Steer, Stop, import};
pub use entry::{Entry, EntryKind, Extent, Names, Posix, Segment, Storage, Timestamp, Xattr};
pub use error::{Fault, Rule};
pub use parser::{Parser, Step};
pub use replay::{Replay, replay};
