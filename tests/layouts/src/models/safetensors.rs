//! safetensors: a length, a header in JSON, the data; and shards with their index.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::models::{Format, Model, Tensor};

/// A file of these tensors, in this order.
#[must_use]
pub fn safetensors(tensors: &[Tensor], metadata: &[(String, String)]) -> Vec<u8> {
    let described = tensors.iter().map(|tensor| {
        let dtype = tensor.dtype.spelling(Format::Safetensors);
        (
            &*tensor.name,
            dtype,
            &*tensor.shape,
            tensor.data.len() as u64,
        )
    });
    let mut bytes = header(described, metadata);
    for tensor in tensors {
        bytes.extend_from_slice(&tensor.data);
    }
    bytes
}

/// The length and the header, padded to eight bytes with spaces.
pub(super) fn header<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a str, &'a [u64], u64)>,
    metadata: &[(String, String)],
) -> Vec<u8> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        let metadata: BTreeMap<&String, &String> =
            metadata.iter().map(|(key, value)| (key, value)).collect();
        header.insert("__metadata__".to_owned(), json!(metadata));
    }
    let mut at = 0;
    for (name, dtype, shape, size) in tensors {
        let described = json!({"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]});
        header.insert(name.to_owned(), described);
        at += size;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes
}

/// A model in several files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shards {
    /// Name and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// `model.safetensors.index.json`.
    pub index: Vec<u8>,
}

/// A model in `count` files of neighbouring tensors.
#[must_use]
pub fn shards(model: &Model, count: usize) -> Shards {
    let mut files = Vec::new();
    let mut map = BTreeMap::new();
    let each = model.tensors.len().div_ceil(count).max(1);
    for (at, tensors) in model.tensors.chunks(each).enumerate() {
        let name = format!("model-{:05}-of-{count:05}.safetensors", at + 1);
        for tensor in tensors {
            map.insert(tensor.name.clone(), name.clone());
        }
        files.push((name, safetensors(tensors, &model.metadata)));
    }
    let index = json!({"metadata": {"total_size": model.bytes()}, "weight_map": map});
    Shards {
        files,
        index: index.to_string().into_bytes(),
    }
}
