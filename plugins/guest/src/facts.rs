//! Facts about the blob, in batches; and the file's own metadata, which may be long and strange, as
//! keys and values that the host takes.

use std::borrow::Cow;

use crate::part::{escaped, is_marked};
use crate::{Digest, Fact, Sink, Value};

/// Facts in one call.
const BATCH_FACTS: usize = 64;

/// Bytes in one call, about: the host refuses calls that hand over megabytes.
const BATCH_BYTES: usize = 256 * 1024;

/// Bytes of a fact's key: the host refuses longer ones.
const KEY_MAX: usize = 128;

/// Bytes of a value that are worth a fact; a longer one is cut, see [`cut`].
pub const TEXT_MAX: usize = 4096;

/// What the file's own metadata is filed under.
const METADATA: &str = "file.metadata.";

/// Hexadecimal digits that end a key which had to be escaped.
const DIGEST_DIGITS: usize = 16;

/// Collects facts about the blob and hands them on in order. What is left must be handed on with
/// [`Facts::finish`]; an importer that fails need not bother.
#[derive(Debug)]
pub struct Facts<'a> {
    sink: &'a Sink,
    waiting: Vec<Fact>,
    bytes: usize,
}

impl<'a> Facts<'a> {
    /// An empty batch for `sink`.
    #[must_use]
    pub const fn new(sink: &'a Sink) -> Self {
        Self {
            sink,
            waiting: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds a fact about the blob.
    pub fn push(&mut self, key: impl Into<String>, value: Value) {
        let key = key.into();
        let length = match &value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        self.bytes += size_of::<Fact>() + key.len() + length;
        self.waiting.push(Fact {
            subject: None,
            key,
            value,
        });
        if self.waiting.len() >= BATCH_FACTS || self.bytes >= BATCH_BYTES {
            self.flush();
        }
    }

    /// Adds a text, if there is one, cut as [`cut`] does.
    pub fn text(&mut self, key: impl Into<String>, text: Option<&str>) {
        if let Some(text) = text {
            self.push(key, Value::Text(cut(text).into_owned()));
        }
    }

    /// Adds a number, if there is one.
    pub fn unsigned(&mut self, key: impl Into<String>, number: Option<u64>) {
        if let Some(number) = number {
            self.push(key, Value::Unsigned(number));
        }
    }

    /// Adds a SHA-256 digest, if there is one.
    pub fn sha256(&mut self, key: impl Into<String>, digest: Option<[u8; 32]>) {
        if let Some(digest) = digest {
            let digest = Digest {
                algorithm: "sha256".to_owned(),
                value: digest.to_vec(),
            };
            self.push(key, Value::Digest(digest));
        }
    }

    /// Hands on what is waiting.
    pub fn finish(mut self) {
        self.flush();
    }

    fn flush(&mut self) {
        if !self.waiting.is_empty() {
            self.sink.add_facts(&self.waiting);
            self.waiting.clear();
            self.bytes = 0;
        }
    }
}

/// The key of the fact about one line of the file's own metadata: `file.metadata.` and its name. A
/// name that is no key (not printable ASCII, or too long) is escaped, cut, and ended with a digest,
/// as [`part_path`](crate::part_path) does.
#[must_use]
pub fn metadata_key(name: &str) -> String {
    let room = KEY_MAX - METADATA.len();
    let fits = !name.is_empty()
        && name.len() <= room
        && name.bytes().all(|byte| byte.is_ascii_graphic())
        && !is_marked(name, DIGEST_DIGITS);
    if fits {
        format!("{METADATA}{name}")
    } else {
        let rest = escaped(name, room - DIGEST_DIGITS - 1, DIGEST_DIGITS);
        format!("{METADATA}{rest}")
    }
}

/// At most [`TEXT_MAX`] bytes of a text, and a note about its length if that was not all of it.
#[must_use]
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT_MAX {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(TEXT_MAX);
    Cow::Owned(format!("{} … ({} bytes)", &text[..end], text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_keys_are_short_and_printable() {
        assert_eq!(metadata_key("general.name"), "file.metadata.general.name");
        let room = KEY_MAX - METADATA.len();
        assert_eq!(metadata_key(&"x".repeat(room)).len(), KEY_MAX);
        for name in ["", "a b", "ü", &"x".repeat(room + 1), "a~0123456789abcdef"] {
            let key = metadata_key(name);
            assert!(key.len() <= KEY_MAX && key.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(is_marked(&key, DIGEST_DIGITS), "{key}");
        }
        assert_eq!(metadata_key("a b"), "file.metadata.a%20b~c8687a08aa5d6ed2");
    }

    #[test]
    fn long_texts_are_cut_between_characters_with_a_note() {
        let text = "x".repeat(TEXT_MAX);
        assert_eq!(cut(&text), text);
        let text = "x".repeat(TEXT_MAX - 1) + "éé";
        let expected = format!("{} … (4099 bytes)", "x".repeat(TEXT_MAX - 1));
        assert_eq!(cut(&text), expected);
    }
}
