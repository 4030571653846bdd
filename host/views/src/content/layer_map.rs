//! Which stretch of a layer's stream is where: in an object, or among the inline bytes.

use lazaret_artifact::VerityDigest;
use lazaret_store::{Chunk, Repository, StoreError};

use super::LayerStream;
use super::spool::Spool;
use crate::error::ViewError;

/// The wanted stretches of one stream, in order.
pub(super) struct LayerMap {
    stream: LayerStream,
    pieces: Vec<Piece>,
    inline: Spool,
}

/// A stretch of a stream, and its source.
pub(super) struct Piece {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) source: Source,
}

pub(super) enum Source {
    /// All of an object.
    Object(VerityDigest),
    /// Where it starts in the spool.
    Inline(u64),
}

impl LayerMap {
    /// Walks the stream as far as `wanted`, in any order and overlapping, reaches.
    pub(super) fn build(
        repository: &Repository,
        stream: LayerStream,
        wanted: Vec<(u64, u64)>,
    ) -> Result<Self, ViewError> {
        let wanted = union(wanted);
        let mut map = Self {
            stream,
            pieces: Vec::new(),
            inline: Spool::new(),
        };
        if wanted.is_empty() {
            return Ok(map);
        }
        let mut reader = repository.open_stream(&stream.stream, None)?;
        let mut position: u64 = 0;
        // The first stretch that does not end before `position`.
        let mut next = 0;
        while next < wanted.len()
            && let Some(chunk) = reader.next_chunk()?
        {
            let size = match chunk {
                Chunk::Inline(bytes) => bytes.len() as u64,
                Chunk::Object(digest) => repository
                    .has_object(&digest)?
                    .ok_or(StoreError::ObjectMissing { digest })?,
            };
            let start = position;
            position = position
                .checked_add(size)
                .ok_or_else(|| map.contradiction("the layer's stream is too long"))?;
            let touched = wanted[next..]
                .iter()
                .take_while(|(from, _)| *from < position);
            match chunk {
                Chunk::Object(digest) if touched.clone().next().is_some() && size > 0 => {
                    let source = Source::Object(digest);
                    map.pieces.push(Piece {
                        start,
                        end: position,
                        source,
                    });
                }
                Chunk::Object(_) => {}
                Chunk::Inline(bytes) => {
                    for (from, to) in touched {
                        let (from, to) = ((*from).max(start), (*to).min(position));
                        let range = to_index(from - start)..to_index(to - start);
                        let at = map.inline.append(&bytes[range])?;
                        let source = Source::Inline(at);
                        map.pieces.push(Piece {
                            start: from,
                            end: to,
                            source,
                        });
                    }
                }
            }
            while next < wanted.len() && wanted[next].1 <= position {
                next += 1;
            }
        }
        if next < wanted.len() {
            return Err(map.contradiction("names bytes that the layer does not have"));
        }
        Ok(map)
    }

    /// The piece that holds the byte at `position`.
    pub(super) fn find(&self, position: u64) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.start <= position);
        self.pieces[..after]
            .last()
            .filter(|piece| position < piece.end)
    }

    pub(super) const fn inline(&self) -> &Spool {
        &self.inline
    }

    pub(super) fn contradiction(&self, reason: &'static str) -> ViewError {
        ViewError::Record {
            layer: self.stream.layer,
            path: "content".to_owned(),
            reason,
        }
    }
}

/// Within a chunk of a stream, which is in memory.
fn to_index(offset: u64) -> usize {
    usize::try_from(offset).expect("an offset within a slice")
}

/// The same stretches in order, those that touch or overlap joined.
fn union(mut wanted: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    wanted.sort_unstable();
    wanted.dedup_by(|next, kept| {
        let joins = next.0 <= kept.1;
        if joins {
            kept.1 = kept.1.max(next.1);
        }
        joins
    });
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_sorted_and_joined() {
        assert_eq!(union(vec![]), []);
        assert_eq!(
            union(vec![(7, 9), (0, 2), (2, 3), (20, 30), (8, 12), (21, 22)]),
            [(0, 3), (7, 12), (20, 30)]
        );
    }
}
