//! What a header says: the table of tensors, packed, and the metadata.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::dtype::Dtype;
use crate::names::Names;

/// A tensor's description; its name has the same number in [`Names`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// Offsets in the data.
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Number of its first dimension.
    pub(crate) dimensions: u32,
    /// Bytes of the description, from the name's quote to the closing brace.
    pub(crate) described: u32,
    pub(crate) rank: u8,
    pub(crate) dtype: Dtype,
}

/// An entry of `__metadata__`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// As it stands there.
    pub key: String,
    /// The value's beginning, at most [`METADATA_VALUE_MAX`](crate::limits::METADATA_VALUE_MAX)
    /// bytes.
    pub value: String,
    /// Bytes of the whole value.
    pub length: u64,
}

/// A sound file: every byte of its data belongs to exactly one tensor.
#[derive(Debug)]
pub struct Model {
    pub(crate) size: u64,
    pub(crate) data: u64,
    pub(crate) names: Names,
    pub(crate) records: Vec<Record>,
    pub(crate) dimensions: Vec<u64>,
    /// Numbers of the tensors in the order of their bytes.
    pub(crate) order: Vec<u32>,
    pub(crate) names_digest: [u8; 32],
    pub(crate) metadata: Vec<Metadata>,
    pub(crate) metadata_omitted: u64,
}

/// One tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tensor<'a> {
    /// As it stands in the header; any text.
    pub name: &'a str,
    /// The type of its elements.
    pub dtype: Dtype,
    /// Its dimensions, the outermost first; none for a single element.
    pub shape: &'a [u64],
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes of it.
    pub length: u64,
}

impl Model {
    /// Bytes of the file.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Offset of the data: bytes of the header with its length.
    #[must_use]
    pub const fn data(&self) -> u64 {
        self.data
    }

    /// The tensors in the order of their bytes; of those without any, in the header's.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = Tensor<'_>> {
        self.order
            .iter()
            .map(|&number| self.tensor(number as usize))
    }

    /// The entries of `__metadata__` that are kept, in the header's order.
    #[must_use]
    pub fn metadata(&self) -> &[Metadata] {
        &self.metadata
    }

    /// How many were checked and not kept.
    #[must_use]
    pub const fn metadata_omitted(&self) -> u64 {
        self.metadata_omitted
    }

    /// SHA-256 of all names: in the order of their bytes, each behind its length as four bytes,
    /// little-endian. An index's shard that has the same digest lists the same tensors.
    #[must_use]
    pub const fn names_digest(&self) -> &[u8; 32] {
        &self.names_digest
    }

    fn tensor(&self, number: usize) -> Tensor<'_> {
        let record = &self.records[number];
        let shape = &self.dimensions[record.dimensions as usize..][..usize::from(record.rank)];
        Tensor {
            name: self.names.text(number),
            dtype: record.dtype,
            shape,
            offset: self.data + record.begin,
            length: record.end - record.begin,
        }
    }
}

impl Tensor<'_> {
    /// Elements of it; one for a tensor without dimensions.
    #[must_use]
    pub fn elements(&self) -> u64 {
        // The header was checked: without its zeros the product fits.
        self.shape
            .iter()
            .fold(1, |product: u64, &size| product.saturating_mul(size))
    }

    /// The shape as a JSON list.
    #[must_use]
    pub fn shape_text(&self) -> String {
        let mut text = String::from("[");
        for (place, size) in self.shape.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(text, "{comma}{size}").expect("a string takes everything");
        }
        text.push(']');
        text
    }
}

/// Adds a name to a digest of names.
pub(crate) fn digest_name(digest: &mut Sha256, name: &[u8]) {
    let length = u32::try_from(name.len()).expect("names are bounded");
    digest.update(length.to_le_bytes());
    digest.update(name);
}
