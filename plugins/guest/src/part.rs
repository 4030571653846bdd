//! Paths of parts whose names come from the input: a tensor may be called anything.
//!
//! A name that is a clean relative path stays as it is. Any other becomes one component: escaped,
//! cut, and ended with a digest of the whole name, so that no two names share a path and none can
//! be chosen to look like another's.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Bytes of a path, and of one of its components: Linux' own, which the host enforces.
const PATH_MAX: usize = 4095;
const COMPONENT_MAX: usize = 255;

/// Bytes of the escaped name before the digest; with it this stays one component.
const ESCAPED_MAX: usize = 200;

/// Hexadecimal digits of the digest: 128 bits, so that finding two names for one path stays out of
/// reach of whoever chooses the names.
const DIGEST_DIGITS: usize = 32;

/// What stands before the digest.
const MARK: char = '~';

/// The path of the part called `name`: borrowed where the name is one, else escaped, and then the
/// part should carry the name itself in an attribute `name`.
#[must_use]
pub fn part_path(name: &str) -> Cow<'_, str> {
    if is_path(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(escaped(name, ESCAPED_MAX, DIGEST_DIGITS))
    }
}

fn is_path(name: &str) -> bool {
    name.len() <= PATH_MAX
        && !name.contains('\0')
        && !is_marked(name, DIGEST_DIGITS)
        && name.split('/').all(|component| {
            !matches!(component, "" | "." | "..") && component.len() <= COMPONENT_MAX
        })
}

/// Whether a name ends as an escaped one does: then it is escaped, too, or it could pass for another.
pub(crate) fn is_marked(name: &str, digits: usize) -> bool {
    name.rsplit_once(MARK).is_some_and(|(_, digest)| {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        digest.len() == digits && digest.bytes().all(hex)
    })
}

/// Printable ASCII without `/`, `%` and blanks; at most `max` bytes, and then the digest.
pub(crate) fn escaped(name: &str, max: usize, digits: usize) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        let before = text.len();
        if byte.is_ascii_graphic() && !matches!(byte, b'/' | b'%') {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes any text");
        }
        if text.len() > max {
            text.truncate(before);
            break;
        }
    }
    text.push(MARK);
    let end = text.len() + digits;
    for byte in Sha256::digest(name.as_bytes()) {
        write!(text, "{byte:02x}").expect("a string takes any text");
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_names_are_paths() {
        for name in [
            "blk.0.attn_q.weight",
            "encoder/layer/0",
            "...",
            "a b",
            "ünï",
            "50%",
            "a~0123",
        ] {
            assert!(matches!(part_path(name), Cow::Borrowed(path) if path == name));
        }
    }

    #[test]
    fn other_names_are_escaped_and_end_in_a_digest() {
        let long = "x".repeat(256);
        let deep = "a/".repeat(2048) + "a";
        for (name, start) in [
            ("", "~e3b0c44298fc1c149afbf4c8996fb924"),
            (".", ".~cdb4ee2aea69cc6a83331bbe96dc2caa"),
            ("..", "..~"),
            ("/etc/passwd", "%2Fetc%2Fpasswd~"),
            ("a//b", "a%2F%2Fb~"),
            ("a/", "a%2F~"),
            ("a/../b", "a%2F..%2Fb~"),
            ("a\0b", "a%00b~"),
            (&long, &format!("{}~", "x".repeat(200))),
            (&deep, "a%2Fa%2F"),
            ("%é/", "%25%C3%A9%2F~"),
            ("a~0123456789abcdef0123456789abcdef", "a~0123"),
        ] {
            let path = part_path(name);
            assert!(path.starts_with(start), "{name:?}: {path}");
            assert_ne!(path, name);
            assert!(path.len() <= COMPONENT_MAX && is_marked(&path, DIGEST_DIGITS));
        }
    }

    #[test]
    fn no_name_passes_for_an_escaped_one() {
        let path = part_path("..").into_owned();
        assert_ne!(part_path(&path), path);
        assert_ne!(part_path("a/./b"), part_path("a/../b"));
        let (one, other) = ("x".repeat(300), "x".repeat(301));
        assert_ne!(part_path(&one), part_path(&other));
    }
}
