//! Media types (RFC 6838) and what the host itself must know of them: which are documents, which
//! are tar layers, and how a blob is compressed. What a format *is* only an importer knows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ArtifactError;
use crate::limits::MAX_MEDIA_TYPE_LENGTH;

/// `application/vnd.oci.image.manifest.v1+json`
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// `application/vnd.oci.image.index.v1+json`
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// `application/vnd.oci.image.config.v1+json`
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// `application/vnd.oci.empty.v1+json`
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// `application/vnd.docker.distribution.manifest.v2+json`
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// `application/vnd.docker.distribution.manifest.list.v2+json`
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// `application/vnd.docker.container.image.v1+json`
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The media type importers of tar archives declare, and the one a layer is offered as once it is
/// decompressed.
pub const OCI_TAR: &str = "application/vnd.oci.image.layer.v1.tar";

/// How a blob's bytes are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As they are.
    None,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames, skippable ones included.
    Zstd,
}

/// A validated media type, without parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct MediaType(String);

impl MediaType {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the type is compared by: in lower case, without parameters (RFC 6838 section 4.2: types are
    /// not sensitive to case).
    #[must_use]
    pub fn essence(&self) -> Self {
        let essence = self.0.split(';').next().unwrap_or(&self.0);
        Self(essence.to_ascii_lowercase())
    }

    /// Whether it is a tar archive by its name: what a descriptor calls it is then the name of what is
    /// in it.
    #[must_use]
    pub fn is_archive(&self) -> bool {
        self.0.ends_with(".tar") || self.0.ends_with("/x-tar")
    }

    /// An OCI or Docker manifest.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        matches!(self.as_str(), OCI_MANIFEST | DOCKER_MANIFEST)
    }

    /// An OCI index or a Docker manifest list.
    #[must_use]
    pub fn is_index(&self) -> bool {
        matches!(self.as_str(), OCI_INDEX | DOCKER_LIST)
    }

    /// The config of a container image, OCI's or Docker's.
    #[must_use]
    pub fn is_image_config(&self) -> bool {
        matches!(self.as_str(), OCI_CONFIG | DOCKER_CONFIG)
    }

    /// For a container image's layer, its compression; `None` for anything else. Covers the
    /// distributable and the deprecated non-distributable forms of OCI and Docker
    /// (image-spec layer.md; distribution `manifest-v2-2.md`).
    #[must_use]
    pub fn layer_compression(&self) -> Option<Compression> {
        let suffix = [
            "application/vnd.oci.image.layer.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.docker.image.rootfs.diff.tar",
            "application/vnd.docker.image.rootfs.foreign.diff.tar",
        ]
        .iter()
        .find_map(|stem| self.as_str().strip_prefix(stem))?;
        match suffix {
            "" => Some(Compression::None),
            "+gzip" | ".gzip" => Some(Compression::Gzip),
            "+zstd" | ".zstd" => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// For a type whose suffix says that its bytes are compressed, what they are once they are not,
    /// and how they are. The structured suffixes are RFC 6839's and RFC 8878's; the others are those
    /// of Docker's layers and of file names. What a compressed layer holds is [`OCI_TAR`], whatever
    /// family it is of. `None` for types that say nothing of what is inside, as `application/gzip`.
    #[must_use]
    pub fn unwrapped(&self) -> Option<(Self, Compression)> {
        const SUFFIXES: [(&str, &str, Compression); 8] = [
            ("+gzip", "", Compression::Gzip),
            ("+zstd", "", Compression::Zstd),
            (".gzip", "", Compression::Gzip),
            (".zstd", "", Compression::Zstd),
            (".tar.gz", ".tar", Compression::Gzip),
            (".tar.zst", ".tar", Compression::Zstd),
            (".tgz", ".tar", Compression::Gzip),
            ("/x-tgz", "/x-tar", Compression::Gzip),
        ];
        let (stem, end, compression) = SUFFIXES.iter().find_map(|(suffix, end, compression)| {
            Some((self.as_str().strip_suffix(suffix)?, end, *compression))
        })?;
        let inner = match self.layer_compression() {
            Some(_) => OCI_TAR.parse(),
            None => format!("{stem}{end}").parse(),
        };
        Some((inner.ok()?, compression))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MediaType {
    type Err = ArtifactError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ArtifactError::MediaType {
            text: text.chars().take(MAX_MEDIA_TYPE_LENGTH).collect(),
        };
        let (kind, subtype) = text.split_once('/').ok_or_else(fail)?;
        let is_name = |name: &str| {
            // RFC 6838 section 4.2, restricted-name; ';' and '=' occur in sigstore's
            // `application/vnd.dev.sigstore.bundle+json;version=0.2`.
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+;=".contains(&b))
        };
        if text.len() > MAX_MEDIA_TYPE_LENGTH || !is_name(kind) || !is_name(subtype) {
            return Err(fail());
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> MediaType {
        text.parse().unwrap()
    }

    #[test]
    fn layers_of_both_families_are_recognised() {
        for (text, compression) in [
            (
                "application/vnd.oci.image.layer.v1.tar",
                Some(Compression::None),
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+gzip",
                Some(Compression::Gzip),
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+zstd",
                Some(Compression::Zstd),
            ),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                Some(Compression::Gzip),
            ),
            (
                "application/vnd.docker.image.rootfs.diff.tar",
                Some(Compression::None),
            ),
            (
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                Some(Compression::Gzip),
            ),
            (
                "application/vnd.docker.image.rootfs.diff.tar.zstd",
                Some(Compression::Zstd),
            ),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                Some(Compression::Gzip),
            ),
            ("application/vnd.oci.image.layer.v1.tar+lz4", None),
            ("application/wasm", None),
        ] {
            assert_eq!(of(text).layer_compression(), compression, "{text}");
        }
    }

    #[test]
    fn a_suffix_says_what_is_inside() {
        use Compression::{Gzip, Zstd};
        for (text, inner) in [
            (
                "application/vnd.cncf.model.weight.v1.tar+gzip",
                Some(("application/vnd.cncf.model.weight.v1.tar", Gzip)),
            ),
            (
                "application/vnd.cncf.model.weight.v1.tar+zstd",
                Some(("application/vnd.cncf.model.weight.v1.tar", Zstd)),
            ),
            (
                "application/vnd.kitops.modelkit.code.v1.tar.gzip",
                Some(("application/vnd.kitops.modelkit.code.v1.tar", Gzip)),
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+gzip",
                Some((OCI_TAR, Gzip)),
            ),
            (
                "application/vnd.docker.image.rootfs.diff.tar.zstd",
                Some((OCI_TAR, Zstd)),
            ),
            ("application/x.tar.gz", Some(("application/x.tar", Gzip))),
            ("application/x.tar.zst", Some(("application/x.tar", Zstd))),
            ("application/x.tgz", Some(("application/x.tar", Gzip))),
            ("application/x-tgz", Some(("application/x-tar", Gzip))),
            ("text/plain+zstd", Some(("text/plain", Zstd))),
            (
                "application/a+gzip+zstd",
                Some(("application/a+gzip", Zstd)),
            ),
            ("application/gzip", None),
            ("application/+gzip", None),
            ("application/zstd", None),
            ("application/x-gzip", None),
            ("application/vnd.cncf.model.weight.v1.tar", None),
            ("application/vnd.cncf.model.weight.v1.raw", None),
            ("application/a+gzip;version=1", None),
        ] {
            let inner = inner.map(|(inner, compression)| (of(inner), compression));
            // `+` may not begin a subtype, so that there is no such type to ask.
            let found = text.parse::<MediaType>().ok();
            assert_eq!(found.and_then(|kind| kind.unwrapped()), inner, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_media_type_is_refused() {
        for bad in [
            "",
            "application",
            "/x",
            "a/",
            "a/b c",
            "a/b\n",
            "a/\u{e9}",
            "a/b/c",
        ] {
            assert!(bad.parse::<MediaType>().is_err(), "{bad:?}");
        }
        of("application/vnd.dev.sigstore.bundle+json;version=0.2");
    }
}
