//! What an importer's author uses: the interface's types, and the few things every importer does.
//!
//! An importer is a parser (a crate of its own or a module, free of the types here, tested
//! natively) and a thin piece of glue that implements [`Importer`] and ends with
//! `lazaret_guest::export_importer!(TheType);`. Put the glue behind
//! `#[cfg(target_arch = "wasm32")]`: natively the host's functions do not exist, and an exported
//! name with an `@` in it breaks a native linker.
//!
//! Nothing here imports anything but the interface: no clock, no randomness, no WASI.

#[expect(
    missing_docs,
    reason = "generated; the interface's own comments are its documentation"
)]
pub mod bindings;

pub mod batch;
pub mod claim;
pub mod cuts;
pub mod facts;
pub mod failure;
pub mod fault;
pub mod forward;
pub mod part;

/// Makes a type that implements [`Importer`] the component's export.
pub use bindings::export_importer;
pub use bindings::exports::lazaret::importer::plugin::{
    Access, Blob, Cursor, Descriptor, Failure, Fault, Guest as Importer, Offer, Sink, Verdict,
};
pub use bindings::lazaret::importer::log;
pub use bindings::lazaret::importer::output::Derived;
pub use bindings::lazaret::importer::types::{
    Attribute, ByteRange, DerivedSlice, Device, Digest, Entry, EntryKind, Extent, Fact, Posix,
    Segment, Shortfall, Storage, Timestamp, Value, Xattr,
};

pub use batch::Batch;
pub use facts::{Facts, metadata_key};
pub use failure::{declined, malformed, malformed_at, unsupported, unsupported_at};
pub use forward::Forward;
pub use part::part_path;
