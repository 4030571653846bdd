//! Paths of parts whose names come from the input: a tensor may be called anything.
//!
//! What could not be a path is percent-escaped; what is too long is cut and ended with a digest of
//! the whole name, behind a mark that escaping cannot make. So no two names share a path.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Bytes of a path, and of one of its components: Linux' own, which the host enforces.
const PATH_MAX: usize = 4095;
const COMPONENT_MAX: usize = 255;

/// What stands before the digest of a text that was cut.
const MARK: &str = "%~";

/// Hexadecimal digits of that digest.
const DIGEST_DIGITS: usize = 16;

/// Bytes that the mark and the digest take.
pub(crate) const TAIL: usize = MARK.len() + DIGEST_DIGITS;

/// The path of the part called `name`. Borrowed where the name itself is one; else the part should
/// carry the name in an attribute `name`.
#[must_use]
pub fn part_path(name: &str) -> Cow<'_, str> {
    if is_plain(name) {
        return Cow::Borrowed(name);
    }
    let escaped = escaped(name);
    Cow::Owned(match place_to_cut(&escaped) {
        Some(place) => cut_with_digest(&escaped, place, name),
        None => escaped,
    })
}

fn is_plain(name: &str) -> bool {
    name.len() <= PATH_MAX
        && name.bytes().all(|byte| !matches!(byte, b'%' | 0))
        && name.split('/').all(|component| {
            !matches!(component, "" | "." | "..") && component.len() <= COMPONENT_MAX
        })
}

fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 16);
    let mut before = '/';
    for (place, letter) in name.char_indices() {
        match letter {
            '%' => text.push_str("%25"),
            '\0' => text.push_str("%00"),
            '/' if before == '/' || place + 1 == name.len() => text.push_str("%2F"),
            _ => text.push(letter),
        }
        before = letter;
    }
    let dots = |component| match component {
        "." => "%2E",
        ".." => "%2E%2E",
        other => other,
    };
    text.split('/').map(dots).collect::<Vec<_>>().join("/")
}

/// Where an escaped name must be cut, so that it and its last component have room for the digest.
fn place_to_cut(escaped: &str) -> Option<usize> {
    if escaped.is_empty() {
        return Some(0);
    }
    let mut start = 0;
    let mut place = escaped.len();
    for component in escaped.split('/') {
        if component.len() > COMPONENT_MAX {
            place = start;
            break;
        }
        start += component.len() + 1;
    }
    if place == escaped.len() && place <= PATH_MAX {
        return None;
    }
    // A component that is too long is cut itself.
    let end = (place + COMPONENT_MAX - TAIL)
        .min(escaped.len())
        .min(PATH_MAX - TAIL);
    let last = escaped.as_bytes()[..end]
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash + 1);
    Some(end.min(last + COMPONENT_MAX - TAIL))
}

/// About `place` bytes of `text`, not ending within a character or an escape, and a digest of `whole`.
pub(crate) fn cut_with_digest(text: &str, place: usize, whole: &str) -> String {
    let mut end = text.floor_char_boundary(place);
    if let Some(escape) = text[..end].rfind('%').filter(|at| at + 3 > end) {
        end = escape;
    }
    let mut cut = text[..end].to_owned();
    cut.push_str(MARK);
    for byte in &Sha256::digest(whole.as_bytes())[..DIGEST_DIGITS / 2] {
        write!(cut, "{byte:02x}").expect("a string takes any text");
    }
    cut
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
            "a~b",
        ] {
            assert!(matches!(part_path(name), Cow::Borrowed(path) if path == name));
        }
        for length in [COMPONENT_MAX - 1, COMPONENT_MAX] {
            assert!(matches!(part_path(&"x".repeat(length)), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn other_names_are_escaped() {
        for (name, path) in [
            (".", "%2E"),
            ("..", "%2E%2E"),
            ("/", "%2F"),
            ("//", "%2F%2F"),
            ("/etc/passwd", "%2Fetc/passwd"),
            ("/.", "%2F."),
            ("a//b", "a/%2Fb"),
            ("a/", "a%2F"),
            ("a/../b/./c", "a/%2E%2E/b/%2E/c"),
            ("a\0b", "a%00b"),
            ("50%", "50%25"),
            ("é%2F/", "é%252F%2F"),
        ] {
            assert_eq!(part_path(name), path);
        }
    }

    #[test]
    fn long_names_are_cut_and_end_in_a_digest() {
        assert_eq!(part_path(""), "%~e3b0c44298fc1c14");
        let long = "x".repeat(256);
        let path = part_path(&long);
        assert_eq!(path.len(), COMPONENT_MAX);
        assert!(
            path.starts_with(&format!("{}%~", "x".repeat(237))),
            "{path}"
        );
        let escape = "x".repeat(236) + &"%".repeat(20);
        assert!(part_path(&escape).starts_with(&format!("{}%~", "x".repeat(236))));
        let accents = "é".repeat(128);
        assert!(part_path(&accents).starts_with(&format!("{}%~", "é".repeat(118))));
        let deep = "a/".repeat(2048) + "a";
        let path = part_path(&deep);
        assert_eq!(path.len(), PATH_MAX);
        assert!(
            path.starts_with(&format!("{}a%~", "a/".repeat(2038))),
            "{path}"
        );
        let (one, other) = ("x".repeat(300), "x".repeat(301));
        assert_ne!(part_path(&one), part_path(&other));
    }

    #[test]
    fn paths_are_within_the_hosts_limits() {
        for number in 0..6000 {
            let name = ["%", "a", "/", ".", "é", "\0"][number % 6].repeat(number)
                + &"b".repeat(number % 300)
                + &"/c".repeat(number % 2500);
            let path = part_path(&name);
            assert!(!path.is_empty() && path.len() <= PATH_MAX);
            assert!(path.split('/').all(|component| {
                !matches!(component, "" | "." | "..") && component.len() <= COMPONENT_MAX
            }));
        }
    }
}
