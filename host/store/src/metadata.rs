//! `meta.json`: which format a repository has (composefs 0.9, `repository.rs`, `RepoMetadata`).

use lazaret_artifact::VerityAlgorithm;
use serde::{Deserialize, Serialize};

use crate::error::MetadataFault;

/// The one version of the format.
const VERSION: u32 = 1;

/// Says that new images are to be written in EROFS format 1.
const V1_EROFS: &str = "v1_erofs";

/// Read-only-compatible features that may be written to all the same.
const KNOWN_READ_ONLY_COMPATIBLE: &[&str] = &[V1_EROFS];

/// Bytes of `meta.json`; a real one has two hundred. Keeps a file that grew by accident or malice
/// from being read into memory.
pub(crate) const MAX_SIZE: u64 = 64 * 1024;

/// A repository's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// How objects are named.
    pub algorithm: VerityAlgorithm,
    /// What a program must know before it opens the repository.
    pub features: Features,
    /// Which EROFS formats images are to be written in; absent in older repositories.
    pub erofs_formats: Option<ErofsFormats>,
}

/// Feature flags, after the model of ext4 and EROFS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Features {
    /// A program that does not know these may ignore them.
    #[serde(default)]
    pub compatible: Vec<String>,
    /// A program that does not know these may read but not write.
    #[serde(default)]
    pub read_only_compatible: Vec<String>,
    /// A program that does not know these must refuse.
    #[serde(default)]
    pub incompatible: Vec<String>,
}

/// EROFS format versions, 0 to 2 so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErofsFormats {
    /// The one that a named image has.
    pub default: u32,
    /// Others to write beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<u32>,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    algorithm: String,
    #[serde(default)]
    features: Features,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erofs_formats: Option<ErofsFormats>,
}

impl Metadata {
    /// The settings of a new repository: those that `cfsctl init` chooses.
    #[must_use]
    pub fn new(algorithm: VerityAlgorithm) -> Self {
        Self {
            algorithm,
            features: Features {
                read_only_compatible: vec![V1_EROFS.to_owned()],
                ..Features::default()
            },
            erofs_formats: Some(ErofsFormats {
                default: 1,
                extra: Vec::new(),
            }),
        }
    }

    /// Reads a `meta.json`.
    ///
    /// # Errors
    /// When it is not of this format, or demands what this program does not know.
    pub fn parse(json: &[u8]) -> Result<Self, MetadataFault> {
        let file: File = serde_json::from_slice(json)?;
        if file.version != VERSION {
            return Err(MetadataFault::Version {
                found: file.version,
                known: VERSION,
            });
        }
        if !file.features.incompatible.is_empty() {
            return Err(MetadataFault::Features(file.features.incompatible));
        }
        let Ok(algorithm) = file.algorithm.parse() else {
            return Err(MetadataFault::Algorithm(file.algorithm));
        };
        Ok(Self {
            algorithm,
            features: file.features,
            erofs_formats: file.erofs_formats,
        })
    }

    /// The file's bytes, the same that `cfsctl` writes.
    ///
    /// # Panics
    /// Never: the form has nothing that JSON cannot express.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let file = File {
            version: VERSION,
            algorithm: self.algorithm.name().to_owned(),
            features: self.features.clone(),
            erofs_formats: self.erofs_formats.clone(),
        };
        let mut json = serde_json::to_vec_pretty(&file).expect("strings and numbers only");
        json.push(b'\n');
        json
    }

    /// Read-only-compatible features that this program does not know: while there are any, the
    /// repository must not be written to.
    #[must_use]
    pub fn unknown_read_only_features(&self) -> Vec<&str> {
        let features = self.features.read_only_compatible.iter();
        features
            .map(String::as_str)
            .filter(|feature| !KNOWN_READ_ONLY_COMPATIBLE.contains(feature))
            .collect()
    }

    /// The EROFS format that a named image is to have. Repositories from before `erofs_formats`
    /// say so by a feature flag, or mean format 2 (composefs 0.9, `RepoMetadata::format_config`).
    #[must_use]
    pub fn erofs_version(&self) -> u32 {
        match &self.erofs_formats {
            Some(formats) if formats.default != 2 || !formats.extra.is_empty() => formats.default,
            _ if self
                .features
                .read_only_compatible
                .iter()
                .any(|f| f == V1_EROFS) =>
            {
                1
            }
            _ => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_settings_survive_their_json() {
        let metadata = Metadata::new(VerityAlgorithm::Sha512);
        assert_eq!(Metadata::parse(&metadata.to_json()).unwrap(), metadata);
        assert_eq!(metadata.erofs_version(), 1);
        assert!(metadata.unknown_read_only_features().is_empty());
    }

    #[test]
    fn settings_from_before_the_erofs_field_are_understood() {
        let parse = |features: &str| {
            let json = format!(
                r#"{{"version":1,"algorithm":"fsverity-sha256-12","features":{{{features}}}}}"#
            );
            Metadata::parse(json.as_bytes()).unwrap()
        };
        assert_eq!(parse("").erofs_version(), 2);
        assert_eq!(
            parse(r#""read-only-compatible":["v1_erofs"]"#).erofs_version(),
            1
        );
    }

    #[test]
    fn what_is_unknown_is_refused_or_makes_read_only() {
        let json = |version: u32, algorithm: &str, features: &str| {
            format!(
                r#"{{"version":{version},"algorithm":"{algorithm}","features":{{{features}}}}}"#
            )
        };
        let good = "fsverity-sha512-12";
        for (json, reason) in [
            (
                json(2, good, ""),
                "format version 2, this program knows version 1",
            ),
            (
                json(0, good, ""),
                "format version 0, this program knows version 1",
            ),
            (
                json(1, "fsverity-md5-12", ""),
                "unknown algorithm \"fsverity-md5-12\"",
            ),
            (
                json(1, "fsverity-sha512-16", ""),
                "unknown algorithm \"fsverity-sha512-16\"",
            ),
            (
                json(1, good, r#""incompatible":["sharded"]"#),
                "unknown incompatible features [\"sharded\"]",
            ),
            (
                "{}".to_owned(),
                "missing field `version` at line 1 column 2",
            ),
        ] {
            let fault = Metadata::parse(json.as_bytes()).unwrap_err();
            assert_eq!(fault.to_string(), reason);
        }
        let unknown = json(1, good, r#""read-only-compatible":["v1_erofs","frozen"]"#);
        let metadata = Metadata::parse(unknown.as_bytes()).unwrap();
        assert_eq!(metadata.unknown_read_only_features(), ["frozen"]);
    }
}
