//! Values of keys: each is checked and walked to its end, and what is worth stating is kept.

use std::fmt::Write as _;

use crate::error::{Rule, Span, Stop};
use crate::input::{Input, Pieces};
use crate::limits::{LENGTH_MAX, SHOWN_MAX, TEXT_MAX};

/// What a value is, or what the elements of an array are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the types they are")]
pub enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    String,
    Array,
    U64,
    I64,
    F64,
}

impl Kind {
    /// By number, as `enum gguf_type` has it.
    const ALL: [Self; 13] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::F32,
        Self::Bool,
        Self::String,
        Self::Array,
        Self::U64,
        Self::I64,
        Self::F64,
    ];

    /// As the reference writes it.
    const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::Bool => "bool",
            Self::String => "str",
            Self::Array => "arr",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F64 => "f64",
        }
    }

    /// Bytes of a scalar. A string has at least those of its length.
    const fn bytes(self) -> u64 {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::String | Self::Array | Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// What is kept of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// To be read: a string as it is, cut with a note if long; numbers in decimal; a short array as
    /// a list; of a long one its type, length and digest.
    pub text: String,
    /// For a string that was not cut and is UTF-8, and for anything else: whether `text` is all of it.
    pub whole: bool,
    /// An integer that is not negative.
    pub number: Option<u64>,
    /// SHA-256 of a string's bytes, or of the bytes of an array's elements as they stand in the file.
    pub digest: Option<[u8; 32]>,
}

/// Reads a value with its type, which is next.
pub(crate) fn value<I: Input>(pieces: &mut Pieces<'_, I>) -> Result<Value, Stop<I::Error>> {
    let kind = kind(pieces, Rule::TruncatedKey)?;
    match kind {
        Kind::String => string(pieces),
        Kind::Array => array(pieces),
        _ => {
            let (text, number) = scalar(pieces, kind)?;
            Ok(Value {
                kind,
                text,
                whole: true,
                number,
                digest: None,
            })
        }
    }
}

fn kind<I: Input>(pieces: &mut Pieces<'_, I>, rule: Rule) -> Result<Kind, Stop<I::Error>> {
    let at = pieces.offset();
    let number = pieces.u32(rule)?;
    usize::try_from(number)
        .ok()
        .and_then(|number| Kind::ALL.get(number).copied())
        .ok_or_else(|| Span::new(at, 4).breaks(Rule::ValueType).into())
}

/// A scalar in words, and as a number.
fn scalar<I: Input>(
    pieces: &mut Pieces<'_, I>,
    kind: Kind,
) -> Result<(String, Option<u64>), Stop<I::Error>> {
    const CUT: Rule = Rule::TruncatedValue;
    let unsigned = |number: u64| (number.to_string(), Some(number));
    let signed = |number: i64| (number.to_string(), u64::try_from(number).ok());
    Ok(match kind {
        Kind::U8 => unsigned(u8::from_le_bytes(pieces.take(CUT)?).into()),
        Kind::I8 => signed(i8::from_le_bytes(pieces.take(CUT)?).into()),
        Kind::U16 => unsigned(u16::from_le_bytes(pieces.take(CUT)?).into()),
        Kind::I16 => signed(i16::from_le_bytes(pieces.take(CUT)?).into()),
        Kind::U32 => unsigned(pieces.u32(CUT)?.into()),
        Kind::I32 => signed(i32::from_le_bytes(pieces.take(CUT)?).into()),
        Kind::F32 => (f32::from_le_bytes(pieces.take(CUT)?).to_string(), None),
        Kind::U64 => unsigned(pieces.u64(CUT)?),
        Kind::I64 => signed(i64::from_le_bytes(pieces.take(CUT)?)),
        Kind::F64 => (f64::from_le_bytes(pieces.take(CUT)?).to_string(), None),
        Kind::Bool => {
            let at = pieces.offset();
            match pieces.take(CUT)? {
                [0] => ("false".to_owned(), None),
                [1] => ("true".to_owned(), None),
                [_] => return Err(Span::new(at, 1).breaks(Rule::BoolValue).into()),
            }
        }
        Kind::String | Kind::Array => unreachable!("no scalars"),
    })
}

/// The length of a string, of which there is as much.
fn string_length<I: Input>(pieces: &mut Pieces<'_, I>) -> Result<u64, Stop<I::Error>> {
    let at = Span::new(pieces.offset(), 8);
    let length = pieces.u64(Rule::TruncatedValue)?;
    if length > LENGTH_MAX {
        return Err(at.breaks(Rule::StringLength).into());
    }
    if length > pieces.left() {
        return Err(at.breaks(Rule::StringBeyondEnd).into());
    }
    Ok(length)
}

fn string<I: Input>(pieces: &mut Pieces<'_, I>) -> Result<Value, Stop<I::Error>> {
    let length = string_length(pieces)?;
    pieces.begin_digest();
    let mut bytes = Vec::new();
    pieces.pass(length.min(TEXT_MAX), |piece| bytes.extend_from_slice(piece))?;
    pieces.pass(length.saturating_sub(TEXT_MAX), |_| {})?;
    let digest = pieces.end_digest();
    let cut = length > TEXT_MAX;
    let valid = match std::str::from_utf8(&bytes) {
        Ok(_) => true,
        // Cut within a character.
        Err(error) if cut && error.error_len().is_none() => {
            bytes.truncate(error.valid_up_to());
            true
        }
        Err(_) => false,
    };
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if cut {
        write!(text, "… [cut: {length} bytes in all, ").expect(WRITES);
        push_digest(&mut text, &digest);
        text.push(']');
    }
    Ok(Value {
        kind: Kind::String,
        text,
        whole: valid && !cut,
        number: None,
        digest: Some(digest),
    })
}

fn array<I: Input>(pieces: &mut Pieces<'_, I>) -> Result<Value, Stop<I::Error>> {
    let at = Span::new(pieces.offset(), 4);
    let kind = kind(pieces, Rule::TruncatedValue)?;
    if kind == Kind::Array {
        return Err(at.breaks(Rule::NestedArray).into());
    }
    let at = Span::new(pieces.offset(), 8);
    let count = pieces.u64(Rule::TruncatedValue)?;
    if count > LENGTH_MAX {
        return Err(at.breaks(Rule::ArrayLength).into());
    }
    if count * kind.bytes() > pieces.left() {
        return Err(at.breaks(Rule::ArrayBeyondEnd).into());
    }
    pieces.begin_digest();
    let shown = if count <= SHOWN_MAX {
        list(pieces, kind, count)?
    } else {
        walk(pieces, kind, count)?;
        None
    };
    let digest = pieces.end_digest();
    let whole = shown.is_some();
    let text = shown.unwrap_or_else(|| {
        let mut text = format!("{}[{count}] ", kind.name());
        push_digest(&mut text, &digest);
        text
    });
    Ok(Value {
        kind: Kind::Array,
        text,
        whole,
        number: None,
        digest: Some(digest),
    })
}

/// A few elements as a JSON list, unless they are too long for that.
fn list<I: Input>(
    pieces: &mut Pieces<'_, I>,
    kind: Kind,
    count: u64,
) -> Result<Option<String>, Stop<I::Error>> {
    let mut text = Some(String::from("["));
    let mut bytes = 0;
    for number in 0..count {
        let element = if kind == Kind::String {
            let length = string_length(pieces)?;
            bytes += length;
            if bytes > TEXT_MAX {
                pieces.pass(length, |_| {})?;
                text = None;
                continue;
            }
            let mut element = Vec::new();
            pieces.pass(length, |piece| element.extend_from_slice(piece))?;
            quoted(&String::from_utf8_lossy(&element))
        } else {
            scalar(pieces, kind)?.0
        };
        if let Some(text) = &mut text {
            if number > 0 {
                text.push(',');
            }
            text.push_str(&element);
        }
    }
    Ok(text.map(|text| text + "]"))
}

/// Many elements, which are checked and passed.
fn walk<I: Input>(
    pieces: &mut Pieces<'_, I>,
    kind: Kind,
    count: u64,
) -> Result<(), Stop<I::Error>> {
    match kind {
        Kind::String => {
            for _ in 0..count {
                let length = string_length(pieces)?;
                pieces.pass(length, |_| {})?;
            }
            Ok(())
        }
        Kind::Bool => {
            let mut at = pieces.offset();
            let mut wrong = None;
            pieces.pass(count, |piece| {
                if wrong.is_none() {
                    let place = piece.iter().position(|&byte| byte > 1);
                    wrong = place.map(|place| at + place as u64);
                }
                at += piece.len() as u64;
            })?;
            match wrong {
                None => Ok(()),
                Some(at) => Err(Span::new(at, 1).breaks(Rule::BoolValue).into()),
            }
        }
        _ => pieces.pass(count * kind.bytes(), |_| {}),
    }
}

const WRITES: &str = "a string takes any text";

fn push_digest(text: &mut String, digest: &[u8; 32]) {
    text.push_str("sha256:");
    for byte in digest {
        write!(text, "{byte:02x}").expect(WRITES);
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            '\0'..='\x1f' => write!(quoted, "\\u{:04x}", u32::from(letter)).expect(WRITES),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
