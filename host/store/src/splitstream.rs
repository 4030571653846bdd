//! Splitstreams: a stream of bytes as inline pieces and references to objects, from which it is
//! rebuilt bit for bit (composefs 0.9, `splitstream_format.rs`).
//!
//! Everything that is read is taken for hostile: sections are checked against the length of the
//! file, nothing is allocated because a header says so, and decompression is bounded.

mod chunks;
mod format;
mod glance;
mod reader;
mod sections;
#[cfg(test)]
mod tests;
mod writer;

use lazaret_artifact::{VerityAlgorithm, VerityDigest};

use crate::content_type::ContentType;
use crate::error::StreamFault;
use crate::object::Outcome;

pub use reader::StreamReader;
pub use sections::ReadAt;
pub use writer::StreamWriter;

/// Most inline bytes that are handed out at once.
pub const MAX_INLINE_PIECE: usize = 64 * 1024;

/// A piece of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// Bytes, at least one and at most [`MAX_INLINE_PIECE`].
    Inline(&'a [u8]),
    /// All bytes of an object.
    Object(VerityDigest),
}

/// A splitstream that is in the repository now. It has no name yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredStream {
    /// The object that holds it.
    pub digest: VerityDigest,
    /// Bytes of the stream that it rebuilds.
    pub total_size: u64,
    /// Bytes of the object.
    pub stored_size: u64,
    /// Whether that took any writing.
    pub outcome: Outcome,
}

/// What [`walk`] learned of a splitstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// What it says it rebuilds.
    pub content_type: ContentType,
    /// Bytes of the stream that it rebuilds, as announced.
    pub total_size: u64,
    /// Inline bytes.
    pub inline_size: u64,
    /// References to objects, repetitions counted.
    pub objects: u64,
}

/// Reads a splitstream from beginning to end, without a repository. Never panics, whatever the
/// bytes are, and takes memory in proportion to them.
///
/// # Errors
/// What is wrong with it.
pub fn walk<S: ReadAt>(
    source: S,
    algorithm: VerityAlgorithm,
    visit: &mut dyn FnMut(Chunk<'_>),
) -> Result<Walked, StreamFault> {
    let sections = sections::Sections::read(&source, algorithm)?;
    let mut chunks = chunks::Chunks::new(source, &sections)?;
    let mut objects = 0;
    while let Some(chunk) = chunks.next(&sections.object_refs)? {
        objects += u64::from(matches!(chunk, Chunk::Object(_)));
        visit(chunk);
    }
    Ok(Walked {
        content_type: sections.content_type,
        total_size: sections.total_size,
        inline_size: chunks.inline_size(),
        objects,
    })
}
