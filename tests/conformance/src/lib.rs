//! What the conformance tests share: the hostile importers of `plugins/hostile`, compiled, a session
//! that believes nothing, and sandboxes to bring the two together in.

pub mod tape;
pub mod ward;

pub use tape::{Cut, Record, Tape};
pub use ward::{Ward, admit, offer};

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
