//! Which images a stream or object is part of, so that a finding can say whom it concerns, and what
//! would have to come again.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_artifact::{ContentDigest, Tag, VerityDigest};
use lazaret_store::{Damage, Repository};

use super::Problems;
use super::finding::{Concerns, Problem};
use crate::error::GraphError;
use crate::listing;
use crate::name::Name;
use crate::names::{self, Stream};
use crate::stored::Refs;

/// Filled while everything is checked, asked when all findings are there.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// Tags of manifests and indexes.
    tags: BTreeMap<Stream, BTreeSet<Tag>>,
    /// What a part belongs to: a layer to manifests, a manifest to indexes, a referrer to its subject.
    users: BTreeMap<Stream, BTreeSet<Stream>>,
    /// The blobs that a layer came from, as they travelled.
    blobs: BTreeMap<ContentDigest, BTreeSet<ContentDigest>>,
    /// Streams by their object, as linked and as referred to.
    streams: BTreeMap<VerityDigest, BTreeSet<Stream>>,
}

impl Users {
    pub(super) fn read_tags(
        &mut self,
        repository: &Repository,
        problems: &mut Problems,
    ) -> Result<(), GraphError> {
        for (file_name, target) in listing::references(repository, names::TAGS)? {
            // What is no reference at all is for the store to report.
            let Ok(target) = target else { continue };
            let Ok(tag) = Tag::from_file_name(&file_name) else {
                problems.push((Problem::BadTag { file_name }, None));
                continue;
            };
            let parsed = Stream::parse(target.as_str());
            if let Some(stream @ (Stream::Manifest(_) | Stream::Index(_))) = parsed
                && repository.resolve_stream(&target)?.is_some()
            {
                self.tags.entry(stream).or_default().insert(tag);
                continue;
            }
            let target = target.as_str().to_owned();
            problems.push((
                Problem::TagTarget {
                    tag: tag.into(),
                    target,
                },
                None,
            ));
        }
        Ok(())
    }

    /// Notes that `part` belongs to `user`.
    pub(super) fn note(&mut self, part: Stream, user: Stream) {
        self.users.entry(part).or_default().insert(user);
    }

    /// Notes that whatever is linked to what `refs` lead to belongs to `user`. For a document that
    /// cannot be read, whose references are all there is.
    pub(super) fn note_refs(&mut self, refs: &Refs, user: Stream) {
        for stream in refs.values() {
            let parts = self.streams.get(stream).cloned().unwrap_or_default();
            for part in parts {
                self.note(part, user);
            }
        }
    }

    /// Notes that `layer` came, or would come, as `blob`.
    pub(super) fn note_blob(&mut self, layer: ContentDigest, blob: ContentDigest) {
        self.blobs.entry(layer).or_default().insert(blob);
    }

    /// Notes that `object` holds the stream `stream`.
    pub(super) fn note_object(&mut self, object: VerityDigest, stream: Stream) {
        self.streams.entry(object).or_default().insert(stream);
    }

    /// Whom something that is wrong with these streams concerns.
    pub(super) fn of<'a>(&self, streams: impl IntoIterator<Item = &'a Stream>) -> Concerns {
        let mut names = BTreeSet::new();
        let mut blobs = BTreeSet::new();
        for stream in streams {
            names.extend(self.names_of(stream));
            match stream {
                Stream::Layer(layer) | Stream::Record(layer) => {
                    blobs.extend(self.blobs.get(layer).into_iter().flatten());
                }
                Stream::Blob(blob) => {
                    blobs.insert(*blob);
                }
                Stream::Manifest(_) | Stream::Index(_) | Stream::Config(_) => {}
            }
        }
        Concerns {
            names: names.into_iter().collect(),
            blobs: blobs.into_iter().collect(),
        }
    }

    /// The tags of all that `stream` is or belongs to, and the digests of what of that has neither
    /// a tag nor anything that it belongs to.
    fn names_of(&self, stream: &Stream) -> BTreeSet<Name> {
        let start = match stream {
            Stream::Record(content) => Stream::Layer(*content),
            other => *other,
        };
        let mut names = BTreeSet::new();
        let mut seen = BTreeSet::from([start]);
        let mut waiting = vec![start];
        while let Some(part) = waiting.pop() {
            let tags = self.tags.get(&part);
            let users = self.users.get(&part);
            names.extend(tags.into_iter().flatten().cloned().map(Name::Tag));
            let new = users
                .into_iter()
                .flatten()
                .filter(|user| seen.insert(**user));
            waiting.extend(new);
            if matches!(part, Stream::Manifest(_) | Stream::Index(_))
                && tags.is_none()
                && users.is_none()
            {
                names.insert(Name::Digest(*part.digest()));
            }
        }
        names
    }

    /// What the store complains of, each with whom it concerns.
    pub(super) fn of_damage(
        &self,
        repository: &Repository,
        damage: &[Damage],
    ) -> Vec<(Damage, Concerns)> {
        let objects: BTreeSet<VerityDigest> = damage
            .iter()
            .filter_map(|damage| place(damage).object)
            .collect();
        let holders = self.holders(repository, &objects);
        damage
            .iter()
            .map(|damage| {
                let place = place(damage);
                let held = place.object.and_then(|object| holders.get(&object));
                let held = held.into_iter().flatten().chain(&place.stream);
                let mut concerns = self.of(held);
                if let Some(tag) = place.tag {
                    concerns.names.push(Name::Tag(tag));
                    concerns.names.sort();
                    concerns.names.dedup();
                }
                (damage.clone(), concerns)
            })
            .collect()
    }

    /// For each of these objects the streams that it holds or is part of.
    fn holders(
        &self,
        repository: &Repository,
        objects: &BTreeSet<VerityDigest>,
    ) -> BTreeMap<VerityDigest, BTreeSet<Stream>> {
        let mut holders: BTreeMap<VerityDigest, BTreeSet<Stream>> = BTreeMap::new();
        if objects.is_empty() {
            return holders;
        }
        for (object, held) in &self.streams {
            if objects.contains(object) {
                holders.entry(*object).or_default().extend(held);
            }
            // A stream that cannot be read has a finding of its own.
            let Ok(reader) = repository.open_stream(object, None) else {
                continue;
            };
            for part in reader
                .object_refs()
                .iter()
                .filter(|part| objects.contains(part))
            {
                holders.entry(*part).or_default().extend(held);
            }
        }
        holders
    }
}

/// Where the store found damage.
#[derive(Default)]
struct Place {
    object: Option<VerityDigest>,
    stream: Option<Stream>,
    tag: Option<Tag>,
}

fn place(damage: &Damage) -> Place {
    let of_object = |digest: &VerityDigest| Place {
        object: Some(*digest),
        ..Place::default()
    };
    let of_path = |path: &str| {
        let tag = path.strip_prefix("streams/refs/oci/");
        Place {
            object: None,
            stream: path.strip_prefix("streams/").and_then(Stream::parse),
            tag: tag.and_then(|name| Tag::from_file_name(name).ok()),
        }
    };
    match damage {
        Damage::ObjectKind { digest }
        | Damage::ObjectUnreadable { digest, .. }
        | Damage::ObjectDigest { digest, .. }
        | Damage::ObjectUnsealed { digest } => of_object(digest),
        Damage::NotALink { path }
        | Damage::LinkTarget { path, .. }
        | Damage::DanglingLink { path, .. }
        | Damage::Stream { path, .. }
        | Damage::MissingObject { path, .. }
        | Damage::MissingStream { path, .. } => of_path(path),
        _ => Place::default(),
    }
}
