//! Import records: what an import left behind, as it is kept in the repository.
//!
//! A record is JSON Lines: first one [`Header`], then one [`Line`] for each entry and fact in the
//! order they were emitted, then one [`Summary`]. Byte strings that are UTF-8 are JSON strings,
//! others are `{"base64": "…"}`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::ContentDigest;
use crate::entry::{Entry, Fact, Value};
use crate::error::ArtifactError;
use crate::media_type::MediaType;
use crate::verity::VerityDigest;

/// The only version there is.
pub const RECORD_VERSION: u32 = 1;

/// Characters of a word that an error message shows: an importer's text may be long.
const MAX_WORD: usize = 64;

/// The first line: everything the result is a function of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// [`RECORD_VERSION`].
    pub record_version: u32,
    /// The blob as the importer saw it, decompressed; for a layer its diff_id.
    pub content: ContentDigest,
    /// What the content was taken for.
    pub role: Role,
    /// What the blob was offered as.
    pub media_type: MediaType,
    /// Who parsed it, or failed on it; none for a blob that nobody claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importer: Option<ImporterIdentity>,
    /// The operator's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// What content was taken for; it decides what an importer may say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A container layer: devices, set-id bits and privileged attributes are its business.
    Layer,
    /// Anything else.
    Blob,
}

/// The exact component that parsed a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImporterIdentity {
    /// As it calls itself.
    pub name: String,
    /// As it calls itself.
    pub version: String,
    /// SHA-256 of the component's bytes.
    pub digest: ContentDigest,
    /// Version of the WIT package it was built against.
    pub wit: String,
}

/// A line between header and summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// An entry.
    Entry(Entry),
    /// A fact.
    Fact(Fact),
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The layer stream this record describes, by the digest of the stream itself.
    pub stream: VerityDigest,
    /// Bytes of the content.
    pub size: u64,
    /// Digests of the blobs, as they travelled, that were verified to hold this content.
    pub blobs: Vec<ContentDigest>,
    /// Entries above.
    pub entries: u64,
    /// Facts above.
    pub facts: u64,
    /// Fuel the importer used.
    pub fuel: u64,
    /// How it ended.
    pub verdict: Verdict,
    /// What importers found of the safety of it and of the files in it, at worst; none where nobody
    /// judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// For each media type that files inside were given, the digests of the importers that claimed
    /// it, sorted; none where nobody did. With other importers another record would come out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub handed_on: BTreeMap<String, Vec<ContentDigest>>,
    /// Files inside that an importer claimed and failed on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub faults: u64,
    /// Files inside that an importer claims and that none was asked about: there were too many, or
    /// their bytes do not lie in one stretch.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unread: u64,
    /// Whether importers came to a limit that the operator could raise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// How an import ended, when it left a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The importer parsed all of it.
    Imported,
    /// No importer claimed it; kept as one object.
    Opaque,
    /// An importer failed on it; kept as one object, with the reason.
    Faulted(String),
}

/// A judgement of an importer on what opening a file with its usual program could do, as its facts
/// `model.pickle-verdict` spell it. The later, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing was found.
    Clean,
    /// Something is not as the usual programs write it.
    Suspicious,
    /// It could run code.
    Dangerous,
}

impl Severity {
    /// What an importer's fact says; a verdict that nobody understands is no good one.
    #[must_use]
    pub fn said(value: &Value) -> Self {
        match value {
            Value::Text(text) => text.parse().unwrap_or(Self::Dangerous),
            _ => Self::Dangerous,
        }
    }

    /// All there are, the best first.
    pub const ALL: [Self; 3] = [Self::Clean, Self::Suspicious, Self::Dangerous];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Suspicious => "suspicious",
            Self::Dangerous => "dangerous",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = ArtifactError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|severity| severity.as_str() == text)
            .ok_or_else(|| ArtifactError::Severity {
                text: text.chars().take(MAX_WORD).collect(),
            })
    }
}

/// Byte strings in JSON: text where they are UTF-8, `{"base64": "…"}` where not.
pub mod raw {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form<'a> {
        Text(std::borrow::Cow<'a, str>),
        Bytes { base64: String },
    }

    /// For `#[serde(with)]`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Form::Text(text.into()),
            Err(_) => Form::Bytes {
                base64: STANDARD.encode(bytes),
            },
        }
        .serialize(serializer)
    }

    /// For `#[serde(with)]`.
    ///
    /// # Errors
    /// Neither form, or bad base64.
    pub fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(text.into_owned().into_bytes()),
            Form::Bytes { base64 } => STANDARD.decode(base64).map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{EntryKind, Extent, Posix, Timestamp, Xattr};
    use crate::path::EntryPath;

    #[test]
    fn a_line_reads_as_documented_and_survives() {
        let entry = Entry {
            path: EntryPath::from_untrusted(b"a/\xff").unwrap(),
            kind: EntryKind::Regular,
            content: vec![
                Extent::Input {
                    offset: 512,
                    length: 3,
                },
                Extent::Hole(5),
            ],
            target: Vec::new(),
            link: None,
            posix: Some(Posix {
                mode: 0o644,
                uid: 1,
                gid: 2,
                mtime: Timestamp {
                    seconds: -1,
                    nanoseconds: 5,
                },
                device: None,
                xattrs: vec![Xattr {
                    name: b"user.x".to_vec(),
                    value: vec![0, 0xff],
                }],
            }),
            media_type: None,
            attributes: Vec::new(),
        };
        let text = serde_json::to_string(&Line::Entry(entry.clone())).unwrap();
        assert_eq!(
            text,
            r#"{"entry":{"path":{"base64":"YS//"},"kind":"regular","content":[{"input":{"offset":512,"length":3}},{"hole":5}],"posix":{"mode":420,"uid":1,"gid":2,"mtime":{"seconds":-1,"nanoseconds":5},"xattrs":[{"name":"user.x","value":{"base64":"AP8="}}]}}}"#
        );
        assert_eq!(
            serde_json::from_str::<Line>(&text).unwrap(),
            Line::Entry(entry)
        );
    }

    #[test]
    fn severities_are_ordered_and_have_one_spelling() {
        assert!(Severity::ALL.is_sorted());
        for severity in Severity::ALL {
            let text = severity.to_string();
            assert_eq!(text.parse::<Severity>().unwrap(), severity);
            let json = serde_json::to_string(&severity).unwrap();
            assert_eq!(json, format!("\"{text}\""));
        }
        let error = "Clean".parse::<Severity>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid severity \"Clean\": expected clean, suspicious or dangerous"
        );
    }

    #[test]
    fn a_summary_from_before_says_nothing_new_and_is_written_as_it_was() {
        let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let stream = "ab".repeat(32);
        let before = format!(
            r#"{{"stream":"{stream}","size":1,"blobs":["{digest}"],"entries":0,"facts":0,"fuel":0,"verdict":"opaque"}}"#
        );
        let mut summary: Summary = serde_json::from_str(&before).unwrap();
        assert_eq!(summary.severity, None);
        assert!(summary.handed_on.is_empty());
        assert_eq!(serde_json::to_string(&summary).unwrap(), before);
        summary.severity = Some(Severity::Suspicious);
        let of = |text: &str| vec![text.parse().unwrap()];
        summary.handed_on = BTreeMap::from([
            ("application/x-gguf".to_owned(), of(digest)),
            ("application/x-onnx".to_owned(), Vec::new()),
        ]);
        let text = serde_json::to_string(&summary).unwrap();
        let more = format!(
            r#","severity":"suspicious","handedOn":{{"application/x-gguf":["{digest}"],"application/x-onnx":[]}}}}"#
        );
        assert_eq!(text, before.replace("}", "") + &more);
        assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
    }

    #[test]
    fn a_record_cannot_smuggle_a_path_in() {
        for path in ["../x", "a//b", "/a", "a/", "."] {
            let text = format!(r#"{{"entry":{{"path":"{path}","kind":"directory"}}}}"#);
            assert!(serde_json::from_str::<Line>(&text).is_err(), "{path}");
        }
    }
}
