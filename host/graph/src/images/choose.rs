//! Which of the manifests that are stored of an index is for a platform.
//!
//! The rules are those by which a source's index is read when it is pulled: what the index states
//! decides, and where it states nothing, the image's config. BuildKit's attestations are never
//! chosen. What is not stored is as if the index did not list it.

use std::collections::BTreeSet;

use lazaret_artifact::limits::MAX_INDEX_DEPTH;
use lazaret_artifact::referrer::is_attestation;
use lazaret_artifact::{ContentDigest, Platform};
use lazaret_store::Repository;

use crate::error::GraphError;
use crate::names::Stream;
use crate::stored;

/// A stored manifest that an index leads to.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// The manifest.
    pub(crate) digest: ContentDigest,
    /// What it is for, where the index says so.
    pub(crate) stated: Option<Platform>,
    /// Whether it is something that BuildKit attached to another one.
    pub(crate) attestation: bool,
}

/// The manifest to take, for `platform` or else for this machine's.
pub(super) fn choose(
    repository: &Repository,
    index: &ContentDigest,
    platform: Option<&Platform>,
) -> Result<ContentDigest, GraphError> {
    let wanted = platform.cloned().unwrap_or_else(Platform::host);
    let mut candidates = candidates(repository, index)?;
    candidates.retain(|candidate| !candidate.attestation);
    let stated = |candidate: &&Candidate| candidate.stated.clone();
    let exact = candidates
        .iter()
        .find(|c| stated(c).as_ref() == Some(&wanted));
    let close = || {
        let mut all = candidates.iter();
        all.find(|c| stated(c).is_some_and(|platform| platform.satisfies(&wanted)))
    };
    if let Some(candidate) = exact.or_else(close) {
        return Ok(candidate.digest);
    }
    let mut others = BTreeSet::new();
    for candidate in &candidates {
        let found = match &candidate.stated {
            Some(platform) => Some(platform.clone()),
            None => platform_of(repository, &candidate.digest)?,
        };
        match found {
            Some(found) if candidate.stated.is_none() && found.satisfies(&wanted) => {
                return Ok(candidate.digest);
            }
            Some(found) => {
                others.insert(found.to_string());
            }
            None => {}
        }
    }
    match candidates.as_slice() {
        [only] if platform.is_none() => Ok(only.digest),
        // Nobody says what it is for, so it is not for something else.
        [only] if others.is_empty() => Ok(only.digest),
        _ => Err(GraphError::NoPlatform {
            digest: *index,
            wanted,
            stored: others.into_iter().collect(),
        }),
    }
}

/// The stored manifests that an index leads to, through stored indexes, in order, each once.
pub(crate) fn candidates(
    repository: &Repository,
    index: &ContentDigest,
) -> Result<Vec<Candidate>, GraphError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    collect(repository, index, 0, &mut seen, &mut found)?;
    Ok(found)
}

fn collect(
    repository: &Repository,
    index: &ContentDigest,
    depth: usize,
    seen: &mut BTreeSet<ContentDigest>,
    found: &mut Vec<Candidate>,
) -> Result<(), GraphError> {
    let missing = || GraphError::NoSuchImage { digest: *index };
    let stored = stored::read_linked(repository, Stream::Index(*index))?.ok_or_else(missing)?;
    for entry in stored::parse_index(index, &stored.bytes)?.manifests {
        if !seen.insert(entry.digest) {
            continue;
        }
        let linked = |name: Stream| repository.resolve_stream(&name.name());
        if linked(Stream::Manifest(entry.digest))?.is_some() {
            found.push(Candidate {
                digest: entry.digest,
                attestation: is_attestation(&entry),
                stated: entry.platform,
            });
        } else if linked(Stream::Index(entry.digest))?.is_some() && depth < MAX_INDEX_DEPTH {
            collect(repository, &entry.digest, depth + 1, seen, found)?;
        }
    }
    Ok(())
}

/// What a manifest's config says it is for; nothing, for an artifact.
fn platform_of(
    repository: &Repository,
    digest: &ContentDigest,
) -> Result<Option<Platform>, GraphError> {
    let Some(stored) = stored::read_linked(repository, Stream::Manifest(*digest))? else {
        return Ok(None);
    };
    let manifest = stored::parse_manifest(digest, &stored.bytes)?;
    let (_, image) = stored::read_config(repository, &manifest, &stored.refs)?;
    Ok(image.map(|image| image.platform))
}
