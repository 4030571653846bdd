//! Why a file is refused: every rule, and where it was broken.

pub use lazaret_guest::fault::Span;

lazaret_guest::rules! {
    unsupported: [
        TarFormat,
        PreviewFormat,
        TorchScript,
        DirectoryTooLarge,
        TooManyMembers,
        NamesTooLarge,
        Compressed,
        Protocol,
        StringTooLong,
        PickleTooLarge,
        StackTooLarge,
        RankTooLarge,
        LegacyVersion,
    ];

    // Which format.
    /// Something else under a checkpoint's name.
    NotCheckpoint = "neither a zip archive nor a pickle",
    /// Scanners look inside zip archives only; this one has been used to get past them.
    SevenZip = "7z archive under a checkpoint's name",
    /// Before `PyTorch` 0.2: a tar of pickles.
    TarFormat = "tar archive of an early version of torch",
    /// `PYTORCH1`, which no version reads any more.
    PreviewFormat = "format of a preview release of torch",
    /// A program with its weights: `torch.load` hands such an archive to `torch.jit.load`.
    TorchScript = "archive holds a TorchScript program",

    // The zip's end.
    /// No end of central directory record within reach.
    NoEndRecord = "archive has no end record",
    /// Some readers search backwards for the end record, others want it last.
    TrailingBytes = "bytes behind the archive's end record",
    /// It can hold a second end record.
    ArchiveComment = "archive has a comment",
    /// Parts of it are elsewhere.
    MultiDisk = "archive is spread over several disks",
    /// Fields say that there is a 64-bit record; or the way to it does not lead there.
    Zip64Locator = "64-bit end record is missing or not where it should be",
    /// Another size than the fields it must have.
    Zip64Record = "64-bit end record is malformed",
    /// One reader takes this directory, the other that one.
    EndsDisagree = "end record and 64-bit end record disagree",
    /// Readers shift all offsets by the difference, or do not.
    DirectoryPlace = "central directory does not end where the end records begin",
    /// Memory for a gigabyte of entries, were they believed.
    DirectoryTooLarge = "central directory is too large",
    /// Likewise.
    TooManyMembers = "archive has too many members",

    // The zip's directory.
    /// It ends within an entry, or the entries end before it.
    DirectoryLength = "central directory is not as long as its entries",
    /// Fewer or more entries than announced.
    DirectoryCount = "central directory does not have as many entries as announced",
    /// Not `PK 01 02`.
    DirectorySignature = "entry of the central directory has no signature",
    /// Not a list of typed fields.
    ExtraField = "extra field is malformed",
    /// 64-bit sizes that are announced and missing, or there and not announced.
    Zip64Field = "64-bit sizes do not match the fields they replace",
    /// Some readers take the name from there.
    UnicodePath = "member has a second name",
    /// A place to hide another directory.
    MemberComment = "member has a comment",
    /// Torch ignores the flag, Python refuses to read: a scanner that gives up has seen nothing.
    Encrypted = "member is marked as encrypted",
    /// A bit that changes how some readers see the member.
    FlagBits = "member has flags that no checkpoint has",
    /// Torch stores; only what is stored can be read without trusting sizes.
    Compressed = "member is compressed",
    /// A stored member has one size.
    StoredSizes = "stored member has two sizes",
    /// Neither ASCII nor marked as UTF-8, or not UTF-8.
    NameEncoding = "member's name has no certain encoding",
    /// Empty, absolute, with NUL, backslash or `..`: another name in each reader.
    NameSyntax = "member's name is malformed",
    /// Beyond what is kept.
    NamesTooLarge = "names of members are too large together",
    /// The first wins in some readers, the last in others; torch does not tell cases apart.
    DuplicateMember = "member comes twice",
    /// Torch wants a directory around everything.
    NoRoot = "members are not in a directory",

    // The zip's members.
    /// Beyond the central directory.
    MemberBeyond = "member lies beyond the central directory",
    /// Not `PK 03 04`.
    LocalSignature = "member has no local header where it should be",
    /// Streaming readers see one name, the others another.
    LocalName = "local header has another name than the central directory",
    /// Likewise.
    LocalFlags = "local header has other flags than the central directory",
    /// Likewise.
    LocalMethod = "local header has another method than the central directory",
    /// Likewise.
    LocalSize = "local header has another size than the central directory",
    /// Likewise.
    LocalChecksum = "local header has another checksum than the central directory",
    /// Likewise; or it is not there.
    Descriptor = "data descriptor is missing or disagrees with the central directory",
    /// Two members of the same bytes.
    Overlap = "members overlap",
    /// Torch takes such a file for a pickle, others for an archive.
    PrefixBytes = "bytes before the archive's first member",
    /// A place for members that only some readers find.
    Gap = "bytes between members belong to none",
    /// Python refuses to read the member, torch does not look.
    Checksum = "member's checksum does not match",
    /// Without it there is no checkpoint.
    NoPickle = "archive has no data.pkl",
    /// Neither little nor big.
    ByteOrder = "unknown byte order",

    // Pickles.
    /// Ends there in every reader, with whatever was run before.
    UnknownOpcode = "unknown opcode",
    /// Within an opcode's argument, or before STOP.
    TruncatedPickle = "pickle ends early",
    /// From the future.
    Protocol = "unknown pickle protocol",
    /// Not in digits.
    Number = "malformed number in a pickle",
    /// Not in the encoding the opcode wants, or without its quotes.
    Text = "malformed text in a pickle",
    /// A negative length.
    NegativeLength = "length in a pickle is negative",
    /// Beyond what is read.
    StringTooLong = "string in a pickle is too long",
    /// Python's two readers differ on what such a stream holds.
    Frame = "frames of a pickle do not match its opcodes",
    /// Takes what is not there.
    StackUnderflow = "pickle takes more from its stack than there is",
    /// Likewise.
    NoMark = "pickle goes back to a mark that is not there",
    /// A key without a value.
    OddItems = "pickle sets a key without a value",
    /// Gets what was never put.
    MemoMissing = "pickle gets what it did not memoize",
    /// Negative or huge.
    MemoIndex = "memo index is out of range",
    /// Beyond what is kept.
    StackTooLarge = "pickle's stack is too large",
    /// Beyond what is kept.
    PickleTooLarge = "pickle builds too much",

    // Tensors.
    /// Negative, or as many strides as there are not dimensions.
    TensorShape = "tensor's shape, strides or offset are malformed",
    /// Beyond what `NumPy` takes.
    RankTooLarge = "tensor has too many dimensions",
    /// Reads another tensor's data, or what is behind the file.
    TensorBeyondStorage = "tensor reaches beyond its storage",
    /// Named, and not there.
    StorageMissing = "storage is not in the file",
    /// Torch takes the first description for all.
    StorageTwice = "storage is described in two ways",
    /// More or less than the pickle says.
    StorageSize = "storage is not as large as the pickle says",

    // The format before zip.
    /// Not 1001.
    LegacyVersion = "unknown version of the format before zip",
    /// Neither little nor big.
    LegacySystem = "system information is malformed",
    /// Not a list of strings, or one comes twice.
    LegacyKeys = "list of storages is malformed",
    /// Announced, and not there.
    TruncatedStorage = "input ends within a storage",
}
