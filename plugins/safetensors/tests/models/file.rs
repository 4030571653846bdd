//! Files from a header's text, and readings of them.

use lazaret_plugin_safetensors::{Fact, Fault, Kind, Replay, Value, replay};

/// A file with this header and `data` bytes that count up.
pub fn file(header: impl AsRef<[u8]>, data: usize) -> Vec<u8> {
    let header = header.as_ref();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header);
    bytes.extend((0..data).map(|at| (at % 251) as u8));
    bytes
}

/// The description of a tensor of bytes at `begin..end`.
pub fn bytes(name: &str, begin: u64, end: u64) -> String {
    let name = serde_json::to_string(name).unwrap();
    let size = end - begin;
    format!(r#"{name}:{{"dtype":"U8","shape":[{size}],"data_offsets":[{begin},{end}]}}"#)
}

pub fn read(bytes: &[u8]) -> Result<Replay, Fault> {
    replay(bytes, Kind::File, 0)
}

pub fn read_index(text: &str) -> Result<Replay, Fault> {
    replay(text.as_bytes(), Kind::Index, 0)
}

/// What a reading says under `key`; digests as hexadecimal.
pub fn fact(facts: &[Fact], key: &str) -> Option<String> {
    let fact = facts.iter().find(|fact| fact.key == key)?;
    Some(match &fact.value {
        Value::Unsigned(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Sha256(digest) => digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// All of them, as lines.
pub fn lines(facts: &[Fact]) -> Vec<String> {
    facts
        .iter()
        .map(|stated| format!("{}={}", stated.key, fact(facts, &stated.key).unwrap()))
        .collect()
}
