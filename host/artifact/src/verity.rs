//! The digests objects are stored under: fs-verity file digests
//! (Linux `Documentation/filesystems/fsverity.rst`, "File digest computation").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::{hex, parse_hex};
use crate::error::ArtifactError;

/// A repository's algorithm, with 4096-byte blocks (`12` is log2 of the block size).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VerityAlgorithm {
    /// `fsverity-sha256-12`.
    Sha256,
    /// `fsverity-sha512-12`.
    Sha512,
}

impl VerityAlgorithm {
    /// As written in `meta.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "fsverity-sha256-12",
            Self::Sha512 => "fsverity-sha512-12",
        }
    }

    /// The kernel's `FS_VERITY_HASH_ALG_*`.
    #[must_use]
    pub const fn kernel_id(self) -> u8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    /// Bytes of a digest.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for VerityAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for VerityAlgorithm {
    type Err = ArtifactError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fsverity-sha256-12" => Ok(Self::Sha256),
            "fsverity-sha512-12" => Ok(Self::Sha512),
            _ => Err(ArtifactError::Digest {
                text: text.chars().take(80).collect(),
                reason: "expected fsverity-sha512-12 or fsverity-sha256-12",
            }),
        }
    }
}

/// An fs-verity digest; the name of an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerityDigest {
    algorithm: VerityAlgorithm,
    bytes: [u8; 64],
}

impl VerityDigest {
    /// From raw bytes; `None` when the length is not the algorithm's.
    #[must_use]
    pub fn from_bytes(algorithm: VerityAlgorithm, raw: &[u8]) -> Option<Self> {
        if raw.len() != algorithm.size() {
            return None;
        }
        let mut bytes = [0; 64];
        bytes[..raw.len()].copy_from_slice(raw);
        Some(Self { algorithm, bytes })
    }

    /// From lower-case hex of the algorithm's length; `None` for anything else.
    #[must_use]
    pub fn from_hex(algorithm: VerityAlgorithm, text: &str) -> Option<Self> {
        let mut bytes = [0; 64];
        parse_hex(text, &mut bytes[..algorithm.size()])?;
        Some(Self { algorithm, bytes })
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> VerityAlgorithm {
        self.algorithm
    }

    /// The raw bytes, 32 or 64.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.size()]
    }

    /// Lower-case hex.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(self.as_bytes())
    }
}

impl fmt::Display for VerityDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for VerityDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for VerityDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerityDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let algorithm = match text.len() {
            64 => VerityAlgorithm::Sha256,
            _ => VerityAlgorithm::Sha512,
        };
        Self::from_hex(algorithm, &text)
            .ok_or_else(|| serde::de::Error::custom("not an fs-verity digest"))
    }
}
