//! `SparseTensorProto`: a list of values, where they belong, and the shape of the whole.

use crate::dtype::DataType;
use crate::error::Rule;
use crate::input::Input;
use crate::reader::Reads;
use crate::tensor::{self, Tensor};
use crate::wire::{Walk, Wire};

const VALUES: u32 = 1;
const INDICES: u32 = 2;
const DIMS: u32 = 3;

/// A sparse tensor.
#[derive(Debug)]
pub(crate) struct Sparse {
    pub(crate) values: Tensor,
    /// None if there are no values.
    pub(crate) indices: Option<Tensor>,
    pub(crate) shape: Vec<u64>,
}

/// Reads the sparse tensor that `walk` goes through. The indices themselves are not looked at.
pub(crate) fn read<I: Input>(wire: &mut Wire<'_, I>, mut walk: Walk) -> Reads<Sparse, I> {
    let place = walk.span;
    let (mut values, mut indices, mut shape) = (None, None, Vec::new());
    while let Some(field) = wire.next(&mut walk)? {
        match field.number {
            VALUES => values = Some(tensor::read(wire, walk.enter(&field)?)?),
            INDICES => indices = Some(tensor::read(wire, walk.enter(&field)?)?),
            DIMS => tensor::dimensions(wire, &mut shape, &field)?,
            _ => wire.pass(&walk, &field)?,
        }
    }
    let impossible = || place.breaks(Rule::SparseShape);
    let values = values.ok_or_else(impossible)?;
    let room = tensor::product(&shape).ok_or_else(impossible)?;
    if values.shape.len() != 1 || shape.is_empty() || room == 0 || values.elements > room {
        return Err(impossible().into());
    }
    let rank = shape.len() as u64;
    let fits = indices.as_ref().map_or(values.elements == 0, |indices| {
        let is_list = indices.shape == [values.elements];
        let is_table = indices.shape == [values.elements, rank];
        indices.dtype == DataType::Int64 && (is_list || is_table)
    });
    if !fits {
        let place = indices.as_ref().map_or(place, |indices| indices.place);
        return Err(place.breaks(Rule::SparseIndices).into());
    }
    Ok(Sparse {
        values,
        indices,
        shape,
    })
}
