//! Bounds that hold everywhere in the host. Each names the attack or accident it stops.

/// A manifest, index or config larger than this is refused: the distribution specification
/// recommends 4 MiB as the limit a registry accepts, and JSON is held in memory whole.
pub const MAX_DOCUMENT_SIZE: u64 = 4 * 1024 * 1024;

/// Layers of one manifest. Overlay file systems stop at a few hundred; a manifest of 4 MiB could
/// otherwise name forty thousand blobs and keep the host busy opening files.
pub const MAX_LAYERS: usize = 4096;

/// Manifests named by one index.
pub const MAX_INDEX_ENTRIES: usize = 4096;

/// Indexes inside indexes: a cycle of digests is impossible, a long chain is not.
pub const MAX_INDEX_DEPTH: usize = 4;

/// Bytes of one entry's path. Linux's `PATH_MAX`, without the terminating NUL.
pub const MAX_PATH_LENGTH: usize = 4095;

/// Bytes of one component of a path. Linux's `NAME_MAX`.
pub const MAX_COMPONENT_LENGTH: usize = 255;

/// Bytes of a symbolic link's target.
pub const MAX_LINK_TARGET_LENGTH: usize = 4095;

/// Bytes of a tag as the user gives it. The encoded form must fit `NAME_MAX`.
pub const MAX_TAG_LENGTH: usize = 255;

/// Bytes of a media type: RFC 6838 section 4.2 allows 127 for each of type and subtype.
pub const MAX_MEDIA_TYPE_LENGTH: usize = 255;

/// Bytes of the members `from` and `name` that Ollama gives descriptors: the longest path there is.
/// A manifest could otherwise carry megabytes of them into tables and messages.
pub const MAX_DESCRIPTOR_TEXT: usize = 4096;

/// Bytes of an annotation that describes a file (`org.cncf.model.file.metadata+json`): a path and
/// six numbers.
pub const MAX_FILE_METADATA: usize = 16 * 1024;

/// The logical size of one entry, holes included: the largest file Linux can represent.
pub const MAX_LOGICAL_SIZE: u64 = i64::MAX as u64;
