//! What an archive is said to hold, in plain types.

/// One member of an archive, or a deletion it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As in the archive, unclean: may be absolute, hold `..`, `.`, doubled or trailing slashes.
    /// Not empty, without NUL. `.` for an emptied root directory.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Where a regular file's bytes are, in order; empty for anything else and for empty files.
    pub content: Vec<Extent>,
    /// A symbolic link's text or a hard link's target, as in the archive; not empty.
    pub target: Option<Vec<u8>>,
    /// Ownership, mode, time; none for a deletion.
    pub posix: Option<Posix>,
    /// What a regular file's content is, where its name says so: somebody else will read it.
    pub media_type: Option<&'static str>,
}

/// The kinds of entries a tar archive has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// Type `5`, and old archives' files whose name ends in a slash.
    Directory,
    /// Types `0`, NUL, `7` and `S`.
    Regular,
    /// Type `2`.
    Symlink,
    /// Type `1`.
    Hardlink,
    /// Type `3`.
    CharacterDevice,
    /// Type `4`.
    BlockDevice,
    /// Type `6`.
    Fifo,
    /// `.wh.<name>` in a layer; the path is that of the name it hides.
    Whiteout,
    /// `.wh..wh..opq` in a layer; the path is that of the directory it empties.
    OpaqueDirectory,
}

/// A stretch of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Bytes of the archive.
    Input {
        /// Where they start, counted from the archive's first byte.
        offset: u64,
        /// How many; not zero.
        length: u64,
    },
    /// That many zero bytes that are not in the archive; not zero.
    Hole(u64),
}

/// Seconds and nanoseconds since 1970; nanoseconds count forward also before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Whole seconds, rounded towards the past.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// POSIX metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Posix {
    /// `0o7777` bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last modification.
    pub mtime: Timestamp,
    /// Major and minor number, for devices.
    pub device: Option<(u32, u32)>,
    /// Sorted by name, each name once.
    pub xattrs: Vec<Xattr>,
}

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// With its namespace (`user.comment`).
    pub name: Vec<u8>,
    /// Any bytes.
    pub value: Vec<u8>,
}

/// What names mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Names {
    /// A container layer: `.wh.` names are deletions (OCI image specification, layer.md).
    Layer,
    /// An archive like any other (a model, a chart): every name is a name.
    Plain,
}

/// Where a stretch of the archive is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Storage {
    /// In the splitstream.
    Inline,
    /// As an object of its own.
    Object,
}

/// A stretch of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Bytes; not zero.
    pub length: u64,
    /// Where they are kept.
    pub storage: Storage,
}
