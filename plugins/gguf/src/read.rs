//! Reading a file's index, once and in order.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::dtype::Dtype;
use crate::error::{Fault, Rule, Span, Stop};
use crate::input::{Input, Pieces};
use crate::limits::{
    ALIGNMENT_DEFAULT, ALIGNMENT_MAX, DIMENSIONS_MAX, KEY_LENGTH_MAX, KEYS_MAX, NAME_LENGTH_MAX,
    TENSORS_MAX,
};
use crate::model::{Collector, Model, Tensor};
use crate::probe::MAGIC;
use crate::value::{Kind, value};

/// Bytes of a key with its value, at least: two lengths or types, a letter, a number.
const KEY_BYTES_MIN: u128 = 8 + 1 + 4 + 1;

/// Bytes of a tensor's description, at least: length, a letter, dimensions, type, offset.
const TENSOR_BYTES_MIN: u128 = 8 + 1 + 4 + 4 + 8;

/// What sums and products of sizes are kept below, as files cannot be larger.
const SIZE_MAX: u128 = i64::MAX as u128;

/// Reads and checks everything in front of the data, and that the data is there.
///
/// # Errors
/// The file breaks a rule, or could not be read.
pub fn read<I: Input>(input: &mut I) -> Result<Model, Stop<I::Error>> {
    let mut pieces = Pieces::new(input);
    let header = header(&mut pieces)?;
    let (alignment, collector) = keys(&mut pieces, header.keys)?;
    let mut tensors = tensors(&mut pieces, header.tensors, alignment)?;
    unique(&tensors)?;
    let index = pieces.offset();
    place(&mut tensors, index, alignment, pieces.size())?;
    let (metadata, card) = collector.finish();
    Ok(Model {
        size: pieces.size(),
        version: header.version,
        alignment,
        index,
        tensors,
        keys: header.keys,
        metadata,
        card,
    })
}

struct Header {
    version: u32,
    tensors: u64,
    keys: u64,
}

fn header<I: Input>(pieces: &mut Pieces<'_, I>) -> Result<Header, Stop<I::Error>> {
    const CUT: Rule = Rule::TruncatedHeader;
    if pieces.take(CUT)? != MAGIC {
        return Err(Span::new(0, 4).breaks(Rule::Magic).into());
    }
    let version = pieces.u32(CUT)?;
    let refused = match version {
        2 | 3 => None,
        0 => Some(Rule::VersionZero),
        1 => Some(Rule::VersionOne),
        // As the reference tells it: a small number in the other order.
        _ if version & 0xffff == 0 => Some(Rule::ByteSwapped),
        _ => Some(Rule::VersionUnknown),
    };
    if let Some(rule) = refused {
        return Err(Span::new(4, 4).breaks(rule).into());
    }
    let mut count = || -> Result<(u64, Span), Stop<I::Error>> {
        let at = Span::new(pieces.offset(), 8);
        let count = pieces.u64(CUT)?;
        if i64::try_from(count).is_err() {
            return Err(at.breaks(Rule::NegativeCount).into());
        }
        Ok((count, at))
    };
    let (tensors, tensors_at) = count()?;
    let (keys, keys_at) = count()?;
    let least = u128::from(keys) * KEY_BYTES_MIN + u128::from(tensors) * TENSOR_BYTES_MIN;
    if least > u128::from(pieces.left()) {
        let both = Span::new(tensors_at.offset, 16);
        return Err(both.breaks(Rule::CountBeyondEnd).into());
    }
    if tensors > TENSORS_MAX {
        return Err(tensors_at.breaks(Rule::TooManyTensors).into());
    }
    if keys > KEYS_MAX {
        return Err(keys_at.breaks(Rule::TooManyKeys).into());
    }
    Ok(Header {
        version,
        tensors,
        keys,
    })
}

/// All keys and values; the alignment, which steers, and the others.
fn keys<I: Input>(
    pieces: &mut Pieces<'_, I>,
    count: u64,
) -> Result<(u32, Collector), Stop<I::Error>> {
    let mut alignment = ALIGNMENT_DEFAULT;
    let mut collector = Collector::default();
    // Digests, since keys can be 64 KiB each. In a tree, since a table's hashes can be made to
    // collide: there is no randomness here.
    let mut seen: BTreeSet<[u8; 32]> = BTreeSet::new();
    for _ in 0..count {
        let at = pieces.offset();
        let key = key(pieces)?;
        if !seen.insert(Sha256::digest(&key).into()) {
            let span = Span::new(at, pieces.offset() - at);
            return Err(span.breaks(Rule::DuplicateKey).into());
        }
        let at = pieces.offset();
        let value = value(pieces)?;
        if key == "general.alignment" {
            let number = value.number.and_then(|number| u32::try_from(number).ok());
            alignment = match (value.kind, number) {
                (Kind::U32, Some(number)) => {
                    let place = Span::new(at + 4, 4);
                    checked_alignment(number).map_err(|rule| place.breaks(rule))?
                }
                _ => return Err(Span::new(at, 4).breaks(Rule::AlignmentType).into()),
            };
        }
        collector.push(key, value);
    }
    Ok((alignment, collector))
}

fn checked_alignment(number: u32) -> Result<u32, Rule> {
    if !number.is_power_of_two() {
        Err(Rule::AlignmentValue)
    } else if number > ALIGNMENT_MAX {
        Err(Rule::AlignmentTooLarge)
    } else {
        Ok(number)
    }
}

fn key<I: Input>(pieces: &mut Pieces<'_, I>) -> Result<String, Stop<I::Error>> {
    let at = Span::new(pieces.offset(), 8);
    let length = pieces.u64(Rule::TruncatedKey)?;
    if length == 0 {
        return Err(at.breaks(Rule::EmptyKey).into());
    }
    if length > KEY_LENGTH_MAX {
        return Err(at.breaks(Rule::KeyLength).into());
    }
    text(pieces, length, Rule::TruncatedKey, Rule::KeyText)
}

/// A short text, which must be whole, UTF-8 and without NUL.
fn text<I: Input>(
    pieces: &mut Pieces<'_, I>,
    length: u64,
    truncated: Rule,
    wrong: Rule,
) -> Result<String, Stop<I::Error>> {
    let at = pieces.offset();
    if length > pieces.left() {
        return Err(Span::new(at, pieces.left()).breaks(truncated).into());
    }
    let mut bytes = Vec::new();
    pieces.pass(length, |piece| bytes.extend_from_slice(piece))?;
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Span::new(at, length).breaks(wrong).into()),
    }
}

/// All descriptions. Offsets are still those in the data.
fn tensors<I: Input>(
    pieces: &mut Pieces<'_, I>,
    count: u64,
    alignment: u32,
) -> Result<Vec<Tensor>, Stop<I::Error>> {
    // The count is bounded, and the file has room for as many.
    let mut tensors = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mut next = 0_u128;
    for _ in 0..count {
        let tensor = tensor(pieces, next)?;
        let end = next + u128::from(tensor.length);
        if end > u128::from(pieces.size()) {
            return Err(description(&tensor).breaks(Rule::TensorBeyondEnd).into());
        }
        next = end.next_multiple_of(alignment.into());
        tensors.push(tensor);
    }
    Ok(tensors)
}

fn description(tensor: &Tensor) -> Span {
    let (offset, length) = tensor.described;
    Span::new(offset, length.into())
}

/// One description. The tensor must begin at `next`.
fn tensor<I: Input>(pieces: &mut Pieces<'_, I>, next: u128) -> Result<Tensor, Stop<I::Error>> {
    const CUT: Rule = Rule::TruncatedTensor;
    let start = Span::new(pieces.offset(), 8);
    let length = pieces.u64(CUT)?;
    if length == 0 {
        return Err(start.breaks(Rule::EmptyName).into());
    }
    if length > NAME_LENGTH_MAX {
        return Err(start.breaks(Rule::NameLength).into());
    }
    let name = text(pieces, length, CUT, Rule::NameText)?;
    let at = Span::new(pieces.offset(), 4);
    let rank = pieces.u32(CUT)?;
    if rank > DIMENSIONS_MAX {
        return Err(at.breaks(Rule::Dimensions).into());
    }
    let shape_at = pieces.offset();
    let mut dimensions = [1; DIMENSIONS_MAX as usize];
    for dimension in dimensions.iter_mut().take(rank as usize) {
        let at = Span::new(pieces.offset(), 8);
        *dimension = pieces.u64(CUT)?;
        if i64::try_from(*dimension).is_err() {
            return Err(at.breaks(Rule::NegativeDimension).into());
        }
    }
    let shape = Span::new(shape_at, pieces.offset() - shape_at);
    let elements = elements(&dimensions).ok_or_else(|| shape.breaks(Rule::ElementsOverflow))?;
    let at = Span::new(pieces.offset(), 4);
    let dtype = Dtype::from_number(pieces.u32(CUT)?).map_err(|rule| at.breaks(rule))?;
    let whole = dimensions[0].is_multiple_of(dtype.block_elements());
    if !whole {
        return Err(shape.breaks(Rule::PartialBlock).into());
    }
    let bytes = elements / u128::from(dtype.block_elements()) * u128::from(dtype.block_bytes());
    let length = u64::try_from(bytes)
        .ok()
        .filter(|_| bytes <= SIZE_MAX)
        .ok_or_else(|| shape.breaks(Rule::SizeOverflow))?;
    let at = Span::new(pieces.offset(), 8);
    let offset = pieces.u64(CUT)?;
    if u128::from(offset) != next {
        return Err(at.breaks(Rule::Offset).into());
    }
    let described = pieces.offset() - start.offset;
    Ok(Tensor {
        name: name.into_boxed_str(),
        dtype,
        rank: u8::try_from(rank).expect("four at most"),
        dimensions,
        offset,
        length,
        described: (
            start.offset,
            u32::try_from(described).expect("a short name and a few numbers"),
        ),
    })
}

/// How many elements there are. None if even the dimensions that are not zero give too many: readers
/// multiply them in any order, and strides are products as well.
fn elements(dimensions: &[u64]) -> Option<u128> {
    let mut product = 1_u128;
    for &dimension in dimensions.iter().filter(|&&dimension| dimension > 0) {
        product = product
            .checked_mul(dimension.into())
            .filter(|product| *product < SIZE_MAX)?;
    }
    let empty = dimensions.contains(&0);
    Some(if empty { 0 } else { product })
}

/// No name comes twice; the place is that of the first in the file that did.
fn unique(tensors: &[Tensor]) -> Result<(), Fault> {
    let mut order: Vec<&Tensor> = tensors.iter().collect();
    // In place, and not by hash, which could be made to collide.
    order.sort_unstable_by(|one, other| {
        let names = one.name.cmp(&other.name);
        names.then(one.described.0.cmp(&other.described.0))
    });
    let twice = order
        .windows(2)
        .filter(|pair| pair[0].name == pair[1].name)
        .map(|pair| pair[1])
        .min_by_key(|tensor| tensor.described.0);
    match twice {
        None => Ok(()),
        Some(tensor) => {
            let name = Span::new(tensor.described.0, 8 + tensor.name.len() as u64);
            Err(name.breaks(Rule::DuplicateName))
        }
    }
}

/// Gives tensors their offsets in the file, in which each must lie; the file may end with the last
/// one, as the reference reads it, or be padded behind it, as all known writers do.
fn place(tensors: &mut [Tensor], index: u64, alignment: u32, size: u64) -> Result<(), Fault> {
    let alignment = u128::from(alignment);
    let data = u128::from(index).next_multiple_of(alignment);
    let mut end = u128::from(index);
    for tensor in tensors {
        let offset = data + u128::from(tensor.offset);
        end = offset + u128::from(tensor.length);
        tensor.offset = match u64::try_from(offset) {
            Ok(offset) if end <= u128::from(size) => offset,
            _ => return Err(description(tensor).breaks(Rule::TensorBeyondEnd)),
        };
    }
    match u64::try_from(end.next_multiple_of(alignment)) {
        Ok(end) if end < size => Err(Span::new(end, size - end).breaks(Rule::TrailingData)),
        _ => Ok(()),
    }
}
