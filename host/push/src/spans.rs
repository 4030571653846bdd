//! Where the values of a JSON document lie in its text, so that one of them can be replaced and
//! all others stay byte for byte: numbers no type holds, members nobody knows, white space.
//!
//! For documents that were parsed before; of anything else it says that it is not JSON.

use std::ops::Range;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny};

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name, without escapes.
    pub name: String,
    /// Where the name is written, quotation marks included.
    pub name_at: Range<usize>,
    /// Where its value is written.
    pub value: Range<usize>,
}

/// The members of the object that `object` encloses, in order.
///
/// # Errors
/// It is no object.
pub(crate) fn members(text: &[u8], object: Range<usize>) -> Result<Vec<Member>, serde_json::Error> {
    let mut cursor = Cursor::new(text, object);
    let mut members = Vec::new();
    cursor.skip(b'{')?;
    if cursor.skip(b'}').is_ok() {
        return Ok(members);
    }
    loop {
        let (name, name_at) = cursor.value()?;
        cursor.skip(b':')?;
        let (_, value) = cursor.value::<IgnoredAny>()?;
        members.push(Member {
            name,
            name_at,
            value,
        });
        if cursor.skip(b',').is_err() {
            cursor.skip(b'}')?;
            return Ok(members);
        }
    }
}

/// Where the elements of the array lie that `array` encloses, in order.
///
/// # Errors
/// It is no array.
pub(crate) fn elements(
    text: &[u8],
    array: Range<usize>,
) -> Result<Vec<Range<usize>>, serde_json::Error> {
    let mut cursor = Cursor::new(text, array);
    let mut elements = Vec::new();
    cursor.skip(b'[')?;
    if cursor.skip(b']').is_ok() {
        return Ok(elements);
    }
    loop {
        elements.push(cursor.value::<IgnoredAny>()?.1);
        if cursor.skip(b',').is_err() {
            cursor.skip(b']')?;
            return Ok(elements);
        }
    }
}

/// `text` with some ranges, in order and apart from each other, replaced.
#[must_use]
pub(crate) fn splice(text: &[u8], replacements: &[(Range<usize>, Vec<u8>)]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in replacements {
        result.extend_from_slice(&text[at..range.start]);
        result.extend_from_slice(new);
        at = range.end;
    }
    result.extend_from_slice(&text[at..]);
    result
}

struct Cursor<'a> {
    /// Up to where it may read.
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a [u8], range: Range<usize>) -> Self {
        Self {
            text: &text[..range.end],
            at: range.start,
        }
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest
            .iter()
            .take_while(|byte| b" \t\r\n".contains(byte))
            .count();
    }

    /// Goes past `byte`, which has to be next.
    fn skip(&mut self, byte: u8) -> Result<(), serde_json::Error> {
        self.skip_space();
        if self.text.get(self.at) != Some(&byte) {
            return Err(serde_json::Error::custom(format_args!(
                "no {:?} at offset {}",
                char::from(byte),
                self.at
            )));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes past a value.
    fn value<T: DeserializeOwned>(&mut self) -> Result<(T, Range<usize>), serde_json::Error> {
        self.skip_space();
        let start = self.at;
        let mut values = serde_json::Deserializer::from_slice(&self.text[start..]).into_iter::<T>();
        let value = values
            .next()
            .ok_or_else(|| serde_json::Error::custom("the text ends where a value should be"))??;
        self.at += values.byte_offset();
        Ok((value, start..self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, range: &Range<usize>) -> String {
        text[range.clone()].to_owned()
    }

    #[test]
    fn values_are_found_where_they_are_written() {
        let text = "\n{ \"a\" : 1e400 ,\"\\u0062\":[ true,{\"x\":[]} , \"]\\\"\" ],\"c\":{ } }\n";
        let found = members(text.as_bytes(), 0..text.len()).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|m| (m.name.as_str(), at(text, &m.name_at), at(text, &m.value)))
            .collect();
        assert_eq!(
            shown,
            [
                ("a", "\"a\"".to_owned(), "1e400".to_owned()),
                (
                    "b",
                    "\"\\u0062\"".to_owned(),
                    "[ true,{\"x\":[]} , \"]\\\"\" ]".to_owned()
                ),
                ("c", "\"c\"".to_owned(), "{ }".to_owned()),
            ]
        );
        let inside = elements(text.as_bytes(), found[1].value.clone()).unwrap();
        let shown: Vec<_> = inside.iter().map(|range| at(text, range)).collect();
        assert_eq!(shown, ["true", "{\"x\":[]}", "\"]\\\"\""]);
        let empty = members(text.as_bytes(), found[2].value.clone()).unwrap();
        assert_eq!(empty, []);
        assert!(elements(b" [ ] ", 0..5).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_object_or_array_is_refused() {
        for bad in [
            "",
            "[]",
            "{",
            "{\"a\"}",
            "{\"a\":1",
            "{\"a\":1,}",
            "{1:2}",
            "1",
        ] {
            assert!(members(bad.as_bytes(), 0..bad.len()).is_err(), "{bad}");
        }
        for bad in ["", "{}", "[", "[1", "[1,]", "[1 2]"] {
            assert!(elements(bad.as_bytes(), 0..bad.len()).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_is_replaced_changes() {
        let text = b"abcdef";
        let new = splice(text, &[(1..2, b"XY".to_vec()), (4..6, Vec::new())]);
        assert_eq!(new, b"aXYcd");
        assert_eq!(splice(text, &[]), text);
    }
}
