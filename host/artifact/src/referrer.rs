//! How one manifest can refer to another: the ways that are in use, and the names they go by.

use std::fmt;

use serde::Serialize;

use crate::descriptor::Descriptor;
use crate::digest::ContentDigest;
use crate::manifest::Index;
use crate::tag::Tag;

/// BuildKit marks what it attaches to an image with this
/// (moby/buildkit docs/attestations/attestation-storage.md).
pub const BUILDKIT_TYPE: &str = "vnd.docker.reference.type";

/// BuildKit's digest of the manifest that an attestation is about.
pub const BUILDKIT_DIGEST: &str = "vnd.docker.reference.digest";

/// What makes a manifest or index a referrer of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Its `subject` (image-spec manifest.md, image-index.md).
    Subject,
    /// BuildKit's annotations on its entry in an index that holds both.
    Attestation,
    /// A tag made of the subject's digest, cosign's way before there were referrers.
    Cosign(CosignKind),
}

/// The three tags cosign attaches things by (sigstore/cosign specs/SIGNATURE_SPEC.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CosignKind {
    /// `.sig`
    Signature,
    /// `.att`
    Attestation,
    /// `.sbom`
    Sbom,
}

impl CosignKind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Signature, Self::Attestation, Self::Sbom];

    /// The tag's ending, without the dot.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::Attestation => "att",
            Self::Sbom => "sbom",
        }
    }

    /// `sha256-<hex>.<suffix>`, for what is attached to `subject`.
    #[must_use]
    pub fn tag(self, subject: &ContentDigest) -> Tag {
        format!("{}.{}", fallback_tag(subject), self.suffix())
            .parse()
            .expect("digits, letters and a few signs make a tag")
    }

    /// The kind and the subject of a tag of this form.
    #[must_use]
    pub fn parse_tag(tag: &str) -> Option<(Self, ContentDigest)> {
        let (digest, suffix) = tag.rsplit_once('.')?;
        let kind = Self::ALL.into_iter().find(|kind| kind.suffix() == suffix)?;
        let (algorithm, hex) = digest.split_once('-')?;
        Some((kind, format!("{algorithm}:{hex}").parse().ok()?))
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject => f.write_str("subject"),
            Self::Attestation => f.write_str("attestation"),
            Self::Cosign(kind) => write!(f, "cosign .{}", kind.suffix()),
        }
    }
}

/// The tag under which a registry without the referrers API keeps an index of the referrers of
/// `subject` (distribution-spec, "Referrers Tag Schema"): `sha256-<hex>`. The specification cuts
/// the encoded part off after 64 characters.
#[must_use]
pub fn fallback_tag(subject: &ContentDigest) -> String {
    /// Characters of a digest that a tag may have.
    const MAX_ENCODED: usize = 64;
    let hex = subject.hex();
    format!(
        "{}-{}",
        subject.algorithm().name(),
        &hex[..hex.len().min(MAX_ENCODED)]
    )
}

/// Whether an entry of an index is BuildKit's attestation and no image to choose.
#[must_use]
pub fn is_attestation(entry: &Descriptor) -> bool {
    entry.annotations.contains_key(BUILDKIT_TYPE)
        || entry
            .platform
            .as_ref()
            .is_some_and(|platform| platform.os == "unknown" && platform.architecture == "unknown")
}

/// The manifest that an entry of an index is BuildKit's attestation of.
#[must_use]
pub fn attested(entry: &Descriptor) -> Option<ContentDigest> {
    entry.annotations.get(BUILDKIT_TYPE)?;
    entry.annotations.get(BUILDKIT_DIGEST)?.parse().ok()
}

/// The same, if `index`, whose entry it is, lists that manifest, too: an index may say anything of
/// anybody, and only what lies in it is its to tell of.
#[must_use]
pub fn attested_in(index: &Index, entry: &Descriptor) -> Option<ContentDigest> {
    let subject = attested(entry)?;
    let mut listed = index.manifests.iter();
    listed
        .any(|other| other.digest == subject)
        .then_some(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosign_tags_are_read_as_they_are_written() {
        let subject = ContentDigest::sha256(b"{}");
        let hex = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(fallback_tag(&subject), format!("sha256-{hex}"));
        for (kind, suffix) in [
            (CosignKind::Signature, "sig"),
            (CosignKind::Attestation, "att"),
            (CosignKind::Sbom, "sbom"),
        ] {
            let tag = kind.tag(&subject);
            assert_eq!(tag.as_str(), format!("sha256-{hex}.{suffix}"));
            assert_eq!(CosignKind::parse_tag(tag.as_str()), Some((kind, subject)));
        }
        for other in [
            "latest",
            "sha256-00.sig",
            &format!("sha256-{hex}"),
            &format!("sha256-{hex}.zip"),
        ] {
            assert_eq!(CosignKind::parse_tag(other), None, "{other}");
        }
    }

    #[test]
    fn a_fallback_tag_is_no_longer_than_a_tag_may_be() {
        let long = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
        assert_eq!(fallback_tag(&long).len(), "sha512-".len() + 64);
    }
}
