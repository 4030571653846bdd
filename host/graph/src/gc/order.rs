//! In which order names go: what refers to others before those, so that at no moment a name that is
//! left refers to one that is gone.

use std::collections::HashMap;

use lazaret_artifact::VerityDigest;
use lazaret_store::{Repository, StreamName};

use crate::names::{Stream, parse_previous};

/// Indexes in indexes that are followed. Deeper ones go in the order of their names.
const MAX_DEPTH: u32 = 32;

/// Sorts streams that are all to go.
pub(super) fn referring_first(
    repository: &Repository,
    streams: Vec<(StreamName, VerityDigest)>,
) -> Vec<StreamName> {
    let mut heights = Heights::new(repository, &streams);
    let mut ranked: Vec<(u8, u32, StreamName)> = streams
        .into_iter()
        .map(|(name, object)| {
            let (rank, height) = match Stream::parse(name.as_str()) {
                // Whoever made it, it may refer to anything.
                None if parse_previous(name.as_str()).is_none() => (0, 0),
                Some(Stream::Index(_)) => (1, MAX_DEPTH - heights.of(&object, 0)),
                Some(Stream::Manifest(_)) => (2, 0),
                Some(Stream::Config(_)) => (3, 0),
                Some(Stream::Layer(_)) => (4, 0),
                Some(Stream::Blob(_)) => (5, 0),
                Some(Stream::Record(_)) => (6, 0),
                None => (7, 0),
            };
            (rank, height, name)
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, _, name)| name).collect()
}

/// How many levels of indexes are below each of the indexes.
struct Heights<'a> {
    repository: &'a Repository,
    /// By the object; none until it has been read.
    known: HashMap<VerityDigest, Option<u32>>,
}

impl<'a> Heights<'a> {
    fn new(repository: &'a Repository, streams: &[(StreamName, VerityDigest)]) -> Self {
        let indexes = streams
            .iter()
            .filter(|(name, _)| matches!(Stream::parse(name.as_str()), Some(Stream::Index(_))));
        Self {
            repository,
            known: indexes.map(|(_, object)| (*object, None)).collect(),
        }
    }

    fn of(&mut self, index: &VerityDigest, depth: u32) -> u32 {
        match self.known.get(index) {
            Some(None) if depth < MAX_DEPTH => {}
            Some(Some(height)) => return *height,
            _ => return 0,
        }
        // One that cannot be read goes like any other: nobody needs it.
        let children: Vec<VerityDigest> = match self.repository.open_stream(index, None) {
            Ok(stream) => stream.stream_refs().values().copied().collect(),
            Err(error) => {
                tracing::warn!(object = %index, %error, "an index that is to go cannot be read");
                Vec::new()
            }
        };
        let below = children
            .iter()
            .filter(|child| self.known.contains_key(child))
            .copied()
            .collect::<Vec<_>>();
        let heights = below.iter().map(|child| self.of(child, depth + 1) + 1);
        let height = heights.max().unwrap_or(0).min(MAX_DEPTH);
        self.known.insert(*index, Some(height));
        height
    }
}
