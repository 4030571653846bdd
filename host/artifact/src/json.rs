//! I-JSON as the image specification demands it: RFC 7493 section 2.3 forbids duplicate names.
//!
//! Readers disagree on which of two equal names counts, so a document that has them can mean one
//! thing to the verifier and another to the runtime. Go's `encoding/json`, which most runtimes use,
//! also takes `Layers` for `layers`: in documents whose names are known, one that differs from a
//! known name only in case is refused, too.

use std::collections::HashSet;
use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

/// Names that manifests, indexes and descriptors give a meaning to (image-spec manifest.md,
/// image-index.md, descriptor.md).
const OF_DOCUMENTS: &[&str] = &[
    "annotations",
    "architecture",
    "artifactType",
    "config",
    "data",
    "digest",
    "layers",
    "manifests",
    "mediaType",
    "os",
    "os.features",
    "os.version",
    "platform",
    "schemaVersion",
    "size",
    "subject",
    "urls",
    "variant",
];

/// Members of configs that decide what is unpacked, and for which machine (image-spec config.md).
const OF_CONFIGS: &[&str] = &[
    "architecture",
    "diff_ids",
    "os",
    "rootfs",
    "type",
    "variant",
];

/// Parses `bytes` into `T` after checking that no object in it repeats a name.
///
/// # Errors
/// Not JSON, nested deeper than 128, duplicate names, or not a `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    check(bytes, Names::Any)?;
    serde_json::from_slice(bytes)
}

/// [`from_slice`] for manifests and indexes.
///
/// # Errors
/// Those of [`from_slice`]; a name that differs only in case from one that has a meaning.
pub fn document_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    check(bytes, Names::Document)?;
    serde_json::from_slice(bytes)
}

/// [`from_slice`] for the configs of images. Below `config`, which is handed to a runtime, the names
/// are Docker's own and written in capitals.
///
/// # Errors
/// Those of [`document_from_slice`].
pub fn config_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    check(bytes, Names::Config)?;
    serde_json::from_slice(bytes)
}

fn check(bytes: &[u8], names: Names) -> Result<(), serde_json::Error> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    names.deserialize(&mut source)?;
    source.end()
}

/// Which names of an object are looked at closely. As a seed it checks any JSON value and keeps
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Any will do, once each.
    Any,
    /// None may look like one of a manifest's or an index's.
    Document,
    /// None may look like one of a config's, here and in `rootfs`.
    Config,
}

impl Names {
    /// What holds for the value of the member `name`.
    fn below(self, name: &str) -> Self {
        match (self, name) {
            // Its members' names are anybody's.
            (Self::Document, "annotations") => Self::Any,
            (Self::Document, _) => Self::Document,
            (Self::Config, "rootfs") => Self::Config,
            _ => Self::Any,
        }
    }

    /// The name with a meaning that `name` is not, but looks like to who ignores case.
    fn lookalike(self, name: &str) -> Option<&'static str> {
        let known = match self {
            Self::Any => return None,
            Self::Document => OF_DOCUMENTS,
            Self::Config => OF_CONFIGS,
        };
        if known.contains(&name) {
            return None;
        }
        // Through capitals, since Go folds the long s and the Kelvin sign, too.
        let folded = name.to_uppercase().to_lowercase();
        let alike = |known: &&&str| known.to_lowercase() == folded;
        known.iter().find(alike).copied()
    }
}

impl<'de> DeserializeSeed<'de> for Names {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if let Some(known) = self.lookalike(&name) {
                return Err(A::Error::custom(format_args!(
                    "name {name:?} differs from {known:?} only in case"
                )));
            }
            members.next_value_seed(self.below(&name))?;
            if let Some(twice) = names.replace(name) {
                return Err(A::Error::custom(format_args!("duplicate name {twice:?}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_names_are_refused_at_any_depth() {
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":[{"b":{},"b":{}}]}"#,
            "{\"a\":1,\"\\u0061\":2}",
        ] {
            let error = from_slice::<serde_json::Value>(bad.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("duplicate name"), "{error}");
        }
        from_slice::<serde_json::Value>(br#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#).unwrap();
    }

    #[test]
    fn names_that_some_readers_take_for_others_are_refused() {
        let value = |text: &str| document_from_slice::<serde_json::Value>(text.as_bytes());
        for bad in [
            r#"{"Layers":[]}"#,
            r#"{"layers":[{"DIGEST":""}]}"#,
            r#"{"manifests":[{"platform":{"Os":"linux"}}]}"#,
            "{\"\u{17f}ubject\":{}}",
            r#"{"artifacttype":""}"#,
        ] {
            let error = value(bad).unwrap_err();
            assert!(error.to_string().contains("only in case"), "{bad}: {error}");
            from_slice::<serde_json::Value>(bad.as_bytes()).unwrap();
        }
        value(r#"{"annotations":{"Layers":"","Digest":""},"from":"","Other":{}}"#).unwrap();
    }

    #[test]
    fn configs_have_names_of_their_own_below_the_top() {
        let value = |text: &str| config_from_slice::<serde_json::Value>(text.as_bytes());
        value(r#"{"os":"","Size":0,"config":{"Labels":{"OS":""},"Size":1},"rootfs":{"type":""}}"#)
            .unwrap();
        for bad in [
            r#"{"Os":""}"#,
            r#"{"RootFS":{}}"#,
            r#"{"rootfs":{"Diff_IDs":[]}}"#,
        ] {
            assert!(value(bad).is_err(), "{bad}");
        }
    }
}
