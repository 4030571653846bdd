//! What is stated of a whole file or index. The keys are described in `docs/importers.md`.

use std::collections::BTreeMap;

use lazaret_guest::facts::{key, metadata_key};

use crate::dtype::Dtype;
use crate::limits::METADATA_VALUE_MAX;
use crate::model::{Metadata, Model};
use crate::shards::ShardIndex;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Printable ASCII, at most 128 bytes.
    pub key: String,
    /// Its value.
    pub value: Value,
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Unsigned(u64),
    /// Text, as it stands in the file.
    Text(String),
    /// A SHA-256 digest.
    Sha256([u8; 32]),
}

/// Metadata keys of the `ModelSpec` (Stability AI, version 1) that say what other formats say too.
const SPECIFIED: [(&str, &str); 3] = [
    ("modelspec.architecture", "model.architecture"),
    ("modelspec.license", "model.licence"),
    ("modelspec.title", "model.name"),
];

/// Of a file.
#[must_use]
pub fn of_model(model: &Model) -> Vec<Fact> {
    let mut parameters: u128 = 0;
    let mut dtypes: BTreeMap<Dtype, u64> = BTreeMap::new();
    for tensor in model.tensors() {
        parameters += u128::from(tensor.elements());
        *dtypes.entry(tensor.dtype).or_default() += 1;
    }
    let mut facts = vec![
        text("model.format", "safetensors"),
        unsigned("model.tensors", model.tensors().len() as u64),
        unsigned(
            "model.parameters",
            u64::try_from(parameters).unwrap_or(u64::MAX),
        ),
        Fact {
            key: "model.tensor-names".to_owned(),
            value: Value::Sha256(*model.names_digest()),
        },
    ];
    if !dtypes.is_empty() {
        facts.push(text("model.dtypes", &counts(dtypes)));
    }
    for (name, fact) in SPECIFIED {
        let entry = model.metadata().iter().find(|entry| entry.key == name);
        facts.extend(entry.map(|entry| text(fact, &stated(entry))));
    }
    for entry in model.metadata() {
        facts.push(Fact {
            key: metadata_key(&entry.key),
            value: Value::Text(stated(entry)),
        });
    }
    if model.metadata_omitted() > 0 {
        facts.push(unsigned("file.metadata-omitted", model.metadata_omitted()));
    }
    facts
}

/// Of an index: what a check of each shard's own facts can be made of.
#[must_use]
pub fn of_index(index: &ShardIndex) -> Vec<Fact> {
    let mut facts = vec![
        text("model.format", "safetensors-index"),
        unsigned("model.shards", index.shards.len() as u64),
    ];
    facts.extend(
        index
            .total_size
            .map(|size| unsigned("model.total-size", size)),
    );
    for (file, shard) in &index.shards {
        facts.push(unsigned(&key("model.shard.", file), shard.tensors));
        facts.push(Fact {
            key: key("model.shard-names.", file),
            value: Value::Sha256(shard.names_digest),
        });
    }
    facts
}

/// `BF16:201,F32:13`: the most frequent first.
fn counts(dtypes: BTreeMap<Dtype, u64>) -> String {
    let mut counts: Vec<_> = dtypes.into_iter().collect();
    counts.sort_by_key(|&(dtype, count)| (std::cmp::Reverse(count), dtype.name()));
    let texts = counts
        .iter()
        .map(|(dtype, count)| format!("{}:{count}", dtype.name()));
    texts.collect::<Vec<_>>().join(",")
}

/// A value, with a note if it was cut.
fn stated(entry: &Metadata) -> String {
    if entry.length <= METADATA_VALUE_MAX as u64 {
        return entry.value.clone();
    }
    format!("{}… [cut: {} bytes in all]", entry.value, entry.length)
}

fn text(key: &str, value: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Value::Text(value.to_owned()),
    }
}

fn unsigned(key: &str, value: u64) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Value::Unsigned(value),
    }
}
