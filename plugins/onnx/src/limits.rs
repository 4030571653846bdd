//! Bounds, each with the attack or accident it stops.
//!
//! Together they keep the importer below the 64 MiB a sandbox has, which `host/builtins/tests/limits`
//! tries: names 5 MiB (their digests),
//! external ranges 13 MiB while their list grows, locations 4 MiB, metadata 6 MiB; when a file is
//! split, 6 MiB for its stretches.

/// Bytes asked for in one read: the interface's limit.
pub const READ_MAX: u32 = 64 * 1024;

/// Bytes asked for after a jump. Behind a tensor's data there is a name and a shape, and then the
/// next one's data: more would be moved only to be passed over.
pub const READ_MIN: u32 = 4 * 1024;

/// Bytes of a varint: 64 bits, seven at a time.
pub const VARINT_MAX: u64 = 10;

/// Bytes of a tag: 32 bits, seven at a time.
pub const TAG_MAX: u64 = 5;

/// Messages within messages, the model itself not counted: what protobuf's own readers stop at.
/// Graphs nest in attributes of nodes, so there are 34 of them at most.
pub const DEPTH_MAX: u32 = 100;

/// Fields of all messages: billions of two-byte fields would keep the sandbox busy for an hour. The
/// largest graphs have some hundred thousand nodes of some dozens of fields.
pub const FIELDS_MAX: u64 = 50_000_000;

/// Bytes of packed varints that are looked at, to count them: what protobuf's own readers take for
/// a whole model.
pub const TYPED_DATA_MAX: u64 = 1 << 31;

/// The newest IR version known (onnx 1.23). A newer one may keep tensors where this importer does not
/// look.
pub const IR_VERSION_MAX: u64 = 14;

/// Tensors of one file: each costs memory, and two attributes in the record. It also bounds the
/// objects a file is split into, which may be 1,000,000.
pub const TENSORS_MAX: u64 = 200_000;

/// Bytes of one name. It is the value of an attribute, which has 64 KiB, behind those of the
/// attributes that it is nested in.
pub const NAME_MAX: u64 = 16 * 1024;

/// Bytes of the name of an attribute that holds tensors or graphs: up to 33 of them stand before a
/// tensor's.
pub const ATTRIBUTE_NAME_MAX: u64 = 256;

/// Dimensions of one tensor: `NumPy` 2 stops at 64. A shape is the value of an attribute.
pub const RANK_MAX: usize = 64;

/// Sizes and offsets above this cannot exist on Linux (`off_t`), and stay clear of overflow.
pub const SIZE_MAX: u64 = i64::MAX as u64;

/// Bytes of a text that becomes a fact; longer ones are cut, with a note.
pub const FACT_TEXT_MAX: u64 = 4096;

/// Bytes of an operator's name and of its domain.
pub const OPERATOR_NAME_MAX: u64 = 256;

/// Operators that are told apart, and domains; the nodes of others are counted together. ONNX
/// itself has about two hundred.
pub const OPERATORS_MAX: usize = 1000;

/// Operator sets of a model: one for each domain.
pub const OPSETS_MAX: usize = 100;

/// Metadata entries, each of which is looked at for duplicates.
pub const METADATA_MAX: usize = 10_000;

/// Metadata entries that are stated as facts; the others are counted.
pub const METADATA_FACTS_MAX: usize = 1000;

/// Bytes of a metadata key.
pub const METADATA_KEY_MAX: u64 = 1024;

/// Files that hold external data: each costs a fact. PyTorch's exporter once wrote one for each
/// tensor.
pub const LOCATIONS_MAX: usize = 10_000;

/// Bytes of all their names.
pub const LOCATIONS_BYTES_MAX: usize = 4 << 20;

/// Bytes of a location and of one of its components: Linux' own.
pub const LOCATION_MAX: usize = 4095;
/// See [`LOCATION_MAX`].
pub const COMPONENT_MAX: usize = 255;

/// Bytes of a key or number in external data: the longest known key has eight, `u64::MAX` twenty.
pub const EXTERNAL_TEXT_MAX: u64 = 128;

/// A tensor of fewer bytes stays inline when a file is split: an object costs more than it saves.
pub const SPLIT_MIN: u64 = 4096;

/// What is between the tensors stays inline up to this many bytes together when a file is split;
/// beyond it, stretches of [`SPLIT_MIN`] bytes and more are objects.
pub const INLINE_INDEX_MAX: u64 = 64 * 1024;
