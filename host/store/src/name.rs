//! Names of streams and references: single file names, validated before they reach the disk.

use std::fmt;
use std::str::FromStr;

use crate::error::StoreError;
use crate::layout::REFS;

/// Bytes of a file name, Linux's `NAME_MAX`. A longer name could be asked for but never stored.
const MAX_NAME_LENGTH: usize = 255;

/// A stream's name: one path component, not `refs`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName(String);

impl StreamName {
    /// Checks `name`.
    ///
    /// # Errors
    /// [`StoreError::Name`] when it cannot be the name of a file in `streams/`.
    pub fn new(name: impl Into<String>) -> Result<Self, StoreError> {
        let name = name.into();
        check_component(&name)?;
        if name == REFS {
            return Err(StoreError::Name {
                text: name,
                reason: "reserved for references",
            });
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StreamName {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        Self::new(text)
    }
}

impl AsRef<str> for StreamName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Whether `name` can be a file's name in one directory, and stays in it.
pub(crate) fn check_component(name: &str) -> Result<(), StoreError> {
    let reason = match name {
        "" => "empty",
        "." | ".." => "a directory's name for itself",
        _ if name.len() > MAX_NAME_LENGTH => "longer than 255 bytes",
        _ if name.contains('/') => "contains a slash",
        _ if name.contains('\0') => "contains a NUL",
        _ => return Ok(()),
    };
    Err(StoreError::Name {
        text: name.chars().take(MAX_NAME_LENGTH).collect(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_one_component_is_refused() {
        for bad in [
            "",
            ".",
            "..",
            "refs",
            "a/b",
            "/",
            "../x",
            "a\0b",
            &"x".repeat(256),
        ] {
            assert!(StreamName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["oci-layer-sha256:00", ".hidden", "...", &"x".repeat(255)] {
            assert_eq!(StreamName::new(good).unwrap().as_str(), good);
        }
    }
}
