//! `GraphProto`, `FunctionProto` and `NodeProto`: where tensors are, and what is counted.

use crate::error::{Rule, Span};
use crate::input::Input;
use crate::limits::OPERATOR_NAME_MAX;
use crate::model::{DEFAULT_DOMAIN, Parser};
use crate::part::{Part, Role};
use crate::reader::Reads;
use crate::sparse;
use crate::tensor;
use crate::wire::Walk;

/// Field numbers of `GraphProto`.
mod of_graph {
    pub(super) const NODE: u32 = 1;
    pub(super) const NAME: u32 = 2;
    pub(super) const INITIALIZER: u32 = 5;
    pub(super) const INPUT: u32 = 11;
    pub(super) const OUTPUT: u32 = 12;
    pub(super) const SPARSE_INITIALIZER: u32 = 15;
}

/// Field numbers of `FunctionProto`.
mod of_function {
    pub(super) const NODE: u32 = 7;
    pub(super) const ATTRIBUTE_PROTO: u32 = 11;
}

/// Field numbers of `NodeProto`.
mod of_node {
    pub(super) const OP_TYPE: u32 = 4;
    pub(super) const ATTRIBUTE: u32 = 5;
    pub(super) const DOMAIN: u32 = 7;
}

/// Whose graph it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Model,
    /// A node's, or for training.
    Elsewhere,
}

impl<I: Input, P: FnMut(Part)> Parser<'_, I, P> {
    pub(crate) fn graph(&mut self, mut walk: Walk, place: Place) -> Reads<(), I> {
        let mut nodes = 0;
        while let Some(field) = self.wire.next(&mut walk)? {
            match field.number {
                of_graph::NODE => {
                    self.node(walk.enter(&field)?, nodes)?;
                    nodes += 1;
                }
                of_graph::NAME if place == Place::Model => {
                    self.summary.graph_name = self.long_text(field.bytes())?;
                }
                of_graph::INITIALIZER => {
                    let tensor = tensor::read(&mut self.wire, walk.enter(&field)?)?;
                    let name = initializer_name(&tensor)?;
                    self.emit(tensor, &name, Role::Initializer, None)?;
                }
                of_graph::SPARSE_INITIALIZER => {
                    let sparse = sparse::read(&mut self.wire, walk.enter(&field)?)?;
                    let name = initializer_name(&sparse.values)?;
                    self.emit_sparse(sparse, &name)?;
                }
                number => {
                    let is_models = place == Place::Model;
                    self.summary.inputs += u64::from(is_models && number == of_graph::INPUT);
                    self.summary.outputs += u64::from(is_models && number == of_graph::OUTPUT);
                    self.wire.pass(&walk, &field)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn function(&mut self, mut walk: Walk) -> Reads<(), I> {
        let place = format!("function-{}/", self.summary.functions);
        self.summary.functions += 1;
        self.within(&place, |parser| {
            let mut nodes = 0;
            while let Some(field) = parser.wire.next(&mut walk)? {
                match field.number {
                    of_function::NODE => {
                        parser.node(walk.enter(&field)?, nodes)?;
                        nodes += 1;
                    }
                    of_function::ATTRIBUTE_PROTO => {
                        let attribute = walk.enter(&field)?;
                        parser.within("attribute/", |parser| parser.attribute(attribute))?;
                    }
                    _ => parser.wire.pass(&walk, &field)?,
                }
            }
            Ok(())
        })
    }

    fn node(&mut self, mut walk: Walk, number: u64) -> Reads<(), I> {
        let missing = Span::new(walk.span.end(), 0);
        let (mut operator, mut domain) = (missing, missing);
        while let Some(field) = self.wire.next(&mut walk)? {
            match field.number {
                of_node::OP_TYPE => operator = field.bytes(),
                of_node::DOMAIN => domain = field.bytes(),
                of_node::ATTRIBUTE => {
                    let attribute = walk.enter(&field)?;
                    self.within(&format!("node-{number}/"), |parser| {
                        parser.attribute(attribute)
                    })?;
                }
                _ => self.wire.pass(&walk, &field)?,
            }
        }
        self.count_node(operator, domain)
    }

    fn count_node(&mut self, operator: Span, domain: Span) -> Reads<(), I> {
        let operator = self.long_text(operator)?;
        let domain = self.long_text(domain)?;
        let is_default = domain.length == 0 || domain.text == DEFAULT_DOMAIN;
        let (operator_length, domain_length) = (operator.length, domain.length);
        let fits = operator_length.max(domain_length) <= OPERATOR_NAME_MAX;
        let domain = if is_default {
            DEFAULT_DOMAIN
        } else {
            &domain.text
        };
        self.summary.nodes += 1;
        self.summary.domains.add(fits.then_some(domain));
        if fits && !is_default {
            let name = format!("{domain}.{}", operator.text);
            self.summary.operators.add(Some(&name));
        } else {
            self.summary.operators.add(fits.then_some(&operator.text));
        }
        Ok(())
    }

    /// Hands the two tensors of a sparse one on.
    pub(crate) fn emit_sparse(&mut self, sparse: sparse::Sparse, name: &str) -> Reads<(), I> {
        self.emit(sparse.values, name, Role::SparseValues, Some(sparse.shape))?;
        if let Some(indices) = sparse.indices {
            let name = format!("{name}/indices");
            self.emit(indices, &name, Role::SparseIndices, None)?;
        }
        Ok(())
    }
}

fn initializer_name(tensor: &tensor::Tensor) -> Result<String, crate::Fault> {
    if tensor.name.is_empty() {
        return Err(tensor.place.breaks(Rule::EmptyName));
    }
    Ok(tensor.name.clone())
}
