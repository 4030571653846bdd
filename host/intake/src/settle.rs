//! Which of two equal streams keeps the name, and which record stays.

use lazaret_artifact::record::{Role, Summary, Verdict};
use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_graph::names::Stream;
use lazaret_graph::{RecordReader, RecordWriter, rebuilt_digest};
use lazaret_store::Repository;

use crate::error::IntakeError;
use crate::lines::Noted;
use crate::recorder::Recorded;
use crate::reuse::{Rank, record, unless_damaged};
use crate::task::Task;

/// What becomes of content that is there already.
pub(crate) struct Settled {
    /// The stream that keeps the name.
    pub(crate) stream: VerityDigest,
    /// Blobs known to hold this content.
    pub(crate) blobs: Vec<ContentDigest>,
    /// A record that says more than the new one would.
    pub(crate) better_record: Option<(VerityDigest, Rank)>,
}

/// Which stream keeps the name of this content, and which record stays.
///
/// A stream that is there under the name and rebuilds the same bytes stays: images of other tools
/// refer to it by its own digest, and their collector finds its objects only through the name. One
/// that does not rebuild them has lied, and loses the name; so does one that was kept whole, or as
/// another kind of blob, when a layer's importer now read it. A record of a layer's entries never
/// gives way to one that has none.
///
/// With `renew` a stream that was imported otherwise gives way, too: whoever refers to it is
/// rewritten when this one gets its name.
pub(crate) fn settle(
    repository: &Repository,
    task: &Task<'_>,
    content: &ContentDigest,
    recorded: &Recorded,
    verdict: &Verdict,
    renew: bool,
) -> Result<Settled, IntakeError> {
    let fresh = |blobs| Settled {
        stream: recorded.stream,
        blobs,
        better_record: None,
    };
    let name = Stream::Layer(*content).name();
    let Some(Some(linked)) = unless_damaged(repository.resolve_stream(&name))? else {
        return Ok(fresh(Vec::new()));
    };
    let found = record(repository, content)?.filter(|found| found.summary.stream == linked);
    let was_imported = found
        .as_ref()
        .is_some_and(|found| found.summary.verdict == Verdict::Imported);
    let was_layer = found
        .as_ref()
        .is_some_and(|found| found.header.role == Role::Layer);
    let is_layer = task.role() == Role::Layer;
    let is_imported = *verdict == Verdict::Imported;
    let better_record = found
        .as_ref()
        .filter(|_| was_imported && (!is_imported || (was_layer && !is_layer)))
        .map(|found| {
            let rank = Rank::of(found.header.role, &found.summary.verdict);
            (found.stream, rank)
        });
    let blobs = found.map_or_else(Vec::new, |found| found.summary.blobs);
    let settled = Settled {
        stream: linked,
        blobs,
        better_record,
    };
    if linked == recorded.stream {
        return Ok(settled);
    }
    if renew && settled.better_record.is_none() {
        return Ok(fresh(settled.blobs));
    }
    if is_layer && !is_of_kind(repository, task, &linked) {
        return Ok(fresh(settled.blobs));
    }
    if is_layer && is_imported && !was_imported && !settled.blobs.is_empty() {
        return Ok(fresh(settled.blobs));
    }
    if rebuilds(repository, content, &linked) {
        return Ok(settled);
    }
    tracing::warn!(
        stream = name.as_str(),
        "the stream that was there does not rebuild its content and is replaced"
    );
    Ok(fresh(Vec::new()))
}

/// The record with what else was found of the same content, read as something else.
pub(crate) fn add_findings(
    repository: &Repository,
    content: &ContentDigest,
    kept: VerityDigest,
    noted: &Noted,
) -> Result<VerityDigest, IntakeError> {
    let (_, before) = RecordReader::open(repository, content, &kept)?.into_summary()?;
    let severity = before.severity.max(noted.severity);
    let (faults, unread) = (
        before.faults.max(noted.faults),
        before.unread.max(noted.unread),
    );
    if (severity, faults, unread) == (before.severity, before.faults, before.unread) {
        return Ok(kept);
    }
    rewrite(repository, content, &kept, |summary| {
        summary.severity = severity;
        summary.faults = faults;
        summary.unread = unread;
    })
}

/// The same record with another summary.
pub(crate) fn rewrite(
    repository: &Repository,
    content: &ContentDigest,
    record: &VerityDigest,
    change: impl FnOnce(&mut Summary),
) -> Result<VerityDigest, IntakeError> {
    let mut reader = RecordReader::open(repository, content, record)?;
    let mut writer = RecordWriter::new(repository, reader.header())?;
    for line in reader.by_ref() {
        writer.line(&line?)?;
    }
    let Some(summary) = reader.summary() else {
        // The reader ends without an error only after the summary.
        return Ok(*record);
    };
    let mut summary = summary.clone();
    change(&mut summary);
    Ok(writer.finish(summary)?.stream)
}

/// Whether a stream has the content type that is needed.
fn is_of_kind(repository: &Repository, task: &Task<'_>, stream: &VerityDigest) -> bool {
    repository
        .open_stream(stream, Some(task.content_type()))
        .is_ok()
}

/// Whether a stream, of whatever content type, rebuilds the content; every object is verified.
pub(crate) fn rebuilds(
    repository: &Repository,
    content: &ContentDigest,
    stream: &VerityDigest,
) -> bool {
    rebuilt_digest(repository, stream, content.algorithm()).is_ok_and(|found| found == *content)
}

#[cfg(test)]
mod tests;
