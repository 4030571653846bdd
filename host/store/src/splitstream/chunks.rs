//! The chunks of a splitstream, decompressed and checked one by one.

use std::io::{self, Read};

use lazaret_artifact::VerityDigest;

use super::sections::{Decoder, ReadAt, Section, Sections, decompress};
use super::{Chunk, MAX_INLINE_PIECE};
use crate::error::StreamFault;

/// References to empty objects in one stream. A kilobyte of zstd holds millions of references;
/// unless they add bytes, nothing else would ever end the walk.
const MAX_EMPTY_CHUNKS: u64 = 65_536;

/// Reads chunks in order. Memory does not depend on what they say.
pub(super) struct Chunks<S: ReadAt> {
    decoder: Decoder<S>,
    piece: Box<[u8]>,
    /// Inline bytes left of the current chunk.
    left: u64,
    inline_size: u64,
    objects: u64,
    total_size: u64,
}

impl<S: ReadAt> Chunks<S> {
    pub(super) fn new(source: S, sections: &Sections) -> Result<Self, StreamFault> {
        Ok(Self {
            decoder: decompress(Section::new(source, sections.stream)).map_err(fault)?,
            piece: vec![0; MAX_INLINE_PIECE].into(),
            left: 0,
            inline_size: 0,
            objects: 0,
            total_size: sections.total_size,
        })
    }

    /// Inline bytes handed out so far.
    pub(super) const fn inline_size(&self) -> u64 {
        self.inline_size
    }

    /// The next piece; `None` at the end of the stream.
    pub(super) fn next(
        &mut self,
        object_refs: &[VerityDigest],
    ) -> Result<Option<Chunk<'_>>, StreamFault> {
        if self.left == 0 {
            let Some(instruction) = self.instruction()? else {
                return Ok(None);
            };
            if let Ok(index) = u64::try_from(instruction) {
                return self.object(index, object_refs).map(Some);
            }
            self.left = instruction.unsigned_abs();
            let size = self.inline_size.checked_add(self.left);
            if size.is_none_or(|size| size > self.total_size) {
                return Err(StreamFault::TooLong(self.total_size));
            }
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
        let piece = &mut self.piece[..wanted.min(MAX_INLINE_PIECE)];
        self.decoder.read_exact(piece).map_err(fault)?;
        self.left -= piece.len() as u64;
        self.inline_size += piece.len() as u64;
        Ok(Some(Chunk::Inline(piece)))
    }

    /// The number that begins a chunk: an index, or a length with a minus sign.
    fn instruction(&mut self) -> Result<Option<i64>, StreamFault> {
        let mut bytes = [0; 8];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.decoder.read(&mut bytes[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(StreamFault::Truncated),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(error)),
            }
        }
        Ok(Some(i64::from_le_bytes(bytes)))
    }

    fn object(
        &mut self,
        index: u64,
        object_refs: &[VerityDigest],
    ) -> Result<Chunk<'static>, StreamFault> {
        self.objects += 1;
        if self.objects > self.total_size.saturating_add(MAX_EMPTY_CHUNKS) {
            return Err(StreamFault::EmptyChunks(MAX_EMPTY_CHUNKS));
        }
        let found = usize::try_from(index)
            .ok()
            .and_then(|index| object_refs.get(index));
        found
            .copied()
            .map(Chunk::Object)
            .ok_or(StreamFault::ObjectIndex {
                index,
                count: object_refs.len(),
            })
    }
}

fn fault(source: io::Error) -> StreamFault {
    if source.kind() == io::ErrorKind::UnexpectedEof {
        return StreamFault::Truncated;
    }
    StreamFault::Section {
        section: "stream",
        source,
    }
}
