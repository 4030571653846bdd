//! The texts of old protocols, decoded as Python does it.

use std::fmt::Write as _;

/// What is between a string's quotes.
pub(crate) fn unquote(line: &[u8]) -> Option<&[u8]> {
    match line {
        [first @ (b'"' | b'\''), inner @ .., last] if first == last => Some(inner),
        _ => None,
    }
}

/// The escapes of a Python bytes literal (`codecs.escape_decode`); an unknown one stays as it is.
pub(crate) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (&escape, tail) = rest.split_first()?;
        rest = tail;
        match escape {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => bytes.push(escape),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b't' => bytes.push(b'\t'),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b'v' => bytes.push(11),
            b'a' => bytes.push(7),
            b'0'..=b'7' => {
                let mut number = u32::from(escape - b'0');
                for _ in 0..2 {
                    let [digit @ b'0'..=b'7', tail @ ..] = rest else {
                        break;
                    };
                    number = number * 8 + u32::from(digit - b'0');
                    rest = tail;
                }
                bytes.push((number & 0xff) as u8);
            }
            b'x' => {
                let (number, tail) = hex(rest, 2)?;
                bytes.push((number & 0xff) as u8);
                rest = tail;
            }
            other => bytes.extend([b'\\', other]),
        }
    }
    Some(bytes)
}

/// Latin-1 with `\uXXXX` and `\UXXXXXXXX`, unless an even number of backslashes stands before.
/// Surrogates become their escapes.
pub(crate) fn raw_unicode_escape(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            text.push(char::from(*first));
            continue;
        }
        let digits = match rest.first() {
            Some(b'u') => 4,
            Some(b'U') => 8,
            Some(b'\\') => {
                // A pair, which escapes nothing.
                text.push_str("\\\\");
                rest = &rest[1..];
                continue;
            }
            _ => {
                text.push('\\');
                continue;
            }
        };
        let (number, tail) = hex(&rest[1..], digits)?;
        rest = tail;
        push_code(&mut text, number)?;
    }
    Some(text)
}

/// UTF-8 as Python's `surrogatepass` takes it; surrogates become escapes, so that nothing equals a
/// text without them by chance of how they are dropped.
pub(crate) fn utf8_with_surrogates(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(all) => {
                text.push_str(all);
                return Some(text);
            }
            Err(error) => {
                let (sound, tail) = rest.split_at(error.valid_up_to());
                text.push_str(std::str::from_utf8(sound).expect("found to be sound"));
                let [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, after @ ..] = tail else {
                    return None;
                };
                let code = 0xd000 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
                push_code(&mut text, code)?;
                rest = after;
            }
        }
    }
}

fn push_code(text: &mut String, code: u32) -> Option<()> {
    match char::from_u32(code) {
        Some(letter) => text.push(letter),
        None if code < 0x1_0000 => {
            write!(text, "\\u{code:04x}").expect("a string takes any text");
        }
        None => return None,
    }
    Some(())
}

fn hex(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (number, rest) = text.split_at_checked(digits)?;
    if !number.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let number = std::str::from_utf8(number).ok()?;
    Some((u32::from_str_radix(number, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_unescaped_as_python_does() {
        for (line, expected) in [
            (&b"'abc'"[..], Some(&b"abc"[..])),
            (b"\"a'b\"", Some(b"a'b")),
            (b"'o\\x73'", Some(b"os")),
            (b"'o\\163'", Some(b"os")),
            (b"'\\1\\12\\1234\\777'", Some(b"\x01\nS4\xff")),
            (b"'\\n\\t\\\\\\'\\q'", Some(b"\n\t\\'\\q")),
            (b"'a\\'", None),
            (b"'\\x1'", None),
            (b"'a", None),
            (b"a", None),
            (b"'", None),
            (b"'a\"", None),
        ] {
            let found = unquote(line).and_then(unescape);
            assert_eq!(found.as_deref(), expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn unicode_is_unescaped_as_python_does() {
        for (line, expected) in [
            (&b"abc"[..], Some("abc")),
            (b"\\u006fs", Some("os")),
            (b"\\U0001f600", Some("\u{1f600}")),
            (b"\\\\u006fs", Some("\\\\u006fs")),
            (b"\\\\\\u006fs", Some("\\\\os")),
            (b"\\x6f", Some("\\x6f")),
            (b"\xe9", Some("é")),
            (b"\\ud83d", Some("\\ud83d")),
            (b"\\u12", None),
            (b"\\uzzzz", None),
            (b"\\U00110000", None),
            (b"\\", Some("\\")),
        ] {
            let found = raw_unicode_escape(line);
            assert_eq!(found.as_deref(), expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn surrogates_pass_and_other_bytes_do_not() {
        assert_eq!(utf8_with_surrogates("aé".as_bytes()).unwrap(), "aé");
        assert_eq!(
            utf8_with_surrogates(b"a\xed\xa0\xbdb").unwrap(),
            "a\\ud83db"
        );
        for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0", b"\xc0\x80"] {
            assert_eq!(utf8_with_surrogates(bytes), None);
        }
    }
}
