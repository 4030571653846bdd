//! Which objects an EROFS image refers to (Linux `fs/erofs/erofs_fs.h` for the layout; Linux
//! `fs/overlayfs/overlayfs.h`, `struct ovl_metacopy`, for what composefs puts into it). An image that
//! composefs mounts has no content of files: each has extended attributes that name an object.
//!
//! Attacks and their defences: offsets outside the image (every read is checked); directories that
//! lead round in circles (each inode is looked at once); areas that lie over each other, to be
//! walked again and again (the sum of what is walked is bounded by the size of the image); features
//! that would make it mean something else (refused, not guessed).

use std::collections::{BTreeSet, HashSet};

use lazaret_artifact::{VerityAlgorithm, VerityDigest};
use lazaret_graph::GraphError;
use lazaret_store::Repository;

/// Bytes of an image, which is read into memory. A tree of a million files takes a fifth of that; a
/// larger file was not made by composefs.
pub const MAX_IMAGE: u64 = 1 << 30;

/// Where the superblock lies.
const SUPERBLOCK: u64 = 1024;
const MAGIC: u32 = 0xE0F5_E1E2;

/// Log2 of the only block size that composefs writes.
const BLOCK_BITS: u8 = 12;
const BLOCK_SIZE: u64 = 1 << BLOCK_BITS;

/// `EROFS_FEATURE_INCOMPAT_CHUNKED_FILE`, how composefs says that a file's content is elsewhere.
/// Every other incompatible feature changes where things lie.
const CHUNKED_FILE: u32 = 4;

/// Inodes are numbered by their place in slots of this size.
const SLOT_SIZE: u64 = 32;

/// How the content of an inode is stored: its blocks, or its blocks and the rest behind the inode.
const FLAT_PLAIN: u16 = 0;
const FLAT_INLINE: u16 = 2;

/// `S_IFMT` and `S_IFDIR`.
const KIND: u16 = 0o170_000;
const DIRECTORY: u16 = 0o040_000;

/// Number of the prefix `trusted.` of an attribute's name.
const TRUSTED: u8 = 4;

/// Bytes of an entry of a directory, before the names.
const ENTRY_SIZE: usize = 12;

/// Why an image was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErofsFault {
    /// The superblock is none.
    #[error("not an EROFS image")]
    Magic,
    /// Blocks of another size than composefs has.
    #[error("blocks of 2^{0} bytes")]
    BlockSize(u8),
    /// Features that this program does not know.
    #[error("unknown features {0:#x}")]
    Features(u32),
    /// Something would lie outside the image.
    #[error("{what} lies outside the image")]
    Outside {
        /// Which part.
        what: &'static str,
    },
    /// A directory that is stored as none can be.
    #[error("inode {inode} is a directory of layout {layout}")]
    Layout {
        /// Its number.
        inode: u64,
        /// As found.
        layout: u16,
    },
    /// A block of a directory that contradicts itself.
    #[error("inode {inode} has a malformed block of entries")]
    Entries {
        /// Its number.
        inode: u64,
    },
    /// Parts of the image lie over each other.
    #[error("its parts are together larger than the image")]
    Overlap,
}

/// The objects that the image `image` refers to, sorted, each once. To be handed to
/// [`lazaret_graph::GcOptions`].
///
/// # Errors
/// When the image is missing, corrupt, over [`MAX_IMAGE`], or is none.
pub fn objects(
    repository: &Repository,
    image: &VerityDigest,
) -> Result<Vec<VerityDigest>, GraphError> {
    let bytes = repository.read_object(image, MAX_IMAGE)?;
    collect(&bytes, repository.algorithm()).map_err(|fault| GraphError::Image {
        image: *image,
        reason: fault.to_string(),
    })
}

/// [`objects`] of an image's bytes. Never panics, whatever they are, and takes time and memory in
/// proportion to them.
///
/// # Errors
/// What is wrong with it.
pub fn collect(image: &[u8], algorithm: VerityAlgorithm) -> Result<Vec<VerityDigest>, ErofsFault> {
    let mut collector = Collector {
        image: Image { bytes: image },
        metadata: 0,
        shared: 0,
        algorithm,
        budget: image.len() as u64,
        waiting: Vec::new(),
        seen: HashSet::new(),
        read_attributes: HashSet::new(),
        found: BTreeSet::new(),
    };
    let root = collector.superblock()?;
    collector.find(root);
    while let Some(inode) = collector.waiting.pop() {
        collector.inode(inode)?;
    }
    Ok(collector.found.into_iter().collect())
}

/// Bytes, and numbers in them.
#[derive(Clone, Copy)]
struct Image<'a> {
    bytes: &'a [u8],
}

impl<'a> Image<'a> {
    fn slice(self, at: u64, length: u64, what: &'static str) -> Result<&'a [u8], ErofsFault> {
        let range = usize::try_from(at).ok().zip(
            at.checked_add(length)
                .and_then(|end| usize::try_from(end).ok()),
        );
        range
            .and_then(|(start, end)| self.bytes.get(start..end))
            .ok_or(ErofsFault::Outside { what })
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

struct Collector<'a> {
    image: Image<'a>,
    /// Where inodes begin.
    metadata: u64,
    /// Where shared attributes begin.
    shared: u64,
    algorithm: VerityAlgorithm,
    /// Bytes of attributes and directories that may still be walked.
    budget: u64,
    waiting: Vec<u64>,
    seen: HashSet<u64>,
    /// Shared attributes that were read, by their offsets.
    read_attributes: HashSet<u64>,
    found: BTreeSet<VerityDigest>,
}

impl<'a> Collector<'a> {
    /// Returns the root's number.
    fn superblock(&mut self) -> Result<u64, ErofsFault> {
        let block = self
            .image
            .slice(SUPERBLOCK, 128, "the superblock")
            .map_err(|_| ErofsFault::Magic)?;
        if u32_at(block, 0) != MAGIC {
            return Err(ErofsFault::Magic);
        }
        if block[12] != BLOCK_BITS {
            return Err(ErofsFault::BlockSize(block[12]));
        }
        let unknown = u32_at(block, 80) & !CHUNKED_FILE;
        if unknown != 0 {
            return Err(ErofsFault::Features(unknown));
        }
        self.metadata = u64::from(u32_at(block, 40)) * BLOCK_SIZE;
        self.shared = u64::from(u32_at(block, 44)) * BLOCK_SIZE;
        Ok(u64::from(u16_at(block, 14)))
    }

    fn find(&mut self, inode: u64) {
        if self.seen.insert(inode) {
            self.waiting.push(inode);
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), ErofsFault> {
        let left = self.budget.checked_sub(bytes);
        self.budget = left.ok_or(ErofsFault::Overlap)?;
        Ok(())
    }

    fn inode(&mut self, number: u64) -> Result<(), ErofsFault> {
        const WHAT: &str = "an inode";
        let outside = || ErofsFault::Outside { what: WHAT };
        let at = number
            .checked_mul(SLOT_SIZE)
            .and_then(|offset| self.metadata.checked_add(offset))
            .ok_or_else(outside)?;
        let compact = self.image.slice(at, 32, WHAT)?;
        let format = u16_at(compact, 0);
        let (length, size) = match format & 1 {
            0 => (32, u64::from(u32_at(compact, 8))),
            _ => (64, u64_at(self.image.slice(at, 64, WHAT)?, 8)),
        };
        // An area of attributes is its header and so many words.
        let attributes = match u64::from(u16_at(compact, 2)) {
            0 => 0,
            words => 12 + (words - 1) * 4,
        };
        self.spend(length + attributes)?;
        if attributes > 0 {
            let area = self.image.slice(at + length, attributes, "attributes")?;
            self.attributes(area)?;
        }
        if u16_at(compact, 4) & KIND == DIRECTORY {
            let block = u64::from(u32_at(compact, 16));
            let layout = format >> 1 & 7;
            self.directory(number, layout, size, block, at + length + attributes)?;
        }
        Ok(())
    }

    /// The attributes of an inode: numbers of shared ones, then its own.
    fn attributes(&mut self, area: &'a [u8]) -> Result<(), ErofsFault> {
        const WHAT: &str = "an attribute";
        let shared = usize::from(area[4]);
        let (numbers, mut own) = area[12..]
            .split_at_checked(shared * 4)
            .ok_or(ErofsFault::Outside { what: WHAT })?;
        for number in numbers.chunks_exact(4) {
            let at = self.shared + u64::from(u32_at(number, 0)) * 4;
            let header = self.image.slice(at, 4, WHAT)?;
            // Many inodes have the same one; each is read once, so that they cost what they take.
            if !self.read_attributes.insert(at) {
                continue;
            }
            let length = attribute_length(header);
            self.spend(length)?;
            self.attribute(self.image.slice(at, length, WHAT)?);
        }
        // What is left of a word is padding.
        while own.len() >= 4 {
            let length = attribute_length(own);
            let whole = usize::try_from(length)
                .ok()
                .and_then(|length| own.get(..length))
                .ok_or(ErofsFault::Outside { what: WHAT })?;
            self.attribute(whole);
            own = own.get(whole.len().next_multiple_of(4)..).unwrap_or(&[]);
        }
        Ok(())
    }

    /// One attribute: its header, name and value.
    fn attribute(&mut self, attribute: &[u8]) {
        let (name, value) = attribute[4..].split_at(usize::from(attribute[0]));
        let name = match attribute[1] {
            TRUSTED => name,
            0 => name.strip_prefix(b"trusted.").unwrap_or_default(),
            _ => return,
        };
        let found = match name {
            b"overlay.metacopy" => self.metacopy(value),
            b"overlay.redirect" => self.redirect(value),
            _ => None,
        };
        self.found.extend(found);
    }

    /// Version 0, length, flags 0, number of the algorithm, digest. One without a digest goes with a
    /// redirection.
    fn metacopy(&self, value: &[u8]) -> Option<VerityDigest> {
        let (head, digest) = value.split_at_checked(4)?;
        let number = match self.algorithm {
            VerityAlgorithm::Sha256 => 1,
            VerityAlgorithm::Sha512 => 2,
        };
        let is_ours = head == [0, u8::try_from(value.len()).ok()?, 0, number];
        VerityDigest::from_bytes(self.algorithm, digest).filter(|_| is_ours)
    }

    /// The path of an object relative to `objects/`.
    fn redirect(&self, value: &[u8]) -> Option<VerityDigest> {
        let path = std::str::from_utf8(value.strip_prefix(b"/").unwrap_or(value)).ok()?;
        let (directory, rest) = path.split_once('/')?;
        let hex = format!("{directory}{rest}");
        VerityDigest::from_hex(self.algorithm, &hex).filter(|_| directory.len() == 2)
    }

    fn directory(
        &mut self,
        inode: u64,
        layout: u16,
        size: u64,
        block: u64,
        behind: u64,
    ) -> Result<(), ErofsFault> {
        const WHAT: &str = "a directory";
        if layout != FLAT_PLAIN && layout != FLAT_INLINE {
            return Err(ErofsFault::Layout { inode, layout });
        }
        self.spend(size)?;
        let rest = size % BLOCK_SIZE;
        let whole = size - rest;
        for at in (0..whole).step_by(1 << BLOCK_BITS) {
            let start = block * BLOCK_SIZE + at;
            self.entries(inode, self.image.slice(start, BLOCK_SIZE, WHAT)?)?;
        }
        if rest > 0 {
            let start = match layout {
                FLAT_INLINE => behind,
                _ => block * BLOCK_SIZE + whole,
            };
            self.entries(inode, self.image.slice(start, rest, WHAT)?)?;
        }
        Ok(())
    }

    /// A block of a directory: entries, then their names. Where the first name begins says how many
    /// there are.
    fn entries(&mut self, inode: u64, block: &[u8]) -> Result<(), ErofsFault> {
        let malformed = ErofsFault::Entries { inode };
        if block.len() < ENTRY_SIZE {
            return Err(malformed);
        }
        let names = usize::from(u16_at(block, 8));
        let is_whole = names >= ENTRY_SIZE && names.is_multiple_of(ENTRY_SIZE);
        let entries = block.get(..names).filter(|_| is_whole).ok_or(malformed)?;
        for entry in entries.chunks_exact(ENTRY_SIZE) {
            self.find(u64_at(entry, 0));
        }
        Ok(())
    }
}

/// Bytes of an attribute by the four of its header: length of the name, prefix, length of the value.
fn attribute_length(header: &[u8]) -> u64 {
    4 + u64::from(header[0]) + u64::from(u16_at(header, 2))
}

#[cfg(test)]
mod tests;
