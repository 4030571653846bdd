//! Paths of entries: relative, clean, bounded; bytes, since names in archives need not be UTF-8.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::ArtifactError;
use crate::limits::{MAX_COMPONENT_LENGTH, MAX_PATH_LENGTH};
use crate::text::escape;

/// A path below the root of what was imported: components joined by single slashes, none of them
/// empty, `.` or `..`, without NUL. The root itself is the empty path.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EntryPath(Vec<u8>);

impl EntryPath {
    /// The root.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Cleans and validates a name from an archive: leading `/` and `./`, doubled and trailing
    /// slashes go; everything else that is not a plain relative path is refused.
    ///
    /// # Errors
    /// `..` as a component, NUL, or a length over the limits.
    pub fn from_untrusted(raw: &[u8]) -> Result<Self, ArtifactError> {
        let fail = |reason| ArtifactError::Path {
            path: escape(&raw[..raw.len().min(512)]),
            reason,
        };
        if raw.is_empty() {
            return Err(fail("empty"));
        }
        if raw.contains(&0) {
            return Err(fail("contains NUL"));
        }
        let mut clean = Vec::with_capacity(raw.len());
        for component in raw.split(|&byte| byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => return Err(fail("contains ..")),
                _ if component.len() > MAX_COMPONENT_LENGTH => {
                    return Err(fail("a component is longer than 255 bytes"));
                }
                _ => {
                    if !clean.is_empty() {
                        clean.push(b'/');
                    }
                    clean.extend_from_slice(component);
                }
            }
        }
        if clean.len() > MAX_PATH_LENGTH {
            return Err(fail("longer than 4095 bytes"));
        }
        Ok(Self(clean))
    }

    /// The bytes; empty for the root.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// From the outermost to the last.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0
            .split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty())
    }

    /// The last component; `None` for the root.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        self.components().last()
    }

    /// The path without its last component; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        Some(Self(self.0[..end].to_vec()))
    }

    /// This path with one more component.
    ///
    /// # Errors
    /// When `name` is not a single plain component, or the result is too long.
    pub fn join(&self, name: &[u8]) -> Result<Self, ArtifactError> {
        if name.is_empty() || name == b"." || name.contains(&b'/') {
            return Err(ArtifactError::Path {
                path: escape(name),
                reason: "not a single component",
            });
        }
        let mut raw = self.0.clone();
        raw.push(b'/');
        raw.extend_from_slice(name);
        Self::from_untrusted(&raw)
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            f.write_str(".")
        } else {
            f.write_str(&escape(&self.0))
        }
    }
}

impl fmt::Debug for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", escape(&self.0))
    }
}

impl Serialize for EntryPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::record::raw::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for EntryPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = crate::record::raw::deserialize(deserializer)?;
        if raw.is_empty() {
            return Ok(Self::root());
        }
        let path = Self::from_untrusted(&raw).map_err(serde::de::Error::custom)?;
        if path.0 != raw {
            return Err(serde::de::Error::custom("path is not in clean form"));
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(raw: &[u8]) -> Option<Vec<u8>> {
        EntryPath::from_untrusted(raw).ok().map(|path| path.0)
    }

    #[test]
    fn names_are_cleaned_or_refused() {
        for (raw, want) in [
            (&b"usr/bin/env"[..], Some(&b"usr/bin/env"[..])),
            (b"./usr//bin/./env/", Some(b"usr/bin/env")),
            (b"/etc/passwd", Some(b"etc/passwd")),
            (b"./", Some(b"")),
            (b"/", Some(b"")),
            (b"a/..b/...", Some(b"a/..b/...")),
            (b"", None),
            (b"..", None),
            (b"a/../b", None),
            (b"a/..", None),
            (b"a\0b", None),
        ] {
            assert_eq!(clean(raw).as_deref(), want, "{raw:?}");
        }
        assert_eq!(clean(&[b'x'; 256]), None);
        assert!(clean(&[b'x'; 255]).is_some());
        assert_eq!(clean(&b"xy/".repeat(1400)), None);
    }

    #[test]
    fn parents_and_names_fit_together() {
        let path = EntryPath::from_untrusted(b"a/b/c").unwrap();
        assert_eq!(path.name(), Some(&b"c"[..]));
        let parent = path.parent().unwrap();
        assert_eq!(parent.as_bytes(), b"a/b");
        assert_eq!(parent.join(b"c").unwrap(), path);
        assert!(parent.join(b"..").is_err());
        assert!(parent.join(b"x/y").is_err());
        assert_eq!(EntryPath::root().parent(), None);
    }

    proptest::proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(raw: Vec<u8>) {
            if let Ok(path) = EntryPath::from_untrusted(&raw) {
                proptest::prop_assert!(!path.components().any(|part| part == b".." || part == b"."));
                if !path.is_root() {
                    proptest::prop_assert_eq!(&EntryPath::from_untrusted(path.as_bytes()).unwrap(), &path);
                }
            }
        }
    }
}
