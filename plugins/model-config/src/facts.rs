//! What is stated of a file. The keys are described in `docs/importers.md`.

use lazaret_guest::facts::cut;

use crate::error::Fault;
use crate::model::{Model, Tokenizer};
use crate::probe::Kind;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Printable ASCII, at most 128 bytes.
    pub key: &'static str,
    /// Its value.
    pub value: Value,
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Unsigned(u64),
    /// Text, cut with a note where it is long.
    Text(String),
    /// A SHA-256 digest.
    Sha256([u8; 32]),
}

/// Of a whole file of this kind.
///
/// # Errors
/// It is not one.
pub fn of_file(bytes: &[u8], kind: Kind) -> Result<Vec<Fact>, Fault> {
    match kind {
        Kind::Model => Model::read(bytes).map(of_model),
        Kind::Tokenizer => Tokenizer::read(bytes).map(of_tokenizer),
    }
}

fn of_model(model: Model) -> Vec<Fact> {
    stated([
        ("model.architecture", text(model.architecture)),
        (
            "model.context-length",
            model.context_length.map(Value::Unsigned),
        ),
        (
            "model.embedding-length",
            model.embedding_length.map(Value::Unsigned),
        ),
        ("model.quantization", text(model.quantization)),
    ])
}

fn of_tokenizer(tokenizer: Tokenizer) -> Vec<Fact> {
    stated([
        ("model.tokenizer", text(tokenizer.class)),
        (
            "model.chat-template-sha256",
            tokenizer.chat_template.map(Value::Sha256),
        ),
    ])
}

fn text(text: Option<String>) -> Option<Value> {
    text.map(|text| Value::Text(cut(&text).into_owned()))
}

fn stated<const N: usize>(facts: [(&'static str, Option<Value>); N]) -> Vec<Fact> {
    let known = |(key, value): (_, Option<_>)| value.map(|value| Fact { key, value });
    facts.into_iter().filter_map(known).collect()
}
