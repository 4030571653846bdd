//! `TensorProto`: type, shape and the place of its values, which are not read.

use crate::dtype::DataType;
use crate::error::{Rule, Span};
use crate::external::Entries;
use crate::input::Input;
use crate::limits::{NAME_MAX, RANK_MAX, SIZE_MAX};
use crate::part::{Data, Encoding, Field};
use crate::reader::Reads;
use crate::wire::{self, Value, Walk, Wire};

// Fields of `TensorProto` that hold no values.
const DIMS: u32 = 1;
const DATA_TYPE: u32 = 2;
const SEGMENT: u32 = 3;
const NAME: u32 = 8;
const EXTERNAL_DATA: u32 = 13;
const DATA_LOCATION: u32 = 14;

/// `TensorProto.DataLocation`
const DEFAULT: u64 = 0;
const EXTERNAL: u64 = 1;

/// A tensor, of which it is not known what it is in the model.
#[derive(Debug)]
pub(crate) struct Tensor {
    /// Its message.
    pub(crate) place: Span,
    /// May be empty; then its place is the end of the message.
    pub(crate) name: String,
    pub(crate) name_place: Span,
    pub(crate) dtype: DataType,
    pub(crate) shape: Vec<u64>,
    pub(crate) elements: u64,
    pub(crate) data: Data,
}

/// The fields of one number that hold values.
#[derive(Debug, Clone, Copy)]
struct Stored {
    field: Field,
    /// From the first's tag to the last's end.
    fields: Span,
    /// Of the only one, if it is packed or raw.
    packed: Option<Span>,
    /// How many numbers or strings; bytes of raw data.
    count: u64,
}

/// Reads the tensor that `walk` goes through.
pub(crate) fn read<I: Input>(wire: &mut Wire<'_, I>, mut walk: Walk) -> Reads<Tensor, I> {
    let place = walk.span;
    let missing = Span::new(place.end(), 0);
    let mut name = missing;
    let mut shape = Vec::new();
    let mut data_type = (0, missing);
    let mut location = (DEFAULT, missing);
    let mut entries = Entries::default();
    let mut stored = None;
    while let Some(field) = wire.next(&mut walk)? {
        if let Some(kind) = data_field(field.number) {
            store(wire, &mut stored, kind, &field)?;
            continue;
        }
        match field.number {
            DIMS => dimensions(wire, &mut shape, &field)?,
            DATA_TYPE => data_type = (field.number(), field.span),
            SEGMENT => return Err(field.span.breaks(Rule::Segment).into()),
            NAME => name = field.bytes(),
            EXTERNAL_DATA => entries.read(wire, walk.enter(&field)?)?,
            DATA_LOCATION => location = (field.number(), field.span),
            _ => wire.pass(&walk, &field)?,
        }
    }
    let dtype = match data_type {
        (0, _) => return Err(place.breaks(Rule::DataTypeMissing).into()),
        (number, span) => {
            DataType::from_number(number).ok_or_else(|| span.breaks(Rule::DataTypeUnknown))?
        }
    };
    let elements = product(&shape).ok_or_else(|| place.breaks(Rule::SizeRange))?;
    let bytes = u64::try_from(dtype.bytes(elements))
        .ok()
        .filter(|&bytes| bytes <= SIZE_MAX)
        .ok_or_else(|| place.breaks(Rule::SizeRange))?;
    let data = match (location, entries.place) {
        ((DEFAULT, _), Some(entry)) => return Err(entry.breaks(Rule::ExternalUnused).into()),
        ((DEFAULT, _), None) => inside(stored, dtype, elements, bytes, place)?,
        ((EXTERNAL, span), _) => {
            if stored.is_some_and(|stored: Stored| stored.count > 0) {
                return Err(place.breaks(Rule::ExternalWithData).into());
            }
            if dtype == DataType::String {
                return Err(span.breaks(Rule::ExternalString).into());
            }
            Data::External(entries.finish(bytes, place)?)
        }
        ((_, span), _) => return Err(span.breaks(Rule::DataLocation).into()),
    };
    Ok(Tensor {
        place,
        name: wire.reader.text(name, NAME_MAX)?,
        name_place: name,
        dtype,
        shape,
        elements,
        data,
    })
}

const fn data_field(number: u32) -> Option<Field> {
    Some(match number {
        4 => Field::Float,
        5 => Field::Int32,
        6 => Field::String,
        7 => Field::Int64,
        9 => Field::Raw,
        10 => Field::Double,
        11 => Field::Uint64,
        _ => return None,
    })
}

/// Adds a field with values to those that came before.
fn store<I: Input>(
    wire: &mut Wire<'_, I>,
    stored: &mut Option<Stored>,
    kind: Field,
    field: &wire::Field,
) -> Reads<(), I> {
    let count = match (kind, field.value) {
        (Field::Raw, Value::Bytes(span)) => span.length,
        _ => wire.count(field)?,
    };
    let is_typed = !matches!(kind, Field::Raw | Field::String);
    if is_typed && count == 0 {
        // A packed run of nothing, which is nothing.
        return Ok(());
    }
    let packed = match field.value {
        Value::Bytes(span) if kind != Field::String => Some(span),
        _ => None,
    };
    *stored = Some(match *stored {
        None => Stored {
            field: kind,
            fields: field.span,
            packed,
            count,
        },
        Some(before) if before.field != kind => {
            return Err(field.span.breaks(Rule::DataTwice).into());
        }
        Some(before) if before.fields.end() != field.span.offset => {
            return Err(field.span.breaks(Rule::DataScattered).into());
        }
        Some(before) => Stored {
            fields: Span::between(before.fields.offset, field.span.end()),
            packed: None,
            count: before.count + count,
            ..before
        },
    });
    Ok(())
}

/// Adds one dimension, or those of a packed run.
pub(crate) fn dimensions<I: Input>(
    wire: &mut Wire<'_, I>,
    shape: &mut Vec<u64>,
    field: &wire::Field,
) -> Reads<(), I> {
    let mut add = |number: u64, place: Span| {
        if number.cast_signed() < 0 {
            return Err(place.breaks(Rule::NegativeDimension));
        }
        if shape.len() == RANK_MAX {
            return Err(place.breaks(Rule::RankTooLarge));
        }
        shape.push(number);
        Ok(())
    };
    match field.value {
        Value::Bytes(run) => {
            let mut at = run.offset;
            while at < run.end() {
                let (number, after) = wire.reader.varint(at, run.end())?;
                add(number, Span::between(at, after))?;
                at = after;
            }
        }
        _ => add(field.number(), field.span)?,
    }
    Ok(())
}

/// How many elements; none if that is more than can be. Dimensions of zero do not hide others: a
/// reader may multiply those first.
pub(crate) fn product(shape: &[u64]) -> Option<u64> {
    let others = shape.iter().filter(|&&size| size > 0);
    let product = others.copied().try_fold(1, u64::checked_mul)?;
    let is_empty = shape.contains(&0);
    (product <= SIZE_MAX).then_some(if is_empty { 0 } else { product })
}

/// Where the values are of a tensor that is stored in the file.
fn inside(
    stored: Option<Stored>,
    dtype: DataType,
    elements: u64,
    bytes: u64,
    place: Span,
) -> Result<Data, crate::Fault> {
    let Some(Stored {
        field,
        fields,
        packed,
        count,
    }) = stored
    else {
        return if elements == 0 {
            Ok(Data::Empty)
        } else {
            Err(place.breaks(Rule::DataMissing))
        };
    };
    if field == Field::Raw {
        if dtype == DataType::String {
            return Err(fields.breaks(Rule::StringRaw));
        }
        if count != bytes {
            return Err(fields.breaks(Rule::RawSize));
        }
    } else {
        if field != dtype.field() {
            return Err(fields.breaks(Rule::TypedField));
        }
        if u128::from(count) != dtype.numbers(elements) {
            return Err(fields.breaks(Rule::TypedCount));
        }
    }
    if count == 0 {
        return Ok(Data::Empty);
    }
    let (encoding, span) = match (packed, field) {
        (None, _) => (Encoding::Fields, fields),
        (Some(span), Field::Int32 | Field::Int64 | Field::Uint64) => (Encoding::Varints, span),
        (Some(span), _) => (Encoding::LittleEndian, span),
    };
    Ok(Data::Inside {
        field,
        encoding,
        span,
    })
}
