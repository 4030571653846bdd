//! Manifests, indexes and configs: their bytes, and what their streams refer to.

use std::collections::BTreeSet;

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::Repository;

use super::finding::Problem;
use super::users::Users;
use super::{FsckProgress, Problems};
use crate::error::GraphError;
use crate::names::{Stream, config_key, is_known_image, layer_key};
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
    let mut configs_seen = BTreeSet::new();
    for (name, stream) in streams {
        users.note_object(*stream, *name);
    }
    for (done, (name, stream)) in images.into_iter().enumerate() {
        progress(FsckProgress::Images {
            done: done as u64,
            total,
        });
        let Some(stored) = read(repository, *name, *stream, problems)? else {
            continue;
        };
        match name {
            Stream::Manifest(digest) => {
                let mut check = ManifestCheck {
                    repository,
                    digest,
                    users,
                    problems,
                };
                configs_seen.extend(check.run(&stored)?);
            }
            _ => {
                if let Err(error) = stored::parse_index(name.digest(), &stored.bytes) {
                    problems.push((
                        Problem::Unreadable {
                            stream: *name,
                            error,
                        },
                        Some(*name),
                    ));
                }
            }
        }
    }
    progress(FsckProgress::Images { done: total, total });
    // Configs that no manifest led to still have to be what their names say.
    for (name, stream) in streams {
        if matches!(name, Stream::Config(_)) && !configs_seen.contains(&(*name, *stream)) {
            read(repository, *name, *stream, problems)?;
        }
    }
    Ok(total)
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

struct ManifestCheck<'a> {
    repository: &'a Repository,
    digest: &'a ContentDigest,
    users: &'a mut Users,
    problems: &'a mut Problems,
}

impl ManifestCheck<'_> {
    /// Returns the config that was read and verified, if it came that far.
    fn run(&mut self, stored: &Stored) -> Result<Option<(Stream, VerityDigest)>, GraphError> {
        let name = Stream::Manifest(*self.digest);
        let parsed = stored::parse_manifest(self.digest, &stored.bytes);
        let Some(manifest) = found(name, parsed, self.problems)? else {
            return Ok(None);
        };
        let config_name = Stream::Config(manifest.config.digest);
        self.users.note(config_name, self.digest);
        self.reference(
            name,
            &stored.refs,
            &config_key(&manifest.config.digest),
            config_name,
        )?;
        let config = match stored::read_config(self.repository, &manifest, &stored.refs) {
            Ok(config) => Some(config),
            // The reference that is missing has just been reported.
            Err(GraphError::Incomplete { .. }) => None,
            Err(error) => {
                let about = match &error {
                    GraphError::Mismatch { stream, .. } | GraphError::Stored { stream, .. } => {
                        *stream
                    }
                    _ => config_name,
                };
                found::<()>(about, Err(error), self.problems)?;
                None
            }
        };
        let Some((config_stored, image)) = config else {
            return Ok(None);
        };
        let keys = stored::layer_digests(&manifest, image.as_ref());
        for digest in keys.iter().collect::<BTreeSet<_>>() {
            let layer = Stream::Layer(*digest);
            self.users.note(layer, self.digest);
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
        Ok(Some((config_name, config_stored.stream)))
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
