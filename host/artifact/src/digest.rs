//! Content digests as the OCI image specification has them (descriptor.md, "Digests").
//!
//! A content digest names bytes as they travel. The digest an object is stored under is another
//! thing and another type: [`crate::VerityDigest`].

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::error::ArtifactError;

/// The algorithms the image specification registers and this host computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl DigestAlgorithm {
    /// The name before the colon.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
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

/// A content digest: `sha256:<64 hex>` or `sha512:<128 hex>`, lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentDigest {
    algorithm: DigestAlgorithm,
    bytes: [u8; 64],
}

impl ContentDigest {
    /// The SHA-256 digest of `data`.
    #[must_use]
    pub fn sha256(data: &[u8]) -> Self {
        let mut hasher = ContentHasher::new(DigestAlgorithm::Sha256);
        hasher.update(data);
        hasher.finish()
    }

    /// The digest of `data` by this digest's own algorithm.
    #[must_use]
    pub fn of_same_kind(&self, data: &[u8]) -> Self {
        let mut hasher = ContentHasher::new(self.algorithm);
        hasher.update(data);
        hasher.finish()
    }

    /// From an algorithm and raw bytes of exactly its size.
    ///
    /// # Errors
    /// When the length is not the algorithm's.
    pub fn from_bytes(algorithm: DigestAlgorithm, raw: &[u8]) -> Result<Self, ArtifactError> {
        if raw.len() != algorithm.size() {
            return Err(ArtifactError::Digest {
                text: hex(raw),
                reason: "wrong length for its algorithm",
            });
        }
        let mut bytes = [0; 64];
        bytes[..raw.len()].copy_from_slice(raw);
        Ok(Self { algorithm, bytes })
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The raw bytes, 32 or 64.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.size()]
    }

    /// The part after the colon.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(self.as_bytes())
    }

    /// `sha256:` and the first twelve hex digits, for tables.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}:{}", self.algorithm.name(), &self.hex()[..12])
    }
}

impl Hash for ContentDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Digests of two algorithms that begin alike may well share a bucket.
        state.write(self.as_bytes());
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex())
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentDigest {
    type Err = ArtifactError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason| ArtifactError::Digest {
            text: text.chars().take(160).collect(),
            reason,
        };
        let (name, digits) = text.split_once(':').ok_or_else(|| fail("no colon"))?;
        let algorithm = match name {
            "sha256" => DigestAlgorithm::Sha256,
            "sha512" => DigestAlgorithm::Sha512,
            _ => return Err(fail("unsupported algorithm")),
        };
        if digits.len() != algorithm.size() * 2 {
            return Err(fail("wrong length for its algorithm"));
        }
        let mut bytes = [0; 64];
        parse_hex(digits, &mut bytes[..algorithm.size()])
            .ok_or_else(|| fail("not lower-case hexadecimal"))?;
        Ok(Self { algorithm, bytes })
    }
}

impl Serialize for ContentDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Computes a content digest piece by piece.
#[derive(Clone)]
pub struct ContentHasher {
    state: HasherState,
}

#[derive(Clone)]
enum HasherState {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl ContentHasher {
    /// An empty hash.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        let state = match algorithm {
            DigestAlgorithm::Sha256 => HasherState::Sha256(sha2::Sha256::new()),
            DigestAlgorithm::Sha512 => HasherState::Sha512(sha2::Sha512::new()),
        };
        Self { state }
    }

    /// Adds `data`.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.state {
            HasherState::Sha256(state) => state.update(data),
            HasherState::Sha512(state) => state.update(data),
        }
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> ContentDigest {
        let mut bytes = [0; 64];
        let algorithm = match self.state {
            HasherState::Sha256(state) => {
                bytes[..32].copy_from_slice(&state.finalize());
                DigestAlgorithm::Sha256
            }
            HasherState::Sha512(state) => {
                bytes.copy_from_slice(&state.finalize());
                DigestAlgorithm::Sha512
            }
        };
        ContentDigest { algorithm, bytes }
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentHasher")
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS[usize::from(value & 15)];
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)]);
    String::from_utf8(digits.collect()).expect("digits are ASCII")
}

/// Fills `out` from exactly twice as many lower-case hex digits; `None` for anything else.
#[must_use]
pub fn parse_hex(text: &str, out: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != out.len() * 2 {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_its_text() {
        let digest = ContentDigest::sha256(b"{}");
        assert_eq!(
            digest.to_string(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(digest.to_string().parse::<ContentDigest>().unwrap(), digest);
    }

    #[test]
    fn anything_but_lower_case_hex_of_the_right_length_is_refused() {
        let good = ContentDigest::sha256(b"").to_string();
        for bad in [
            good.to_uppercase(),
            good.replace("sha256", "sha-256"),
            good.replace("sha256", "sha512"),
            good[..70].to_owned(),
            format!("{good}0"),
            good.replace(':', ""),
            good.replace('e', "g"),
            "sha256:../../../../../../etc/passwd".to_owned(),
            String::new(),
        ] {
            assert!(bad.parse::<ContentDigest>().is_err(), "{bad}");
        }
    }
}
