//! Bounds, each with the attack or accident it stops.
//!
//! Together they keep the importer below the 64 MiB a sandbox has, which `host/builtins/tests/limits`
//! tries: tensors 13 MiB while their list grows, names 16 MiB, dimensions 12 MiB while theirs grows,
//! metadata 5 MiB.

/// Bytes of a file's header, and of a shard index: the format's own cap (safetensors,
/// `MAX_HEADER_SIZE`). Parsing JSON costs more than moving bytes, so data must not pose as JSON.
pub const HEADER_MAX: u64 = 100_000_000;

/// Bytes in front of the header that say how long it is.
pub const LENGTH_BYTES: u64 = 8;

/// Bytes asked for in one read: the interface's limit.
pub const READ_MAX: u32 = 64 * 1024;

/// Tensors of one file, and names in one index: a header of its full size could list millions of
/// empty ones. A model of 61 layers with 256 experts each, in one file, has about 91,000. It also
/// bounds the objects a file is split into, which may be 1,000,000.
pub const TENSORS_MAX: usize = 200_000;

/// Names that are held at once: those of tensors, and of the objects around them or of metadata. Objects
/// that are passed over stand in each other, and each must hold its names.
pub const NAMES_HELD_MAX: usize = 300_000;

/// Bytes of one name. It is the value of an attribute, which has 64 KiB.
pub const NAME_MAX: usize = 16 * 1024;

/// Bytes of all names together that are held at once: those of tensors, and of metadata while it is
/// read.
pub const NAMES_MAX: usize = 16 * 1024 * 1024;

/// Dimensions of one tensor: `NumPy` 2 stops at 64. A shape is the value of an attribute.
pub const RANK_MAX: usize = 64;

/// Dimensions of all tensors together.
pub const DIMENSIONS_MAX: usize = 1_000_000;

/// Entries of `__metadata__` that are stated as facts; the others are counted.
pub const METADATA_FACTS_MAX: usize = 1000;

/// Bytes of their keys together: they are held until the end, when the table is largest.
pub const METADATA_KEYS_MAX: usize = 1 << 20;

/// Bytes of a metadata value that are stated; trainers write whole tag statistics there.
pub const METADATA_VALUE_MAX: usize = 4096;

/// Shards an index may name. The largest models published have a few hundred; each costs two facts.
pub const SHARDS_MAX: usize = 10_000;

/// Bytes of a shard's file name: what a directory can hold.
pub const SHARD_NAME_MAX: usize = 255;

/// Nesting of values in an index that are passed over: deep recursion ends the sandbox.
pub const DEPTH_MAX: u32 = 16;

/// A tensor of fewer bytes stays inline when a file is split: an object costs more than it saves.
pub const SPLIT_MIN: u64 = 4096;

/// A header of more bytes, with its length, is an object of its own when a file is split.
pub const INLINE_HEADER_MAX: u64 = 64 * 1024;
