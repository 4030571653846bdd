//! I-JSON as the image specification demands it: RFC 7493 section 2.3 forbids duplicate names.
//!
//! Readers disagree on which of two equal names counts, so a document that has them can mean one
//! thing to the verifier and another to the runtime.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Parses `bytes` into `T` after checking that no object in it repeats a name.
///
/// # Errors
/// Not JSON, nested deeper than 128, duplicate names, or not a `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let _: Unique = serde_json::from_slice(bytes)?;
    serde_json::from_slice(bytes)
}

/// Any JSON value without duplicate names; keeps nothing.
struct Unique;

impl<'de> serde::Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        while items.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            members.next_value::<Unique>()?;
            if let Some(twice) = names.replace(name) {
                return Err(A::Error::custom(format_args!("duplicate name {twice:?}")));
            }
        }
        Ok(Unique)
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
}
