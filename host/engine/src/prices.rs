//! What a call costs, in fuel, besides the importer's own instructions.
//!
//! Everything an importer can make the host do has a price here, in proportion to the work and to
//! the memory or disk it takes, so that a loop ends at the budget and not at the end of the disk.

use crate::bindings::types as wit;

/// Any call: stops a loop over `position`.
pub(crate) const CALL: u64 = 500;

/// Making an object costs the host a file, so cutting a blob to dust is expensive.
pub(crate) const OBJECT: u64 = 20_000;

/// Recording an entry or fact.
const OUTPUT: u64 = 2_000;

/// A component of a path: it can imply a directory, which takes a place in memory until the run
/// ends, and a path can have two thousand of them.
const COMPONENT: u64 = 500;

/// A directory that a name implies and nothing else mentions: it takes a place in memory here, and a
/// larger one in every view of the blob.
const IMPLIED: u64 = 5_000;

/// A byte of an entry or fact: it goes to the record, on disk, and one list in the importer's
/// memory can be handed over any number of times.
const RECORDED: u64 = 16;

/// Bytes moved unseen for one unit of fuel.
const MOVED_PER_FUEL: u64 = 64;

/// Bytes of an extent in the record, about.
const EXTENT_BYTES: u64 = 32;

/// Bytes that pass through the host without being looked at.
pub(crate) const fn moved(bytes: u64) -> u64 {
    bytes / MOVED_PER_FUEL
}

/// Directories that came into being with a name below them.
pub(crate) const fn implied(directories: u64) -> u64 {
    IMPLIED.saturating_mul(directories)
}

/// An entry, in proportion to everything in it.
pub(crate) fn entry(entry: &wit::Entry) -> u64 {
    let components = entry.path.iter().filter(|&&byte| byte == b'/').count() + 1;
    let literals: usize = entry
        .content
        .iter()
        .map(|extent| match extent {
            wit::Extent::Literal(bytes) => bytes.len(),
            _ => 0,
        })
        .sum();
    let xattrs: usize = entry.posix.as_ref().map_or(0, |posix| {
        let bytes = |xattr: &wit::Xattr| xattr.name.len() + xattr.value.len();
        posix.xattrs.iter().map(bytes).sum()
    });
    let attributes: u64 = entry
        .attributes
        .iter()
        .map(|attribute| attribute.key.len() as u64 + value_bytes(&attribute.value))
        .sum();
    let bytes = entry.path.len()
        + literals
        + xattrs
        + entry.target.as_ref().map_or(0, Vec::len)
        + entry.media_type.as_ref().map_or(0, String::len);
    let bytes = bytes as u64 + attributes + EXTENT_BYTES * entry.content.len() as u64;
    OUTPUT + COMPONENT * components as u64 + RECORDED.saturating_mul(bytes)
}

/// A fact, in proportion to its value.
pub(crate) fn fact(fact: &wit::Fact) -> u64 {
    let bytes = fact.key.len() as u64 + value_bytes(&fact.value);
    OUTPUT + RECORDED.saturating_mul(bytes)
}

fn value_bytes(value: &wit::Value) -> u64 {
    let bytes = match value {
        wit::Value::Text(text) => text.len(),
        wit::Value::Bytes(bytes) => bytes.len(),
        wit::Value::Digest(digest) => digest.algorithm.len() + digest.value.len(),
        wit::Value::Boolean(_) | wit::Value::Unsigned(_) | wit::Value::Signed(_) => 0,
    };
    bytes as u64
}
