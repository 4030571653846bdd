//! The fields of a message, one after the other, each held to what is known of its message.

use crate::error::{Fault, Rule, Span};
use crate::input::Input;
use crate::limits::{DEPTH_MAX, FIELDS_MAX, TAG_MAX};
use crate::reader::{Reader, Reads};
use crate::schema::{Kind, Known, Schema, Times};

/// Where a walk through a message's fields is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    schema: &'static Schema,
    /// The whole message, without tag and length.
    pub(crate) span: Span,
    at: u64,
    /// The fields that may come once and came, by number; alternatives by that of their first.
    seen: u64,
    depth: u32,
}

/// A field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Zero for one that is not known, whatever its number.
    pub(crate) number: u32,
    /// From its tag to its end.
    pub(crate) span: Span,
    pub(crate) value: Value,
    kind: Option<Kind>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Varint(u64),
    /// Four bytes or eight.
    Fixed,
    /// Without the length.
    Bytes(Span),
}

impl Walk {
    /// Through the message that a whole file is.
    pub(crate) const fn root(schema: &'static Schema, size: u64) -> Self {
        Self {
            schema,
            span: Span::new(0, size),
            at: 0,
            seen: 0,
            depth: 0,
        }
    }

    /// Through a message that is the value of a field of this one.
    pub(crate) fn enter(&self, field: &Field) -> Result<Self, Fault> {
        let (Some(Kind::Message(schema)), Value::Bytes(span)) = (field.kind, field.value) else {
            unreachable!("the schema says which fields are messages, and the walk checks it");
        };
        if self.depth == DEPTH_MAX {
            return Err(field.span.breaks(Rule::TooDeep));
        }
        Ok(Self {
            schema,
            span,
            at: span.offset,
            seen: 0,
            depth: self.depth + 1,
        })
    }

    fn note(&mut self, known: &Known, span: Span) -> Result<(), Fault> {
        let (bit, rule) = match known.times {
            Times::Many => return Ok(()),
            Times::Once => (known.number, Rule::FieldTwice),
            Times::OneOf(first) => (first, Rule::AlternativeTwice),
        };
        if self.seen >> bit & 1 == 1 {
            return Err(span.breaks(rule));
        }
        self.seen |= 1 << bit;
        Ok(())
    }
}

impl Field {
    /// A varint's value; the schema says that it is one.
    pub(crate) fn number(&self) -> u64 {
        match self.value {
            Value::Varint(number) => number,
            Value::Fixed | Value::Bytes(_) => {
                unreachable!("the schema says which fields are numbers, and the walk checks it")
            }
        }
    }

    /// The bytes of a text or message; the schema says that it is one.
    pub(crate) fn bytes(&self) -> Span {
        match self.value {
            Value::Bytes(span) => span,
            Value::Varint(_) | Value::Fixed => {
                unreachable!("the schema says which fields are bytes, and the walk checks it")
            }
        }
    }
}

/// Walks through messages, and counts the fields of all of them.
pub(crate) struct Wire<'a, I> {
    pub(crate) reader: Reader<'a, I>,
    fields: u64,
}

impl<'a, I: Input> Wire<'a, I> {
    pub(crate) const fn new(reader: Reader<'a, I>) -> Self {
        Self { reader, fields: 0 }
    }

    /// The next field of a message; none at its end.
    pub(crate) fn next(&mut self, walk: &mut Walk) -> Reads<Option<Field>, I> {
        let (start, end) = (walk.at, walk.span.end());
        if start == end {
            return Ok(None);
        }
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(Span::new(start, 0).breaks(Rule::TooManyFields).into());
        }
        let (tag, after) = self.reader.varint(start, end)?;
        let place = Span::between(start, after);
        let tag = u32::try_from(tag)
            .ok()
            .filter(|_| place.length <= TAG_MAX)
            .ok_or_else(|| place.breaks(Rule::TagRange))?;
        let (number, wire_type) = (tag >> 3, tag & 7);
        if number == 0 {
            return Err(place.breaks(Rule::FieldZero).into());
        }
        let (value, after) = self.value(wire_type, start, after, end)?;
        let span = Span::between(start, after);
        walk.at = after;
        let known = walk.schema.get(number);
        if let Some(known) = known {
            if !known.kind.allows(wire_type, known.times == Times::Many) {
                return Err(span.breaks(Rule::WireType).into());
            }
            if let (Kind::Int32, Value::Varint(number)) = (known.kind, value)
                && i32::try_from(number.cast_signed()).is_err()
            {
                return Err(span.breaks(Rule::NumberRange).into());
            }
            walk.note(known, span)?;
        }
        Ok(Some(Field {
            number: known.map_or(0, |known| known.number),
            span,
            value,
            kind: known.map(|known| known.kind),
        }))
    }

    /// The value that begins at `at`, and the offset behind it.
    fn value(&mut self, wire_type: u32, start: u64, at: u64, end: u64) -> Reads<(Value, u64), I> {
        let fixed = |length: u64| {
            if end - at < length {
                let place = Span::between(start, end);
                return Err(place.breaks(Rule::FixedTruncated).into());
            }
            Ok((Value::Fixed, at + length))
        };
        match wire_type {
            0 => {
                let (number, after) = self.reader.varint(at, end)?;
                Ok((Value::Varint(number), after))
            }
            1 => fixed(8),
            5 => fixed(4),
            2 => {
                let (length, after) = self.reader.varint(at, end)?;
                if length > end - after {
                    let place = Span::between(start, after);
                    return Err(place.breaks(Rule::LengthBeyondMessage).into());
                }
                Ok((Value::Bytes(Span::new(after, length)), after + length))
            }
            3 | 4 => Err(Span::between(start, at).breaks(Rule::Group).into()),
            _ => Err(Span::between(start, at)
                .breaks(Rule::WireTypeUnknown)
                .into()),
        }
    }

    /// How many elements a field of numbers or bytes adds: one, or those of a packed run.
    pub(crate) fn count(&mut self, field: &Field) -> Reads<u64, I> {
        let (Some(kind), Value::Bytes(run)) = (field.kind, field.value) else {
            return Ok(1);
        };
        let size = match kind {
            Kind::Int32 | Kind::Int64 => return self.reader.count_varints(run),
            Kind::Fixed32 => 4,
            Kind::Fixed64 => 8,
            Kind::Text | Kind::Bytes | Kind::Message(_) => return Ok(1),
        };
        if run.length.is_multiple_of(size) {
            Ok(run.length / size)
        } else {
            Err(run.breaks(Rule::PackedSize).into())
        }
    }

    /// Walks through what nobody asks about, whatever its depth.
    pub(crate) fn pass(&mut self, walk: &Walk, field: &Field) -> Reads<(), I> {
        if !matches!(field.kind, Some(Kind::Message(_))) {
            self.count(field)?;
            return Ok(());
        }
        let mut inner = walk.enter(field)?;
        while let Some(field) = self.next(&mut inner)? {
            self.pass(&inner, &field)?;
        }
        Ok(())
    }
}
