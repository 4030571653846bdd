//! Bytes from outside, verified: where an image or artifact comes from, which one was meant, and
//! its blobs, each compared with the digest and size its descriptor claims.
//!
//! Never decompresses, never stores, never believes a size or digest it has not computed. Bytes
//! are verified before they are parsed; what was verified is what the caller gets, never JSON
//! that was written out again. There are only OCI layout directories so far; another transport is
//! another variant of [`Source`], which has to name root descriptors and open blobs.

pub mod blob;
pub mod error;
pub mod layout;
pub mod reference;
pub mod resolve;
pub mod source;

pub use blob::{Blob, VerifyingReader};
pub use error::TransportError;
pub use layout::Layout;
pub use reference::{LayoutRef, SourceRef};
pub use resolve::{IndexStep, Resolved};
pub use source::Source;
