//! Every name of the on-disk format that has an OCI digest in it, in one place.
//!
//! Streams and named refs are as `composefs-oci` 0.9.4 writes them (`oci_image.rs`,
//! `manifest_identifier` and `write_manifest`; `lib.rs`, `config_identifier`, `layer_identifier`
//! and `write_config_raw`). Digests are written with their algorithm and a colon.

use std::fmt;

use lazaret_artifact::{ContentDigest, CosignKind, Manifest, media_type};
use lazaret_store::StreamName;

/// The namespace of tags: `streams/refs/oci/<tag>`, encoded by
/// [`lazaret_artifact::Tag::to_file_name`].
pub const TAGS: &str = "oci";

/// The namespace of lazaret's own refs, see [`OwnRef`].
pub const LAZARET: &str = "lazaret";

/// The namespace of the index of referrers: `streams/refs/oci-referrers/<subject>/<referrer>`
/// leads to the referrer's stream (composefs-oci 0.9.4, `oci_image.rs`, `add_referrer`).
pub const REFERRERS: &str = "oci-referrers";

const MANIFEST: &str = "oci-manifest-";
const CONFIG: &str = "oci-config-";
const LAYER: &str = "oci-layer-";
const INDEX: &str = "oci-index-";
const BLOB: &str = "oci-blob-";
const RECORD: &str = "lazaret-record-";
const PREVIOUS: &str = "lazaret-previous-";
const RECORD_REF: &str = "record-";
const BLOB_REF: &str = "blob-";
const CONTENT_REF: &str = "content-";
const COSIGN_REF: &str = "cosign-";
const REPLACING_REF: &str = "replacing-";
pub(crate) const CONFIG_KEY: &str = "config:";
const CHILD_KEY: &str = "manifest:";

/// What a stream holds, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// A manifest's bytes.
    Manifest(ContentDigest),
    /// An index's bytes; `cfsctl` does not know these and leaves them out of its lists.
    Index(ContentDigest),
    /// A config's bytes.
    Config(ContentDigest),
    /// A layer by its diff_id, or an artifact's blob by its digest.
    Layer(ContentDigest),
    /// A compressed layer as it travelled, by its own digest (composefs-oci 0.9.4,
    /// `blob_identifier`).
    Blob(ContentDigest),
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
            .or_else(|| digest(BLOB).map(Self::Blob))
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
            | Self::Blob(digest)
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
            Self::Blob(_) => BLOB,
            Self::Record(_) => RECORD,
        };
        write!(f, "{prefix}{}", self.digest())
    }
}

/// A name under `streams/refs/lazaret/`: what keeps a stream from being collected by a `cfsctl gc`,
/// which does not know what it belongs to. lazaret's own collector takes none of these for a reason
/// to keep anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnRef {
    /// `record-<digest>`, of the import record of that content.
    Record(ContentDigest),
    /// `blob-<digest>`, of a compressed layer that was kept.
    Blob(ContentDigest),
    /// `content-<digest>`, of what an artifact's blob with that digest holds once it is decompressed:
    /// the stream `oci-layer-<digest of that>`. It is all that says what belongs to what.
    Content(ContentDigest),
    /// `cosign-<algorithm>-<hex>.<suffix>`, of what cosign attached to that subject.
    Cosign(CosignKind, ContentDigest),
    /// `replacing-<stream>`, of a stream's name while it is given to another one: before everything
    /// refers to the new one, nothing does.
    Replacing(Stream),
}

impl OwnRef {
    /// What a name stands for; `None` for any other name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let digest = |prefix| name.strip_prefix(prefix)?.parse::<ContentDigest>().ok();
        digest(RECORD_REF)
            .map(Self::Record)
            .or_else(|| digest(BLOB_REF).map(Self::Blob))
            .or_else(|| digest(CONTENT_REF).map(Self::Content))
            .or_else(|| {
                let (kind, subject) = CosignKind::parse_tag(name.strip_prefix(COSIGN_REF)?)?;
                Some(Self::Cosign(kind, subject))
            })
            .or_else(|| Stream::parse(name.strip_prefix(REPLACING_REF)?).map(Self::Replacing))
    }
}

impl fmt::Display for OwnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(digest) => write!(f, "{RECORD_REF}{digest}"),
            Self::Blob(digest) => write!(f, "{BLOB_REF}{digest}"),
            Self::Content(blob) => write!(f, "{CONTENT_REF}{blob}"),
            Self::Replacing(stream) => write!(f, "{REPLACING_REF}{stream}"),
            // Not cosign's tag itself: of a SHA-512 that has only half.
            Self::Cosign(kind, subject) => {
                let (algorithm, hex) = (subject.algorithm().name(), subject.hex());
                write!(f, "{COSIGN_REF}{algorithm}-{hex}.{}", kind.suffix())
            }
        }
    }
}

/// The name under `streams/refs/lazaret/` of a record.
#[must_use]
pub fn record_ref(content: &ContentDigest) -> String {
    OwnRef::Record(*content).to_string()
}

/// The record a name under `streams/refs/lazaret/` is for.
#[must_use]
pub fn parse_record_ref(name: &str) -> Option<ContentDigest> {
    match OwnRef::parse(name) {
        Some(OwnRef::Record(content)) => Some(content),
        _ => None,
    }
}

/// The namespace, below `streams/refs/`, of what refers to `subject`. The names in it are the
/// referrers' digests.
#[must_use]
pub fn referrers_of(subject: &ContentDigest) -> String {
    format!("{REFERRERS}/{subject}")
}

/// A second name for the stream that `stream` led to, while it is being replaced: whatever still
/// refers to the old one is not lost to a `cfsctl gc` when the process dies in between.
#[must_use]
pub fn previous(stream: &Stream) -> StreamName {
    format!("{PREVIOUS}{stream}")
        .parse()
        .expect("two prefixes and a digest hold no slash and are shorter than a file name may be")
}

/// The stream that a name made by [`previous`] is for.
#[must_use]
pub fn parse_previous(name: &str) -> Option<Stream> {
    Stream::parse(name.strip_prefix(PREVIOUS)?)
}

/// A manifest's named ref to its config's stream.
#[must_use]
pub fn config_key(config: &ContentDigest) -> String {
    format!("{CONFIG_KEY}{config}")
}

/// An index's named ref to the stream of a manifest or index that it lists.
#[must_use]
pub fn child_key(child: &ContentDigest) -> String {
    format!("{CHILD_KEY}{child}")
}

/// The manifest or index that an index's named ref is to.
#[must_use]
pub fn parse_child_key(key: &str) -> Option<ContentDigest> {
    key.strip_prefix(CHILD_KEY)?.parse().ok()
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
            (Stream::Blob(digest), "oci-blob-"),
            (Stream::Record(digest), "lazaret-record-"),
        ] {
            let name = format!("{prefix}{text}");
            assert_eq!(stream.to_string(), name);
            assert_eq!(stream.name().as_str(), name);
            assert_eq!(Stream::parse(&name), Some(stream));
            assert_eq!(Stream::parse(&name.to_uppercase()), None);
            assert_eq!(Stream::parse(&name[..name.len() - 1]), None);
            let old = previous(&stream);
            assert_eq!(old.as_str(), format!("lazaret-previous-{name}"));
            assert_eq!(parse_previous(old.as_str()), Some(stream));
            assert_eq!(parse_previous(&name), None);
            assert_eq!(Stream::parse(old.as_str()), None);
        }
        assert_eq!(Stream::parse("oci-blob-x"), None);
        assert_eq!(record_ref(&digest), format!("record-{text}"));
        assert_eq!(parse_record_ref(&record_ref(&digest)), Some(digest));
        assert_eq!(config_key(&digest), format!("config:{text}"));
        assert_eq!(child_key(&digest), format!("manifest:{text}"));
        assert_eq!(parse_child_key(&child_key(&digest)), Some(digest));
        assert_eq!(parse_child_key(&config_key(&digest)), None);
        assert_eq!(referrers_of(&digest), format!("oci-referrers/{text}"));
    }

    #[test]
    fn refs_of_our_own_are_read_as_they_are_written() {
        let hex = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let long = format!("{hex}{hex}");
        for (algorithm, hex) in [("sha256", hex), ("sha512", &long)] {
            let digest: ContentDigest = format!("{algorithm}:{hex}").parse().unwrap();
            for (own, name) in [
                (OwnRef::Record(digest), format!("record-{digest}")),
                (OwnRef::Blob(digest), format!("blob-{digest}")),
                (OwnRef::Content(digest), format!("content-{digest}")),
                (
                    OwnRef::Replacing(Stream::Config(digest)),
                    format!("replacing-oci-config-{digest}"),
                ),
                (
                    OwnRef::Cosign(CosignKind::Sbom, digest),
                    format!("cosign-{algorithm}-{hex}.sbom"),
                ),
            ] {
                assert_eq!(own.to_string(), name);
                assert_eq!(OwnRef::parse(&name), Some(own));
                assert_eq!(OwnRef::parse(&name[1..]), None);
            }
        }
        assert_eq!(OwnRef::parse(&format!("cosign-sha256-{hex}.zip")), None);
    }
}
