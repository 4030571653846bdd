//! A strict JSON reader (RFC 8259) over pieces: the caller says what it expects, one string is held.
//!
//! Stricter than readers are where they differ: no byte order mark, strings are UTF-8 without lone
//! surrogates, integers are unsigned, 64-bit and without leading zeros, no comma before a closing
//! bracket. No recursion but over values that are passed over, and there it is bounded.

use crate::error::{Rule, Span, Stop};
use crate::input::{Input, Pieces};
use crate::limits::{DEPTH_MAX, NAME_MAX};
use crate::names::Names;

/// A string, of which [`Json::text`] holds the beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    /// From quote to quote.
    pub(crate) place: Span,
    /// Bytes of the string itself, without escapes.
    pub(crate) length: u64,
}

/// A number that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    pub(crate) place: Span,
    /// Its value, if it is a whole one that fits and is written without an exponent.
    pub(crate) whole: Option<u64>,
}

pub(crate) struct Json<'a, I> {
    pieces: Pieces<'a, I>,
    text: Vec<u8>,
}

impl<'a, I: Input> Json<'a, I> {
    pub(crate) const fn new(pieces: Pieces<'a, I>) -> Self {
        Self {
            pieces,
            text: Vec::new(),
        }
    }

    /// What was kept of the string read last: UTF-8, whole characters.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The same, as text.
    pub(crate) fn owned_text(&self) -> String {
        String::from_utf8(self.text.clone()).expect("strings are checked as they are read")
    }

    /// Offset of the next byte.
    pub(crate) const fn offset(&self) -> u64 {
        self.pieces.offset()
    }

    /// The next byte that is no blank.
    pub(crate) fn next(&mut self) -> Result<Option<u8>, Stop<I::Error>> {
        loop {
            match self.pieces.peek()? {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.pieces.advance(1),
                other => return Ok(other),
            }
        }
    }

    /// Passes `byte`, or says that `rule` is broken.
    pub(crate) fn expect(&mut self, byte: u8, rule: Rule) -> Result<(), Stop<I::Error>> {
        let found = self.next()?;
        if found == Some(byte) {
            self.pieces.advance(1);
            return Ok(());
        }
        Err(self.wrong(found, rule))
    }

    /// The name of an object's next member, with the colon behind it; none at the object's end.
    /// `first` is true before the first.
    pub(crate) fn member(&mut self, first: &mut bool) -> Result<Option<Text>, Stop<I::Error>> {
        if !self.more(first, b'}')? {
            return Ok(None);
        }
        let name = self.string(NAME_MAX, Rule::JsonSyntax)?;
        self.expect(b':', Rule::JsonSyntax)?;
        Ok(Some(name))
    }

    /// Whether a list has another item. `first` is true before the first.
    pub(crate) fn item(&mut self, first: &mut bool) -> Result<bool, Stop<I::Error>> {
        self.more(first, b']')
    }

    fn more(&mut self, first: &mut bool, end: u8) -> Result<bool, Stop<I::Error>> {
        let found = self.next()?;
        if found == Some(end) {
            self.pieces.advance(1);
            return Ok(false);
        }
        if *first {
            *first = false;
            return Ok(true);
        }
        self.expect(b',', Rule::JsonSyntax)?;
        let found = self.next()?;
        if found.is_none() || found == Some(end) {
            return Err(self.wrong(found, Rule::JsonSyntax));
        }
        Ok(true)
    }

    /// A string, of which `keep` bytes are kept; `rule` is broken by anything else.
    pub(crate) fn string(&mut self, keep: usize, rule: Rule) -> Result<Text, Stop<I::Error>> {
        let found = self.next()?;
        if found != Some(b'"') {
            return Err(self.wrong(found, rule));
        }
        let start = self.offset();
        self.pieces.advance(1);
        self.text.clear();
        let mut length = 0;
        loop {
            let rest = self.pieces.rest()?;
            let run = rest
                .iter()
                .position(|byte| matches!(byte, ..b' ' | b'"' | b'\\' | 0x80..))
                .unwrap_or(rest.len());
            if length < keep as u64 {
                let room = keep - self.text.len();
                self.text.extend_from_slice(&rest[..run.min(room)]);
            }
            length += run as u64;
            let special = rest.get(run).copied();
            let ended = rest.is_empty();
            self.pieces.advance(run);
            let mut utf8 = [0; 4];
            let character = match special {
                None if ended => return Err(self.wrong(None, rule)),
                None => continue,
                Some(b'"') => {
                    self.pieces.advance(1);
                    return Ok(Text {
                        place: Span::new(start, self.offset() - start),
                        length,
                    });
                }
                Some(b'\\') => self.escape()?,
                Some(0x80..) => self.multibyte()?,
                Some(_) => return Err(self.wrong(special, Rule::JsonControl)),
            };
            let bytes = character.encode_utf8(&mut utf8).as_bytes();
            // What does not fit ends what is kept, also for shorter characters behind it.
            if length == self.text.len() as u64 && self.text.len() + bytes.len() <= keep {
                self.text.extend_from_slice(bytes);
            }
            length += bytes.len() as u64;
        }
    }

    /// A character of two to four bytes, at the first.
    fn multibyte(&mut self) -> Result<char, Stop<I::Error>> {
        let start = self.offset();
        let mut bytes = [0; 4];
        let mut count = 0;
        while let Some(byte) = self.pieces.peek()? {
            let expected = match bytes[0] {
                0 => 4,
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 1,
            };
            if count == expected || (count > 0 && !(0x80..0xc0).contains(&byte)) {
                break;
            }
            bytes[count] = byte;
            count += 1;
            self.pieces.advance(1);
        }
        let text = std::str::from_utf8(&bytes[..count]).ok();
        text.and_then(|text| text.chars().next())
            .ok_or_else(|| Span::new(start, count as u64).breaks(Rule::JsonUtf8).into())
    }

    /// An escape, at its backslash.
    fn escape(&mut self) -> Result<char, Stop<I::Error>> {
        let start = self.offset();
        self.pieces.advance(1);
        let found = self.pieces.peek()?;
        let plain = match found {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(self.wrong(found, Rule::JsonEscape)),
        };
        self.pieces.advance(1);
        Ok(plain)
    }

    /// `uXXXX` of an escape that began at `start`, and the other half of a pair.
    fn unicode(&mut self, start: u64) -> Result<char, Stop<I::Error>> {
        let high = self.hex()?;
        let mut code = high;
        let mut lone = (0xdc00..0xe000).contains(&high);
        if (0xd800..0xdc00).contains(&high) {
            lone = true;
            if self.pieces.peek()? == Some(b'\\') {
                self.pieces.advance(1);
                if self.pieces.peek()? == Some(b'u') {
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        lone = false;
                        code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    }
                }
            }
        }
        let character = if lone { None } else { char::from_u32(code) };
        let place = Span::new(start, self.offset() - start);
        character.ok_or_else(|| place.breaks(Rule::JsonSurrogate).into())
    }

    /// The `u` and four digits.
    fn hex(&mut self) -> Result<u32, Stop<I::Error>> {
        self.pieces.advance(1);
        let mut code = 0;
        for _ in 0..4 {
            let found = self.pieces.peek()?;
            let digit = found.and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.wrong(found, Rule::JsonEscape));
            };
            code = code << 4 | digit;
            self.pieces.advance(1);
        }
        Ok(code)
    }

    /// An unsigned integer.
    pub(crate) fn number(&mut self) -> Result<u64, Stop<I::Error>> {
        let found = self.next()?;
        let start = self.offset();
        if !matches!(found, Some(b'0'..=b'9')) {
            return Err(self.wrong(found, Rule::Number));
        }
        let mut value = Some(0_u64);
        let mut digits = 0_u64;
        let mut zero = false;
        loop {
            let found = self.pieces.peek()?;
            let at = Span::new(start, self.offset() - start);
            match found {
                Some(byte @ b'0'..=b'9') if !zero => {
                    zero = digits == 0 && byte == b'0';
                    digits += 1;
                    value = value
                        .and_then(|value| value.checked_mul(10))
                        .and_then(|value| value.checked_add(u64::from(byte - b'0')));
                    self.pieces.advance(1);
                }
                Some(b'0'..=b'9' | b'.' | b'e' | b'E') => {
                    return Err(Span::new(start, at.length + 1).breaks(Rule::Number).into());
                }
                _ => return value.ok_or_else(|| at.breaks(Rule::NumberRange).into()),
            }
        }
    }

    /// Any number, as RFC 8259 has it; `rule` is broken by anything else.
    pub(crate) fn decimal(&mut self, rule: Rule) -> Result<Decimal, Stop<I::Error>> {
        let found = self.next()?;
        let start = self.offset();
        if !matches!(found, Some(b'-' | b'0'..=b'9')) {
            return Err(self.wrong(found, rule));
        }
        let mut whole = Some(0_u64);
        if found == Some(b'-') {
            whole = None;
            self.pieces.advance(1);
        }
        if self.pieces.peek()? == Some(b'0') {
            self.pieces.advance(1);
        } else {
            self.digits(|digit| {
                whole = whole
                    .and_then(|value| value.checked_mul(10))
                    .and_then(|value| value.checked_add(u64::from(digit)));
            })?;
        }
        if self.pieces.peek()? == Some(b'.') {
            self.pieces.advance(1);
            self.digits(|digit| whole = whole.filter(|_| digit == 0))?;
        }
        if matches!(self.pieces.peek()?, Some(b'e' | b'E')) {
            whole = None;
            self.pieces.advance(1);
            if matches!(self.pieces.peek()?, Some(b'+' | b'-')) {
                self.pieces.advance(1);
            }
            self.digits(|_| ())?;
        }
        Ok(Decimal {
            place: Span::new(start, self.offset() - start),
            whole,
        })
    }

    /// One digit or more.
    fn digits(&mut self, mut take: impl FnMut(u8)) -> Result<(), Stop<I::Error>> {
        let mut any = false;
        while let Some(byte @ b'0'..=b'9') = self.pieces.peek()? {
            any = true;
            take(byte - b'0');
            self.pieces.advance(1);
        }
        if any {
            return Ok(());
        }
        let found = self.pieces.peek()?;
        Err(self.wrong(found, Rule::JsonSyntax))
    }

    /// Passes over any value, `depth` levels down, in an object with these names so far; no object in
    /// it has a name twice.
    pub(crate) fn skip(&mut self, depth: u32, outer: &Names) -> Result<(), Stop<I::Error>> {
        let found = self.next()?;
        if depth > DEPTH_MAX {
            return Err(self.wrong(found, Rule::TooDeep));
        }
        match found {
            Some(b'"') => self.string(0, Rule::JsonSyntax).map(drop),
            Some(b'-' | b'0'..=b'9') => self.decimal(Rule::JsonSyntax).map(drop),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(b'[') => {
                self.pieces.advance(1);
                let mut first = true;
                while self.item(&mut first)? {
                    self.skip(depth + 1, outer)?;
                }
                Ok(())
            }
            Some(b'{') => {
                self.pieces.advance(1);
                let mut first = true;
                let mut names = Names::beside(outer);
                while let Some(name) = self.member(&mut first)? {
                    names.push(&self.text, name.length, name.place)?;
                    self.skip(depth + 1, &names)?;
                }
                unique(&names, Rule::DuplicateField)?;
                Ok(())
            }
            _ => Err(self.wrong(found, Rule::JsonSyntax)),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Stop<I::Error>> {
        for &byte in word {
            let found = self.pieces.peek()?;
            if found != Some(byte) {
                return Err(self.wrong(found, Rule::JsonSyntax));
            }
            self.pieces.advance(1);
        }
        Ok(())
    }

    /// Passes spaces, to the limit; `rule` is broken by anything else.
    pub(crate) fn padding(&mut self, rule: Rule) -> Result<(), Stop<I::Error>> {
        loop {
            let rest = self.pieces.rest()?;
            if rest.is_empty() {
                return Ok(());
            }
            let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
            let other = rest.get(spaces).copied();
            self.pieces.advance(spaces);
            if other.is_some() {
                return Err(self.wrong(other, rule));
            }
        }
    }

    /// The fault of what stands here: `rule` is broken, or the document is cut off.
    pub(crate) fn wrong(&self, found: Option<u8>, rule: Rule) -> Stop<I::Error> {
        let fault = match found {
            Some(_) => Span::new(self.offset(), 1).breaks(rule),
            None => Span::new(self.offset(), 0).breaks(Rule::JsonTruncated),
        };
        fault.into()
    }
}

/// Says that `rule` is broken where a name comes for the second time; else all numbers in the order
/// of the names.
pub(crate) fn unique(names: &Names, rule: Rule) -> Result<Vec<u32>, crate::Fault> {
    let sorted = names.sorted();
    match names.duplicate(&sorted) {
        Some(second) => {
            // With its quotes, and as if without escapes.
            let length = names.get(second).len() as u64 + 2;
            Err(Span::new(names.place(second), length).breaks(rule))
        }
        None => Ok(sorted),
    }
}
