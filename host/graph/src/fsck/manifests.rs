//! Manifests and configs: their bytes, and what their streams refer to. Indexes are read here, too.

use std::collections::BTreeSet;

use lazaret_artifact::{ContentDigest, ImageConfig, Manifest, VerityDigest};
use lazaret_store::{Repository, StoreError};

use super::finding::Problem;
use super::users::Users;
use super::{FsckProgress, Problems, indexes};
use crate::error::GraphError;
use crate::names::{Stream, config_key, is_known_image, layer_key, referrers_of};
use crate::stored::{self, Refs, Stored};

/// Checks every linked manifest, index and config; returns the number of manifests and indexes.
pub(super) fn check(
    repository: &Repository,
    streams: &[(Stream, VerityDigest)],
    users: &mut Users,
    problems: &mut Problems,
    progress: &(dyn Fn(FsckProgress) + Sync),
) -> Result<u64, GraphError> {
    let images: Vec<&(Stream, VerityDigest)> = streams
        .iter()
        .filter(|(name, _)| matches!(name, Stream::Manifest(_) | Stream::Index(_)))
        .collect();
    let total = images.len() as u64;
    let mut configs = Configs::default();
    for (name, stream) in streams {
        users.note_object(*stream, *name);
    }
    for (done, (name, stream)) in images.into_iter().enumerate() {
        progress(FsckProgress::Images {
            done: done as u64,
            total,
        });
        let Some(stored) = read(repository, *name, *stream, problems)? else {
            // Its references may still say what belongs to it.
            if let Ok(reader) = repository.open_stream(stream, None) {
                users.note_refs(reader.stream_refs(), *name);
            }
            continue;
        };
        let subject = match name {
            Stream::Manifest(digest) => {
                let mut check = ManifestCheck {
                    repository,
                    digest,
                    users,
                    problems,
                    configs: &mut configs,
                };
                check.run(&stored)?
            }
            _ => indexes::check(repository, name.digest(), &stored, users, problems)?,
        };
        if let Some(subject) = subject
            && !is_listed(repository, &subject, name)?
        {
            let stream = *name;
            problems.push((Problem::NotListed { stream, subject }, Some(stream)));
        }
    }
    progress(FsckProgress::Images { done: total, total });
    // Configs that no manifest led to still have to be what their names say.
    for (name, stream) in streams {
        if matches!(name, Stream::Config(_)) && !configs.read.contains(&(*name, *stream)) {
            read(repository, *name, *stream, problems)?;
        }
    }
    Ok(total)
}

/// Whether `name` is among the referrers of `subject`.
fn is_listed(
    repository: &Repository,
    subject: &ContentDigest,
    name: &Stream,
) -> Result<bool, GraphError> {
    let entry = repository.resolve_ref(&referrers_of(subject), &name.digest().to_string());
    match entry {
        Ok(target) => Ok(target.is_some_and(|target| target == name.name())),
        // The store reports what is no reference.
        Err(StoreError::Link { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Reads and verifies a document; what is wrong with it becomes a problem.
fn read(
    repository: &Repository,
    name: Stream,
    stream: VerityDigest,
    problems: &mut Problems,
) -> Result<Option<Stored>, GraphError> {
    found(name, stored::read_from(repository, name, stream), problems)
}

fn found<T>(
    name: Stream,
    result: Result<T, GraphError>,
    problems: &mut Problems,
) -> Result<Option<T>, GraphError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_damage() => {
            problems.push((
                Problem::Unreadable {
                    stream: name,
                    error,
                },
                Some(name),
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Configs by name and stream.
#[derive(Default)]
struct Configs {
    /// Those that were looked at.
    read: BTreeSet<(Stream, VerityDigest)>,
    /// Those of them that are damaged: told once, however many manifests share them.
    damaged: BTreeSet<(Stream, VerityDigest)>,
}

struct ManifestCheck<'a> {
    repository: &'a Repository,
    digest: &'a ContentDigest,
    users: &'a mut Users,
    problems: &'a mut Problems,
    configs: &'a mut Configs,
}

impl ManifestCheck<'_> {
    /// Returns the subject.
    fn run(&mut self, stored: &Stored) -> Result<Option<ContentDigest>, GraphError> {
        let name = Stream::Manifest(*self.digest);
        let parsed = stored::parse_manifest(self.digest, &stored.bytes);
        let Some(manifest) = found(name, parsed, self.problems)? else {
            return Ok(None);
        };
        let subject = manifest.subject.as_ref().map(|subject| subject.digest);
        for layer in &manifest.layers {
            self.users.note(Stream::Blob(layer.digest), name);
        }
        let config_name = Stream::Config(manifest.config.digest);
        self.users.note(config_name, name);
        self.reference(
            name,
            &stored.refs,
            &config_key(&manifest.config.digest),
            config_name,
        )?;
        let Some((config_stored, image)) = self.config(&manifest, stored)? else {
            self.users.note_refs(&stored.refs, name);
            return Ok(subject);
        };
        let keys = stored::layer_digests(&manifest, image.as_ref());
        for (blob, layer) in manifest.layers.iter().zip(&keys) {
            self.users.note_blob(*layer, blob.digest);
        }
        for digest in keys.iter().collect::<BTreeSet<_>>() {
            let layer = Stream::Layer(*digest);
            self.users.note(layer, name);
            self.reference(name, &stored.refs, &layer_key(digest), layer)?;
            if image.is_some() {
                self.reference(config_name, &config_stored.refs, &layer_key(digest), layer)?;
            }
        }
        if image.is_some() && !is_known_image(&manifest) {
            // Not needed for reading, only for `cfsctl`; but if they are there, they must be right.
            for (blob, digest) in manifest.layers.iter().zip(&keys) {
                let key = layer_key(&blob.digest);
                if stored.refs.contains_key(&key) {
                    self.reference(name, &stored.refs, &key, Stream::Layer(*digest))?;
                }
            }
        }
        Ok(subject)
    }

    /// The manifest's config; what is wrong with it becomes a problem.
    fn config(
        &mut self,
        manifest: &Manifest,
        stored: &Stored,
    ) -> Result<Option<(Stored, Option<ImageConfig>)>, GraphError> {
        let name = Stream::Config(manifest.config.digest);
        let Some(stream) = stored.refs.get(&config_key(&manifest.config.digest)) else {
            // The reference that is missing has just been reported.
            return Ok(None);
        };
        let config = (name, *stream);
        if self.configs.damaged.contains(&config) {
            return Ok(None);
        }
        self.configs.read.insert(config);
        match stored::read_config(self.repository, manifest, &stored.refs) {
            Ok(found) => Ok(Some(found)),
            Err(error) => {
                let about = match &error {
                    GraphError::Mismatch { stream, .. } | GraphError::Stored { stream, .. } => {
                        *stream
                    }
                    _ => name,
                };
                if about == name {
                    self.configs.damaged.insert(config);
                }
                found(about, Err(error), self.problems)
            }
        }
    }

    /// `stream` must refer under `key` to what is linked as `target`.
    fn reference(
        &mut self,
        stream: Stream,
        refs: &Refs,
        key: &str,
        target: Stream,
    ) -> Result<(), GraphError> {
        // Damage concerns the image being checked, also where it is in a shared config.
        let about = Some(Stream::Manifest(*self.digest));
        let Some(referred) = refs.get(key) else {
            let key = key.to_owned();
            self.problems
                .push((Problem::MissingReference { stream, key }, about));
            return Ok(());
        };
        self.users.note_object(*referred, target);
        match self.repository.resolve_stream(&target.name())? {
            Some(linked) if linked == *referred => {}
            Some(_) => self
                .problems
                .push((Problem::OtherStream { stream, target }, about)),
            None => self
                .problems
                .push((Problem::NotLinked { stream, target }, about)),
        }
        Ok(())
    }
}
