//! Why a file is refused: every rule, and where it was broken.

pub use lazaret_guest::fault::Span;

/// Why reading ended early.
pub type Stop<E> = lazaret_guest::fault::Stop<Rule, E>;

lazaret_guest::rules! {
    unsupported: [
        ByteSwapped,
        VersionOne,
        VersionUnknown,
        TooManyKeys,
        TooManyTensors,
        NestedArray,
        AlignmentTooLarge,
        TypeGone,
        TypeUnknown,
    ];

    // Header.
    /// Another format.
    Magic = "file does not begin with GGUF",
    /// Fewer than 24 bytes.
    TruncatedHeader = "file ends within the header",
    /// Nobody ever wrote it.
    VersionZero = "version is zero",
    /// Its counts and lengths have 32 bits; the reference dropped it in 2023.
    VersionOne = "version 1 is no longer in use",
    /// From the future.
    VersionUnknown = "unknown version",
    /// Written by a big-endian machine: the format does not say so, only the version looks odd.
    ByteSwapped = "file is in big-endian byte order",
    /// The counts have a sign, which some readers drop.
    NegativeCount = "count is negative",
    /// Memory for 2^60 tensors, were it believed.
    CountBeyondEnd = "more keys or tensors than the file has room for",
    /// Beyond what is kept.
    TooManyKeys = "too many keys",
    /// Beyond what is kept.
    TooManyTensors = "too many tensors",
    /// The input's size and what it gives differ.
    ShortInput = "input ends before its own size",

    // Keys and values.
    /// The file ends before a key does.
    TruncatedKey = "file ends within a key or its type",
    /// Between 2^16 and 2^64 bytes.
    KeyLength = "key is longer than the format allows",
    /// The reference fails an assertion over one when it writes the file again.
    EmptyKey = "key is empty",
    /// The reference looks keys up up to the first NUL, Python whole: two keys, or one?
    KeyText = "key contains NUL or is not UTF-8",
    /// The first wins in some readers, the last in others.
    DuplicateKey = "key comes twice",
    /// Not one of thirteen.
    ValueType = "unknown type of a value",
    /// The file ends before a value does.
    TruncatedValue = "file ends within a value",
    /// Some readers take it for true, some for its number.
    BoolValue = "boolean is neither 0 nor 1",
    /// More than 2^30 bytes.
    StringLength = "string is longer than readers take",
    /// Announced, and not there.
    StringBeyondEnd = "string ends behind the end of the file",
    /// More than 2^30 elements.
    ArrayLength = "array is longer than readers take",
    /// Announced, and not there.
    ArrayBeyondEnd = "array ends behind the end of the file",
    /// In the specification, and in no file: the reference refuses it, Python flattens it.
    NestedArray = "array of arrays",
    /// Python fails, others take 32.
    AlignmentType = "alignment is not a number of 32 bits without sign",
    /// Zero divides, and rounding with a mask needs a power of two.
    AlignmentValue = "alignment is not a power of two",
    /// More padding than data.
    AlignmentTooLarge = "alignment is too large",

    // Tensors.
    /// The file ends before the description does.
    TruncatedTensor = "file ends within a tensor's description",
    /// The reference keeps 63 bytes and a NUL: a longer name would be another one.
    NameLength = "tensor name is longer than readers keep",
    /// No name at all.
    EmptyName = "tensor name is empty",
    /// The reference ends it at the NUL, and Python fails at what is not UTF-8.
    NameText = "tensor name contains NUL or is not UTF-8",
    /// One of them is not found.
    DuplicateName = "tensor name comes twice",
    /// Four at most.
    Dimensions = "tensor has too many dimensions",
    /// A sign, which some readers drop.
    NegativeDimension = "dimension is negative",
    /// A product that wraps makes a huge tensor look small. Dimensions of zero do not hide it, since
    /// strides are products, too.
    ElementsOverflow = "tensor has more elements than 63 bits count",
    /// It was dropped, and its blocks are not known any more.
    TypeGone = "type of a tensor that was dropped from the format",
    /// From the future, or of a fork.
    TypeUnknown = "unknown type of a tensor",
    /// A row ends within a block.
    PartialBlock = "first dimension is not a multiple of the type's block",
    /// More bytes than 63 bits count.
    SizeOverflow = "tensor has more bytes than 63 bits count",
    /// A hole to hide another file in, or two tensors of the same bytes.
    Offset = "tensor does not begin where the one before it ends",
    /// Announced, and not there.
    TensorBeyondEnd = "tensor ends behind the end of the file",
    /// A place to hide another file.
    TrailingData = "bytes behind the last tensor",
}
