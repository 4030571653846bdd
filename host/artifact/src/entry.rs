//! What an importer says of a blob, after the host has validated it.

use serde::{Deserialize, Serialize};

use crate::digest::ContentDigest;
use crate::media_type::MediaType;
use crate::path::EntryPath;
use crate::record::raw;

/// One file, directory, link, deletion or part found in a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it belongs.
    pub path: EntryPath,
    /// What it is.
    pub kind: EntryKind,
    /// Where its bytes are, in order; the logical size is their sum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<Extent>,
    /// A symbolic link's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "raw")]
    pub target: Vec<u8>,
    /// A hard link's target: an earlier regular entry of the same blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<EntryPath>,
    /// Ownership, mode and times, for formats that have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posix: Option<Posix>,
    /// What the content is, where the importer knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// Whatever else the format says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

impl Entry {
    /// Logical size in bytes, holes included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.content.iter().map(Extent::length).sum()
    }
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    Regular,
    /// A symbolic link; its text is data and never followed on import.
    Symlink,
    /// Another name of an earlier regular entry.
    Hardlink,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// Hides this path in the layers below.
    Whiteout,
    /// Hides everything the layers below have in this directory.
    OpaqueDirectory,
    /// A named stretch that is not a file: a tensor, a partition, a certificate.
    Part,
}

/// A stretch of an entry's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// Bytes of the (decompressed) blob.
    Input {
        /// Where they start.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// Bytes the importer derived, by the id the host gave them.
    Derived {
        /// Which.
        id: u32,
        /// Where in them the stretch starts.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// A few bytes given outright.
    #[serde(with = "raw")]
    Literal(Vec<u8>),
    /// That many zero bytes that are stored nowhere.
    Hole(u64),
}

impl Extent {
    /// Bytes of content this stands for.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Input { length, .. } | Self::Derived { length, .. } | Self::Hole(length) => {
                *length
            }
            Self::Literal(bytes) => bytes.len() as u64,
        }
    }
}

/// Seconds and nanoseconds since 1970-01-01T00:00:00Z. Before it, `seconds` is negative and
/// `nanoseconds` still counts forward, as in `struct timespec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Timestamp {
    /// Whole seconds.
    pub seconds: i64,
    /// 0 to 999,999,999.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nanoseconds: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// POSIX metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Posix {
    /// Permission bits, set-id and sticky bits (`0o7777`); the type is the entry's kind.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last modification.
    pub mtime: Timestamp,
    /// Device number, for devices: major and minor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<(u32, u32)>,
    /// Extended attributes, sorted by name, each name once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub xattrs: Vec<Xattr>,
}

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Xattr {
    /// Full name, namespace included (`user.comment`).
    #[serde(with = "raw")]
    pub name: Vec<u8>,
    /// Value.
    #[serde(with = "raw")]
    pub value: Vec<u8>,
}

/// A typed value of an attribute or fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// True or false.
    Boolean(bool),
    /// A natural number.
    Unsigned(u64),
    /// An integer.
    Signed(i64),
    /// Text.
    Text(String),
    /// Bytes.
    #[serde(with = "raw")]
    Bytes(Vec<u8>),
    /// A digest.
    Digest(ContentDigest),
}

/// Something a format says of an entry that has no place of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Dotted name.
    pub key: String,
    /// Value.
    pub value: Value,
}

/// A statement by an importer about the blob or one entry: a claim, never verified by the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The entry it is about, counted from 0 in the order of emission; none for the blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<u32>,
    /// Dotted name in a namespace the operator granted.
    pub key: String,
    /// Value.
    pub value: Value,
}
