//! Layers and blobs against their import records and, on demand, against the digest in their name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::{Repository, StoreError};

use super::finding::Problem;
use super::{FsckProgress, Problems};
use crate::error::GraphError;
use crate::listing;
use crate::names::{self, OwnRef, Stream};
use crate::rebuild::rebuilt_digest;
use crate::records::RecordReader;

/// How closely a layer is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Its record only: the store has looked at its stream and objects.
    Record,
    /// And whether its stream can be read and the objects are there.
    Objects,
    /// And whether they rebuild what its name says.
    Content,
}

/// A layer by its place in the list, and what was found of it.
type Checked = (usize, Result<Vec<Problem>, GraphError>);

/// What was looked at.
pub(super) struct Counts {
    pub(super) layers: u64,
    pub(super) records: u64,
}

/// Checks every linked layer and record.
pub(super) fn check(
    repository: &Repository,
    streams: &[(Stream, VerityDigest)],
    look: Look,
    problems: &mut Problems,
    progress: &(dyn Fn(FsckProgress) + Sync),
) -> Result<Counts, GraphError> {
    let of = |wanted: fn(&Stream) -> bool| -> Vec<(ContentDigest, VerityDigest)> {
        let matching = streams.iter().filter(|(name, _)| wanted(name));
        matching
            .map(|(name, stream)| (*name.digest(), *stream))
            .collect()
    };
    let layers = of(|name| matches!(name, Stream::Layer(_)));
    let records: BTreeMap<ContentDigest, VerityDigest> =
        of(|name| matches!(name, Stream::Record(_)))
            .into_iter()
            .collect();
    let known: BTreeSet<ContentDigest> = layers.iter().map(|(layer, _)| *layer).collect();
    for content in records.keys().filter(|content| !known.contains(content)) {
        let about = Some(Stream::Record(*content));
        problems.push((Problem::StaleRecord { content: *content }, about));
    }

    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let total = layers.len() as u64;
    let results: Mutex<Vec<Checked>> = Mutex::default();
    let work = || loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some((layer, stream)) = layers.get(at) else {
            return;
        };
        let record = records.get(layer).copied();
        let result = check_layer(repository, *layer, *stream, record, look);
        results
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push((at, result));
        let done = done.fetch_add(1, Ordering::Relaxed) as u64 + 1;
        progress(FsckProgress::Layers { done, total });
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(layers.len());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    // The order of the report does not depend on which thread was faster.
    results.sort_by_key(|(at, _)| *at);
    for (at, result) in results {
        let about = Some(Stream::Layer(layers[at].0));
        problems.extend(result?.into_iter().map(|problem| (problem, about)));
    }
    Ok(Counts {
        layers: total,
        records: records.len() as u64,
    })
}

/// Names under `streams/refs/lazaret` that stand for nothing.
pub(super) fn check_refs(
    repository: &Repository,
    problems: &mut Problems,
) -> Result<(), GraphError> {
    for (file_name, target) in listing::references(repository, names::LAZARET)? {
        // What is no reference at all is for the store to report.
        let Ok(target) = target else { continue };
        let target = Stream::parse(target.as_str());
        let fits = match OwnRef::parse(&file_name) {
            Some(OwnRef::Record(content)) => target == Some(Stream::Record(content)),
            Some(OwnRef::Blob(digest)) => target == Some(Stream::Blob(digest)),
            Some(OwnRef::Replacing(stream)) => target == Some(stream),
            Some(OwnRef::Cosign(..)) => {
                matches!(target, Some(Stream::Manifest(_) | Stream::Index(_)))
            }
            None => false,
        };
        if !fits {
            problems.push((Problem::ForeignRef { file_name }, None));
        }
    }
    Ok(())
}

fn check_layer(
    repository: &Repository,
    layer: ContentDigest,
    stream: VerityDigest,
    record: Option<VerityDigest>,
    look: Look,
) -> Result<Vec<Problem>, GraphError> {
    let mut problems = Vec::new();
    match record {
        None => problems.push(Problem::Unverified { layer }),
        Some(record) => match read_record(repository, &layer, &record) {
            Ok(described) if described == stream => {}
            Ok(_) => {
                problems.push(Problem::StaleRecord { content: layer });
                problems.push(Problem::Unverified { layer });
            }
            Err(error) if error.is_damage() => {
                problems.push(Problem::Unreadable {
                    stream: Stream::Record(layer),
                    error,
                });
            }
            Err(error) => return Err(error),
        },
    }
    let looked = match look {
        Look::Record => Ok(None),
        Look::Objects => require_objects(repository, &stream).map(|()| None),
        Look::Content => rebuilt_digest(repository, &stream, layer.algorithm()).map(Some),
    };
    match looked {
        Ok(Some(found)) if found != layer => problems.push(Problem::WrongContent { layer, found }),
        Ok(_) => {}
        Err(error) if error.is_damage() => {
            let stream = Stream::Layer(layer);
            problems.push(Problem::Unreadable { stream, error });
        }
        Err(error) => return Err(error),
    }
    Ok(problems)
}

/// Reads every line of a record; returns the stream it describes.
fn read_record(
    repository: &Repository,
    content: &ContentDigest,
    record: &VerityDigest,
) -> Result<VerityDigest, GraphError> {
    let mut reader = RecordReader::open(repository, content, record)?;
    for line in reader.by_ref() {
        line?;
    }
    match reader.summary() {
        Some(summary) => Ok(summary.stream),
        None => Err(GraphError::Record {
            content: *content,
            reason: "it has no summary".to_owned(),
        }),
    }
}

/// Whether a stream can be read and all its objects are there.
fn require_objects(repository: &Repository, stream: &VerityDigest) -> Result<(), GraphError> {
    for object in repository.open_stream(stream, None)?.object_refs() {
        if repository.has_object(object)?.is_none() {
            return Err(StoreError::ObjectMissing { digest: *object }.into());
        }
    }
    Ok(())
}
