//! The merged tree: directories, and files that may have several names.

use std::collections::BTreeMap;

use lazaret_artifact::{ContentDigest, Extent, Posix, VerityDigest};

/// All that an image's layers come to, once they lie on top of each other.
///
/// Metadata and extents are in memory, content is not: some 300 bytes for an entry.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) layers: Vec<Layer>,
}

/// Where the content of a layer's files is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) key: ContentDigest,
    pub(crate) stream: VerityDigest,
}

/// A node of one tree: what has an inode number on disk. Names that are hard links of each other
/// lead to the same node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The root directory.
    pub const ROOT: Self = Self(0);
}

/// What one inode says.
#[derive(Debug, Clone)]
pub struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) posix: Posix,
    pub(crate) links: u32,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// A directory and the names in it, in byte order.
    Directory(BTreeMap<Box<[u8]>, NodeId>),
    /// A file.
    Regular(Content),
    /// A symbolic link and its text.
    Symlink(Box<[u8]>),
    /// A character device: major and minor number.
    CharacterDevice(u32, u32),
    /// A block device: major and minor number.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

/// Where a file's bytes are.
#[derive(Debug, Clone)]
pub struct Content {
    /// Which layer's stream the offsets are in.
    pub(crate) layer: u32,
    pub(crate) extents: Box<[Extent]>,
    pub(crate) size: u64,
}

impl Content {
    /// Bytes, holes included.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The pieces in order; offsets count in the layer's uncompressed bytes.
    #[must_use]
    pub const fn extents(&self) -> &[Extent] {
        &self.extents
    }
}

impl Node {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> &NodeKind {
        &self.kind
    }

    /// Mode, owner, time and extended attributes. A directory that no layer describes has mode
    /// 0755, owner and group 0 and time 0. Device numbers are in [`Node::kind`].
    #[must_use]
    pub const fn posix(&self) -> &Posix {
        &self.posix
    }

    /// Names that lead to it. A directory has two and one more for each directory in it, as is the
    /// custom of filesystems.
    #[must_use]
    pub const fn links(&self) -> u32 {
        self.links
    }

    /// Bytes of a file, or of a symbolic link's text; 0 for anything else.
    #[must_use]
    pub const fn size(&self) -> u64 {
        match &self.kind {
            NodeKind::Regular(content) => content.size,
            NodeKind::Symlink(target) => target.len() as u64,
            _ => 0,
        }
    }

    /// Whether it is a directory.
    #[must_use]
    pub const fn is_directory(&self) -> bool {
        matches!(self.kind, NodeKind::Directory(_))
    }
}

impl NodeKind {
    /// In words, with no article.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Directory(_) => "directory",
            Self::Regular(_) => "regular file",
            Self::Symlink(_) => "symbolic link",
            Self::CharacterDevice(..) => "character device",
            Self::BlockDevice(..) => "block device",
            Self::Fifo => "named pipe",
        }
    }
}

/// How much there is, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Names, the root's included.
    pub entries: u64,
    /// Bytes of files without holes, those with several names once.
    pub bytes: u64,
}

impl Tree {
    /// A node. Ids are of one tree: one from another names an arbitrary node here, or panics.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The names in a directory, in byte order, and what they lead to; nothing for anything else.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = (&[u8], NodeId)> {
        let names = match &self.node(id).kind {
            NodeKind::Directory(names) => Some(names),
            _ => None,
        };
        names
            .into_iter()
            .flatten()
            .map(|(name, child)| (&**name, *child))
    }

    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing but the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// How much there is.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals {
            entries: 1,
            bytes: 0,
        };
        for node in &self.nodes {
            match &node.kind {
                NodeKind::Directory(names) => totals.entries += names.len() as u64,
                NodeKind::Regular(content) => {
                    let stored = content
                        .extents
                        .iter()
                        .filter(|e| !matches!(e, Extent::Hole(_)));
                    totals.bytes += stored.map(Extent::length).sum::<u64>();
                }
                _ => {}
            }
        }
        totals
    }

    /// Every node that is a file, once.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Content> {
        self.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Regular(content) => Some(content),
            _ => None,
        })
    }
}
