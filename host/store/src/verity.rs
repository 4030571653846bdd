//! fs-verity file digests, computed in user space.
//!
//! The format is the kernel's (`Documentation/filesystems/fsverity.rst`, "File digest
//! computation"): a Merkle tree of 4096-byte blocks, no salt, partial blocks padded with zeroes;
//! the root of an empty file is all zeroes; the digest is the hash of a 256-byte descriptor that
//! holds the size and the root. All that the kernel itself does is in [`kernel`].

mod blocks;
pub(crate) mod kernel;
#[cfg(target_arch = "x86_64")]
mod sha512_lanes;
#[cfg(test)]
mod tests;

use lazaret_artifact::{VerityAlgorithm, VerityDigest};

use blocks::BATCH;

/// Bytes of a Merkle tree block, the `12` (log2) in an algorithm's name.
pub const BLOCK_SIZE: usize = 4096;

/// Bytes of the longest hash.
const MAX_HASH: usize = 64;

/// Bytes of `struct fsverity_descriptor`.
const DESCRIPTOR_SIZE: usize = 256;

/// The digest of `data`.
#[must_use]
pub fn digest(algorithm: VerityAlgorithm, data: &[u8]) -> VerityDigest {
    let mut hasher = VerityHasher::new(algorithm);
    hasher.update(data);
    hasher.finish()
}

/// The digests of several files, in order. Small files share vector lanes, so this is several
/// times as fast as hashing them one after the other.
#[must_use]
pub fn digests(algorithm: VerityAlgorithm, files: &[&[u8]]) -> Vec<VerityDigest> {
    let mut roots = vec![[0; MAX_HASH]; files.len()];
    // What of each file's tree is left: the file, and the level to hash next.
    let mut open: Vec<(usize, Vec<u8>)> = Vec::new();
    let leaves: Vec<(usize, &[u8])> = files.iter().copied().enumerate().collect();
    hash_level(algorithm, &leaves, &mut roots, &mut open);
    while !open.is_empty() {
        let mut above = Vec::new();
        let level: Vec<(usize, &[u8])> = open.iter().map(|(i, data)| (*i, &data[..])).collect();
        hash_level(algorithm, &level, &mut roots, &mut above);
        open = above;
    }

    let descriptors: Vec<[u8; DESCRIPTOR_SIZE]> = files
        .iter()
        .zip(&roots)
        .map(|(file, root)| descriptor(algorithm, file.len() as u64, root))
        .collect();
    let messages: Vec<&[u8]> = descriptors.iter().map(<[u8; _]>::as_slice).collect();
    let mut hashes = vec![0; files.len() * algorithm.size()];
    blocks::hash(algorithm, &messages, &mut hashes);
    hashes
        .chunks_exact(algorithm.size())
        .map(|raw| digest_from(algorithm, raw))
        .collect()
}

/// Hashes one level of several trees. A level of one block is a root; the hashes of any other
/// form the level `above`.
fn hash_level(
    algorithm: VerityAlgorithm,
    level: &[(usize, &[u8])],
    roots: &mut [[u8; MAX_HASH]],
    above: &mut Vec<(usize, Vec<u8>)>,
) {
    let padded: Vec<[u8; BLOCK_SIZE]> = level
        .iter()
        .filter_map(|(_, data)| {
            let rest = data.as_chunks::<BLOCK_SIZE>().1;
            (!rest.is_empty()).then(|| {
                let mut block = [0; BLOCK_SIZE];
                block[..rest.len()].copy_from_slice(rest);
                block
            })
        })
        .collect();
    let mut tails = padded.iter();
    let mut messages: Vec<&[u8]> = Vec::new();
    for (_, data) in level {
        let (whole, rest) = data.as_chunks::<BLOCK_SIZE>();
        messages.extend(whole.iter().map(<[u8; _]>::as_slice));
        if !rest.is_empty() {
            let tail = tails
                .next()
                .expect("one tail was padded for each partial block");
            messages.push(tail);
        }
    }
    let size = algorithm.size();
    let mut hashes = vec![0; messages.len() * size];
    blocks::hash(algorithm, &messages, &mut hashes);

    let mut hashes = hashes.as_slice();
    for (index, data) in level {
        let (own, rest) = hashes.split_at(data.len().div_ceil(BLOCK_SIZE) * size);
        hashes = rest;
        if own.len() <= size {
            roots[*index][..own.len()].copy_from_slice(own);
        } else {
            above.push((*index, own.to_vec()));
        }
    }
}

/// Computes a digest piece by piece, in memory that does not grow with the file: at most 32 KiB
/// for each level of the tree, of which a file of 2^63 bytes has nine.
#[derive(Clone)]
pub struct VerityHasher {
    algorithm: VerityAlgorithm,
    /// Level 0 is the file, level n + 1 the hashes of level n's blocks.
    levels: Vec<Level>,
}

#[derive(Clone, Default)]
struct Level {
    /// Bytes not hashed yet, fewer than [`BATCH`] blocks.
    pending: Vec<u8>,
    /// Bytes seen so far.
    total: u64,
}

impl VerityHasher {
    /// The hash of nothing so far.
    #[must_use]
    pub fn new(algorithm: VerityAlgorithm) -> Self {
        Self {
            algorithm,
            levels: vec![Level::default()],
        }
    }

    /// Adds `data`. Pieces of 32 KiB and more are hashed where they lie.
    pub fn update(&mut self, data: &[u8]) {
        self.feed(0, data);
    }

    /// Bytes added so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels[0].total
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(mut self) -> VerityDigest {
        let size = self.size();
        let mut root = [0; MAX_HASH];
        let mut index = 0;
        while self.levels[index].total > 0 {
            let level = &mut self.levels[index];
            let mut data = std::mem::take(&mut level.pending);
            data.resize(data.len().next_multiple_of(BLOCK_SIZE), 0);
            let mut hashes = [0; BATCH * MAX_HASH];
            let hashes = hash_blocks(self.algorithm, &data, &mut hashes);
            if level.total <= BLOCK_SIZE as u64 {
                root[..hashes.len()].copy_from_slice(hashes);
                break;
            }
            index += 1;
            self.feed(index, hashes);
        }
        let descriptor = descriptor(self.algorithm, size, &root);
        let mut hash = [0; MAX_HASH];
        let hash = &mut hash[..self.algorithm.size()];
        blocks::hash(self.algorithm, &[&descriptor], hash);
        digest_from(self.algorithm, hash)
    }

    fn feed(&mut self, index: usize, mut data: &[u8]) {
        const WHOLE: usize = BATCH * BLOCK_SIZE;
        if self.levels.len() == index {
            self.levels.push(Level::default());
        }
        let level = &mut self.levels[index];
        level.total += data.len() as u64;
        let mut hashes = [0; BATCH * MAX_HASH];
        if !level.pending.is_empty() {
            let (head, rest) = data.split_at(data.len().min(WHOLE - level.pending.len()));
            level.pending.extend_from_slice(head);
            data = rest;
            if level.pending.len() < WHOLE {
                return;
            }
            let hashes = hash_blocks(self.algorithm, &level.pending, &mut hashes);
            level.pending.clear();
            self.feed(index + 1, hashes);
        }
        let (batches, rest) = data.as_chunks::<WHOLE>();
        for batch in batches {
            let hashes = hash_blocks(self.algorithm, batch, &mut hashes);
            self.feed(index + 1, hashes);
        }
        self.levels[index].pending.extend_from_slice(rest);
    }
}

impl std::fmt::Debug for VerityHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerityHasher")
            .field("algorithm", &self.algorithm)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// Hashes at most [`BATCH`] whole blocks; returns the part of `hashes` that was filled.
fn hash_blocks<'a>(
    algorithm: VerityAlgorithm,
    data: &[u8],
    hashes: &'a mut [u8; BATCH * MAX_HASH],
) -> &'a [u8] {
    let mut messages = [&[][..]; BATCH];
    let blocks = data.as_chunks::<BLOCK_SIZE>().0;
    for (message, block) in messages.iter_mut().zip(blocks) {
        *message = block;
    }
    let hashes = &mut hashes[..blocks.len() * algorithm.size()];
    blocks::hash(algorithm, &messages[..blocks.len()], hashes);
    hashes
}

/// `struct fsverity_descriptor` (Linux `include/uapi/linux/fsverity.h`) without salt or signature.
fn descriptor(
    algorithm: VerityAlgorithm,
    size: u64,
    root: &[u8; MAX_HASH],
) -> [u8; DESCRIPTOR_SIZE] {
    let mut descriptor = [0; DESCRIPTOR_SIZE];
    descriptor[0] = 1;
    descriptor[1] = algorithm.kernel_id();
    descriptor[2] = BLOCK_SIZE.ilog2() as u8;
    descriptor[8..16].copy_from_slice(&size.to_le_bytes());
    descriptor[16..16 + MAX_HASH].copy_from_slice(root);
    descriptor
}

fn digest_from(algorithm: VerityAlgorithm, raw: &[u8]) -> VerityDigest {
    VerityDigest::from_bytes(algorithm, raw).expect("a hash has its algorithm's length")
}
