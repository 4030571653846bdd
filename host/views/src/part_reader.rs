//! The bytes of parts: of many at once, since what they lie in is walked and compared with digests
//! only once.

use std::collections::HashMap;
use std::io::{self, Write};

use lazaret_artifact::{ContentDigest, ContentHasher, DigestAlgorithm, Extent, VerityDigest};
use lazaret_store::Repository;

use crate::content::{Contents, LayerStream};
use crate::error::ViewError;
use crate::findings::Place;
use crate::merge::amplification_limit;
use crate::read::Plain;

/// Reads parts. Everything is compared with digests of objects before it counts.
pub struct PartReader {
    places: HashMap<VerityDigest, Contents>,
}

impl PartReader {
    /// Prepares to read these parts, each a place and what [`crate::Part::extents`] says.
    ///
    /// # Errors
    /// [`ViewError::Amplified`] for parts of one place that come to many times its size; the
    /// store's.
    pub fn locate<'a>(
        repository: &Repository,
        parts: impl IntoIterator<Item = (&'a Place, &'a [Extent])>,
    ) -> Result<Self, ViewError> {
        let mut wanted: HashMap<VerityDigest, Wanted<'a>> = HashMap::new();
        for (place, extents) in parts {
            let one = wanted.entry(place.stream).or_insert_with(|| Wanted {
                place,
                extents: Vec::new(),
                claimed: 0,
            });
            let sizes = extents.iter().map(Extent::length);
            one.claimed = sizes.fold(one.claimed, u64::saturating_add);
            one.extents.push(extents);
        }
        let mut places = HashMap::with_capacity(wanted.len());
        for (stream, wanted) in wanted {
            places.insert(stream, wanted.locate(repository)?);
        }
        Ok(Self { places })
    }

    /// Writes the bytes of a part that was announced to [`PartReader::locate`], holes as zeros.
    ///
    /// # Errors
    /// [`ViewError::Output`]; [`ViewError::Record`] for extents outside the content; damage.
    pub fn read(
        &self,
        place: &Place,
        extents: &[Extent],
        out: &mut dyn Write,
    ) -> Result<(), ViewError> {
        match self.places.get(&place.stream) {
            Some(contents) => contents.copy(0, extents, &mut Plain(out)),
            None => Err(ViewError::Record {
                layer: place.content,
                path: "part".to_owned(),
                reason: "it was not announced",
            }),
        }
    }

    /// SHA-256 of a part's bytes. Otherwise as [`PartReader::read`].
    ///
    /// # Errors
    /// As [`PartReader::read`].
    pub fn sha256(&self, place: &Place, extents: &[Extent]) -> Result<ContentDigest, ViewError> {
        let mut hashing = Hashing(ContentHasher::new(DigestAlgorithm::Sha256));
        self.read(place, extents, &mut hashing)?;
        Ok(hashing.0.finish())
    }
}

struct Wanted<'a> {
    place: &'a Place,
    extents: Vec<&'a [Extent]>,
    claimed: u64,
}

impl Wanted<'_> {
    fn locate(self, repository: &Repository) -> Result<Contents, ViewError> {
        let size = repository
            .open_stream(&self.place.stream, None)?
            .total_size();
        let limit = amplification_limit(size);
        if self.claimed > limit {
            return Err(ViewError::Amplified {
                layer: self.place.content,
                size,
                limit,
            });
        }
        let stream = LayerStream {
            layer: self.place.content,
            stream: self.place.stream,
        };
        let extents = self.extents.into_iter().flatten();
        Contents::locate_extents(repository, stream, extents)
    }
}

struct Hashing(ContentHasher);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
