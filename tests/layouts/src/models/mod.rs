//! Model files written by hand, without any of the code under test: the same tensors as safetensors,
//! GGUF, ONNX, PyTorch's zip, or shards. Deterministic, and of data that does not compress.

mod gguf;
mod large;
mod noise;
mod onnx;
mod pickle;
mod pytorch;
mod safetensors;
mod tensor;
mod zip;

pub use gguf::gguf;
pub use large::{LARGE_TENSOR, write_large};
pub use noise::Noise;
pub use onnx::onnx;
pub use pytorch::{Malicious, malicious, pytorch};
pub use safetensors::{Shards, safetensors, shards};
pub use tensor::{Dtype, Tensor};

/// What a file of weights is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Hugging Face's.
    Safetensors,
    /// Of llama.cpp, version 3.
    Gguf,
    /// `torch.save`'s zip.
    Pytorch,
    /// Protobuf.
    Onnx,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Safetensors, Self::Gguf, Self::Pytorch, Self::Onnx];

    /// As `model.format` names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Gguf => "gguf",
            Self::Pytorch => "pytorch",
            Self::Onnx => "onnx",
        }
    }

    /// A file's usual name.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Safetensors => "model.safetensors",
            Self::Gguf => "model-f32.gguf",
            Self::Pytorch => "pytorch_model.bin",
            Self::Onnx => "model.onnx",
        }
    }

    /// The same tensors in this format.
    #[must_use]
    pub fn write(self, model: &Model) -> Vec<u8> {
        match self {
            Self::Safetensors => safetensors(&model.tensors, &model.metadata),
            Self::Gguf => gguf(&model.tensors, &model.metadata),
            Self::Pytorch => pytorch(&model.tensors),
            Self::Onnx => onnx(&model.tensors, &model.metadata),
        }
    }
}

/// Tensors by name, and lines of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// In the order of the file.
    pub tensors: Vec<Tensor>,
    /// Key and value.
    pub metadata: Vec<(String, String)>,
}

impl Model {
    /// A little transformer: large and tiny tensors of three types, about `blocks` × 100 KiB.
    #[must_use]
    pub fn small(seed: u64, blocks: usize) -> Self {
        let mut tensors = vec![Tensor::noise(
            "model.embed_tokens.weight",
            Dtype::F16,
            &[128, 64],
            seed,
        )];
        for block in 0..blocks {
            let mut add = |name: &str, dtype: Dtype, shape: &[u64]| {
                let name = format!("model.layers.{block}.{name}");
                tensors.push(Tensor::noise(&name, dtype, shape, seed));
            };
            add("attn.q_proj.weight", Dtype::F32, &[64, 64]);
            add("attn.q_proj.bias", Dtype::F32, &[64]);
            add("mlp.up_proj.weight", Dtype::F32, &[256, 64]);
            add("mlp.mask", Dtype::I8, &[17, 3]);
            add("norm.weight", Dtype::F16, &[64]);
        }
        Self {
            tensors,
            metadata: vec![
                ("general.name".to_owned(), format!("Small {seed}")),
                ("note".to_owned(), "made for tests".to_owned()),
            ],
        }
    }

    /// `count` tensors of `bytes` bytes each, 32-bit floats.
    #[must_use]
    pub fn uniform(seed: u64, count: usize, bytes: u64) -> Self {
        let tensors = (0..count)
            .map(|at| Tensor::noise(&format!("blk.{at}.weight"), Dtype::F32, &[bytes / 4], seed))
            .collect();
        Self {
            tensors,
            metadata: vec![("general.name".to_owned(), "Uniform".to_owned())],
        }
    }

    /// With another value of a line of metadata, or one more line.
    #[must_use]
    pub fn with_metadata(mut self, key: &str, value: &str) -> Self {
        match self.metadata.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => value.clone_into(old),
            None => self.metadata.push((key.to_owned(), value.to_owned())),
        }
        self
    }

    /// With other values in the tensors that `changed` says.
    #[must_use]
    pub fn with_other(mut self, seed: u64, changed: impl Fn(usize) -> bool) -> Self {
        for (at, tensor) in self.tensors.iter_mut().enumerate() {
            if changed(at) {
                *tensor = Tensor::noise(&tensor.name, tensor.dtype, &tensor.shape, seed);
            }
        }
        self
    }

    /// Bytes of all tensors.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let sizes = self.tensors.iter().map(|tensor| tensor.data.len() as u64);
        sizes.sum()
    }
}
