//! From the extents of files to their bytes.
//!
//! Extents count in the bytes of a layer's stream, which is inline pieces and objects in a row.
//! Each stream is walked once, and of what it holds only the stretches that files want are noted.

mod layer_map;
mod objects;
mod spool;

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lazaret_artifact::{ContentDigest, Extent, VerityDigest};
use lazaret_store::{Repository, StoreError};

use crate::error::ViewError;
use crate::tree::{Content, Tree};
use layer_map::{LayerMap, Piece, Source};

pub(crate) use objects::Objects;

/// Bytes copied at once.
const COPY_BUFFER: usize = 256 * 1024;

/// Takes the content of one file, in order and without gaps.
pub(crate) trait Sink {
    /// Bytes.
    fn data(&mut self, bytes: &[u8]) -> Result<(), ViewError>;
    /// That many zeros which are stored nowhere.
    fn hole(&mut self, length: u64) -> Result<(), ViewError>;
}

/// Where the content of some files is. Shared by threads.
pub(crate) struct Contents {
    repository: Repository,
    layers: Vec<LayerMap>,
    /// Objects of which parts are wanted, once they were compared as a whole.
    verified: Mutex<HashSet<VerityDigest>>,
}

/// A stream, and who to name when it is not as expected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerStream {
    pub(crate) layer: ContentDigest,
    pub(crate) stream: VerityDigest,
}

impl Contents {
    /// Finds the content of `files`, which are of `tree`.
    pub(crate) fn locate<'a>(
        repository: &Repository,
        tree: &Tree,
        files: impl Iterator<Item = &'a Content>,
    ) -> Result<Self, ViewError> {
        let mut wanted = vec![Vec::new(); tree.layers.len()];
        for file in files {
            note(&mut wanted[file.layer as usize], &file.extents);
        }
        let streams = tree.layers.iter().map(|layer| LayerStream {
            layer: layer.key,
            stream: layer.stream,
        });
        Self::build(repository, streams.zip(wanted))
    }

    /// Finds what `extents` name in one stream.
    pub(crate) fn locate_extents<'a>(
        repository: &Repository,
        stream: LayerStream,
        extents: impl IntoIterator<Item = &'a Extent>,
    ) -> Result<Self, ViewError> {
        let mut wanted = Vec::new();
        note(&mut wanted, extents);
        Self::build(repository, [(stream, wanted)].into_iter())
    }

    fn build(
        repository: &Repository,
        streams: impl Iterator<Item = (LayerStream, Vec<(u64, u64)>)>,
    ) -> Result<Self, ViewError> {
        let layers = streams
            .map(|(stream, wanted)| LayerMap::build(repository, stream, wanted))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            repository: repository.clone(),
            layers,
            verified: Mutex::default(),
        })
    }

    /// Gives `sink` everything `extents` stand for. An object that is wanted as a whole is compared
    /// with its digest on the way, so the verdict on a large one comes after most of its bytes.
    pub(crate) fn copy(
        &self,
        layer: u32,
        extents: &[Extent],
        sink: &mut dyn Sink,
    ) -> Result<(), ViewError> {
        let map = &self.layers[layer as usize];
        let mut copy = Copy {
            contents: self,
            buffer: Vec::new(),
            part: None,
            sink,
        };
        for extent in extents {
            match extent {
                Extent::Hole(length) => copy.sink.hole(*length)?,
                Extent::Literal(bytes) => copy.sink.data(bytes)?,
                Extent::Input { offset, length } => copy.input(map, *offset, *length)?,
                Extent::Derived { .. } => {
                    return Err(map.contradiction("names derived bytes, which nobody kept"));
                }
            }
        }
        Ok(())
    }

    /// The object that is all there is to a file, if it is as simple as that.
    pub(crate) fn single_object(&self, content: &Content) -> Option<(VerityDigest, u64)> {
        let [Extent::Input { offset, length }] = &*content.extents else {
            return None;
        };
        let piece = self.layers[content.layer as usize].find(*offset)?;
        match piece.source {
            Source::Object(digest)
                if piece.start == *offset && piece.end - piece.start == *length =>
            {
                Some((digest, *length))
            }
            _ => None,
        }
    }

    /// Compares an object with its digest and gives its content to nobody.
    pub(crate) fn verify(&self, digest: &VerityDigest) -> Result<(), ViewError> {
        let mut reader = self.repository.open_object(digest)?;
        let mut buffer = vec![0; COPY_BUFFER];
        while read(&mut reader, &mut buffer).map_err(|error| self.unreadable(digest, error))? > 0 {}
        Ok(())
    }

    /// The file of an object, for somebody who has it compared with its digest.
    pub(crate) fn open_unverified(&self, digest: &VerityDigest) -> Result<File, ViewError> {
        Ok(self.repository.open_object_unverified(digest)?)
    }

    /// Locks for one expression.
    fn known(&self) -> MutexGuard<'_, HashSet<VerityDigest>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreadable(&self, digest: &VerityDigest, error: io::Error) -> ViewError {
        match error.downcast::<StoreError>() {
            Ok(error) => error.into(),
            Err(source) => {
                let path = self.repository.path().join("objects").join(digest.hex());
                ViewError::Io {
                    operation: "read object",
                    path,
                    source,
                }
            }
        }
    }
}

/// Adds the stretches of a stream that `extents` name.
fn note<'a>(wanted: &mut Vec<(u64, u64)>, extents: impl IntoIterator<Item = &'a Extent>) {
    for extent in extents {
        if let Extent::Input { offset, length } = extent
            && *length > 0
        {
            wanted.push((*offset, offset.saturating_add(*length)));
        }
    }
}

/// One file on its way out.
struct Copy<'a> {
    contents: &'a Contents,
    buffer: Vec<u8>,
    /// The object of which a part was read last: pieces of one file lie close together.
    part: Option<(VerityDigest, File)>,
    sink: &'a mut dyn Sink,
}

impl Copy<'_> {
    fn input(&mut self, map: &LayerMap, offset: u64, length: u64) -> Result<(), ViewError> {
        let end = offset.saturating_add(length);
        let mut position = offset;
        while position < end {
            let piece = map
                .find(position)
                .ok_or_else(|| map.contradiction("names bytes that the layer does not have"))?;
            let until = piece.end.min(end);
            self.piece(map, piece, position, until)?;
            position = until;
        }
        Ok(())
    }

    /// The bytes of `piece` from `start` to `end`, counted in the stream.
    fn piece(
        &mut self,
        map: &LayerMap,
        piece: &Piece,
        start: u64,
        end: u64,
    ) -> Result<(), ViewError> {
        let skip = start - piece.start;
        match &piece.source {
            Source::Object(digest) if start == piece.start && end == piece.end => {
                self.whole(digest, end - start)
            }
            Source::Object(digest) => self.part(digest, skip, end - start),
            Source::Inline(at) => self.positional(end - start, |buffer, done| {
                map.inline().read(buffer, at + skip + done)
            }),
        }
    }

    fn whole(&mut self, digest: &VerityDigest, size: u64) -> Result<(), ViewError> {
        let contents = self.contents;
        let unreadable = |error| contents.unreadable(digest, error);
        let mut reader = contents.repository.open_object(digest)?;
        self.buffer.resize(COPY_BUFFER, 0);
        let mut left = size;
        loop {
            let count = read(&mut reader, &mut self.buffer).map_err(unreadable)?;
            if count as u64 > left || (count == 0 && left > 0) {
                // The size was looked up when the stream was walked.
                let changed = io::Error::other("its size changed while it was read");
                return Err(unreadable(changed));
            }
            if count == 0 {
                return Ok(());
            }
            left -= count as u64;
            self.sink.data(&self.buffer[..count])?;
        }
    }

    /// A part of an object. All of it is compared with its digest first, once: what is read at
    /// random afterwards may be of any order and size.
    fn part(&mut self, digest: &VerityDigest, skip: u64, length: u64) -> Result<(), ViewError> {
        let contents = self.contents;
        let file = match self.part.take() {
            Some((open, file)) if open == *digest => file,
            _ => {
                // Two threads may both find it new; that costs time and no more.
                if !contents.known().contains(digest) {
                    contents.verify(digest)?;
                    contents.known().insert(*digest);
                }
                contents.open_unverified(digest)?
            }
        };
        self.positional(length, |buffer, done| {
            file.read_exact_at(buffer, skip + done)
                .map_err(|error| contents.unreadable(digest, error))
        })?;
        self.part = Some((*digest, file));
        Ok(())
    }

    /// `length` bytes by a reader that is told how many came before.
    fn positional(
        &mut self,
        length: u64,
        read: impl Fn(&mut [u8], u64) -> Result<(), ViewError>,
    ) -> Result<(), ViewError> {
        let mut done = 0;
        while done < length {
            let count = usize::try_from(length - done)
                .unwrap_or(COPY_BUFFER)
                .min(COPY_BUFFER);
            if self.buffer.len() < count {
                self.buffer.resize(count, 0);
            }
            read(&mut self.buffer[..count], done)?;
            self.sink.data(&self.buffer[..count])?;
            done += count as u64;
        }
        Ok(())
    }
}

fn read(reader: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests;
