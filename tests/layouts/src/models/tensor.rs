//! A tensor, and how each format spells its type.

use crate::digest;
use crate::models::{Format, Noise};

/// Types that every format has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// Signed bytes.
    I8,
}

impl Dtype {
    /// Bytes of an element.
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::I8 => 1,
        }
    }

    /// As the format spells it.
    #[must_use]
    pub const fn spelling(self, format: Format) -> &'static str {
        match (format, self) {
            (Format::Safetensors | Format::Gguf, Self::F32) => "F32",
            (Format::Safetensors | Format::Gguf, Self::F16) => "F16",
            (Format::Safetensors | Format::Gguf, Self::I8) => "I8",
            (Format::Pytorch, Self::F32) => "float32",
            (Format::Pytorch, Self::F16) => "float16",
            (Format::Pytorch, Self::I8) => "int8",
            (Format::Onnx, Self::F32) => "FLOAT",
            (Format::Onnx, Self::F16) => "FLOAT16",
            (Format::Onnx, Self::I8) => "INT8",
        }
    }

    /// GGUF's number for it.
    #[must_use]
    pub(super) const fn ggml(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::I8 => 24,
        }
    }

    /// `TensorProto.DataType`.
    #[must_use]
    pub(super) const fn proto(self) -> u64 {
        match self {
            Self::F32 => 1,
            Self::F16 => 10,
            Self::I8 => 3,
        }
    }

    /// The class of its storage in module `torch`.
    #[must_use]
    pub(super) const fn storage(self) -> &'static str {
        match self {
            Self::F32 => "FloatStorage",
            Self::F16 => "HalfStorage",
            Self::I8 => "CharStorage",
        }
    }
}

/// A tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: Dtype,
    /// Outermost dimension first.
    pub shape: Vec<u64>,
    /// Row by row, little-endian.
    pub data: Vec<u8>,
}

impl Tensor {
    /// With data that depends on seed and name.
    #[must_use]
    pub fn noise(name: &str, dtype: Dtype, shape: &[u64], seed: u64) -> Self {
        let elements: u64 = shape.iter().product();
        let mut data = vec![0; usize::try_from(elements * dtype.size()).unwrap_or(usize::MAX)];
        Noise::named(seed, name).fill(&mut data);
        Self {
            name: name.to_owned(),
            dtype,
            shape: shape.to_vec(),
            data,
        }
    }

    /// `sha256:…` of its data.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(&self.data)
    }
}
