//! Where in the destination's registry a blob may lie already: in the other repositories there that
//! tags name. The store does not remember what came from where, so a tag that reads like
//! `HOST/NAME:TAG` is taken at its word; a registry that has no such blob says so, and the blob is
//! sent.

use std::collections::{BTreeMap, HashMap};

use lazaret_artifact::{ContentDigest, Descriptor, Tag};
use lazaret_graph::names::{self, Stream};
use lazaret_store::Repository;
use lazaret_transport::{Destination, Reference};

use crate::error::PushError;
use crate::parallel::Stop;

/// Manifests looked into: a repository may have ten thousand tags, and reading them all takes longer
/// than sending a small image.
const MAX_MANIFESTS: usize = 512;

/// Repositories asked for one blob. Each answer "no" costs a round trip.
const MAX_REPOSITORIES: usize = 3;

/// Other repositories of the destination's registry, by the blobs they should have.
#[derive(Debug, Default)]
pub(crate) struct Lenders {
    repositories: HashMap<ContentDigest, Vec<String>>,
}

impl Lenders {
    /// Asks the tags. What cannot be read is passed over.
    pub(crate) fn find(repository: &Repository, destination: &Destination) -> Self {
        let mut lenders = Self::default();
        let Some((host, own)) = destination.registry() else {
            return lenders;
        };
        let tags = match repository.refs(names::TAGS) {
            Ok(tags) => tags,
            Err(error) => {
                tracing::debug!(%error, "cannot list tags to mount from");
                return lenders;
            }
        };
        // One repository's tags together, so that the bound does not depend on their order on disk.
        let mut candidates: BTreeMap<(String, ContentDigest), Stream> = BTreeMap::new();
        for (file_name, target) in tags {
            let Some(target) = Stream::parse(target.as_str()) else {
                continue;
            };
            if let Ok(tag) = Tag::from_file_name(&file_name)
                && let Some(name) = repository_on(host, tag.as_str())
                && name != own
            {
                candidates.insert((name, *target.digest()), target);
            }
        }
        let mut left = MAX_MANIFESTS;
        for ((name, _), stream) in candidates {
            lenders.look_into(repository, &name, stream, &mut left);
        }
        lenders
    }

    fn look_into(&mut self, repository: &Repository, name: &str, stream: Stream, left: &mut usize) {
        let Some(fewer) = left.checked_sub(1) else {
            return;
        };
        *left = fewer;
        match stream {
            Stream::Manifest(digest) => match lazaret_graph::load_manifest(repository, &digest) {
                Ok(image) => {
                    let manifest = &image.manifest;
                    for blob in manifest.layers.iter().chain([&manifest.config]) {
                        let known = self.repositories.entry(blob.digest).or_default();
                        if known.len() < MAX_REPOSITORIES && known.iter().all(|n| n != name) {
                            known.push(name.to_owned());
                        }
                    }
                }
                Err(error) => tracing::debug!(%digest, %error, "cannot mount from it"),
            },
            Stream::Index(digest) => match lazaret_graph::load_index(repository, &digest) {
                Ok(index) => {
                    // Nested indexes are rare, and sending is always possible.
                    let manifests = index
                        .children
                        .iter()
                        .filter(|child| child.stored && child.descriptor.media_type.is_manifest());
                    for child in manifests {
                        let stream = Stream::Manifest(child.descriptor.digest);
                        self.look_into(repository, name, stream, left);
                    }
                }
                Err(error) => tracing::debug!(%digest, %error, "cannot mount from it"),
            },
            _ => {}
        }
    }

    /// Has the registry lend `blob`; the repository that did.
    ///
    /// # Errors
    /// A request to stop. That a registry refuses is no error: the blob can be sent.
    pub(crate) fn mount(
        &self,
        destination: &Destination,
        blob: &Descriptor,
        stop: &Stop,
    ) -> Result<Option<String>, PushError> {
        for name in self.repositories.get(&blob.digest).into_iter().flatten() {
            stop.check()?;
            match destination.mount_blob(blob, name) {
                Ok(true) => return Ok(Some(name.clone())),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(digest = %blob.digest, from = %name, %error, "not mounted");
                }
            }
        }
        stop.check()?;
        Ok(None)
    }
}

/// The repository that a tag names, if it reads like one on `host`.
fn repository_on(host: &str, tag: &str) -> Option<String> {
    if !tag.contains('/') {
        return None;
    }
    match format!("docker://{tag}").parse() {
        Ok(Reference::Registry(found)) if found.host == host => Some(found.repository),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_references_to_the_registry() {
        for (tag, expected) in [
            ("localhost:5000/a/b:1", Some("a/b")),
            ("localhost:5000/a", Some("a")),
            ("localhost:5001/a:1", None),
            ("quay.io/a/b:1", None),
            ("localhost:5000", None),
            ("debian:12", None),
            ("a/b", None),
            ("localhost:5000/UPPER", None),
        ] {
            let found = repository_on("localhost:5000", tag);
            assert_eq!(found.as_deref(), expected, "{tag}");
        }
    }
}
