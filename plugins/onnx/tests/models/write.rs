//! Protobuf messages, field by field, sound or not.

/// A message that is being written.
#[derive(Debug, Default, Clone)]
pub struct Message(pub Vec<u8>);

/// A message without fields.
pub fn new() -> Message {
    Message::default()
}

impl Message {
    pub fn varint(mut self, number: u64, value: u64) -> Self {
        self.0.extend(varint(number << 3));
        self.0.extend(varint(value));
        self
    }

    pub fn bytes(mut self, number: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.0.extend(varint(number << 3 | 2));
        self.0.extend(varint(value.len() as u64));
        self.0.extend(value);
        self
    }

    pub fn message(self, number: u64, value: Self) -> Self {
        self.bytes(number, value.0)
    }

    pub fn fixed32(mut self, number: u64, value: [u8; 4]) -> Self {
        self.0.extend(varint(number << 3 | 5));
        self.0.extend(value);
        self
    }

    /// Whatever these bytes are.
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend(bytes.as_ref());
        self
    }
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A model of IR version 8 with this graph, whose fields begin at byte 4 if they are less than 128.
pub fn model(graph: Message) -> Message {
    new().varint(1, 8).message(7, graph)
}

/// A model whose graph has one initialiser, whose fields begin at byte 6 if they are few.
pub fn initializer(tensor: Message) -> Message {
    model(new().message(5, tensor))
}

/// A tensor without values.
pub fn head(name: &str, data_type: u64, dims: &[u64]) -> Message {
    let tensor = dims
        .iter()
        .fold(new(), |tensor, &dim| tensor.varint(1, dim));
    tensor.varint(2, data_type).bytes(8, name)
}

/// A tensor of bytes.
pub fn bytes(name: &str, values: &[u8]) -> Message {
    head(name, 2, &[values.len() as u64]).bytes(9, values)
}

/// A tensor in another file.
pub fn external(name: &str, size: u64, entries: &[(&str, &str)]) -> Message {
    let tensor = head(name, 2, &[size]).varint(14, 1);
    entries.iter().fold(tensor, |tensor, (key, value)| {
        tensor.message(13, new().bytes(1, key).bytes(2, value))
    })
}

/// A node with one attribute.
pub fn node(operator: &str, attribute: Message) -> Message {
    new().bytes(4, operator).message(5, attribute)
}
