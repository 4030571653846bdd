//! ONNX: a model of initialisers with raw data (onnx.proto).

use crate::models::Tensor;

/// A model of these tensors; one node uses the first.
#[must_use]
pub fn onnx(tensors: &[Tensor], metadata: &[(String, String)]) -> Vec<u8> {
    let mut graph = Vec::new();
    if let Some(first) = tensors.first() {
        let mut node = Vec::new();
        field(&mut node, 1, first.name.as_bytes());
        field(&mut node, 2, b"y");
        field(&mut node, 4, b"Identity");
        field(&mut graph, 1, &node);
    }
    field(&mut graph, 2, b"weights");
    for tensor in tensors {
        let mut proto = Vec::new();
        for dimension in &tensor.shape {
            number(&mut proto, 1, *dimension);
        }
        number(&mut proto, 2, tensor.dtype.proto());
        field(&mut proto, 8, tensor.name.as_bytes());
        field(&mut proto, 9, &tensor.data);
        field(&mut graph, 5, &proto);
    }
    let mut model = Vec::new();
    number(&mut model, 1, 8);
    field(&mut model, 2, b"lazaret-layouts");
    field(&mut model, 7, &graph);
    let mut opset = Vec::new();
    number(&mut opset, 2, 17);
    field(&mut model, 8, &opset);
    for (key, value) in metadata {
        let mut property = Vec::new();
        field(&mut property, 1, key.as_bytes());
        field(&mut property, 2, value.as_bytes());
        field(&mut model, 14, &property);
    }
    model
}

fn number(bytes: &mut Vec<u8>, field: u64, value: u64) {
    varint(bytes, field << 3);
    varint(bytes, value);
}

fn field(bytes: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(bytes, field << 3 | 2);
    varint(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
