//! Extended attributes in PAX records, in the two spellings there are.
//!
//! `SCHILY.xattr.<name>=<raw value>` (star, GNU tar, Go, libarchive) and
//! `LIBARCHIVE.xattr.<URL-encoded name>=<base64 value>` (libarchive, which by default writes both).

use crate::entry::Xattr;
use crate::error::{Fault, Rule, Span};

/// Which spelling an attribute came in: one may repeat what the other says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelling {
    Schily,
    Libarchive,
}

/// The attributes of one member, as they come.
#[derive(Debug, Default)]
pub(crate) struct Xattrs(Vec<(Xattr, Spelling, Span)>);

impl Xattrs {
    pub(crate) fn schily(&mut self, name: &[u8], value: &[u8], at: Span) -> Result<(), Fault> {
        // GNU tar writes `%` and `=` in names as escapes and decodes them; Go, composefs and
        // libarchive do not.
        let escaped = name.windows(3).any(|part| part == b"%25" || part == b"%3D");
        if escaped || !is_name(name) {
            return Err(at.breaks(Rule::XattrName));
        }
        let xattr = Xattr {
            name: name.to_vec(),
            value: value.to_vec(),
        };
        self.0.push((xattr, Spelling::Schily, at));
        Ok(())
    }

    pub(crate) fn libarchive(&mut self, name: &[u8], value: &[u8], at: Span) -> Result<(), Fault> {
        let name = url_decode(name)
            .filter(|name| is_name(name))
            .ok_or_else(|| at.breaks(Rule::XattrName))?;
        let value = base64_decode(value).ok_or_else(|| at.breaks(Rule::XattrValue))?;
        self.0
            .push((Xattr { name, value }, Spelling::Libarchive, at));
        Ok(())
    }

    /// Sorted by name. The same name is allowed once in each spelling, with the same value.
    pub(crate) fn finish(mut self) -> Result<Vec<Xattr>, Fault> {
        self.0.sort_unstable_by(|a, b| {
            (&a.0.name, a.1, a.2.offset).cmp(&(&b.0.name, b.1, b.2.offset))
        });
        let mut sorted: Vec<Xattr> = Vec::with_capacity(self.0.len());
        let mut spelled = Spelling::Schily;
        for (xattr, spelling, at) in self.0 {
            match sorted.last() {
                Some(last) if last.name == xattr.name => {
                    if spelling == spelled || last.value != xattr.value {
                        return Err(at.breaks(Rule::XattrTwice));
                    }
                }
                _ => sorted.push(xattr),
            }
            spelled = spelling;
        }
        Ok(sorted)
    }
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && !name.contains(&0)
}

fn url_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'%' {
            let high = hex(*bytes.next()?)?;
            let low = hex(*bytes.next()?)?;
            decoded.push(high << 4 | low);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// RFC 4648 section 4, with or without padding; libarchive writes none.
fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let text = &text[..text.len() - padding];
    if text.len() % 4 == 1 {
        return None;
    }
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let mut bits: u32 = 0;
    let mut count = 0;
    for &byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    // Bits left over are zero, or the same value would have several spellings.
    (bits == 0).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Span = Span::new(7, 3);

    #[test]
    fn names_and_values_are_decoded() {
        for (text, want) in [
            (&b""[..], Some(&b""[..])),
            (b"user.a", Some(b"user.a")),
            (b"user.%3d%25%ff", Some(b"user.=%\xff")),
            (b"user.%", None),
            (b"user.%2", None),
            (b"user.%zz", None),
        ] {
            assert_eq!(url_decode(text).as_deref(), want, "{}", text.escape_ascii());
        }
        for (text, want) in [
            (&b""[..], Some(&b""[..])),
            (b"Zg", Some(b"f")),
            (b"Zg==", Some(b"f")),
            (b"Zm8", Some(b"fo")),
            (b"Zm8=", Some(b"fo")),
            (b"Zm9v", Some(b"foo")),
            (b"Zm9v/+8A", Some(b"foo\xff\xef\x00")),
            (b"Z", None),
            (b"Zg=", None),
            (b"Zh", None),
            (b"Zm 8", None),
            (b"Zm9v====", None),
            (b"=", None),
        ] {
            assert_eq!(
                base64_decode(text).as_deref(),
                want,
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn one_spelling_may_repeat_the_other_and_nothing_else() {
        let mut both = Xattrs::default();
        both.schily(b"user.b", b"foo", AT).unwrap();
        both.schily(b"user.a", b"=\n\0", AT).unwrap();
        both.libarchive(b"user%2eb", b"Zm9v", AT).unwrap();
        both.libarchive(b"user.c", b"", AT).unwrap();
        let names = both
            .finish()
            .unwrap()
            .into_iter()
            .map(|xattr| (xattr.name, xattr.value));
        assert_eq!(
            names.collect::<Vec<_>>(),
            [
                (b"user.a".to_vec(), b"=\n\0".to_vec()),
                (b"user.b".to_vec(), b"foo".to_vec()),
                (b"user.c".to_vec(), Vec::new()),
            ]
        );

        let mut differ = Xattrs::default();
        differ.schily(b"user.b", b"fo", AT).unwrap();
        differ.libarchive(b"user.b", b"Zm9v", AT).unwrap();
        assert_eq!(differ.finish(), Err(AT.breaks(Rule::XattrTwice)));

        let mut twice = Xattrs::default();
        twice.schily(b"user.b", b"", AT).unwrap();
        twice.schily(b"user.b", b"", AT).unwrap();
        assert_eq!(twice.finish(), Err(AT.breaks(Rule::XattrTwice)));
    }
}
