//! Manifests, indexes and configs from any bytes.
//!
//! 1. Parsing does not panic.
//! 2. No bytes are both a manifest and an index.
//! 3. What is accepted is JSON without duplicate names, at any depth.
//! 4. The digest is that of the exact bytes, and the media type is one of a document of that kind.
//! 5. What a document says of itself and what is declared of it may not differ: declaring its own
//!    media type changes nothing, declaring another one refuses it.
//! 6. There are no more layers or manifests than the limits allow.

use std::collections::HashSet;
use std::fmt;

use lazaret_artifact::limits::{MAX_INDEX_ENTRIES, MAX_LAYERS};
use lazaret_artifact::media_type::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use lazaret_artifact::{ContentDigest, Document, ImageConfig, Index, Manifest, MediaType};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::de::SliceRead;

/// Holds the parsers to the invariants.
pub fn check(data: &[u8]) {
    let manifest = Manifest::parse(data, None).ok();
    let index = Index::parse(data, None).ok();
    let document = Document::parse(data, None).ok();
    assert!(manifest.is_none() || index.is_none());
    match &document {
        Some(Document::Manifest(found)) => {
            assert_eq!(
                manifest.as_ref().map(|manifest| manifest.digest),
                Some(found.digest)
            );
        }
        Some(Document::Index(found)) => {
            assert_eq!(index.as_ref().map(|index| index.digest), Some(found.digest));
        }
        None => {}
    }
    if let Some(manifest) = &manifest {
        assert!(names_are_unique(data));
        assert_eq!(manifest.digest, ContentDigest::sha256(data));
        assert!(manifest.media_type.is_manifest() && !manifest.media_type.is_index());
        assert!(manifest.layers.len() <= MAX_LAYERS);
        let again = Manifest::parse(data, Some(&manifest.media_type));
        let again = again.expect("its own media type is declared");
        assert_eq!(format!("{again:?}"), format!("{manifest:?}"));
        assert!(Index::parse(data, Some(&media_type(OCI_INDEX))).is_err());
        assert!(Index::parse(data, Some(&media_type(DOCKER_LIST))).is_err());
    }
    if let Some(index) = &index {
        assert!(names_are_unique(data));
        assert_eq!(index.digest, ContentDigest::sha256(data));
        assert!(index.media_type.is_index() && !index.media_type.is_manifest());
        assert!(index.manifests.len() <= MAX_INDEX_ENTRIES);
        let again = Index::parse(data, Some(&index.media_type));
        let again = again.expect("its own media type is declared");
        assert_eq!(format!("{again:?}"), format!("{index:?}"));
        assert!(Manifest::parse(data, Some(&media_type(OCI_MANIFEST))).is_err());
        assert!(Manifest::parse(data, Some(&media_type(DOCKER_MANIFEST))).is_err());
    }
    if let Ok(config) = ImageConfig::parse(data) {
        assert!(names_are_unique(data));
        for diff_id in &config.diff_ids {
            assert_eq!(diff_id.to_string().parse().ok(), Some(*diff_id));
        }
    }
}

fn media_type(text: &str) -> MediaType {
    text.parse().expect("a valid media type")
}

/// Whether no object of a JSON document has a name twice: a second opinion, without the code under
/// test.
fn names_are_unique(data: &[u8]) -> bool {
    let mut parser = serde_json::Deserializer::new(SliceRead::new(data));
    Unique.deserialize(&mut parser).is_ok()
}

struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            if !names.insert(name) {
                return Err(serde::de::Error::custom("a name twice"));
            }
            object.next_value_seed(Self)?;
        }
        Ok(())
    }
}
