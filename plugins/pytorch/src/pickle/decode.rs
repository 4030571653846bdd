//! Opcodes with their arguments, in order. What they do is not looked at.
//!
//! Arguments are read as CPython's unpickler reads them; where its two implementations (C and Python)
//! differ, which they do about frames, the stream is refused.

use crate::error::{Fault, Rule, Span};
use crate::input::{Input, Short, Stream};
use crate::limits::{LINE_MAX, STRING_MAX, TEXT_MAX};
use crate::pickle::opcode::{Argument, Opcode};
use crate::pickle::text;

/// The first bytes of `torch.save`'s format before zip, as a number in two's complement.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The same in digits, for protocols 0 and 1.
const MAGIC_DIGITS: &str = "119547037146038801333356";

/// What an opcode brings along; texts are in the decoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Nothing,
    Bool(bool),
    Int(i64),
    /// More than 64 bits.
    Big,
    /// The number that begins a checkpoint of the format before zip.
    Magic,
    Float,
    /// In [`Decoder::text`].
    Text,
    /// Sound, but too long to keep.
    LongText,
    /// Bytes; whether they look like a pickle themselves.
    Bytes {
        pickle: bool,
    },
    /// In [`Decoder::pair`].
    Pair,
}

/// One opcode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Op {
    pub(crate) opcode: Opcode,
    pub(crate) value: Value,
    pub(crate) at: Span,
}

/// Reads opcodes up to the end of its stream.
pub(crate) struct Decoder<'a, I> {
    stream: Stream<'a, I>,
    bytes: Vec<u8>,
    text: String,
    /// The module of a pair.
    module: String,
    frame: Option<u64>,
}

impl<'a, I: Input> Decoder<'a, I> {
    pub(crate) const fn new(stream: Stream<'a, I>) -> Self {
        Self {
            stream,
            bytes: Vec::new(),
            text: String::new(),
            module: String::new(),
            frame: None,
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Module and name.
    pub(crate) fn pair(&self) -> (&str, &str) {
        (&self.module, &self.text)
    }

    /// Offset of the next opcode.
    pub(crate) const fn offset(&self) -> u64 {
        self.stream.offset()
    }

    /// The rest of the stream.
    pub(crate) fn into_stream(self) -> Stream<'a, I> {
        self.stream
    }

    /// Whether nothing follows.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.stream.peek().is_none()
    }

    /// The next opcode, which the pickle must have.
    pub(crate) fn next(&mut self) -> Result<Op, Fault> {
        let start = self.stream.offset();
        if self.frame.is_some_and(|end| end <= start) {
            self.frame = None;
        }
        let short = |this: &Self, _: Short| {
            Span::new(start, this.stream.end() - start).breaks(Rule::TruncatedPickle)
        };
        let code = self.stream.byte().map_err(|error| short(self, error))?;
        let opcode = Opcode::from_code(code)
            .ok_or_else(|| Span::new(start, 1).breaks(Rule::UnknownOpcode))?;
        let value = match self.argument(opcode.argument()) {
            Ok(value) => value,
            Err(Wrong::Short(error)) => return Err(short(self, error)),
            Err(Wrong::Rule(rule)) => {
                return Err(Span::new(start, self.stream.offset() - start).breaks(rule));
            }
        };
        let op = Op {
            opcode,
            value,
            at: Span::new(start, self.stream.offset() - start),
        };
        self.follow_frame(op)?;
        Ok(op)
    }

    /// The C implementation ignores where frames end, the Python one does not.
    fn follow_frame(&mut self, op: Op) -> Result<(), Fault> {
        let end = op.at.offset + op.at.length;
        let broken = op.at.breaks(Rule::Frame);
        match self.frame {
            Some(frame) if end > frame => return Err(broken),
            Some(frame) if end < frame && matches!(op.opcode, Opcode::Frame | Opcode::Stop) => {
                return Err(broken);
            }
            _ => {}
        }
        if op.opcode == Opcode::Frame {
            let Value::Int(length) = op.value else {
                return Err(broken);
            };
            let frame = u64::try_from(length)
                .ok()
                .and_then(|length| end.checked_add(length))
                .filter(|&frame| frame <= self.stream.end());
            self.frame = Some(frame.ok_or(broken)?);
        }
        Ok(())
    }

    fn argument(&mut self, argument: Argument) -> Result<Value, Wrong> {
        Ok(match argument {
            Argument::Nothing => Value::Nothing,
            Argument::Unsigned(bytes) => match i64::try_from(self.unsigned(bytes)?) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Big,
            },
            Argument::Signed => {
                Value::Int(i64::from(i32::from_le_bytes(self.stream.array::<4>()?)))
            }
            Argument::Double => {
                self.stream.skip(8)?;
                Value::Float
            }
            Argument::IntLine => {
                self.line(LINE_MAX)?;
                self.int_line()?
            }
            Argument::LongLine => {
                self.line(LINE_MAX)?;
                self.long_line()?
            }
            Argument::FloatLine => {
                self.line(LINE_MAX)?;
                let text = std::str::from_utf8(&self.bytes).map_err(|_| Rule::Number)?;
                text.trim().parse::<f64>().map_err(|_| Rule::Number)?;
                Value::Float
            }
            Argument::StringLine => {
                self.line(STRING_MAX)?;
                let quoted = text::unquote(&self.bytes).ok_or(Rule::Text)?;
                self.bytes = text::unescape(quoted).ok_or(Rule::Text)?;
                self.old_text()
            }
            Argument::UnicodeLine => {
                self.line(STRING_MAX)?;
                self.text = text::raw_unicode_escape(&self.bytes).ok_or(Rule::Text)?;
                self.kept()
            }
            Argument::Line => {
                self.line(LINE_MAX)?;
                self.text = utf8(&self.bytes)?;
                self.kept()
            }
            Argument::Pair => {
                self.line(LINE_MAX)?;
                self.module = utf8(&self.bytes)?;
                self.line(LINE_MAX)?;
                self.text = utf8(&self.bytes)?;
                Value::Pair
            }
            Argument::Long(bytes) => self.long(bytes)?,
            Argument::Text(bytes) => {
                let length = self.unsigned(bytes)?;
                self.counted(length)?;
                self.text = text::utf8_with_surrogates(&self.bytes).ok_or(Rule::Text)?;
                self.kept()
            }
            Argument::OldText(bytes) => {
                let length = self.unsigned(bytes)?;
                if bytes == 4 && length > i32::MAX as u64 {
                    return Err(Rule::NegativeLength.into());
                }
                self.counted(length)?;
                self.old_text()
            }
            Argument::Bytes(bytes) => {
                let length = self.unsigned(bytes)?;
                let mut head = [0; 2];
                let known = length.min(2);
                for byte in &mut head[..usize::from(length > 0) + usize::from(length > 1)] {
                    *byte = self.stream.byte()?;
                }
                self.stream.skip(length - known)?;
                Value::Bytes {
                    pickle: matches!(head, [0x80, 2..=5]),
                }
            }
        })
    }

    fn unsigned(&mut self, bytes: u8) -> Result<u64, Short> {
        let mut number = [0; 8];
        for byte in &mut number[..usize::from(bytes)] {
            *byte = self.stream.byte()?;
        }
        Ok(u64::from_le_bytes(number))
    }

    /// Up to the next line feed, which is passed and not kept.
    fn line(&mut self, max: u64) -> Result<(), Wrong> {
        self.bytes.clear();
        loop {
            match self.stream.byte()? {
                b'\n' => return Ok(()),
                _ if self.bytes.len() as u64 >= max => return Err(Rule::StringTooLong.into()),
                byte => self.bytes.push(byte),
            }
        }
    }

    fn counted(&mut self, length: u64) -> Result<(), Wrong> {
        self.bytes.clear();
        if length > self.stream.end() - self.stream.offset() {
            return Err(Wrong::Short(Short));
        }
        if length > STRING_MAX {
            return Err(Rule::StringTooLong.into());
        }
        self.stream.take(length, &mut self.bytes)?;
        Ok(())
    }

    fn int_line(&self) -> Result<Value, Rule> {
        match self.bytes.as_slice() {
            b"00" => Ok(Value::Bool(false)),
            b"01" => Ok(Value::Bool(true)),
            digits => number(digits),
        }
    }

    fn long_line(&self) -> Result<Value, Rule> {
        let digits = self.bytes.as_slice();
        number(digits.strip_suffix(b"L").unwrap_or(digits))
    }

    fn long(&mut self, bytes: u8) -> Result<Value, Wrong> {
        let length = self.unsigned(bytes)?;
        if bytes == 4 && length > i32::MAX as u64 {
            return Err(Rule::NegativeLength.into());
        }
        if length == MAGIC.len() as u64 {
            let number = self.stream.array::<10>()?;
            return Ok(if number == MAGIC {
                Value::Magic
            } else {
                Value::Big
            });
        }
        if length > 8 {
            self.stream.skip(length)?;
            return Ok(Value::Big);
        }
        self.bytes.clear();
        self.stream.take(length, &mut self.bytes)?;
        let sign = self.bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut number = if sign { [0xff; 8] } else { [0; 8] };
        number[..self.bytes.len()].copy_from_slice(&self.bytes);
        Ok(Value::Int(i64::from_le_bytes(number)))
    }

    /// `torch.load` reads the strings of Python 2 as UTF-8; others stay bytes here.
    fn old_text(&mut self) -> Value {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => {
                text.clone_into(&mut self.text);
                self.kept()
            }
            Err(_) => Value::Bytes {
                pickle: matches!(self.bytes.as_slice(), [0x80, 2..=5, ..]),
            },
        }
    }

    fn kept(&self) -> Value {
        if self.text.len() <= TEXT_MAX {
            Value::Text
        } else {
            Value::LongText
        }
    }
}

/// As `int` takes it, but for blanks and underscores, which no pickler writes.
fn number(digits: &[u8]) -> Result<Value, Rule> {
    let text = std::str::from_utf8(digits).map_err(|_| Rule::Number)?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Rule::Number);
    }
    Ok(match text.parse() {
        Ok(number) => Value::Int(number),
        Err(_) if text == MAGIC_DIGITS => Value::Magic,
        Err(_) => Value::Big,
    })
}

fn utf8(bytes: &[u8]) -> Result<String, Rule> {
    let text = std::str::from_utf8(bytes).map_err(|_| Rule::Text)?;
    Ok(text.to_owned())
}

enum Wrong {
    Short(Short),
    Rule(Rule),
}

impl From<Short> for Wrong {
    fn from(short: Short) -> Self {
        Self::Short(short)
    }
}

impl From<Rule> for Wrong {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}
