//! A tensor as it is handed to the host.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::dtype::DataType;
use crate::error::Span;
use crate::external::External;
use crate::facts::Value;

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// An initialiser's own; behind the places of those it is nested in. Unique in a model.
    pub name: String,
    /// The type of its elements.
    pub dtype: DataType,
    /// Its dimensions, the outermost first; none for a single element.
    pub shape: Vec<u64>,
    /// The dimensions of the sparse tensor that these are the values of.
    pub dense_shape: Option<Vec<u64>>,
    /// What it is in the model.
    pub role: Role,
    /// Where its values are.
    pub data: Data,
}

/// What a tensor is in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Of a graph.
    Initializer,
    /// Of a node or function: a constant.
    Attribute,
    /// The values of a sparse tensor.
    SparseValues,
    /// The places of a sparse tensor's values.
    SparseIndices,
}

/// Where a tensor's values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// There are none.
    Empty,
    /// In this file.
    Inside {
        /// The field they are in.
        field: Field,
        /// How they are written.
        encoding: Encoding,
        /// Not empty.
        span: Span,
    },
    /// In another file.
    External(External),
}

/// A field of `TensorProto` that holds values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the format's own")]
pub enum Field {
    Raw,
    Float,
    Int32,
    String,
    Int64,
    Double,
    Uint64,
}

/// How the values stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One after the other, in their width, packed if that is less than a byte.
    LittleEndian,
    /// One varint after the other.
    Varints,
    /// As fields of their own, with tags: strings, and numbers that were not packed.
    Fields,
}

impl Part {
    /// The path of the part: its name, escaped where that is no path.
    #[must_use]
    pub fn path(&self) -> Cow<'_, str> {
        lazaret_guest::part_path(&self.name)
    }

    /// The stretch of the file that holds its values.
    #[must_use]
    pub const fn content(&self) -> Option<Span> {
        match self.data {
            Data::Inside { span, .. } => Some(span),
            Data::Empty | Data::External(_) => None,
        }
    }

    /// What is said of it besides path and content.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, Value)> {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut attributes = vec![
            ("dtype", text(self.dtype.name())),
            ("shape", Value::Text(shape_text(&self.shape))),
            ("role", text(self.role.name())),
        ];
        if let Cow::Owned(_) = self.path() {
            attributes.push(("name", text(&self.name)));
        }
        if let Some(shape) = &self.dense_shape {
            attributes.push(("dense-shape", Value::Text(shape_text(shape))));
        }
        match &self.data {
            Data::Empty => {}
            Data::Inside {
                field, encoding, ..
            } => {
                attributes.push(("field", text(field.name())));
                attributes.push(("encoding", text(encoding.name())));
            }
            Data::External(external) => {
                attributes.push(("location", text(&external.location)));
                attributes.push(("offset", Value::Unsigned(external.offset)));
                attributes.push(("length", Value::Unsigned(external.length)));
                if let Some(checksum) = &external.checksum {
                    attributes.push(("checksum", text(checksum)));
                }
                if let Some(basepath) = &external.basepath {
                    attributes.push(("basepath", text(basepath)));
                }
            }
        }
        attributes
    }
}

impl Role {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initializer => "initializer",
            Self::Attribute => "attribute",
            Self::SparseValues => "sparse-values",
            Self::SparseIndices => "sparse-indices",
        }
    }
}

impl Field {
    /// In the format's spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw_data",
            Self::Float => "float_data",
            Self::Int32 => "int32_data",
            Self::String => "string_data",
            Self::Int64 => "int64_data",
            Self::Double => "double_data",
            Self::Uint64 => "uint64_data",
        }
    }
}

impl Encoding {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LittleEndian => "little-endian",
            Self::Varints => "varints",
            Self::Fields => "fields",
        }
    }
}

/// A shape as a JSON list.
fn shape_text(shape: &[u64]) -> String {
    let mut text = String::from("[");
    for (place, size) in shape.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(text, "{comma}{size}").expect("a string takes everything");
    }
    text.push(']');
    text
}
