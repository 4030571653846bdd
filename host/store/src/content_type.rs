//! What a splitstream says it rebuilds. The store compares content types and never interprets them.

use std::fmt;

/// A number in a splitstream's info section that guards against reading one kind of stream as
/// another: by custom eight ASCII characters, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentType(pub u64);

impl ContentType {
    /// An uncompressed tar layer (composefs-oci 0.9, `skopeo.rs`).
    pub const LAYER: Self = Self::from_ascii(*b"ocilayer");
    /// A config, as one object (composefs-oci 0.9, `skopeo.rs`).
    pub const CONFIG: Self = Self::from_ascii(*b"ociconfg");
    /// A manifest, as one object (composefs-oci 0.9, `skopeo.rs`).
    pub const MANIFEST: Self = Self::from_ascii(*b"ocimanif");
    /// A blob that is not a tar layer (composefs-oci 0.9, `skopeo.rs`).
    pub const BLOB: Self = Self::from_ascii(*b"oci_blob");
    /// An index, as one object. Ours; unknown to composefs.
    pub const INDEX: Self = Self::from_ascii(*b"ociindex");
    /// What an import left behind. Ours; unknown to composefs.
    pub const RECORD: Self = Self::from_ascii(*b"lzrecord");

    /// From eight characters.
    #[must_use]
    pub const fn from_ascii(text: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(text))
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.to_le_bytes();
        match std::str::from_utf8(&bytes) {
            Ok(text) if bytes.iter().all(u8::is_ascii_graphic) => f.write_str(text),
            _ => write!(f, "{:#018x}", self.0),
        }
    }
}

impl fmt::Debug for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_shown_as_text_when_it_is_text() {
        assert_eq!(ContentType::LAYER.to_string(), "ocilayer");
        assert_eq!(ContentType(7).to_string(), "0x0000000000000007");
        assert_eq!(ContentType::LAYER.0, 0x7265_7961_6c69_636f);
    }
}
