//! OCI layouts made without any of the code under test: tar archives by the `tar` crate, JSON by
//! hand. Deterministic for the same files. Models in every format, and artifacts as the projects that
//! carry them make them.

pub mod artifact;
pub mod carrier;
pub mod files;
pub mod layer;
pub mod layout;
pub mod models;

pub use artifact::{Artifact, Blob};
pub use carrier::Carrier;
pub use files::{Pick, pick};
pub use layer::{Compression, LayerBuilder};
pub use layout::{LayoutBuilder, digest};
