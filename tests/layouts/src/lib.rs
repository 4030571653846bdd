//! OCI layouts made without any of the code under test: tar archives by the `tar` crate, JSON by
//! hand. Deterministic for the same files.

pub mod files;
pub mod layer;
pub mod layout;

pub use files::{Pick, pick};
pub use layer::{Compression, LayerBuilder};
pub use layout::{LayoutBuilder, digest};
