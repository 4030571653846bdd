//! Layers and blobs against their import records and, on demand, against the digest in their name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lazaret_artifact::record::Summary;
use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::{Repository, StoreError};

use super::finding::Problem;
use super::unpacked::{self, Contents};
use super::users::Users;
use super::{FsckProgress, Problems};
use crate::error::GraphError;
use crate::names::Stream;
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

/// What was found of a layer or blob.
#[derive(Default)]
struct Checked {
    problems: Vec<Problem>,
    /// Whether its own bytes are not what they should be.
    is_damaged: bool,
    /// The blobs that its record says it came as.
    blobs: Vec<ContentDigest>,
}

/// What was looked at.
pub(super) struct Counts {
    pub(super) layers: u64,
    pub(super) blobs: u64,
    pub(super) records: u64,
}

/// Checks every linked layer, kept blob and record.
pub(super) fn check(
    repository: &Repository,
    streams: &[(Stream, VerityDigest)],
    unpacked: &Contents,
    look: Look,
    users: &mut Users,
    problems: &mut Problems,
    progress: &(dyn Fn(FsckProgress) + Sync),
) -> Result<Counts, GraphError> {
    let mut records = BTreeMap::new();
    let mut known = BTreeSet::new();
    let mut contents = Vec::new();
    for (name, stream) in streams {
        match name {
            Stream::Record(content) => {
                records.insert(*content, *stream);
            }
            Stream::Layer(layer) => {
                known.insert(*layer);
                contents.push((*name, *stream));
            }
            Stream::Blob(_) => contents.push((*name, *stream)),
            Stream::Manifest(_) | Stream::Index(_) | Stream::Config(_) => {}
        }
    }
    for content in records.keys().filter(|content| !known.contains(content)) {
        let about = Some(Stream::Record(*content));
        problems.push((Problem::StaleRecord { content: *content }, about));
    }
    let check = |(name, stream): &(Stream, VerityDigest)| -> Result<Checked, GraphError> {
        let record = match name {
            Stream::Layer(layer) => records.get(layer).copied(),
            _ => None,
        };
        let mut checked = check_content(repository, *name, *stream, record, look)?;
        if let (Stream::Layer(blob), Look::Content) = (name, look)
            && let Some(unpacked) = unpacked.get(blob)
            // What cannot be read itself has been told.
            && !checked.is_damaged
        {
            match unpacked::compare(repository, *blob, stream, unpacked) {
                Ok(problem) => checked.problems.extend(problem),
                // Of the content, since the blob could be read: it is checked like any layer.
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(checked)
    };
    for ((name, _), checked) in contents
        .iter()
        .zip(in_parallel(&contents, &check, progress))
    {
        let checked = checked?;
        for blob in checked.blobs {
            users.note_blob(*name.digest(), blob);
        }
        let about = Some(*name);
        problems.extend(checked.problems.into_iter().map(|problem| (problem, about)));
    }
    Ok(Counts {
        layers: known.len() as u64,
        blobs: (contents.len() - known.len()) as u64,
        records: records.len() as u64,
    })
}

/// Checks everything, in as many threads as there are processors. The results are in the order of
/// what they are of.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    check: &(dyn Fn(&T) -> R + Sync),
    progress: &(dyn Fn(FsckProgress) + Sync),
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let total = items.len() as u64;
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        while let Some((at, item)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            items.get(at).map(|item| (at, item))
        } {
            let result = check(item);
            results
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push((at, result));
            let done = done.fetch_add(1, Ordering::Relaxed) as u64 + 1;
            progress(FsckProgress::Layers { done, total });
        }
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(items.len());
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
    results.into_iter().map(|(_, result)| result).collect()
}

fn check_content(
    repository: &Repository,
    name: Stream,
    stream: VerityDigest,
    record: Option<VerityDigest>,
    look: Look,
) -> Result<Checked, GraphError> {
    let mut checked = match name {
        Stream::Layer(layer) => check_record(repository, layer, stream, record)?,
        _ => Checked::default(),
    };
    let digest = *name.digest();
    let looked = match look {
        Look::Record => Ok(None),
        Look::Objects => require_objects(repository, &stream).map(|()| None),
        Look::Content => rebuilt_digest(repository, &stream, digest.algorithm()).map(Some),
    };
    let problems = &mut checked.problems;
    match looked {
        Ok(Some(found)) if found != digest => {
            checked.is_damaged = true;
            problems.push(Problem::WrongContent {
                stream: name,
                found,
            });
        }
        Ok(_) => {}
        Err(error) if error.is_damage() => {
            checked.is_damaged = true;
            problems.push(Problem::Unreadable {
                stream: name,
                error,
            });
        }
        Err(error) => return Err(error),
    }
    Ok(checked)
}

/// Whether the record of a layer is one, and of the stream that is linked.
fn check_record(
    repository: &Repository,
    layer: ContentDigest,
    stream: VerityDigest,
    record: Option<VerityDigest>,
) -> Result<Checked, GraphError> {
    let mut checked = Checked::default();
    let problems = &mut checked.problems;
    let Some(record) = record else {
        problems.push(Problem::Unverified { layer });
        return Ok(checked);
    };
    match read_record(repository, &layer, &record) {
        Ok(summary) => {
            if summary.stream != stream {
                problems.push(Problem::StaleRecord { content: layer });
                problems.push(Problem::Unverified { layer });
            }
            checked.blobs = summary.blobs;
        }
        Err(error) if error.is_damage() => {
            problems.push(Problem::Unreadable {
                stream: Stream::Record(layer),
                error,
            });
        }
        Err(error) => return Err(error),
    }
    Ok(checked)
}

/// Reads every line of a record; returns the last.
fn read_record(
    repository: &Repository,
    content: &ContentDigest,
    record: &VerityDigest,
) -> Result<Summary, GraphError> {
    let mut reader = RecordReader::open(repository, content, record)?;
    for line in reader.by_ref() {
        line?;
    }
    reader.summary().cloned().ok_or_else(|| GraphError::Record {
        content: *content,
        reason: "it has no summary".to_owned(),
    })
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
