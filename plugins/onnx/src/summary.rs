//! What is said of a whole model, and what is counted in it.

use std::collections::BTreeMap;

use crate::dtype::DataType;
use crate::limits::OPERATORS_MAX;

/// A sound model.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Version of the format.
    pub ir_version: u64,
    /// The program that wrote it.
    pub producer_name: Text,
    /// Of that program.
    pub producer_version: Text,
    /// Whose model it is, as a reversed domain name.
    pub domain: Text,
    /// The model's own; negative ones are not told.
    pub model_version: Option<u64>,
    /// The graph's name.
    pub graph_name: Text,
    /// For people.
    pub description: Text,
    /// Operator sets, in the file's order: domain (`ai.onnx` for the default one) and version.
    pub opsets: Vec<(String, i64)>,
    /// Metadata, in the file's order, up to a number.
    pub metadata: Vec<(String, Text)>,
    /// How many entries were checked and not kept.
    pub metadata_omitted: u64,
    /// Inputs of the graph.
    pub inputs: u64,
    /// Outputs of the graph.
    pub outputs: u64,
    /// Functions.
    pub functions: u64,
    /// Graphs in attributes of nodes.
    pub subgraphs: u64,
    /// Nodes of all graphs and functions.
    pub nodes: u64,
    /// Nodes by domain.
    pub domains: Counts,
    /// Nodes by operator, with its domain in front unless that is the default one.
    pub operators: Counts,
    /// Tensors of all kinds.
    pub tensors: u64,
    /// Elements of all of them but indices.
    pub parameters: u128,
    /// Tensors by type.
    pub dtypes: BTreeMap<DataType, u64>,
    /// Files with external data, by name, and how many tensors each holds.
    pub external: Vec<(String, u64)>,
    /// Bytes of external data.
    pub external_bytes: u128,
}

/// A text, or the beginning of a long one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Text {
    /// Whole characters.
    pub text: String,
    /// Bytes of the whole.
    pub length: u64,
}

/// How often each name came, for a bounded number of names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    names: BTreeMap<String, u64>,
    others: u64,
}

impl Text {
    /// The text, with a note if that is not all of it; none if it is empty.
    #[must_use]
    pub fn stated(&self) -> Option<String> {
        if self.text.len() as u64 == self.length {
            return (self.length > 0).then(|| self.text.clone());
        }
        Some(format!(
            "{}… [cut: {} bytes in all]",
            self.text, self.length
        ))
    }
}

impl Counts {
    /// Counts a name; none is one that is not told apart.
    pub(crate) fn add(&mut self, name: Option<&str>) {
        let count = match name {
            Some(name) if self.names.contains_key(name) => self.names.get_mut(name),
            Some(name) if self.names.len() < OPERATORS_MAX => {
                Some(self.names.entry(name.to_owned()).or_default())
            }
            _ => None,
        };
        *count.unwrap_or(&mut self.others) += 1;
    }

    /// `Conv:53,Relu:49`: the most frequent first; empty if nothing was counted.
    #[must_use]
    pub fn stated(&self) -> String {
        let mut counts: Vec<(&str, u64)> = self
            .names
            .iter()
            .map(|(name, &count)| (name.as_str(), count))
            .collect();
        counts.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
        if self.others > 0 {
            counts.push(("(others)", self.others));
        }
        let texts = counts.iter().map(|(name, count)| format!("{name}:{count}"));
        texts.collect::<Vec<_>>().join(",")
    }
}
