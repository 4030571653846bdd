//! Standard output for results, standard error for everything else.
//!
//! What is printed is either safe already or goes through [`clean`]; JSON escapes by itself.

use std::fmt::Display;
use std::io::{self, BufWriter, Stdout, Write};

use anyhow::Context as _;
use lazaret_artifact::text::escape;
use serde::Serialize;

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
        serde_json::to_writer_pretty(&mut self.to, value)
            .map_err(io::Error::from)
            .and_then(|()| self.to.write_all(b"\n"))
            .context(FAILED)
    }

    /// One JSON document on a line of its own, of a list.
    pub fn json_line(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.to, value)
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
    fn cleaning_does_not_escape_twice() {
        assert_eq!(clean("a\u{1b}[2J\r\n"), "a\\u{1b}[2J\\r\\n");
        let once = clean("\u{202e}x\\y\u{7}");
        assert_eq!(once, "\\u{202e}x\\y\\u{7}");
        assert_eq!(clean(&once), once);
    }
}
