//! Why a model is refused: every rule, and where it was broken.

pub use lazaret_guest::fault::Span;

/// Why reading ended early.
pub type Stop<E> = lazaret_guest::fault::Stop<Rule, E>;

lazaret_guest::rules! {
    unsupported: [
        IrVersion,
        DataTypeUnknown,
        AttributeType,
        Segment,
        RankTooLarge,
        TextTooLong,
        TooManyFields,
        TooManyTensors,
        TooMuchTypedData,
        TooManyOpsets,
        TooManyMetadata,
        TooManyLocations,
        ExternalKeyUnknown,
    ];

    // Wire format.
    /// The host has fewer bytes than it said.
    ShortInput = "input ends before its announced size",
    /// The last byte of the message says that there is one more.
    VarintTruncated = "message ends within a varint",
    /// More than ten bytes: readers stop at different places.
    VarintTooLong = "varint is longer than ten bytes",
    /// Some readers drop the upper bits, others fail.
    VarintRange = "varint has more than 64 bits",
    /// More than 32 bits, or more bytes than they need: some readers drop what is too much.
    TagRange = "tag is out of range",
    /// Reserved; some readers take it for the end of the message.
    FieldZero = "field number is zero",
    /// Gone since 2008; a group's end is wherever a reader finds it.
    Group = "field is a group",
    /// 6 and 7 mean nothing.
    WireTypeUnknown = "field has an unknown wire type",
    /// protobuf takes it for another field of the same number, and passes over it.
    WireType = "known field has another wire type than its own",
    /// Four or eight bytes that are not there.
    FixedTruncated = "message ends within a fixed-size value",
    /// Reads the next message's bytes, or what lies behind the file.
    LengthBeyondMessage = "length goes beyond the enclosing message",
    /// protobuf lets the last win, or merges the two; others take the first.
    FieldTwice = "field that may come once comes twice",
    /// Likewise, for alternatives of which one is meant.
    AlternativeTwice = "two alternatives of which there may be one",
    /// Readers drop the upper bits: data type 2^32 + 1 is 1.
    NumberRange = "number does not fit its field",
    /// Not whole elements.
    PackedSize = "packed field does not hold whole elements",
    /// Ends a recursive reader's stack; protobuf stops at a hundred, too.
    TooDeep = "messages are nested too deeply",
    /// Billions of two-byte fields.
    TooManyFields = "too many fields",

    // Texts.
    /// `onnx.proto` says UTF-8, and proto2 readers do not look.
    NotUtf8 = "text is not UTF-8",
    /// A name or key of more bytes than one has.
    TextTooLong = "name or key is too long",

    // The model.
    /// An empty file is an empty model for protobuf.
    MissingGraph = "model has no graph",
    /// Says how to read the rest; must be there since the first version.
    MissingIrVersion = "model has no IR version",
    /// From the future, or negative.
    IrVersion = "IR version is not one of those known",
    /// Which of them counts differs.
    OpsetTwice = "operator set is imported twice",
    /// Each costs memory.
    TooManyOpsets = "too many operator sets",
    /// "Keys should be distinct": the last wins in a map, the first in a search.
    MetadataTwice = "metadata key comes twice",
    /// Each costs memory.
    TooManyMetadata = "too many metadata entries",

    // Attributes.
    /// Types from the future.
    AttributeType = "attribute type is not one of those known",
    /// Whoever goes by the type sees another value than who goes by what is there.
    AttributeContent = "attribute's value is not one of its type",
    /// An attribute that holds tensors is part of their names.
    AttributeName = "attribute with tensors has no name, or a very long one",

    // Tensors.
    /// Of an initialiser: nothing could refer to it.
    EmptyName = "initialiser has no name",
    /// The last wins, or the first.
    NameTwice = "two tensors have one name",
    /// Each costs memory.
    TooManyTensors = "too many tensors",
    /// Must be there, and not be UNDEFINED.
    DataTypeMissing = "tensor has no data type",
    /// From the future.
    DataTypeUnknown = "data type is not one of those known",
    /// Dimensions count elements.
    NegativeDimension = "dimension is negative",
    /// More dimensions than `NumPy` has.
    RankTooLarge = "tensor has too many dimensions",
    /// The product of the dimensions, or of their size in bytes, wraps in some readers.
    SizeRange = "tensor's size is out of range",
    /// A part of a tensor, which no runtime reads.
    Segment = "tensor is a segment of another",
    /// Elements, and none of them there.
    DataMissing = "tensor has no data",
    /// Some readers prefer `raw_data`, others the typed field.
    DataTwice = "tensor has data in two fields",
    /// Fields of one tensor's data that do not stand together have no one range.
    DataScattered = "tensor's data is scattered",
    /// More or fewer bytes than the shape says: readers go beyond, or ignore.
    RawSize = "raw data does not have the size of the tensor",
    /// Likewise.
    TypedCount = "typed data does not have the number of the tensor's elements",
    /// Read as another type, or not at all.
    TypedField = "typed data is in another field than the data type's",
    /// Must be in `string_data`.
    StringRaw = "strings are stored as raw data",
    /// Bytes that are looked at, if only to be counted.
    TooMuchTypedData = "too much data in typed fields",
    /// No values, not a list of them, or dimensions without elements.
    SparseShape = "sparse tensor has no values or an impossible shape",
    /// Not INT64, or not as many as there are values.
    SparseIndices = "sparse tensor's indices do not fit its values",

    // External data.
    /// Neither in this file nor in another.
    DataLocation = "data location is neither the file nor another one",
    /// Ignored by most readers, and not by those that search for files.
    ExternalUnused = "external data on a tensor that is stored in the file",
    /// Which of them counts differs.
    ExternalWithData = "tensor has external data and data of its own",
    /// Strings have no fixed size.
    ExternalString = "strings are stored as external data",
    /// CWE-915: readers once set any attribute of that name.
    ExternalKeyUnknown = "unknown key in external data",
    /// The last wins, or the first.
    ExternalKeyTwice = "key in external data comes twice",
    /// Which file?
    LocationMissing = "external data without a location",
    /// Nothing, or nothing but dots: the folder itself.
    LocationEmpty = "location is empty",
    /// C readers end the name there, others do not.
    LocationNul = "location contains NUL",
    /// CVE-2022-25882, CVE-2024-27318: out of the model's folder.
    LocationParent = "location leads out of the model's folder",
    /// Likewise.
    LocationAbsolute = "location is an absolute path",
    /// Absolute on Windows, or relative to a drive.
    LocationDrive = "location begins with a drive letter",
    /// A separator on Windows, part of a name elsewhere.
    LocationBackslash = "location contains a backslash",
    /// `a//b` and `a/`: two names for one file.
    LocationComponent = "location has an empty component",
    /// ONNX Runtime's mark for an address in memory: a file with it reads whatever is there.
    LocationMemory = "location means an address in memory",
    /// Not the name of a file on Linux.
    LocationTooLong = "location is too long",
    /// Each costs memory.
    TooManyLocations = "too many locations",
    /// Not plain decimal digits: signs, blanks, underscores and leading zeros are read differently.
    ExternalNumber = "offset or length is not a plain decimal number",
    /// Past the end of any file.
    ExternalRange = "external range is out of range",
    /// More or fewer bytes than the shape says.
    ExternalSize = "external data does not have the size of the tensor",
    /// The same bytes in two tensors of different extents.
    ExternalOverlap = "external ranges overlap",
    /// Not printable ASCII, or too long to be a digest.
    ExternalChecksum = "checksum is malformed",
}
