//! Import records as streams: JSON Lines, all inline, the header first and the summary last
//! (see [`lazaret_artifact::record`]).
//!
//! A record is a claim about one stream of one layer. It counts only as long as that stream is
//! the one that is linked; a layer that was imported anew, by whatever tool, has no record until
//! somebody writes it one. Reading takes memory for one line, never for the whole record.

mod lines;

use lazaret_artifact::record::{Header, Line, RECORD_VERSION, Summary};
use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::{ContentType, Repository, StreamWriter};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::commit::RecordRef;
use crate::error::GraphError;
use crate::names::Stream;
use lines::Lines;

/// Bytes of one line of a record. A damaged or forged record could otherwise be one line without
/// end. An entry's longest parts are its extents: this is room for a hundred thousand.
pub const MAX_LINE_LENGTH: usize = 16 * 1024 * 1024;

/// Bytes of one chunk of a record: nothing of it waits in memory for long.
const CHUNK: usize = 64 << 10;

/// Writes a record while an import goes on.
pub struct RecordWriter {
    writer: StreamWriter,
    content: ContentDigest,
    line: Vec<u8>,
    entries: u64,
    facts: u64,
}

impl RecordWriter {
    /// Starts with the header.
    ///
    /// # Errors
    /// The store's.
    pub fn new(repository: &Repository, header: &Header) -> Result<Self, GraphError> {
        let mut writer = repository.stream_writer(ContentType::RECORD)?;
        writer.limit_chunks(CHUNK);
        let mut new = Self {
            writer,
            content: header.content,
            line: Vec::new(),
            entries: 0,
            facts: 0,
        };
        new.write(header)?;
        Ok(new)
    }

    /// Adds an entry or fact.
    ///
    /// # Errors
    /// The store's; a line over [`MAX_LINE_LENGTH`].
    pub fn line(&mut self, line: &Line) -> Result<(), GraphError> {
        self.write(line)?;
        match line {
            Line::Entry(_) => self.entries += 1,
            Line::Fact(_) => self.facts += 1,
        }
        Ok(())
    }

    /// Ends with the summary, whose `entries` and `facts` are replaced by what was counted here.
    ///
    /// # Errors
    /// The store's.
    pub fn finish(mut self, mut summary: Summary) -> Result<RecordRef, GraphError> {
        summary.entries = self.entries;
        summary.facts = self.facts;
        self.write(&summary)?;
        let stream = self.writer.finish()?.digest;
        Ok(RecordRef {
            content: self.content,
            stream,
        })
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), GraphError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).map_err(|error| GraphError::Record {
            content: self.content,
            reason: format!("a line cannot be written: {error}"),
        })?;
        if self.line.len() > MAX_LINE_LENGTH {
            return Err(GraphError::RecordLine {
                content: self.content,
                limit: MAX_LINE_LENGTH,
            });
        }
        self.line.push(b'\n');
        Ok(self.writer.inline(&self.line)?)
    }
}

impl std::fmt::Debug for RecordWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordWriter")
            .field("content", &self.content)
            .field("entries", &self.entries)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// Reads a record: an iterator over its lines between header and summary. After the last line the
/// summary is there, and its counts have been compared with what was read.
pub struct RecordReader {
    lines: Lines,
    content: ContentDigest,
    header: Header,
    summary: Option<Summary>,
    /// One line ahead, since only the end of the stream tells which line is the summary.
    ahead: Vec<u8>,
    entries: u64,
    facts: u64,
    failed: bool,
}

impl RecordReader {
    /// Opens the record of `content` that is in the stream `stream`.
    ///
    /// # Errors
    /// Damage: not a record, not of that content, of another version.
    pub fn open(
        repository: &Repository,
        content: &ContentDigest,
        stream: &VerityDigest,
    ) -> Result<Self, GraphError> {
        let mut lines = Lines::open(repository, content, stream)?;
        let mut ahead = Vec::new();
        let missing = |what: &str| unusable(content, format!("it has no {what}"));
        if !lines.next(&mut ahead)? {
            return Err(missing("header"));
        }
        let header: Header = parse(content, "header", &ahead)?;
        if header.record_version != RECORD_VERSION {
            let found = header.record_version;
            let reason = format!("its version is {found}, this program knows {RECORD_VERSION}");
            return Err(unusable(content, reason));
        }
        if header.content != *content {
            return Err(unusable(
                content,
                format!("it is a record of {}", header.content),
            ));
        }
        if !lines.next(&mut ahead)? {
            return Err(missing("summary"));
        }
        Ok(Self {
            lines,
            content: *content,
            header,
            summary: None,
            ahead,
            entries: 0,
            facts: 0,
            failed: false,
        })
    }

    /// The first line.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The last line, once all before it have been read.
    #[must_use]
    pub const fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// Passes over the lines that are left, without parsing them, to the summary. Its counts are
    /// compared with the number of lines.
    ///
    /// # Errors
    /// Damage: no valid summary.
    pub fn into_summary(mut self) -> Result<(Header, Summary), GraphError> {
        let mut line = Vec::new();
        let mut passed = self.entries + self.facts;
        while self.summary.is_none() && self.advance(&mut line)? {
            passed += 1;
        }
        match self.summary {
            Some(summary) if summary.entries.checked_add(summary.facts) == Some(passed) => {
                Ok((self.header, summary))
            }
            Some(_) => Err(unusable(
                &self.content,
                "its summary counts other lines".to_owned(),
            )),
            None => Err(unusable(&self.content, "it has no summary".to_owned())),
        }
    }

    /// Moves the line ahead into `line` and reads the one after it. When there is none, the line
    /// ahead was the summary, and the answer is false.
    fn advance(&mut self, line: &mut Vec<u8>) -> Result<bool, GraphError> {
        std::mem::swap(line, &mut self.ahead);
        if self.lines.next(&mut self.ahead)? {
            return Ok(true);
        }
        self.summary = Some(parse(&self.content, "summary", line)?);
        Ok(false)
    }

    fn read_line(&mut self) -> Result<Option<Line>, GraphError> {
        let mut bytes = Vec::new();
        if self.summary.is_some() {
            return Ok(None);
        }
        if self.advance(&mut bytes)? {
            let line = parse(&self.content, "line", &bytes)?;
            match line {
                Line::Entry(_) => self.entries += 1,
                Line::Fact(_) => self.facts += 1,
            }
            return Ok(Some(line));
        }
        match &self.summary {
            Some(summary) if (summary.entries, summary.facts) != (self.entries, self.facts) => Err(
                unusable(&self.content, "its summary counts other lines".to_owned()),
            ),
            _ => Ok(None),
        }
    }
}

impl Iterator for RecordReader {
    type Item = Result<Line, GraphError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let line = self.read_line().transpose();
        self.failed = matches!(line, Some(Err(_)));
        line
    }
}

impl std::fmt::Debug for RecordReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordReader")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// What a valid record says in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The record's own stream.
    pub stream: VerityDigest,
    /// Its first line.
    pub header: Header,
    /// Its last line.
    pub summary: Summary,
}

/// The record of `content`, if there is one and it is of the stream that is linked for that
/// content now. A record that cannot be read is no record.
///
/// # Errors
/// When the store fails otherwise than by damage.
pub fn find_record(
    repository: &Repository,
    content: &ContentDigest,
) -> Result<Option<Record>, GraphError> {
    let Some(stream) = repository.resolve_stream(&Stream::Record(*content).name())? else {
        return Ok(None);
    };
    let read =
        RecordReader::open(repository, content, &stream).and_then(RecordReader::into_summary);
    let (header, summary) = match read {
        Ok(read) => read,
        Err(error) if error.is_damage() => {
            tracing::warn!(%content, %error, "ignoring an unreadable import record");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let linked = repository.resolve_stream(&Stream::Layer(*content).name())?;
    if linked != Some(summary.stream) {
        tracing::debug!(%content, "the import record is of another stream");
        return Ok(None);
    }
    Ok(Some(Record {
        stream,
        header,
        summary,
    }))
}

fn parse<T: DeserializeOwned>(
    content: &ContentDigest,
    what: &str,
    line: &[u8],
) -> Result<T, GraphError> {
    serde_json::from_slice(line)
        .map_err(|error| unusable(content, format!("its {what} does not parse: {error}")))
}

fn unusable(content: &ContentDigest, reason: String) -> GraphError {
    GraphError::Record {
        content: *content,
        reason,
    }
}
