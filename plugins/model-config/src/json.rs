//! A strict JSON reader (RFC 8259) over text: the caller walks the members it wants, all others are
//! passed over and checked.
//!
//! Stricter than readers are where they differ: no byte order mark, no lone surrogates, no name
//! twice in an object. One liberty, as Python takes it when it writes and reads: `NaN`, `Infinity`
//! and `-Infinity` are numbers, since published models have such limits, and nobody asks for them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::error::{Fault, Rule, Span};
use crate::limits::{DEPTH_MAX, NAMES_HELD_MAX};

/// A value, as far as anybody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar<'a> {
    Text(Cow<'a, str>),
    /// A number that is whole, plainly written, and fits.
    Unsigned(u64),
    /// Any other value.
    Other,
}

impl Scalar<'_> {
    /// A text that is not empty.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text.into_owned()),
            _ => None,
        }
    }

    pub(crate) const fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }
}

/// What is done with a member of an object: it must take the value, and nothing else.
type Member<'m, 'a> = &'m mut dyn FnMut(&mut Json<'a>, &str) -> Result<(), Fault>;

pub(crate) struct Json<'a> {
    text: &'a str,
    at: usize,
    /// Lists and objects around the reader.
    depth: u32,
    /// Names that are held of the objects around the reader.
    names: usize,
}

/// Reads a document that is an object, and hands over its members.
pub(crate) fn document<'a>(bytes: &'a [u8], member: Member<'_, 'a>) -> Result<(), Fault> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Span::new(error.valid_up_to() as u64, 1).breaks(Rule::Utf8))?;
    let mut json = Json {
        text,
        at: 0,
        depth: 0,
        names: 0,
    };
    match json.next() {
        Some(b'{') => json.object(member)?,
        _ => return Err(json.wrong(Rule::NotObject)),
    }
    match json.next() {
        None => Ok(()),
        Some(_) => Err(json.wrong(Rule::Trailing)),
    }
}

impl<'a> Json<'a> {
    /// Any value.
    pub(crate) fn value(&mut self) -> Result<Scalar<'a>, Fault> {
        match self.next() {
            Some(b'"') => return self.string().map(Scalar::Text),
            Some(b'-' | b'0'..=b'9') => return self.number(),
            Some(b'{') => self.object(&mut |json, _| json.value().map(drop))?,
            Some(b'[') => self.list(&mut |json| json.value().map(drop))?,
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'N') => self.word("NaN")?,
            Some(b'I') => self.word("Infinity")?,
            _ => return Err(self.wrong(Rule::Syntax)),
        }
        Ok(Scalar::Other)
    }

    /// The members of a value, if it is an object.
    pub(crate) fn members(&mut self, member: Member<'_, 'a>) -> Result<(), Fault> {
        match self.next() {
            Some(b'{') => self.object(member),
            _ => self.value().map(drop),
        }
    }

    /// The first item of a value, if it is a list that has one.
    pub(crate) fn first(&mut self) -> Result<Scalar<'a>, Fault> {
        if self.next() != Some(b'[') {
            self.value()?;
            return Ok(Scalar::Other);
        }
        let mut first = None;
        self.list(&mut |json| {
            let value = json.value()?;
            first.get_or_insert(value);
            Ok(())
        })?;
        Ok(first.unwrap_or(Scalar::Other))
    }

    fn object(&mut self, member: Member<'_, 'a>) -> Result<(), Fault> {
        self.open()?;
        let outer = self.names;
        let mut names: BTreeSet<Cow<'a, str>> = BTreeSet::new();
        let mut is_first = true;
        while self.more(&mut is_first, b'}')? {
            let start = self.at;
            let name = self.string()?;
            let place = self.since(start);
            if self.next() != Some(b':') {
                return Err(self.wrong(Rule::Syntax));
            }
            self.at += 1;
            if !names.insert(name.clone()) {
                return Err(place.breaks(Rule::DuplicateName));
            }
            if self.names >= NAMES_HELD_MAX {
                return Err(place.breaks(Rule::TooManyNames));
            }
            self.names += 1;
            member(self, &name)?;
        }
        self.names = outer;
        self.depth -= 1;
        Ok(())
    }

    fn list(&mut self, item: &mut dyn FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.open()?;
        let mut is_first = true;
        while self.more(&mut is_first, b']')? {
            item(self)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Passes a bracket.
    fn open(&mut self) -> Result<(), Fault> {
        if self.depth >= DEPTH_MAX {
            return Err(self.wrong(Rule::TooDeep));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether another member or item follows; else passes the closing bracket.
    fn more(&mut self, is_first: &mut bool, end: u8) -> Result<bool, Fault> {
        let found = self.next();
        if found == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        if std::mem::take(is_first) {
            self.next();
            return Ok(true);
        }
        if found != Some(b',') {
            return Err(self.wrong(Rule::Syntax));
        }
        self.at += 1;
        // A comma before a bracket is found by whoever reads on.
        self.next();
        Ok(true)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong(Rule::Syntax));
        }
        self.at += 1;
        let mut decoded = String::new();
        let mut start = self.at;
        let mut is_plain = true;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let run = &self.text[start..self.at];
                    self.at += 1;
                    if is_plain {
                        return Ok(Cow::Borrowed(run));
                    }
                    decoded.push_str(run);
                    return Ok(Cow::Owned(decoded));
                }
                Some(b'\\') => {
                    decoded.push_str(&self.text[start..self.at]);
                    decoded.push(self.escape()?);
                    start = self.at;
                    is_plain = false;
                }
                Some(..b' ') => return Err(self.wrong(Rule::Control)),
                Some(_) => self.at += 1,
                None => return Err(self.wrong(Rule::Syntax)),
            }
        }
    }

    /// An escape, at its backslash.
    fn escape(&mut self) -> Result<char, Fault> {
        let start = self.at;
        self.at += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(self.wrong(Rule::Escape)),
        };
        self.at += 1;
        Ok(plain)
    }

    /// `uXXXX` of an escape that began at `start`, and the other half of a pair.
    fn unicode(&mut self, start: usize) -> Result<char, Fault> {
        let high = self.unit()?;
        let mut units = vec![high];
        if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            units.push(self.unit()?);
        }
        let mut characters = char::decode_utf16(units);
        match (characters.next(), characters.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => Err(self.since(start).breaks(Rule::Surrogate)),
        }
    }

    /// The `u` and four digits.
    fn unit(&mut self) -> Result<u16, Fault> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit.and_then(|digit| u16::try_from(digit).ok()) else {
                return Err(self.wrong(Rule::Escape));
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Scalar<'a>, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
            if self.peek() == Some(b'I') {
                self.word("Infinity")?;
                return Ok(Scalar::Other);
            }
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = self.text[start..self.at].parse();
        Ok(number.map_or(Scalar::Other, Scalar::Unsigned))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.wrong(Rule::Syntax));
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        for byte in word.bytes() {
            if self.peek() != Some(byte) {
                return Err(self.wrong(Rule::Syntax));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// The next byte that is no blank.
    fn next(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn since(&self, start: usize) -> Span {
        Span::between(start as u64, self.at as u64)
    }

    /// The fault of what stands here: `rule` is broken, or the document is cut off.
    fn wrong(&self, rule: Rule) -> Fault {
        match self.peek() {
            Some(_) => Span::new(self.at as u64, 1).breaks(rule),
            None => Span::new(self.at as u64, 0).breaks(Rule::Truncated),
        }
    }
}
