//! Bounds, each with the attack or accident it stops.
//!
//! Together they keep the importer below the 64 MiB a sandbox has, which `host/builtins/tests/limits`
//! tries: tensors and their names 30 MiB, metadata 5 MiB, digests of keys 3 MiB.

/// Bytes asked for in one read: the interface's limit.
pub const READ_MAX: u32 = 64 * 1024;

/// Key-value pairs of one file. Real ones have about fifty; a digest of each key is held, to find
/// one that comes twice.
pub const KEYS_MAX: u64 = 65_536;

/// Bytes of a key: the specification's own bound. A key is held in memory.
pub const KEY_LENGTH_MAX: u64 = 65_535;

/// Tensors of one file: an index could list millions of empty ones. A model of 61 layers with 256
/// experts each, unmerged, has about 91,000. With the index it also bounds the objects a file is
/// split into, which may be 1,000,000.
pub const TENSORS_MAX: u64 = 200_000;

/// Bytes of a tensor's name, less one: `GGML_MAX_NAME`, where the last holds a NUL.
pub const NAME_LENGTH_MAX: u64 = 63;

/// Dimensions of a tensor: `GGML_MAX_DIMS`.
pub const DIMENSIONS_MAX: u32 = 4;

/// Bytes of a string and elements of an array: the reference's own bounds. A length near 2^64 would
/// wrap when it is added to a place.
pub const LENGTH_MAX: u64 = 1 << 30;

/// What tensors are aligned to unless the file says otherwise: `GGUF_DEFAULT_ALIGNMENT`.
pub const ALIGNMENT_DEFAULT: u32 = 32;

/// The largest alignment: eight huge pages. Any power of two is allowed, but with 2^31 a file of two
/// small tensors has gigabytes of padding, and the reference's sums used to wrap.
pub const ALIGNMENT_MAX: u32 = 1 << 24;

/// Bytes of a text, and of the elements of an array, that are stated as a fact.
pub const TEXT_MAX: u64 = 4096;

/// Elements of an array that are stated; of a longer one, the digest.
pub const SHOWN_MAX: u64 = 64;

/// Key-value pairs that are stated as facts; the others are counted.
pub const METADATA_FACTS_MAX: usize = 1000;

/// Bytes of those keys together: a thousand of the longest would fill the sandbox.
pub const METADATA_KEYS_MAX: usize = 1 << 20;

/// Keys that could be the architecture's own and are remembered until the architecture is known: it
/// may come last, and a file may name thousands of others.
pub const PENDING_MAX: usize = 64;

/// A tensor of fewer bytes stays inline when a file is split: an object costs more than it saves.
pub const SPLIT_MIN: u64 = 4096;

/// An index of more bytes is an object of its own when a file is split.
pub const INLINE_INDEX_MAX: u64 = 64 * 1024;

/// Objects one file is split into: each is a file on disk.
pub const OBJECTS_MAX: u64 = 1_000_000;

const _: () = assert!(
    TENSORS_MAX < OBJECTS_MAX,
    "every tensor and the index can be an object of its own"
);
