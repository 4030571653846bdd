//! Which images a stream or object is part of, so that a finding can say whom it concerns.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_artifact::{ContentDigest, Tag, VerityDigest};
use lazaret_store::{Damage, Repository};

use super::Problems;
use super::finding::Problem;
use crate::error::GraphError;
use crate::listing;
use crate::name::Name;
use crate::names::{self, Stream};

/// Filled while manifests are checked, asked when all findings are there.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// Tags of manifests and indexes.
    tags: BTreeMap<Stream, BTreeSet<Tag>>,
    /// Manifests that a config or layer belongs to.
    manifests: BTreeMap<Stream, BTreeSet<ContentDigest>>,
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

    /// Notes that `part` belongs to the manifest `digest`.
    pub(super) fn note(&mut self, part: Stream, digest: &ContentDigest) {
        self.manifests.entry(part).or_default().insert(*digest);
    }

    /// Notes that `object` holds the stream `stream`.
    pub(super) fn note_object(&mut self, object: VerityDigest, stream: Stream) {
        self.streams.entry(object).or_default().insert(stream);
    }

    /// The names of the images that `stream` is or belongs to.
    pub(super) fn of(&self, stream: &Stream) -> Vec<Name> {
        let stream = match stream {
            Stream::Record(content) => Stream::Layer(*content),
            other => *other,
        };
        let images: BTreeSet<Stream> = match stream {
            Stream::Manifest(_) | Stream::Index(_) => BTreeSet::from([stream]),
            _ => {
                let digests = self.manifests.get(&stream).into_iter().flatten();
                digests.map(|digest| Stream::Manifest(*digest)).collect()
            }
        };
        let mut found = BTreeSet::new();
        for image in images {
            match self.tags.get(&image) {
                Some(tags) => found.extend(tags.iter().cloned().map(Name::Tag)),
                None => {
                    found.insert(Name::Digest(*image.digest()));
                }
            }
        }
        found.into_iter().collect()
    }

    /// What the store complains of, each with the names of the images it concerns.
    pub(super) fn of_damage(
        &self,
        repository: &Repository,
        damage: &[Damage],
    ) -> Vec<(Damage, Vec<Name>)> {
        let objects: BTreeSet<VerityDigest> = damage
            .iter()
            .filter_map(|damage| place(damage).object)
            .collect();
        let holders = self.holders(repository, &objects);
        damage
            .iter()
            .map(|damage| {
                let place = place(damage);
                let mut names: BTreeSet<Name> = place.tag.into_iter().map(Name::Tag).collect();
                let held = place.object.and_then(|object| holders.get(&object));
                for stream in held.into_iter().flatten().chain(&place.stream) {
                    names.extend(self.of(stream));
                }
                (damage.clone(), names.into_iter().collect())
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
