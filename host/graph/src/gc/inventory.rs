//! All names, strictly: whoever decides from them what to delete must not decide from half of them.

use std::collections::HashMap;

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::{Repository, StoreError, StreamName};

use super::digests::key;
use crate::error::GraphError;
use crate::names::{LAZARET, OwnRef, REFERRERS, Stream, previous};

/// A stream, by its place in [`Inventory::streams`].
pub(super) type Place = usize;

/// Everything that is named.
pub(super) struct Inventory {
    /// Sorted by name.
    pub(super) streams: Vec<(StreamName, VerityDigest)>,
    /// Sorted by path.
    pub(super) refs: Vec<Reference>,
    /// Sorted.
    pub(super) images: Vec<VerityDigest>,
    /// Places in `images` that references lead to.
    pub(super) root_images: Vec<usize>,
    /// What refers to a subject, whether that is there or not.
    pub(super) referrers: HashMap<ContentDigest, Vec<Place>>,
    /// What compressed blobs of artifacts hold, by the digest of the blob, whether that is there or
    /// not.
    pub(super) contents: HashMap<ContentDigest, Place>,
    /// Whether there are kept blobs.
    pub(super) has_blobs: bool,
    /// Places of streams by the key of their object, sorted.
    by_object: Vec<([u8; 16], Place)>,
}

/// A reference below `streams/refs/`.
pub(super) struct Reference {
    /// From there.
    pub(super) path: String,
    /// What it leads to.
    pub(super) target: Place,
    /// How long it stays.
    pub(super) stays: Stays,
}

/// How long a reference stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    /// Until somebody takes it away: it is a reason to keep what it leads to.
    Root,
    /// As long as this stream is kept, for another reason.
    With(Place),
    /// No longer: it was left over.
    Not,
}

impl Inventory {
    /// # Errors
    /// [`GraphError::Refused`] for anything that is not as it should be.
    pub(super) fn read(repository: &Repository) -> Result<Self, GraphError> {
        let refused = |error: StoreError| match &error {
            StoreError::Link { path, .. } => GraphError::refused(path.clone(), error),
            _ => error.into(),
        };
        let streams = repository.streams().map_err(refused)?;
        let mut inventory = Self {
            refs: Vec::new(),
            images: repository.images().map_err(refused)?,
            root_images: Vec::new(),
            referrers: HashMap::new(),
            contents: HashMap::new(),
            has_blobs: false,
            by_object: streams
                .iter()
                .enumerate()
                .map(|(place, (_, object))| (key(object), place))
                .collect(),
            streams,
        };
        inventory.by_object.sort_unstable();
        inventory.has_blobs = inventory
            .streams
            .iter()
            .any(|(name, _)| matches!(Stream::parse(name.as_str()), Some(Stream::Blob(_))));
        for (path, target) in repository.stream_roots().map_err(refused)? {
            inventory.add_ref(path, &target)?;
        }
        for (path, target) in repository.image_roots().map_err(refused)? {
            let image = inventory
                .images
                .binary_search_by(|image| image.hex().as_str().cmp(target.as_str()));
            let image = image.map_err(|_| dangling(format!("images/refs/{path}"), &target))?;
            inventory.root_images.push(image);
        }
        Ok(inventory)
    }

    /// The stream of that name.
    pub(super) fn find(&self, name: &StreamName) -> Option<Place> {
        let found = self.streams.binary_search_by(|(other, _)| other.cmp(name));
        found.ok()
    }

    /// All names that an object has as a stream.
    pub(super) fn names_of(&self, object: &VerityDigest) -> impl Iterator<Item = Place> + '_ {
        let key = key(object);
        let start = self.by_object.partition_point(|(other, _)| *other < key);
        let same = self.by_object[start..].iter();
        same.take_while(move |(other, _)| *other == key)
            .map(|(_, place)| *place)
    }

    fn add_ref(&mut self, path: String, target: &StreamName) -> Result<(), GraphError> {
        let Some(place) = self.find(target) else {
            return Err(dangling(format!("streams/refs/{path}"), target));
        };
        let stays = match subordinate(&path, target) {
            Some(Subordinate::Referrer { subject }) => {
                self.referrers.entry(subject).or_default().push(place);
                Stays::With(place)
            }
            Some(Subordinate::Part) => Stays::With(place),
            // What it leads to may be somebody's layer too: that keeps the stream, not the name.
            Some(Subordinate::Content { blob }) => {
                self.contents.insert(blob, place);
                match self.find(&Stream::Layer(blob).name()) {
                    Some(blob) => Stays::With(blob),
                    None => Stays::Not,
                }
            }
            // Until the commit that made it, and died, is finished.
            Some(Subordinate::Replacing(stream)) => match self.find(&previous(&stream)) {
                Some(_) => Stays::Root,
                None => Stays::Not,
            },
            None => Stays::Root,
        };
        self.refs.push(Reference {
            path,
            target: place,
            stays,
        });
        Ok(())
    }
}

/// References that are no reason to keep anything.
enum Subordinate {
    /// From a subject to what refers to it.
    Referrer { subject: ContentDigest },
    /// To something that belongs to a layer.
    Part,
    /// From a compressed blob to what it holds.
    Content { blob: ContentDigest },
    /// To a stream that a commit is giving a name to.
    Replacing(Stream),
}

/// What a reference is that this program made, or that is made in the same way. Anything else, also
/// where it merely lies in the same place, is a root as it is for `cfsctl`.
fn subordinate(path: &str, target: &StreamName) -> Option<Subordinate> {
    let target = Stream::parse(target.as_str())?;
    if let Some(name) = path.strip_prefix(LAZARET).and_then(|p| p.strip_prefix('/')) {
        return match (OwnRef::parse(name)?, target) {
            (OwnRef::Record(content), Stream::Record(found)) if content == found => {
                Some(Subordinate::Part)
            }
            (OwnRef::Blob(blob), Stream::Blob(found)) if blob == found => Some(Subordinate::Part),
            (OwnRef::Content(blob), Stream::Layer(_)) => Some(Subordinate::Content { blob }),
            (OwnRef::Replacing(stream), found) if stream == found => {
                Some(Subordinate::Replacing(stream))
            }
            (OwnRef::Cosign(_, subject), Stream::Manifest(_) | Stream::Index(_)) => {
                Some(Subordinate::Referrer { subject })
            }
            _ => None,
        };
    }
    let entry = path.strip_prefix(REFERRERS)?.strip_prefix('/')?;
    let (subject, referrer) = entry.split_once('/')?;
    let (subject, referrer) = (subject.parse().ok()?, referrer.parse().ok()?);
    match target {
        Stream::Manifest(found) | Stream::Index(found) if found == referrer => {
            Some(Subordinate::Referrer { subject })
        }
        _ => None,
    }
}

fn dangling(path: String, target: &StreamName) -> GraphError {
    let error = StoreError::Link {
        path: path.clone(),
        reason: format!("it leads to {:?}, which is missing", target.as_str()),
    };
    GraphError::refused(path, error)
}
