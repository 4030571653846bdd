//! The lines of a stream of inline bytes, one at a time.

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::{Chunk, ContentType, Repository, StreamReader};

use super::{MAX_LINE_LENGTH, unusable};
use crate::error::GraphError;

/// Reads lines. Holds one line and one chunk, whatever the size of the stream.
pub(super) struct Lines {
    content: ContentDigest,
    stream: StreamReader,
    /// Bytes read and not handed out.
    buffer: Vec<u8>,
    /// Where in `buffer` they start.
    start: usize,
}

impl Lines {
    pub(super) fn open(
        repository: &Repository,
        content: &ContentDigest,
        stream: &VerityDigest,
    ) -> Result<Self, GraphError> {
        Ok(Self {
            content: *content,
            stream: repository.open_stream(stream, Some(ContentType::RECORD))?,
            buffer: Vec::new(),
            start: 0,
        })
    }

    /// Puts the next line, without its end, in place of what is in `line`; false when there is no
    /// more.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> Result<bool, GraphError> {
        line.clear();
        let mut searched = self.start;
        loop {
            if let Some(found) = self.buffer[searched..]
                .iter()
                .position(|&byte| byte == b'\n')
            {
                let end = searched + found;
                line.extend_from_slice(&self.buffer[self.start..end]);
                self.start = end + 1;
                return Ok(true);
            }
            if self.buffer.len() - self.start > MAX_LINE_LENGTH {
                return Err(unusable(
                    &self.content,
                    format!("it has a line of more than {MAX_LINE_LENGTH} bytes"),
                ));
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            searched = self.buffer.len();
            match self.stream.next_chunk()? {
                Some(Chunk::Inline(bytes)) => self.buffer.extend_from_slice(bytes),
                Some(Chunk::Object(_)) => {
                    return Err(unusable(&self.content, "it refers to an object".to_owned()));
                }
                None if self.buffer.is_empty() => return Ok(false),
                None => return Err(unusable(&self.content, "it ends inside a line".to_owned())),
            }
        }
    }
}
