//! `AttributeProto`: tensors and graphs within a node.
//!
//! Two walks, as the name of an attribute may stand behind its value and is part of the names of what
//! is in it. The first looks at nothing but the attribute's own fields.

use crate::error::Rule;
use crate::graph::Place;
use crate::input::Input;
use crate::limits::ATTRIBUTE_NAME_MAX;
use crate::model::Parser;
use crate::part::{Part, Role};
use crate::reader::Reads;
use crate::sparse;
use crate::tensor;
use crate::wire::Walk;

// Field numbers of `AttributeProto` that are asked about.
const NAME: u32 = 1;
const TENSOR: u32 = 5;
const GRAPH: u32 = 6;
const TENSORS: u32 = 10;
const GRAPHS: u32 = 11;
const TYPE: u32 = 20;
const REF_ATTR_NAME: u32 = 21;
const SPARSE_TENSOR: u32 = 22;
const SPARSE_TENSORS: u32 = 23;

/// The type of the field that holds a value (`AttributeProto.AttributeType`).
const fn type_of(field: u32) -> Option<u64> {
    Some(match field {
        2 => 1, // f
        3 => 2, // i
        4 => 3, // s
        TENSOR => 4,
        GRAPH => 5,
        7 => 6, // floats
        8 => 7, // ints
        9 => 8, // strings
        TENSORS => 9,
        GRAPHS => 10,
        SPARSE_TENSOR => 11,
        SPARSE_TENSORS => 12,
        14 => 13, // tp
        15 => 14, // type_protos
        _ => return None,
    })
}

/// The largest of them.
const TYPE_MAX: u64 = 14;

const fn holds_tensors(field: u32) -> bool {
    matches!(
        field,
        TENSOR | GRAPH | TENSORS | GRAPHS | SPARSE_TENSOR | SPARSE_TENSORS
    )
}

impl<I: Input, P: FnMut(Part)> Parser<'_, I, P> {
    pub(crate) fn attribute(&mut self, walk: Walk) -> Reads<(), I> {
        let place = walk.span;
        let mut first = walk;
        let (mut name, mut declared, mut is_reference) = (None, 0, false);
        let (mut held, mut has_tensors) = (None, false);
        while let Some(field) = self.wire.next(&mut first)? {
            if let Some(found) = type_of(field.number) {
                if held.is_some_and(|held| held != found) {
                    return Err(field.span.breaks(Rule::AttributeContent).into());
                }
                held = Some(found);
                if holds_tensors(field.number) {
                    has_tensors = true;
                    continue;
                }
            }
            match field.number {
                NAME => name = Some(field.bytes()),
                TYPE if field.number() > TYPE_MAX => {
                    return Err(field.span.breaks(Rule::AttributeType).into());
                }
                TYPE => declared = field.number(),
                REF_ATTR_NAME => is_reference = field.bytes().length > 0,
                _ => self.wire.pass(&first, &field)?,
            }
        }
        let is_other = declared != 0 && held.is_some_and(|held| held != declared);
        if is_other || is_reference && held.is_some() {
            return Err(place.breaks(Rule::AttributeContent).into());
        }
        if !has_tensors {
            return Ok(());
        }
        let name = name
            .filter(|name| (1..=ATTRIBUTE_NAME_MAX).contains(&name.length))
            .ok_or_else(|| place.breaks(Rule::AttributeName))?;
        let name = self.wire.reader.text(name, ATTRIBUTE_NAME_MAX)?;
        self.tensors(walk, &name)
    }

    /// The second walk.
    fn tensors(&mut self, mut walk: Walk, name: &str) -> Reads<(), I> {
        let mut number = 0_u64;
        while let Some(field) = self.wire.next(&mut walk)? {
            if !holds_tensors(field.number) {
                continue;
            }
            let is_list = matches!(field.number, TENSORS | GRAPHS | SPARSE_TENSORS);
            let name = if is_list {
                format!("{name}/{number}")
            } else {
                name.to_owned()
            };
            number += 1;
            let inner = walk.enter(&field)?;
            match field.number {
                GRAPH | GRAPHS => {
                    self.summary.subgraphs += 1;
                    self.within(&format!("{name}/"), |parser| {
                        parser.graph(inner, Place::Elsewhere)
                    })?;
                }
                TENSOR | TENSORS => {
                    let tensor = tensor::read(&mut self.wire, inner)?;
                    self.emit(tensor, &name, Role::Attribute, None)?;
                }
                _ => {
                    let sparse = sparse::read(&mut self.wire, inner)?;
                    self.emit_sparse(sparse, &name)?;
                }
            }
        }
        Ok(())
    }
}
