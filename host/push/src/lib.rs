//! One artifact out: planned, what the destination lacks sent, manifests last.
//!
//! Told top-down: [`push()`] plans what a name stands for, asks the destination what of it is there,
//! sends the blobs side by side, then documents, children before parents and the named one last.
//! Documents and blobs travel byte for byte as they came. A layer whose compressed bytes were not
//! kept is not sent, unless the caller asks for it to be compressed anew: then, and only then,
//! digests change, and every change is reported.
//!
//! Never writes to the repository, never speaks a protocol itself, prints nothing.

mod content;
pub mod error;
mod mount;
pub mod options;
mod parallel;
mod plan;
pub mod progress;
pub mod push;
mod recompress;
mod rewrite;
mod send;
mod spans;

pub use error::PushError;
pub use options::{PushOptions, Recompress};
pub use progress::Event;
pub use push::{Pushed, push};
