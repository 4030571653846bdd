//! What a ModelPack annotation says of a file (model-spec, `specs-go/v1/annotations.go`,
//! `FileMetadata`): a claim of whoever packed it.

use serde::Deserialize;

use crate::entry::Timestamp;
use crate::error::DocumentError;
use crate::json;
use crate::limits::MAX_FILE_METADATA;

/// Permission, set-id and sticky bits: Go's `FileMode`, which some writers put there, has the type
/// of the file and more above them.
const MODE_BITS: u32 = 0o7777;

/// A file as it was when it was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMetadata {
    /// Its name, unchecked: [`crate::Descriptor::file_path`] says where it belongs.
    pub name: String,
    /// Permission, set-id and sticky bits (`0o7777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of it.
    pub size: u64,
    /// Last modification.
    pub mtime: Timestamp,
    /// What kind of file it was, as a tar header has it (POSIX `pax`, ustar): 48 for a regular one.
    pub typeflag: u8,
}

impl FileMetadata {
    /// Parses the annotation's text.
    ///
    /// # Errors
    /// Longer than [`MAX_FILE_METADATA`], not JSON, duplicate names, a member missing or out of
    /// range.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        if text.len() > MAX_FILE_METADATA {
            return Err(DocumentError::Rule(format!(
                "{} bytes, more than {MAX_FILE_METADATA}",
                text.len()
            )));
        }
        let raw: Raw = json::from_slice(text.as_bytes())?;
        let size = u64::try_from(raw.size)
            .map_err(|_| DocumentError::Rule(format!("size is {}", raw.size)))?;
        let mtime = Timestamp::parse_rfc3339(&raw.mtime)
            .ok_or_else(|| DocumentError::Rule("mtime is no time as of RFC 3339".to_owned()))?;
        Ok(Self {
            name: raw.name,
            mode: raw.mode & MODE_BITS,
            uid: raw.uid,
            gid: raw.gid,
            size,
            mtime,
            typeflag: raw.typeflag,
        })
    }

    /// Whether it was a regular file: tar's `0`, or the NUL of before POSIX.
    #[must_use]
    pub const fn is_regular(&self) -> bool {
        matches!(self.typeflag, b'0' | 0)
    }
}

#[derive(Deserialize)]
struct Raw {
    name: String,
    mode: u32,
    uid: u32,
    gid: u32,
    size: i64,
    mtime: String,
    typeflag: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"name":"model.safetensors","mode":2147516836,"uid":1000,"gid":100,
        "size":7,"mtime":"2025-03-04T05:06:07.25+02:00","typeflag":48,"later":"?"}"#;

    #[test]
    fn what_modelpack_writes_is_read() {
        let found = FileMetadata::parse(GOOD).unwrap();
        assert_eq!(
            found,
            FileMetadata {
                name: "model.safetensors".to_owned(),
                // Bits above the permissions are Go's.
                mode: 0o644,
                uid: 1000,
                gid: 100,
                size: 7,
                mtime: Timestamp {
                    seconds: 1_741_057_567,
                    nanoseconds: 250_000_000,
                },
                typeflag: b'0',
            }
        );
        assert!(found.is_regular());
        let directory = FileMetadata::parse(&GOOD.replace("48", "53")).unwrap();
        assert!(!directory.is_regular());
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        for (bad, reason) in [
            (GOOD.replace("\"size\":7", "\"size\":-7"), "size is -7"),
            (GOOD.replace("T05", " T"), "mtime is no time as of RFC 3339"),
            (GOOD.replace("\"uid\":1000,", ""), "missing field `uid`"),
            (GOOD.replace("\"uid\":1000", "\"uid\":-1"), "invalid value"),
            (GOOD.replace(":48", ":256"), "invalid value"),
            (GOOD.replace("later", "uid"), "duplicate name"),
            (
                GOOD.replace('?', &"x".repeat(MAX_FILE_METADATA)),
                "more than 16384",
            ),
            ("[]".to_owned(), "invalid length 0"),
        ] {
            let error = FileMetadata::parse(&bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{bad}: {error}");
        }
    }
}
