//! Why an archive is refused: every rule, and where it was broken.

pub use lazaret_guest::fault::Span;

lazaret_guest::rules! {
    unsupported: [UnknownType, MultiVolume, SparseVersion, Charset];

    // Framing.
    /// Fewer than 512 bytes where a header begins.
    TruncatedHeader = "input ends within a header",
    /// The data of an `x`, `g`, `L` or `K` header, or its padding, is cut off.
    TruncatedExtension = "input ends within an extension header's data",
    /// A file's data is cut off.
    TruncatedContent = "input ends within a member's data",
    /// A sparse map in blocks of its own is cut off.
    TruncatedSparseMap = "input ends within a sparse map",
    /// GNU tar stops at one block of zeros, Go fails, `tar -i` goes on: three different archives.
    LoneZeroBlock = "a single block of zeros is followed by more data",
    /// An `x`, `L` or `K` header, and then the end: whom does it describe?
    ExtensionWithoutMember = "extension header with no member after it",

    // Header fields.
    /// Neither the unsigned nor the (historic) signed sum fits.
    Checksum = "header checksum does not match",
    /// Not octal digits between blanks, or garbage behind them, which readers treat differently.
    NumberSyntax = "numeric header field is not an octal or base-256 number",
    /// Does not fit 64 bits with sign.
    NumberRange = "numeric header field is out of range",
    /// Go reads zero, GNU tar fails and looks for the next header.
    BlankSize = "size field is blank",
    /// CVE-class: a negative size walks backwards.
    NegativeSize = "size is negative",
    /// Beyond `off_t`, or past the end of any input.
    SizeRange = "size is out of range",
    /// Negative, or more than 32 bits, which a file system would truncate.
    OwnerRange = "user or group id is out of range",
    /// More than 32 bits.
    ModeRange = "mode is out of range",
    /// A device without numbers, or with negative or huge ones, or ones a PAX record contradicts.
    DeviceNumbers = "device numbers are missing or out of range",
    /// `ustar` with a version nobody defined: readers differ in whether a prefix counts.
    UstarVersion = "ustar magic with an unknown version",
    /// Go before 1.8 wrote a path prefix under GNU magic; GNU tar reads times there.
    GnuPrefix = "GNU header holds text where its times belong",
    /// star ends the prefix after 131 bytes, others after 155.
    StarPrefix = "star header with a prefix that readers cut at different places",
    /// A letter this importer does not know; POSIX says to treat it as a file, nobody does so safely.
    UnknownType = "unsupported member type",
    /// A part of a file, or of an archive, continued elsewhere.
    MultiVolume = "multi-volume archive",
    /// A volume label is no file.
    LabelWithSize = "volume label with a size",

    // Members.
    /// No name at all.
    EmptyPath = "path is empty",
    /// C readers end the name there, others do not.
    PathNul = "path or link target contains NUL",
    /// One of them wins in GNU tar, the other elsewhere.
    PathTwice = "both a PAX path and a GNU long name",
    /// Likewise.
    LinkTwice = "both a PAX linkpath and a GNU long link",
    /// A link to nowhere.
    EmptyLink = "link without a target",
    /// GNU tar makes it a directory, Go and Python a file.
    FileNameSlash = "regular file whose name ends in a slash",
    /// Go skips no data for links, directories and devices, libarchive and others do.
    SizeOnNonRegular = "size on a member that has no data",
    /// CVE-2025-62518: one reader steps over the data, the other parses it as headers.
    SizesDiffer = "PAX size contradicts the header's size",

    // Extension headers.
    /// More than a mebibyte for one member.
    ExtensionTooLarge = "extension headers are too large",
    /// Two `x`, `L` or `K` for one member: GNU tar merges, Go forgets the first.
    ExtensionTwice = "two extension headers of one kind for one member",
    /// Go drops what came before a global header, others keep it.
    GlobalAfterLocal = "global header between an extension header and its member",
    /// CVE-2026-33055-class: is it the long name's size, or the member's?
    PaxSizeOnLongName = "PAX size in front of a GNU long name",
    /// No name in a long name, or two.
    LongName = "GNU long name is empty or holds several names",
    /// `g` records last for the whole archive in POSIX, not at all in Go.
    GlobalKey = "global header sets what only a member may set",

    // PAX records.
    /// `length key=value\n`, and the length counts itself.
    PaxRecord = "malformed PAX record",
    /// The last wins in some readers, the first in others.
    PaxDuplicate = "PAX record comes twice",
    /// Deletes the header's value (POSIX), or is ignored (Go).
    PaxEmpty = "PAX record is empty",
    /// Not a plain decimal number.
    PaxNumber = "PAX record is not a number in range",
    /// Not `[-]seconds[.fraction]`.
    PaxTime = "PAX time is malformed or out of range",
    /// Neither UTF-8 nor BINARY.
    Charset = "unsupported character set",
    /// Empty, or with NUL, or with GNU tar's `%25` and `%3D`, which others take literally.
    XattrName = "name of an extended attribute is malformed",
    /// Not base64.
    XattrValue = "value of an extended attribute is malformed",
    /// Two values for one name.
    XattrTwice = "extended attribute comes twice",

    // Sparse files.
    /// Of the kinds known, which one? Or of none of them.
    SparseKind = "contradictory or incomplete sparse records",
    /// A format from the future, or star's.
    SparseVersion = "unsupported sparse format",
    /// An old GNU sparse member outside a GNU archive.
    SparseMagic = "sparse member without GNU magic",
    /// On a link or directory.
    SparseNonRegular = "sparse records on a member that has no data",
    /// Not decimal numbers, one a line or comma-separated.
    SparseSyntax = "sparse map is malformed",
    /// A map in front of the data has no end in it.
    SparseMapTooLong = "sparse map does not end within the member's data",
    /// An unused slot in the middle: GNU tar stops there, Go goes on.
    SparseSlot = "sparse map goes on behind its end",
    /// More regions than there can be.
    SparseTooLarge = "sparse map is too large",
    /// Another number of regions than announced.
    SparseCount = "sparse map does not have as many regions as announced",
    /// Regions overlap or go backwards.
    SparseOrder = "sparse regions overlap or are out of order",
    /// A region ends behind the file's end.
    SparseBeyondEnd = "sparse region lies beyond the file's end",
    /// The regions and the stored data are of different sizes.
    SparseSum = "sparse regions do not add up to the stored size",

    // Layers.
    /// `.wh.` alone, or hiding `.` or `..`.
    WhiteoutName = "whiteout that hides no possible name",
    /// A file below a whiteout cannot exist (OCI image specification, layer.md).
    BelowWhiteout = "path leads through a whiteout",
    /// A whiteout is an empty file.
    WhiteoutWithContent = "whiteout with content",
}
