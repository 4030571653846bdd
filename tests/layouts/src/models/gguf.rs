//! GGUF version 3, little-endian, alignment 32.

use crate::models::Tensor;

/// Where tensors begin is a multiple of this.
const ALIGNMENT: usize = 32;

/// Number of the type of value "string".
const STRING: u32 = 8;

/// A file of these tensors; metadata as strings, behind `general.architecture`.
#[must_use]
pub fn gguf(tensors: &[Tensor], metadata: &[(String, String)]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((metadata.len() as u64 + 1).to_le_bytes());
    line(&mut bytes, "general.architecture", "llama");
    for (key, value) in metadata {
        line(&mut bytes, key, value);
    }
    let mut offset = 0;
    for tensor in tensors {
        text(&mut bytes, &tensor.name);
        bytes.extend((tensor.shape.len() as u32).to_le_bytes());
        // The innermost dimension first.
        for dimension in tensor.shape.iter().rev() {
            bytes.extend(dimension.to_le_bytes());
        }
        bytes.extend(tensor.dtype.ggml().to_le_bytes());
        bytes.extend((offset as u64).to_le_bytes());
        offset = (offset + tensor.data.len()).next_multiple_of(ALIGNMENT);
    }
    for tensor in tensors {
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes.extend(&tensor.data);
    }
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes
}

fn line(bytes: &mut Vec<u8>, key: &str, value: &str) {
    text(bytes, key);
    bytes.extend(STRING.to_le_bytes());
    text(bytes, value);
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}
