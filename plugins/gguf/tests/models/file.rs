//! Files by hand: sound unless told otherwise.

use lazaret_plugin_gguf::{Dtype, Fault, Replay, replay};

/// Everything that can be said in an index.
#[derive(Debug, Clone)]
pub struct File {
    pub version: u32,
    /// Only for the layout; [`File::aligned`] says it in the file, too.
    pub alignment: u64,
    pub keys: Vec<Vec<u8>>,
    pub tensors: Vec<Described>,
    /// Whether padding follows the last tensor.
    pub padded: bool,
}

#[derive(Debug, Clone)]
pub struct Described {
    pub name: Vec<u8>,
    pub dimensions: Vec<u64>,
    pub dtype: u32,
    /// In the data; none for where it belongs.
    pub offset: Option<u64>,
    pub data: Vec<u8>,
}

impl File {
    pub fn new() -> Self {
        Self {
            version: 3,
            alignment: 32,
            keys: vec![key("general.architecture", &string("llama"))],
            tensors: Vec::new(),
            padded: true,
        }
    }

    pub fn key(mut self, name: &str, value: &[u8]) -> Self {
        self.keys.push(key(name, value));
        self
    }

    pub fn aligned(mut self, alignment: u32) -> Self {
        self.alignment = alignment.into();
        self.key("general.alignment", &u32_value(alignment))
    }

    /// A tensor of a known type, with data that its name determines.
    pub fn tensor(self, name: &str, dtype: u32, dimensions: &[u64]) -> Self {
        let known = Dtype::from_number(dtype).unwrap();
        let elements: u64 = dimensions.iter().product();
        let bytes = elements / known.block_elements() * known.block_bytes();
        let seed: u64 = name.bytes().map(u64::from).sum();
        let data = (0..bytes).map(|byte| (byte * 7 + seed) as u8).collect();
        self.described(name.as_bytes(), dtype, dimensions, None, data)
    }

    pub fn described(
        mut self,
        name: &[u8],
        dtype: u32,
        dimensions: &[u64],
        offset: Option<u64>,
        data: Vec<u8>,
    ) -> Self {
        self.tensors.push(Described {
            name: name.to_vec(),
            dimensions: dimensions.to_vec(),
            dtype,
            offset,
            data,
        });
        self
    }

    /// Bytes of header, keys and descriptions.
    pub fn index(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.keys.len() as u64).to_le_bytes());
        bytes.extend(self.keys.concat());
        let mut next = 0;
        for tensor in &self.tensors {
            bytes.extend(length(tensor.name.len() as u64, &tensor.name));
            bytes.extend((tensor.dimensions.len() as u32).to_le_bytes());
            for dimension in &tensor.dimensions {
                bytes.extend(dimension.to_le_bytes());
            }
            bytes.extend(tensor.dtype.to_le_bytes());
            bytes.extend(tensor.offset.unwrap_or(next).to_le_bytes());
            next = (next + tensor.data.len() as u64).next_multiple_of(self.alignment);
        }
        bytes
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.index();
        let pad = |bytes: &mut Vec<u8>| {
            let end = bytes.len().next_multiple_of(self.alignment as usize);
            bytes.resize(end, 0);
        };
        for tensor in &self.tensors {
            pad(&mut bytes);
            bytes.extend(&tensor.data);
        }
        if self.padded {
            pad(&mut bytes);
        }
        bytes
    }
}

/// Numbers for types.
pub const F32: u32 = 0;
pub const F16: u32 = 1;
pub const Q4_0: u32 = 2;
pub const Q4_K: u32 = 12;
pub const I8: u32 = 24;

pub fn key(name: &str, value: &[u8]) -> Vec<u8> {
    raw_key(name.as_bytes(), value)
}

pub fn raw_key(name: &[u8], value: &[u8]) -> Vec<u8> {
    [length(name.len() as u64, name), value.to_vec()].concat()
}

/// A length, and then these bytes, whatever their own is.
pub fn length(length: u64, bytes: &[u8]) -> Vec<u8> {
    [&length.to_le_bytes(), bytes].concat()
}

pub fn value(kind: u32, bytes: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), bytes].concat()
}

pub fn u32_value(number: u32) -> Vec<u8> {
    value(4, &number.to_le_bytes())
}

pub fn string(text: &str) -> Vec<u8> {
    value(8, &length(text.len() as u64, text.as_bytes()))
}

/// An array that says to have `count` elements.
pub fn array(kind: u32, count: u64, elements: &[u8]) -> Vec<u8> {
    value(
        9,
        &[&kind.to_le_bytes()[..], &count.to_le_bytes(), elements].concat(),
    )
}

pub fn strings(texts: &[&str]) -> Vec<u8> {
    let elements: Vec<u8> = texts
        .iter()
        .flat_map(|text| length(text.len() as u64, text.as_bytes()))
        .collect();
    array(8, texts.len() as u64, &elements)
}

pub fn sound(bytes: &[u8]) -> Replay {
    replay(bytes, 0).unwrap()
}

pub fn refused(bytes: &[u8]) -> Fault {
    replay(bytes, 0).unwrap_err()
}
