//! Standard output for results, standard error for everything else.
//!
//! What is printed is either safe already or goes through [`clean`]; JSON escapes by itself.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};

use anyhow::Context as _;
use lazaret_artifact::text::escape;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Standard output, buffered. What is not [finished](Output::finish) may not be printed.
pub struct Output {
    to: BufWriter<Stdout>,
}

impl Output {
    /// Standard output.
    pub fn new() -> Self {
        Self {
            to: BufWriter::with_capacity(64 << 10, io::stdout()),
        }
    }

    /// One JSON document, indented.
    pub fn document(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        self.json(value, Safe(PrettyFormatter::new()))
    }

    /// One JSON document on a line of its own, of a list.
    pub fn json_line(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        self.json(value, Safe(CompactFormatter))
    }

    fn json(&mut self, value: &impl Serialize, formatter: impl Formatter) -> anyhow::Result<()> {
        let mut serializer = serde_json::Serializer::with_formatter(&mut self.to, formatter);
        value
            .serialize(&mut serializer)
            .map_err(io::Error::from)
            .and_then(|()| self.to.write_all(b"\n"))
            .context(FAILED)
    }

    /// A line of text that is safe to print.
    pub fn line(&mut self, text: impl Display) -> anyhow::Result<()> {
        writeln!(self.to, "{text}").context(FAILED)
    }

    /// Text that is safe to print.
    pub fn text(&mut self, text: impl Display) -> anyhow::Result<()> {
        write!(self.to, "{text}").context(FAILED)
    }

    /// Exactly these bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.to.write_all(bytes).context(FAILED)
    }

    /// For whoever writes by themselves.
    pub fn writer(&mut self) -> &mut dyn Write {
        &mut self.to
    }

    /// Prints what is still buffered.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.to.flush().context(FAILED)
    }
}

const FAILED: &str = "writing to standard output";

/// JSON that may go to a terminal, too: what JSON itself lets stand and [`escape`] does not, such
/// as DEL and bidirectional overrides, is written as `\u…`. It parses to the same.
struct Safe<F>(F);

impl<F: Formatter> Formatter for Safe<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in fragment.char_indices() {
            let text = &fragment[at..at + character.len_utf8()];
            if matches!(character, ' '..='~') || escape(text.as_bytes()) == text {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            plain = at + character.len_utf8();
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// Columns of the terminal that standard output is; none where it is something else, which gets
/// everything in full.
pub fn columns() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// Prints a line to standard error. Nobody is left to tell when that fails.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// `text` without anything a terminal would obey. Backslashes stay as they are, since what comes
/// here may have been escaped before.
pub fn clean(text: &str) -> String {
    let parts: Vec<String> = text
        .split('\\')
        .map(|part| escape(part.as_bytes()))
        .collect();
    parts.join("\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_safe_on_a_terminal_and_means_the_same() {
        let text = "a\u{7f}\u{9b}2J\u{202e}\u{e0041}\u{e9}\\\"\n";
        let mut bytes = Vec::new();
        let mut serializer =
            serde_json::Serializer::with_formatter(&mut bytes, Safe(CompactFormatter));
        [text].serialize(&mut serializer).unwrap();
        let json = String::from_utf8(bytes).unwrap();
        assert_eq!(
            json,
            "[\"a\\u007f\\u009b2J\\u202e\\udb40\\udc41\u{e9}\\\\\\\"\\n\"]"
        );
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [text]);
    }

    #[test]
    fn cleaning_does_not_escape_twice() {
        assert_eq!(clean("a\u{1b}[2J\r\n"), "a\\u{1b}[2J\\r\\n");
        let once = clean("\u{202e}x\\y\u{7}");
        assert_eq!(once, "\\u{202e}x\\y\\u{7}");
        assert_eq!(clean(&once), once);
    }
}
