//! What is new in an `index.json`.
//!
//! A document with a tag is an entry of that name, in place of all that had it; one with a subject
//! is an entry too, so that who looks for referrers finds it, and so is one with an empty tag. A
//! document that neither another one leads to nor anything else names would be lost: it is an
//! entry without a name.

use std::collections::HashSet;

use lazaret_artifact::limits::{MAX_DOCUMENT_SIZE, MAX_INDEX_ENTRIES};
use lazaret_artifact::media_type::OCI_INDEX;
use lazaret_artifact::{ContentDigest, Descriptor, Index};
use serde_json::{Value, json};

use crate::error::TransportError;
use crate::reference::REF_NAME;

/// Documents that were put.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// In the order in which they came.
    entries: Vec<Entry>,
    /// What the indexes among them name.
    children: HashSet<ContentDigest>,
}

#[derive(Debug)]
struct Entry {
    descriptor: Descriptor,
    tag: Option<String>,
    /// Whether it is an entry even where an index leads to it.
    is_listed: bool,
}

impl Listing {
    /// `bytes` are verified.
    pub(super) fn add(
        &mut self,
        descriptor: &Descriptor,
        bytes: &[u8],
        has_subject: bool,
        tag: Option<&str>,
    ) -> Result<(), TransportError> {
        if descriptor.media_type.is_index() {
            let index = Index::parse(bytes, Some(&descriptor.media_type))?;
            let children = index.manifests.iter().map(|child| child.digest);
            self.children.extend(children);
        }
        self.entries.push(Entry {
            descriptor: descriptor.clone(),
            tag: tag.filter(|tag| !tag.is_empty()).map(str::to_owned),
            is_listed: has_subject || tag.is_some(),
        });
        Ok(())
    }

    /// The `index.json` that has these entries too; `before` is the one there is.
    pub(super) fn merge(&self, before: Option<Value>) -> Result<Vec<u8>, TransportError> {
        let mut document = before.unwrap_or_else(
            || json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}),
        );
        let mut entries = match document["manifests"].take() {
            Value::Array(entries) => entries,
            _ => Vec::new(),
        };
        // Of several documents of one name the last has it.
        let mut names = HashSet::new();
        let named: Vec<&Entry> = self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.tag.as_ref().is_some_and(|tag| names.insert(tag)))
            .collect();
        entries
            .retain(|entry| !name_of(entry).is_some_and(|name| names.iter().any(|n| *n == name)));
        entries.extend(named.iter().rev().map(|entry| entry.to_json()));
        let mut listed: HashSet<String> = entries
            .iter()
            .filter_map(|entry| entry["digest"].as_str().map(str::to_owned))
            .collect();
        for entry in &self.entries {
            let wants = entry.is_listed || !self.children.contains(&entry.descriptor.digest);
            if entry.tag.is_none() && wants && listed.insert(entry.descriptor.digest.to_string()) {
                entries.push(entry.to_json());
            }
        }
        require(
            "entries of index.json",
            entries.len() as u64,
            MAX_INDEX_ENTRIES as u64,
        )?;
        document["manifests"] = Value::Array(entries);
        let bytes = document.to_string().into_bytes();
        require("size of index.json", bytes.len() as u64, MAX_DOCUMENT_SIZE)?;
        Ok(bytes)
    }
}

impl Entry {
    fn to_json(&self) -> Value {
        let mut descriptor = self.descriptor.clone();
        descriptor.annotations.remove(REF_NAME);
        if let Some(tag) = &self.tag {
            descriptor
                .annotations
                .insert(REF_NAME.to_owned(), tag.clone());
        }
        serde_json::to_value(descriptor).expect("a descriptor is text and numbers")
    }
}

fn name_of(entry: &Value) -> Option<&str> {
    entry["annotations"][REF_NAME].as_str()
}

/// What could not be read again is not written.
fn require(what: &str, found: u64, limit: u64) -> Result<(), TransportError> {
    if found <= limit {
        return Ok(());
    }
    Err(TransportError::Limit {
        what: what.to_owned(),
        found,
        limit,
    })
}
