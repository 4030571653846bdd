//! What lies under `streams/refs` beside tags: names of this program's own, and lists of referrers.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::Repository;

use super::Problems;
use super::finding::Problem;
use super::users::Users;
use crate::error::GraphError;
use crate::listing;
use crate::names::{self, OwnRef, Stream};

/// Checks the names of this program's own, and whether what a `cfsctl gc` knows nothing of has one.
pub(super) fn check_own(
    repository: &Repository,
    streams: &[(Stream, VerityDigest)],
    problems: &mut Problems,
) -> Result<(), GraphError> {
    let mut held = BTreeSet::new();
    for (file_name, target) in listing::references(repository, names::LAZARET)? {
        // What is no reference at all is for the store to report.
        let Ok(target) = target else { continue };
        let target = Stream::parse(target.as_str());
        let fits = match OwnRef::parse(&file_name) {
            Some(OwnRef::Record(content)) => target == Some(Stream::Record(content)),
            Some(OwnRef::Blob(digest)) => target == Some(Stream::Blob(digest)),
            // One that leads to something else is a finding of its own.
            Some(OwnRef::Content(_)) => continue,
            Some(OwnRef::Replacing(stream)) => target == Some(stream),
            Some(OwnRef::Cosign(..)) => {
                matches!(target, Some(Stream::Manifest(_) | Stream::Index(_)))
            }
            None => false,
        };
        match target.filter(|_| fits) {
            Some(target) => {
                held.insert(target);
            }
            None => {
                let path = format!("{}/{file_name}", names::LAZARET);
                problems.push((Problem::ForeignRef { path }, None));
            }
        }
    }
    let layers: BTreeSet<&ContentDigest> = streams
        .iter()
        .filter(|(name, _)| matches!(name, Stream::Layer(_)))
        .map(|(name, _)| name.digest())
        .collect();
    for (name, _) in streams {
        let needs_one = match name {
            Stream::Blob(_) => true,
            // One without its layer is of no use, and reported as such.
            Stream::Record(content) => layers.contains(content),
            _ => false,
        };
        if needs_one && !held.contains(name) {
            problems.push((Problem::NotHeld { stream: *name }, Some(*name)));
        }
    }
    for (stream, _) in listing::previous(repository)? {
        problems.push((Problem::Interrupted { stream }, Some(stream)));
    }
    Ok(())
}

/// What compressed blobs of artifacts hold, as far as there is a name that says so: the stream by
/// the digest of the blob, or none where the name leads to something else.
pub(super) fn contents(
    repository: &Repository,
) -> Result<BTreeMap<ContentDigest, Option<Stream>>, GraphError> {
    let mut contents = BTreeMap::new();
    for (file_name, target) in listing::references(repository, names::LAZARET)? {
        if let Some(OwnRef::Content(blob)) = OwnRef::parse(&file_name) {
            let target = target
                .ok()
                .and_then(|target| Stream::parse(target.as_str()));
            let target = target.filter(|target| matches!(target, Stream::Layer(_)));
            contents.insert(blob, target);
        }
    }
    Ok(contents)
}

/// Checks the lists of referrers, and notes who is in them.
pub(super) fn check_referrers(
    repository: &Repository,
    users: &mut Users,
    problems: &mut Problems,
) -> Result<(), GraphError> {
    for subject in listing::directories(repository, names::REFERRERS)? {
        let namespace = format!("{}/{subject}", names::REFERRERS);
        let subject: Option<ContentDigest> = subject.parse().ok();
        for (file_name, target) in listing::references(repository, &namespace)? {
            let Ok(target) = target else { continue };
            let referrer = match Stream::parse(target.as_str()) {
                Some(stream @ (Stream::Manifest(digest) | Stream::Index(digest)))
                    if file_name
                        .parse()
                        .is_ok_and(|named: ContentDigest| named == digest) =>
                {
                    Some(stream)
                }
                _ => None,
            };
            let (Some(subject), Some(referrer)) = (subject, referrer) else {
                let path = format!("{namespace}/{file_name}");
                problems.push((Problem::ForeignRef { path }, None));
                continue;
            };
            for user in [Stream::Manifest(subject), Stream::Index(subject)] {
                if repository.resolve_stream(&user.name())?.is_some() {
                    users.note(referrer, user);
                }
            }
        }
    }
    Ok(())
}
