//! Untrusted text on its way to a terminal, a log or an error message.

use std::fmt::Write as _;

/// `bytes` as text in which nothing can move a cursor, hide a word or start a new line: invalid
/// UTF-8, control characters, bidirectional overrides and the backslash come out escaped.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\\' {
                out.push_str("\\\\");
            } else if is_hazardous(character) {
                let _ = write!(out, "{}", character.escape_default());
            } else {
                out.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Control characters (category Cc), the invisible format characters that reorder or hide text,
/// and line or paragraph separators.
fn is_hazardous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(escape(b"plain na\xc3\xafve"), "plain na\u{ef}ve");
        assert_eq!(escape(b"\x1b[2Jx\n\r\x7f"), "\\u{1b}[2Jx\\n\\r\\u{7f}");
        assert_eq!(
            escape("a\u{202e}b\u{200b}".as_bytes()),
            "a\\u{202e}b\\u{200b}"
        );
        assert_eq!(escape(b"\xff\\"), "\\xff\\\\");
    }
}
