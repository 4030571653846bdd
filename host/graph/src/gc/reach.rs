//! What is needed: everything that can be reached from the roots.

use lazaret_artifact::VerityDigest;
use lazaret_store::{Repository, StoreError, error::StreamFault};

use super::digests::DigestSet;
use super::inventory::{Inventory, Place, Stays};
use super::{GcOptions, GcProgress, check};
use crate::error::GraphError;
use crate::names::{CONFIG_KEY, Stream, parse_child_key};
use crate::stored;

/// How `composefs-oci` 0.9.4 begins the keys of a config's named refs to EROFS images
/// (`IMAGE_REF_KEY` and what follows it), which are no streams.
const IMAGE_KEY: &str = "composefs.image";

/// What was found to be needed.
pub(super) struct Reached {
    pub(super) inventory: Inventory,
    /// Of each of the inventory's streams whether its name is.
    pub(super) live_streams: Vec<bool>,
    /// The same of its images.
    pub(super) live_images: Vec<bool>,
    /// Objects.
    pub(super) objects: DigestSet,
}

/// What an object is referred to as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// A stream.
    Stream,
    /// An EROFS image.
    Image,
    /// One or the other, or just an object: only whoever wrote it knows.
    Anything,
}

/// Something to be looked at.
enum Work {
    Name(Place),
    /// An object, and the name of the stream that refers to it, for messages.
    Object(VerityDigest, As, Place),
}

struct Reach<'a> {
    repository: &'a Repository,
    options: &'a GcOptions<'a>,
    reached: Reached,
    /// Objects that were read as streams or images.
    seen: DigestSet,
    /// What is left to do; not the call stack, whose depth others would decide.
    waiting: Vec<Work>,
}

/// Follows everything from the roots.
///
/// # Errors
/// [`GraphError::Refused`] for a needed stream or image that cannot be read.
pub(super) fn reach(
    repository: &Repository,
    inventory: Inventory,
    options: &GcOptions<'_>,
    progress: &(dyn Fn(GcProgress) + Sync),
) -> Result<Reached, GraphError> {
    let roots = inventory.refs.iter();
    let roots = roots.filter(|reference| reference.stays == Stays::Root);
    let waiting = roots
        .map(|reference| Work::Name(reference.target))
        .collect();
    let mut reach = Reach {
        repository,
        options,
        seen: DigestSet::default(),
        waiting,
        reached: Reached {
            live_streams: vec![false; inventory.streams.len()],
            live_images: vec![false; inventory.images.len()],
            objects: DigestSet::default(),
            inventory,
        },
    };
    for place in reach.reached.inventory.root_images.clone() {
        let image = reach.reached.inventory.images[place];
        reach.image(&image, &format!("images/{}", image.hex()))?;
    }
    let mut streams = 0;
    while let Some(work) = reach.waiting.pop() {
        check(options.cancel)?;
        match work {
            Work::Name(place) => reach.name(place)?,
            Work::Object(object, kind, from) => {
                reach.object(&object, kind, from)?;
                streams += 1;
                progress(GcProgress::Marking { streams });
            }
        }
    }
    Ok(reach.reached)
}

impl Reach<'_> {
    /// A name is needed, and so is what it stands for and what belongs to that.
    fn name(&mut self, place: Place) -> Result<(), GraphError> {
        if std::mem::replace(&mut self.reached.live_streams[place], true) {
            return Ok(());
        }
        let (name, object) = &self.reached.inventory.streams[place];
        let (parsed, object) = (Stream::parse(name.as_str()), *object);
        self.waiting.push(Work::Object(object, As::Stream, place));
        let Some(stream) = parsed else {
            return Ok(());
        };
        if let Stream::Layer(content) = &stream {
            self.linked(Stream::Record(*content));
            let unpacked = self.reached.inventory.contents.get(content);
            self.waiting
                .extend(unpacked.map(|place| Work::Name(*place)));
        }
        if let Stream::Manifest(digest) = &stream
            && self.reached.inventory.has_blobs
        {
            let read = stored::read_from(self.repository, stream, object)
                .and_then(|stored| stored::parse_manifest(digest, &stored.bytes));
            let manifest = read.map_err(|error| self.refused(place, error))?;
            for layer in &manifest.layers {
                self.linked(Stream::Blob(layer.digest));
            }
        }
        if let Stream::Index(digest) = &stream {
            // What it lists is found through it, whether its stream refers to that or not.
            let read = stored::read_from(self.repository, stream, object)
                .and_then(|stored| stored::parse_index(digest, &stored.bytes));
            let index = read.map_err(|error| self.refused(place, error))?;
            for child in &index.manifests {
                self.linked(Stream::Manifest(child.digest));
                self.linked(Stream::Index(child.digest));
            }
        }
        let referrers = self.reached.inventory.referrers.get(stream.digest());
        let referrers = referrers.into_iter().flatten();
        self.waiting
            .extend(referrers.map(|place| Work::Name(*place)));
        Ok(())
    }

    /// What has that name is needed, if anything has.
    fn linked(&mut self, stream: Stream) {
        let found = self.reached.inventory.find(&stream.name());
        self.waiting.extend(found.map(Work::Name));
    }

    /// An object is needed that may be a stream.
    fn object(&mut self, object: &VerityDigest, kind: As, from: Place) -> Result<(), GraphError> {
        if !self.seen.insert(object) {
            return Ok(());
        }
        self.reached.objects.insert(object);
        let is_image = self.reached.inventory.images.binary_search(object).is_ok();
        if kind == As::Image || (is_image && kind == As::Anything) {
            let name = self.reached.inventory.streams[from].0.to_string();
            return self.image(object, &format!("streams/{name}"));
        }
        let names: Vec<Place> = self.reached.inventory.names_of(object).collect();
        let is_named = !names.is_empty();
        // Its own name says more than that of whoever refers to it.
        let from = names.first().copied().unwrap_or(from);
        self.waiting.extend(names.into_iter().map(Work::Name));
        let stream = match self.repository.open_stream(object, None) {
            Ok(stream) => stream,
            Err(StoreError::Stream {
                source:
                    StreamFault::Magic
                    | StreamFault::Range {
                        section: "header", ..
                    },
                ..
            }) if kind == As::Anything && !is_named => return Ok(()),
            Err(error) => return Err(self.refused(from, error.into())),
        };
        for part in stream.object_refs() {
            self.reached.objects.insert(part);
        }
        for (key, target) in stream.stream_refs() {
            let kind = self.key(key);
            self.waiting.push(Work::Object(*target, kind, from));
        }
        Ok(())
    }

    /// What a named ref's key says by itself: the names that it stands for are needed too.
    fn key(&mut self, key: &str) -> As {
        if let Some(child) = parse_child_key(key) {
            self.linked(Stream::Manifest(child));
            self.linked(Stream::Index(child));
            return As::Stream;
        }
        if let Some(config) = key
            .strip_prefix(CONFIG_KEY)
            .and_then(|key| key.parse().ok())
        {
            self.linked(Stream::Config(config));
            return As::Stream;
        }
        if let Ok(layer) = key.parse() {
            self.linked(Stream::Layer(layer));
            return As::Stream;
        }
        match key.starts_with(IMAGE_KEY) {
            true => As::Image,
            false => As::Anything,
        }
    }

    /// An image is needed, its name if it has one, and what it consists of.
    fn image(&mut self, image: &VerityDigest, from: &str) -> Result<(), GraphError> {
        self.seen.insert(image);
        self.reached.objects.insert(image);
        if let Ok(place) = self.reached.inventory.images.binary_search(image)
            && std::mem::replace(&mut self.reached.live_images[place], true)
        {
            // Another reference led here before.
            return Ok(());
        }
        let parts = (self.options.image_objects)(self.repository, image);
        for part in parts.map_err(|error| GraphError::refused(from.to_owned(), error))? {
            self.reached.objects.insert(&part);
        }
        Ok(())
    }

    fn refused(&self, place: Place, error: GraphError) -> GraphError {
        let (name, _) = &self.reached.inventory.streams[place];
        GraphError::refused(format!("streams/{name}"), error)
    }
}
