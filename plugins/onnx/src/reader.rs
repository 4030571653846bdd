//! Varints, texts and runs of numbers at offsets of an input, of which one piece is held.

use crate::error::{Rule, Span, Stop};
use crate::input::Input;
use crate::limits::{READ_MAX, READ_MIN, TYPED_DATA_MAX, VARINT_MAX};

/// A result of reading.
pub(crate) type Reads<T, I> = Result<T, Stop<<I as Input>::Error>>;

/// An input, and the piece of it that was read last.
pub(crate) struct Reader<'a, I> {
    input: &'a mut I,
    piece: Vec<u8>,
    /// Offset of the piece.
    start: u64,
    /// Bytes asked for when it was read.
    asked: u32,
    /// Bytes of packed varints that were looked at.
    scanned: u64,
}

/// The beginning of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// Whole characters.
    pub(crate) text: String,
    /// Bytes of the whole text.
    pub(crate) length: u64,
}

impl<'a, I: Input> Reader<'a, I> {
    pub(crate) const fn new(input: &'a mut I) -> Self {
        Self {
            input,
            piece: Vec::new(),
            start: 0,
            asked: 0,
            scanned: 0,
        }
    }

    /// Bytes of the whole input.
    pub(crate) fn size(&self) -> u64 {
        self.input.size()
    }

    /// A varint that begins at `at` in a message that ends at `end`, and the offset behind it.
    pub(crate) fn varint(&mut self, at: u64, end: u64) -> Reads<(u64, u64), I> {
        let mut value = 0;
        for place in 0..VARINT_MAX {
            let Some(&byte) = self.at_hand(at + place, end)?.first() else {
                return Err(Span::new(at, place).breaks(Rule::VarintTruncated).into());
            };
            if place + 1 == VARINT_MAX && byte > 1 {
                let rule = last_byte(byte);
                return Err(Span::new(at, VARINT_MAX).breaks(rule).into());
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok((value, at + place + 1));
            }
        }
        unreachable!("the tenth byte ends a varint or breaks a rule")
    }

    /// How many varints fill these bytes.
    pub(crate) fn count_varints(&mut self, run: Span) -> Reads<u64, I> {
        self.scanned = self.scanned.saturating_add(run.length);
        if self.scanned > TYPED_DATA_MAX {
            return Err(run.breaks(Rule::TooMuchTypedData).into());
        }
        let (mut at, mut count, mut begun) = (run.offset, 0, 0);
        while at < run.end() {
            let bytes = self.at_hand(at, run.end())?;
            for (place, &byte) in bytes.iter().enumerate() {
                begun += 1;
                if begun == VARINT_MAX && byte > 1 {
                    let start = at + place as u64 + 1 - VARINT_MAX;
                    let rule = last_byte(byte);
                    return Err(Span::new(start, VARINT_MAX).breaks(rule).into());
                }
                if byte < 0x80 {
                    count += 1;
                    begun = 0;
                }
            }
            at += bytes.len() as u64;
        }
        if begun > 0 {
            let place = Span::new(run.end() - begun, begun);
            return Err(place.breaks(Rule::VarintTruncated).into());
        }
        Ok(count)
    }

    /// A whole text.
    pub(crate) fn text(&mut self, span: Span, max: u64) -> Reads<String, I> {
        if span.length > max {
            return Err(span.breaks(Rule::TextTooLong).into());
        }
        Ok(self.beginning(span, max)?.text)
    }

    /// A text, or the whole characters within its first `max` bytes.
    pub(crate) fn beginning(&mut self, span: Span, max: u64) -> Reads<Beginning, I> {
        let end = span.offset + span.length.min(max);
        let (mut at, mut bytes) = (span.offset, Vec::new());
        while at < end {
            let piece = self.at_hand(at, end)?;
            bytes.extend_from_slice(piece);
            at += piece.len() as u64;
        }
        if let Err(error) = std::str::from_utf8(&bytes) {
            let is_cut = error.error_len().is_none() && span.length > max;
            if !is_cut {
                return Err(span.breaks(Rule::NotUtf8).into());
            }
            bytes.truncate(error.valid_up_to());
        }
        Ok(Beginning {
            text: String::from_utf8(bytes).expect("checked above"),
            length: span.length,
        })
    }

    /// What is held of the bytes from `at` to `end`; empty only if there are none.
    #[inline]
    fn at_hand(&mut self, at: u64, end: u64) -> Reads<&[u8], I> {
        if at >= end {
            return Ok(&[]);
        }
        let place = match self.held(at) {
            Some(place) => place,
            None => self.load(at)?,
        };
        let bytes = &self.piece[place..];
        let wanted = usize::try_from(end - at).map_or(bytes.len(), |max| max.min(bytes.len()));
        Ok(&bytes[..wanted])
    }

    #[inline]
    fn held(&self, at: u64) -> Option<usize> {
        let place = usize::try_from(at.checked_sub(self.start)?).ok()?;
        (place < self.piece.len()).then_some(place)
    }

    /// Reads a piece that begins at `at`: a larger one each time it follows the last, about.
    fn load(&mut self, at: u64) -> Reads<usize, I> {
        let behind = at.checked_sub(self.start + self.piece.len() as u64);
        let follows = behind.is_some_and(|gap| gap <= u64::from(READ_MIN));
        self.asked = if follows {
            (self.asked * 2).clamp(READ_MIN, READ_MAX)
        } else {
            READ_MIN
        };
        let left = self.input.size().saturating_sub(at);
        let max = u32::try_from(left).map_or(self.asked, |left| left.min(self.asked));
        self.start = at;
        self.piece.clear();
        if max > 0 {
            self.piece = self.input.read_at(at, max).map_err(Stop::Input)?;
        }
        if self.piece.is_empty() {
            return Err(Span::new(at, 0).breaks(Rule::ShortInput).into());
        }
        Ok(0)
    }
}

/// What is wrong with a tenth byte that is more than the 64th bit.
const fn last_byte(byte: u8) -> Rule {
    if byte < 0x80 {
        Rule::VarintRange
    } else {
        Rule::VarintTooLong
    }
}
