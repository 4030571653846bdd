//! What is stated about a file.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use lazaret_guest::metadata_key;

use crate::file_type::quantization;
use crate::model::Model;

/// A statement about the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Printable ASCII, in `model` or `file.metadata`.
    pub key: String,
    /// What is stated.
    pub value: Statement,
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after what they hold")]
pub enum Statement {
    Text(String),
    Unsigned(u64),
    Sha256([u8; 32]),
}

/// All facts, the file's own metadata last.
#[must_use]
pub fn facts(model: &Model) -> Vec<Fact> {
    use Statement::{Sha256, Text, Unsigned};

    let card = &model.card;
    let parameters: u128 = model
        .tensors
        .iter()
        .map(|tensor| u128::from(tensor.elements()))
        .sum();
    let mut facts = Vec::with_capacity(model.metadata.len() + 20);
    let mut state = |key: &str, value: Option<Statement>| {
        if let Some(value) = value {
            let key = key.to_owned();
            facts.push(Fact { key, value });
        }
    };
    state("model.format", Some(Text("gguf".to_owned())));
    state("model.format-version", Some(Unsigned(model.version.into())));
    state("model.tensors", Some(Unsigned(model.tensors.len() as u64)));
    state(
        "model.parameters",
        Some(Unsigned(u64::try_from(parameters).unwrap_or(u64::MAX))),
    );
    state("model.dtypes", dtypes(model).map(Text));
    state("model.architecture", card.architecture.clone().map(Text));
    state("model.name", card.name.clone().map(Text));
    state("model.licence", card.licence.clone().map(Text));
    state(
        "model.quantization",
        card.file_type.map(|number| Text(quantization(number))),
    );
    state("model.context-length", card.context_length.map(Unsigned));
    state(
        "model.embedding-length",
        card.embedding_length.map(Unsigned),
    );
    state("model.tokenizer", card.tokenizer.clone().map(Text));
    state("model.chat-template-sha256", card.chat_template.map(Sha256));
    state("model.split-number", card.split_no.map(Unsigned));
    state("model.split-count", card.split_count.map(Unsigned));
    state("model.split-tensors", card.split_tensors.map(Unsigned));
    for (key, value) in &model.metadata {
        state(&metadata_key(key), Some(Text(value.text.clone())));
    }
    let omitted = model.keys - model.metadata.len() as u64;
    state(
        "file.metadata-omitted",
        (omitted > 0).then_some(Unsigned(omitted)),
    );
    facts
}

/// `Q4_K:201,F32:13`: types with how many tensors have each, the most frequent first.
fn dtypes(model: &Model) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for tensor in &model.tensors {
        *counts.entry(tensor.dtype.name()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(name, count)| (Reverse(count), name));
    let counts: Vec<_> = counts
        .iter()
        .map(|(name, count)| format!("{name}:{count}"))
        .collect();
    (!counts.is_empty()).then(|| counts.join(","))
}
