//! Every name of the on-disk format that has an OCI digest in it, in one place.
//!
//! Streams and named refs are as `composefs-oci` 0.9.4 writes them (`oci_image.rs`,
//! `manifest_identifier` and `write_manifest`; `lib.rs`, `config_identifier`, `layer_identifier`
//! and `write_config_raw`). Digests are written with their algorithm and a colon.

use std::fmt;

use lazaret_artifact::{ContentDigest, Manifest, media_type};
use lazaret_store::StreamName;

/// The namespace of tags: `streams/refs/oci/<tag>`, encoded by
/// [`lazaret_artifact::Tag::to_file_name`].
pub const TAGS: &str = "oci";

/// The namespace of lazaret's own refs: `streams/refs/lazaret/record-<digest>` keeps each record
/// from being collected by a `cfsctl gc`, which knows nothing of records.
pub const LAZARET: &str = "lazaret";

const MANIFEST: &str = "oci-manifest-";
const CONFIG: &str = "oci-config-";
const LAYER: &str = "oci-layer-";
const INDEX: &str = "oci-index-";
const RECORD: &str = "lazaret-record-";
const RECORD_REF: &str = "record-";
const CONFIG_KEY: &str = "config:";

/// What a stream holds, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// A manifest's bytes.
    Manifest(ContentDigest),
    /// An index's bytes; `cfsctl` does not know these and leaves them alone.
    Index(ContentDigest),
    /// A config's bytes.
    Config(ContentDigest),
    /// A layer by its diff_id, or an artifact's blob by its digest.
    Layer(ContentDigest),
    /// The import record of the content with that digest.
    Record(ContentDigest),
}

impl Stream {
    /// The name under `streams/`.
    #[must_use]
    pub fn name(&self) -> StreamName {
        self.to_string()
            .parse()
            .expect("a prefix and a digest hold no slash and are shorter than a file name may be")
    }

    /// What a name stands for; `None` for names that are none of these.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let digest = |prefix| name.strip_prefix(prefix)?.parse::<ContentDigest>().ok();
        digest(MANIFEST)
            .map(Self::Manifest)
            .or_else(|| digest(INDEX).map(Self::Index))
            .or_else(|| digest(CONFIG).map(Self::Config))
            .or_else(|| digest(LAYER).map(Self::Layer))
            .or_else(|| digest(RECORD).map(Self::Record))
    }

    /// The digest in the name.
    #[must_use]
    pub const fn digest(&self) -> &ContentDigest {
        match self {
            Self::Manifest(digest)
            | Self::Index(digest)
            | Self::Config(digest)
            | Self::Layer(digest)
            | Self::Record(digest) => digest,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self {
            Self::Manifest(_) => MANIFEST,
            Self::Index(_) => INDEX,
            Self::Config(_) => CONFIG,
            Self::Layer(_) => LAYER,
            Self::Record(_) => RECORD,
        };
        write!(f, "{prefix}{}", self.digest())
    }
}

/// The name under `streams/refs/lazaret/` of a record.
#[must_use]
pub fn record_ref(content: &ContentDigest) -> String {
    format!("{RECORD_REF}{content}")
}

/// The record a name under `streams/refs/lazaret/` is for.
#[must_use]
pub fn parse_record_ref(name: &str) -> Option<ContentDigest> {
    name.strip_prefix(RECORD_REF)?.parse().ok()
}

/// A manifest's named ref to its config's stream.
#[must_use]
pub fn config_key(config: &ContentDigest) -> String {
    format!("{CONFIG_KEY}{config}")
}

/// A named ref to a layer's stream: its diff_id, or the digest of an artifact's blob.
#[must_use]
pub fn layer_key(layer: &ContentDigest) -> String {
    layer.to_string()
}

/// Whether `cfsctl` takes this for a container image and looks for layers by diff_id. It knows
/// only OCI's config type; in an image with Docker's it looks for each layer by the digest of the
/// blob, as it does in an artifact.
#[must_use]
pub fn is_known_image(manifest: &Manifest) -> bool {
    manifest.config.media_type.as_str() == media_type::OCI_CONFIG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_cfsctl() {
        let digest = ContentDigest::sha256(b"{}");
        let text = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        for (stream, prefix) in [
            (Stream::Manifest(digest), "oci-manifest-"),
            (Stream::Index(digest), "oci-index-"),
            (Stream::Config(digest), "oci-config-"),
            (Stream::Layer(digest), "oci-layer-"),
            (Stream::Record(digest), "lazaret-record-"),
        ] {
            let name = format!("{prefix}{text}");
            assert_eq!(stream.to_string(), name);
            assert_eq!(stream.name().as_str(), name);
            assert_eq!(Stream::parse(&name), Some(stream));
            assert_eq!(Stream::parse(&name.to_uppercase()), None);
            assert_eq!(Stream::parse(&name[..name.len() - 1]), None);
        }
        assert_eq!(Stream::parse("oci-blob-x"), None);
        assert_eq!(record_ref(&digest), format!("record-{text}"));
        assert_eq!(parse_record_ref(&record_ref(&digest)), Some(digest));
        assert_eq!(config_key(&digest), format!("config:{text}"));
    }
}
