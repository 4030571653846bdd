//! What is named in a repository, as far as it can be told.
//!
//! The store's own lists fail on the first entry that is not as it should be, which is right for
//! whoever decides from them what to delete. Here the rest still matters: a list of images, a
//! check and an update of references go on, and what is odd is the store's check to report.

use std::collections::HashSet;
use std::fs;
use std::io;

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::{Repository, StoreError, StreamName};

use crate::error::GraphError;
use crate::names::{self, Stream};

/// A name in a directory of references, and the stream it leads to or what is wrong with it.
pub(crate) type Reference = (String, Result<StreamName, GraphError>);

/// The streams that have a name of ours and are linked as they should be, sorted.
pub(crate) fn streams(repository: &Repository) -> Result<Vec<(Stream, VerityDigest)>, GraphError> {
    streams_of(repository, &|_| true)
}

/// The same, of some kinds only.
pub(crate) fn streams_of(
    repository: &Repository,
    of_kind: &dyn Fn(&Stream) -> bool,
) -> Result<Vec<(Stream, VerityDigest)>, GraphError> {
    let parse = |name: &str| Stream::parse(name).filter(of_kind);
    linked(repository, &parse, &|stream| stream.name())
}

/// Second names that streams were given while they were replaced, sorted: what was replaced, and
/// the stream it was.
pub(crate) fn previous(repository: &Repository) -> Result<Vec<(Stream, VerityDigest)>, GraphError> {
    linked(repository, &names::parse_previous, &names::previous)
}

fn linked(
    repository: &Repository,
    parse: &dyn Fn(&str) -> Option<Stream>,
    name_of: &dyn Fn(&Stream) -> StreamName,
) -> Result<Vec<(Stream, VerityDigest)>, GraphError> {
    let mut found = Vec::new();
    for name in names_in(repository, "streams")? {
        let Some(stream) = parse(&name) else {
            continue;
        };
        match repository.resolve_stream(&name_of(&stream)) {
            Ok(Some(linked)) => found.push((stream, linked)),
            // Gone since it was listed.
            Ok(None) => {}
            Err(error @ StoreError::Link { .. }) => {
                tracing::warn!(%stream, %error, "passing over an odd link");
            }
            Err(error) => return Err(error.into()),
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The references of one namespace, sorted by name.
pub(crate) fn references(
    repository: &Repository,
    namespace: &str,
) -> Result<Vec<Reference>, GraphError> {
    if let Ok(refs) = repository.refs(namespace) {
        return Ok(refs.into_iter().map(|(name, to)| (name, Ok(to))).collect());
    }
    // Something among them is odd.
    let mut found = Vec::new();
    for name in names_in(repository, &format!("streams/refs/{namespace}"))? {
        match repository.resolve_ref(namespace, &name) {
            Ok(Some(stream)) => found.push((name, Ok(stream))),
            Ok(None) => {}
            Err(error @ (StoreError::Link { .. } | StoreError::Name { .. })) => {
                found.push((name, Err(error.into())));
            }
            Err(error) => return Err(error.into()),
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

/// What something refers to, whether it is there or not.
pub(crate) fn subjects(repository: &Repository) -> Result<HashSet<ContentDigest>, GraphError> {
    let names = names_in(repository, &format!("streams/refs/{}", names::REFERRERS))?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// What is in a namespace and is not a reference, sorted: namespaces inside it.
pub(crate) fn directories(
    repository: &Repository,
    namespace: &str,
) -> Result<Vec<String>, GraphError> {
    let inside = format!("streams/refs/{namespace}");
    let mut names = names_in(repository, &inside)?;
    let path = repository.path().join(inside);
    names.retain(|name| fs::symlink_metadata(path.join(name)).is_ok_and(|status| status.is_dir()));
    names.sort_unstable();
    Ok(names)
}

/// File names in a directory of the repository; none where it does not exist.
fn names_in(repository: &Repository, directory: &str) -> Result<Vec<String>, GraphError> {
    let path = repository.path().join(directory);
    let failed = |source| GraphError::List {
        path: path.clone(),
        source,
    };
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        // No name of ours is anything but UTF-8.
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    Ok(names)
}
