//! The config of a container image (image-spec config.md), as far as importing needs it.

use oci_spec::image as oci;
use serde::Serialize;

use crate::digest::ContentDigest;
use crate::error::{ArtifactError, DocumentError};
use crate::json;
use crate::platform::Platform;

/// Platform, creation time and the digests of the uncompressed layers.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageConfig {
    /// What the image runs on.
    pub platform: Platform,
    /// RFC 3339, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// `rootfs.diff_ids`, bottom layer first.
    pub diff_ids: Vec<ContentDigest>,
}

impl ImageConfig {
    /// Parses the bytes of a config.
    ///
    /// # Errors
    /// With the digest of `bytes` and what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ArtifactError> {
        Self::parse_members(bytes).map_err(|source| ArtifactError::Document {
            what: "config",
            digest: ContentDigest::sha256(bytes),
            source,
        })
    }

    fn parse_members(bytes: &[u8]) -> Result<Self, DocumentError> {
        let source: oci::ImageConfiguration = json::config_from_slice(bytes)?;
        if source.rootfs().typ() != "layers" {
            return Err(DocumentError::Rule(format!(
                "rootfs.type is {:?}, not \"layers\"",
                source.rootfs().typ()
            )));
        }
        Ok(Self {
            platform: Platform {
                os: source.os().to_string(),
                architecture: source.architecture().to_string(),
                variant: source.variant().clone(),
            },
            created: source.created().clone(),
            diff_ids: source
                .rootfs()
                .diff_ids()
                .iter()
                .map(|id| id.parse())
                .collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diff_ids_must_be_digests() {
        let good = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":
            ["sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"]}}"#;
        let parsed = ImageConfig::parse(good.as_bytes()).unwrap();
        assert_eq!(parsed.platform.to_string(), "linux/amd64");
        assert_eq!(parsed.diff_ids.len(), 1);
        for bad in [
            good.replace("sha256:4", "sha256:../4"),
            good.replace("\"layers\"", "\"blobs\""),
            good.replace("\"os\"", "\"architecture\""),
            good.replace("\"rootfs\"", "\"rootf\""),
        ] {
            assert!(ImageConfig::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
