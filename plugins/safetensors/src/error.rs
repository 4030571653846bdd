//! Why a file or an index is refused: every rule, and where it was broken.

pub use lazaret_guest::fault::Span;

/// Why reading ended early.
pub type Stop<E> = lazaret_guest::fault::Stop<Rule, E>;

lazaret_guest::rules! {
    unsupported: [
        FieldUnknown,
        DtypeUnknown,
        RankTooLarge,
        NameTooLong,
        TooManyNames,
        NamesTooLarge,
        TooManyDimensions,
        TooManyShards,
        TooDeep,
    ];

    // Framing.
    /// Fewer than eight bytes.
    TruncatedLength = "input ends within the header's length",
    /// Memory for a gigabyte of JSON, were it believed.
    HeaderTooLarge = "header is longer than the format allows",
    /// Announced, and not there.
    TruncatedHeader = "input ends within the header",
    /// The format wants it; a JSON reader alone would take blanks, and a sniffer another format.
    HeaderStart = "header does not begin with a brace",
    /// Only spaces may pad: anything else is read by some and skipped by others.
    HeaderPadding = "header is padded with something other than spaces",
    /// The input's size and what it gives differ.
    ShortInput = "input ends before its own size",

    // JSON (RFC 8259).
    /// Within the document.
    JsonTruncated = "JSON ends early",
    /// A byte that cannot stand there.
    JsonSyntax = "malformed JSON",
    /// Also overlong forms and surrogates.
    JsonUtf8 = "string is not UTF-8",
    /// Unescaped; some readers take them.
    JsonControl = "control character in a string",
    /// Not one of the eight, or not four digits.
    JsonEscape = "malformed escape in a string",
    /// Readers replace, drop or keep it: three names.
    JsonSurrogate = "escaped surrogate without its pair",
    /// Signs, fractions, exponents and leading zeros, which readers round and wrap differently.
    Number = "value is not an unsigned integer",
    /// A 64-bit wrap, or a float's rounding.
    NumberRange = "number does not fit 64 bits",
    /// An index that nests without end.
    TooDeep = "JSON is nested too deeply",

    // Names.
    /// The first wins in some JSON readers, the last in others (RFC 8259, section 4).
    DuplicateName = "tensor name comes twice",
    /// Likewise.
    DuplicateField = "field comes twice",
    /// Likewise.
    DuplicateMetadata = "metadata key comes twice",
    /// Beyond what is kept.
    NameTooLong = "name is too long",
    /// Beyond what is kept.
    TooManyNames = "too many tensors or keys",
    /// Beyond what is kept.
    NamesTooLarge = "names are too large together",

    // The header's structure.
    /// Something else under a tensor's name.
    TensorNotObject = "tensor is not described by an object",
    /// A tensor without type, shape or place.
    FieldMissing = "tensor lacks its type, shape or offsets",
    /// From the future, or a place to hide.
    FieldUnknown = "tensor has an unknown field",
    /// The type is a string.
    DtypeNotString = "type is not a string",
    /// A type from the future.
    DtypeUnknown = "unknown type of elements",
    /// The shape is a list.
    ShapeNotArray = "shape is not a list",
    /// Beyond what `NumPy` takes.
    RankTooLarge = "tensor has too many dimensions",
    /// Beyond what is kept.
    TooManyDimensions = "tensors have too many dimensions together",
    /// Begin and end, no more.
    OffsetsNotPair = "offsets are not a list of two",
    /// Not an object.
    MetadataNotObject = "metadata is not an object",
    /// Not a string.
    MetadataNotString = "metadata value is not a string",

    // Geometry.
    /// A product that wraps makes a huge tensor look small. Dimensions of zero do not hide it:
    /// whether they do depends on the reader, and on their place in the list.
    ShapeOverflow = "shape has more elements than 64 bits count",
    /// Elements of four or six bits that end within a byte.
    PartialByte = "tensor ends within a byte",
    /// End before begin.
    OffsetsReversed = "tensor ends before it begins",
    /// The format wants them to agree.
    SizeMismatch = "offsets contradict the shape",
    /// Bytes of no tensor: a place to hide another file.
    Hole = "bytes before a tensor belong to no tensor",
    /// Two tensors of the same bytes.
    Overlap = "tensor overlaps another",
    /// Beyond the end of the file.
    TensorBeyondEnd = "tensor ends behind the end of the file",
    /// A place to hide another file.
    TrailingData = "bytes behind the last tensor",

    // Shard indexes.
    /// Beyond what a header may have.
    IndexTooLarge = "index is too large",
    /// A list, a string, or nothing.
    IndexNotObject = "index is not an object",
    /// More than one document.
    IndexTrailing = "something follows the index",
    /// Without it there is no index.
    WeightMapMissing = "index has no weight map",
    /// Not an object.
    WeightMapNotObject = "weight map is not an object",
    /// A negative, fractional or huge size, or none at all.
    TotalSize = "total size is not an unsigned integer",
    /// Not a string.
    ShardNotString = "shard is not named by a string",
    /// `..`, a separator, a drive, a control character: a path out of the model's directory.
    ShardName = "shard is not a plain file name",
    /// Loaders take any other file for a pickle, and a pickle is a program.
    ShardSuffix = "shard is not a safetensors file",
    /// Beyond what is stated.
    TooManyShards = "index names too many shards",
}
