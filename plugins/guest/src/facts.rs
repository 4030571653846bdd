//! Facts about the blob, in batches; and the file's own metadata, which may be long and strange, as
//! keys and values that the host takes.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::part::{TAIL, cut_with_digest};
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

/// The key of the fact about one line of the file's own metadata: `file.metadata.` and its name, as
/// [`key`] has it.
#[must_use]
pub fn metadata_key(name: &str) -> String {
    key(METADATA, name)
}

/// The key of a fact about something that the input names: `prefix` and that name, with `%` and
/// whatever is not graphic ASCII escaped; a longer one than the host takes is cut and ended with a
/// digest, as [`part_path`](crate::part_path) does.
#[must_use]
pub fn key(prefix: &str, name: &str) -> String {
    let mut key = String::with_capacity(prefix.len() + name.len());
    key.push_str(prefix);
    for byte in name.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            key.push(char::from(byte));
        } else {
            write!(key, "%{byte:02X}").expect("a string takes any text");
        }
    }
    if key.len() > KEY_MAX {
        key = cut_with_digest(&key, KEY_MAX - TAIL, name);
    }
    key
}

/// At most [`TEXT_MAX`] bytes of a text, and a note about its length if that was not all of it.
#[must_use]
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT_MAX {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(TEXT_MAX);
    Cow::Owned(format!(
        "{}… [cut: {} bytes in all]",
        &text[..end],
        text.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_keys_are_short_and_printable() {
        for (name, key) in [
            ("general.name", "file.metadata.general.name"),
            ("a b%ü", "file.metadata.a%20b%25%C3%BC"),
            ("", "file.metadata."),
        ] {
            assert_eq!(metadata_key(name), key);
        }
        let room = KEY_MAX - METADATA.len();
        let fits = "x".repeat(room);
        assert_eq!(metadata_key(&fits), format!("{METADATA}{fits}"));
        let start = format!("{METADATA}{}%~", &fits[..room - TAIL]);
        let key = metadata_key(&"x".repeat(room + 1));
        assert!(key.starts_with(&start) && key.len() == KEY_MAX, "{key}");
    }

    #[test]
    fn long_texts_are_cut_between_characters_with_a_note() {
        let text = "x".repeat(TEXT_MAX);
        assert_eq!(cut(&text), text);
        let text = "x".repeat(TEXT_MAX - 1) + "éé";
        let expected = format!("{}… [cut: 4099 bytes in all]", "x".repeat(TEXT_MAX - 1));
        assert_eq!(cut(&text), expected);
    }
}
