//! What a file's index says.

use std::fmt::Write as _;

use crate::dtype::Dtype;
use crate::limits::{METADATA_FACTS_MAX, METADATA_KEYS_MAX, PENDING_MAX, TEXT_MAX};
use crate::value::{Kind, Value};

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Not empty, at most 63 bytes, without NUL.
    pub name: Box<str>,
    /// The type of its elements.
    pub dtype: Dtype,
    pub(crate) rank: u8,
    pub(crate) dimensions: [u64; 4],
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes of it.
    pub length: u64,
    /// Offset of its description, and bytes of that.
    pub(crate) described: (u64, u32),
}

impl Tensor {
    /// Its dimensions as the file has them, the innermost first; none for a single element.
    #[must_use]
    pub fn dimensions(&self) -> &[u64] {
        &self.dimensions[..usize::from(self.rank)]
    }

    /// Elements of it; one for a tensor without dimensions.
    #[must_use]
    pub fn elements(&self) -> u64 {
        // The index was checked: without its zeros the product fits.
        self.dimensions()
            .iter()
            .fold(1, |product: u64, &size| product.saturating_mul(size))
    }

    /// The shape as a JSON list, the outermost dimension first, as other formats have it and as
    /// Python shows the data of this one.
    #[must_use]
    pub fn shape_text(&self) -> String {
        let mut text = String::from("[");
        for (place, size) in self.dimensions().iter().rev().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(text, "{comma}{size}").expect("a string takes any text");
        }
        text.push(']');
        text
    }
}

/// A sound file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Bytes of the file.
    pub size: u64,
    /// 2 or 3.
    pub version: u32,
    /// What tensors are aligned to, in bytes.
    pub alignment: u32,
    /// Bytes of header, keys and descriptions.
    pub index: u64,
    /// In the order of the file, which is that of their bytes.
    pub tensors: Vec<Tensor>,
    /// Number of keys.
    pub keys: u64,
    /// Keys and values in the order of the file, as many as
    /// [`METADATA_FACTS_MAX`] and [`METADATA_KEYS_MAX`] let through.
    pub metadata: Vec<(String, Value)>,
    /// What some of them say.
    pub card: Card,
}

/// What is worth stating of a model, where the file says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    /// `general.architecture`.
    pub architecture: Option<String>,
    /// `general.name`.
    pub name: Option<String>,
    /// `general.license`.
    pub licence: Option<String>,
    /// `general.file_type`.
    pub file_type: Option<u64>,
    /// `tokenizer.ggml.model`.
    pub tokenizer: Option<String>,
    /// SHA-256 of `tokenizer.chat_template`.
    pub chat_template: Option<[u8; 32]>,
    /// `<architecture>.context_length`, in tokens.
    pub context_length: Option<u64>,
    /// `<architecture>.embedding_length`.
    pub embedding_length: Option<u64>,
    /// `split.no`: which of the files this is, counted from 0.
    pub split_no: Option<u64>,
    /// `split.count`: of how many.
    pub split_count: Option<u64>,
    /// `split.tensors.count`: tensors of all of them.
    pub split_tensors: Option<u64>,
}

/// Takes keys and values in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    pub(crate) metadata: Vec<(String, Value)>,
    /// Bytes of its keys.
    key_bytes: usize,
    card: Card,
    /// Numbers that are the architecture's own if it turns out to have that name.
    pending: Vec<(String, Length, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Context,
    Embedding,
}

impl Collector {
    pub(crate) fn push(&mut self, key: String, value: Value) {
        let text = || (value.kind == Kind::String).then(|| value.text.clone());
        let card = &mut self.card;
        match key.as_str() {
            "general.architecture" => card.architecture = text(),
            "general.name" => card.name = text(),
            "general.license" => card.licence = text(),
            "general.file_type" => card.file_type = value.number,
            "tokenizer.ggml.model" => card.tokenizer = text(),
            "tokenizer.chat_template" if value.kind == Kind::String => {
                card.chat_template = value.digest;
            }
            "split.no" => card.split_no = value.number,
            "split.count" => card.split_count = value.number,
            "split.tensors.count" => card.split_tensors = value.number,
            _ => self.pend(&key, value.number),
        }
        let bytes = self.key_bytes + key.len();
        if self.metadata.len() < METADATA_FACTS_MAX && bytes <= METADATA_KEYS_MAX {
            self.key_bytes = bytes;
            self.metadata.push((key, value));
        }
    }

    fn pend(&mut self, key: &str, number: Option<u64>) {
        let which = [
            (".context_length", Length::Context),
            (".embedding_length", Length::Embedding),
        ]
        .into_iter()
        .find_map(|(suffix, which)| key.strip_suffix(suffix).map(|prefix| (prefix, which)));
        if let (Some((prefix, which)), Some(number)) = (which, number)
            && self.pending.len() < PENDING_MAX
            // No architecture is longer, as its text is cut.
            && prefix.len() as u64 <= TEXT_MAX
        {
            self.pending.push((prefix.to_owned(), which, number));
        }
    }

    pub(crate) fn finish(self) -> (Vec<(String, Value)>, Card) {
        let mut card = self.card;
        for (prefix, which, number) in self.pending {
            if Some(&prefix) == card.architecture.as_ref() {
                match which {
                    Length::Context => card.context_length = Some(number),
                    Length::Embedding => card.embedding_length = Some(number),
                }
            }
        }
        (self.metadata, card)
    }
}
