//! Sets of very many digests, and what is known of each.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use lazaret_artifact::VerityDigest;

/// Bytes of a digest that are kept: with a million digests of each kind, one that is not in the set
/// is taken for one that is with a chance of 2^-88. It would be kept though nobody needs it.
const KEPT: usize = 16;

/// Digests, a quarter or half of each: a million take 40 MB less than whole ones do 160.
#[derive(Debug, Default)]
pub(super) struct DigestSet {
    set: HashSet<[u8; KEPT], BuildHasherDefault<Prefix>>,
}

impl DigestSet {
    /// Adds a digest; whether it is new.
    pub(super) fn insert(&mut self, digest: &VerityDigest) -> bool {
        self.set.insert(key(digest))
    }

    pub(super) fn contains(&self, digest: &VerityDigest) -> bool {
        self.set.contains(&key(digest))
    }

    pub(super) fn len(&self) -> u64 {
        self.set.len() as u64
    }
}

/// Something for each of many digests, by [`key`].
pub(crate) type DigestMap<T> = HashMap<[u8; KEPT], T, BuildHasherDefault<Prefix>>;

/// The first bytes of a digest: no worse than all of them for telling digests apart.
pub(crate) fn key(digest: &VerityDigest) -> [u8; KEPT] {
    *digest
        .as_bytes()
        .first_chunk()
        .expect("a digest has at least 32 bytes")
}

/// Digests are as good as random already.
#[derive(Debug, Default)]
pub(crate) struct Prefix(u64);

impl Hasher for Prefix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) ^ u64::from(*byte);
        }
    }

    // The length of the array says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
