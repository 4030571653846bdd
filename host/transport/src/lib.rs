//! Bytes from outside and back, verified: where an image or artifact comes from or goes to, which
//! one was meant, what refers to it, and its blobs, each compared with the digest and size its
//! descriptor claims.
//!
//! Never decompresses, never stores, never believes a size or digest it has not computed. Bytes
//! are verified before they are parsed; what was verified is what the caller gets, never JSON
//! that was written out again. A transport is a variant of [`Source`], which has to name root
//! descriptors and open blobs, and of [`Destination`], which has to take blobs and documents.

mod allowance;
pub mod archive;
pub mod blob;
mod catalog;
pub mod destination;
mod documents;
pub mod error;
pub mod layout;
pub mod reference;
pub mod registry;
pub mod resolve;
pub mod source;

pub use archive::Archive;
pub use blob::{Blob, FileRegion, VerifyingReader};
pub use destination::{BlobSource, Destination};
pub use error::TransportError;
pub use layout::Layout;
pub use reference::{ArchiveRef, LayoutRef, Reference, RegistryRef};
pub use registry::{Registry, RegistryOptions};
pub use resolve::{IndexDocument, ManifestDocument, Resolved, Selection};
pub use source::{Referrer, Source};
