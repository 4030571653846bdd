//! What is already there: when it may stand for a blob, and which of two equal streams keeps the
//! name.
//!
//! What was verified once is believed as long as nothing has changed since, which costs a look at
//! every object and reads none ([`Repository::examine_stream`]). Where something is missing, cut off
//! or another than it was, the layer is imported anew, and every object of it that is there is read
//! before it is relied on: so a pull repairs.

use std::collections::BTreeMap;

use lazaret_artifact::media_type::OCI_TAR;
use lazaret_artifact::record::{Role, Summary, Verdict};
use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_graph::names::Stream;
use lazaret_graph::{GraphError, Record, find_record, rebuilt_digest};
use lazaret_store::{Repository, StoreError, Trust};

use crate::error::IntakeError;
use crate::options::Importers;
use crate::plan::{Kind, Wanted};
use crate::recorder::Recorded;

/// A layer that was verified before.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) stream: VerityDigest,
    pub(crate) record: VerityDigest,
    pub(crate) summary: Summary,
    pub(crate) rank: Rank,
}

/// What was found of a blob.
#[derive(Debug, Clone)]
pub(crate) enum Looked {
    /// It is there and can be used.
    Known(Box<Known>),
    /// It has to be imported.
    Missing {
        /// Whether a stream has its name all the same.
        named: bool,
        /// Whether that is because of damage.
        damaged: bool,
    },
}

/// How much a record says; a lower one never takes the place of a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// A blob that was kept whole.
    Blob,
    /// A layer that was kept whole.
    Layer,
    /// A blob's entries.
    ImportedBlob,
    /// A layer's entries.
    ImportedLayer,
}

impl Rank {
    pub(crate) fn of(role: Role, verdict: &Verdict) -> Self {
        match (role, verdict) {
            (Role::Layer, Verdict::Imported) => Self::ImportedLayer,
            (Role::Blob, Verdict::Imported) => Self::ImportedBlob,
            (Role::Layer, _) => Self::Layer,
            (Role::Blob, _) => Self::Blob,
        }
    }
}

/// Whether `wanted` is there: its stream is linked and whole, and a record of that very stream says
/// that this blob was verified to hold it, by the importer that would be used now.
pub(crate) fn find(
    repository: &Repository,
    wanted: &Wanted,
    importers: &Importers<'_>,
    parameters: &BTreeMap<String, String>,
    trust: Trust,
) -> Result<Looked, IntakeError> {
    let content = wanted.content();
    let name = Stream::Layer(content).name();
    let stream = match unless_damaged(repository.resolve_stream(&name))? {
        Some(Some(stream)) => stream,
        Some(None) => {
            return Ok(Looked::Missing {
                named: false,
                damaged: false,
            });
        }
        None => {
            return Ok(Looked::Missing {
                named: true,
                damaged: true,
            });
        }
    };
    let is_whole = unless_damaged(repository.examine_stream(&name, trust))?.is_some()
        && (trust == Trust::Unchanged || rebuilds(repository, &content, &stream));
    let record = record(repository, &content)?;
    let record_is_whole = record.is_some() || {
        let name = Stream::Record(content).name();
        let examined = repository.examine_stream(&name, Trust::Nothing);
        matches!(examined, Err(StoreError::StreamMissing { .. }))
            || unless_damaged(examined)?.is_some()
    };
    let missing = Looked::Missing {
        named: true,
        damaged: !is_whole || !record_is_whole,
    };
    Ok(match record {
        Some(record) if is_whole && suits(&record, wanted, importers, parameters, &stream) => {
            Looked::Known(Box::new(Known {
                stream,
                record: record.stream,
                rank: Rank::of(record.header.role, &record.summary.verdict),
                summary: record.summary,
            }))
        }
        _ => missing,
    })
}

/// Whether a record speaks for `wanted`. One of a layer's entries also does for the same bytes as a
/// blob: it would stay in any case.
fn suits(
    record: &Record,
    wanted: &Wanted,
    importers: &Importers<'_>,
    parameters: &BTreeMap<String, String>,
    stream: &VerityDigest,
) -> bool {
    let (header, summary) = (&record.header, &record.summary);
    let blob = &wanted.descriptor;
    let verified = summary.stream == *stream
        && summary.blobs.contains(&blob.digest)
        && (wanted.is_wrapped() || summary.size == blob.size);
    let importer = header.importer.as_ref().map(|importer| importer.digest);
    let same = header.role == wanted.role()
        && header.parameters == *parameters
        && importer == expected_importer(wanted, importers);
    let better = wanted.role() == Role::Blob
        && Rank::of(header.role, &summary.verdict) == Rank::ImportedLayer;
    verified && (same || better)
}

/// The record of a content, if there is one that can be read.
fn record(repository: &Repository, content: &ContentDigest) -> Result<Option<Record>, IntakeError> {
    Ok(unless_damaged(find_record(repository, content))?.flatten())
}

/// What was found, none when it is damaged, or why nothing can be said.
pub(crate) fn unless_damaged<T>(
    found: Result<T, impl Into<GraphError>>,
) -> Result<Option<T>, IntakeError> {
    match found.map_err(Into::into) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_damage() => {
            tracing::warn!(%error, "damaged, and will be stored anew");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Digest of the importer that `wanted` would be given to.
fn expected_importer(wanted: &Wanted, importers: &Importers<'_>) -> Option<ContentDigest> {
    match importers {
        Importers::One(steer) => Some(steer.identity().digest),
        Importers::Registry(registry) => {
            let media_type = match wanted.kind {
                Kind::Layer { .. } => OCI_TAR,
                Kind::Blob => wanted.descriptor.media_type.as_str(),
            };
            registry
                .list()
                .find(|(_, _, claims)| claims.contains(&media_type))
                .map(|(_, digest, _)| digest)
        }
    }
}

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
pub(crate) fn settle(
    repository: &Repository,
    wanted: &Wanted,
    recorded: &Recorded,
    verdict: &Verdict,
) -> Result<Settled, IntakeError> {
    let fresh = |blobs| Settled {
        stream: recorded.stream,
        blobs,
        better_record: None,
    };
    let name = Stream::Layer(wanted.content()).name();
    let Some(Some(linked)) = unless_damaged(repository.resolve_stream(&name))? else {
        return Ok(fresh(Vec::new()));
    };
    let found =
        record(repository, &wanted.content())?.filter(|found| found.summary.stream == linked);
    let was_imported = found
        .as_ref()
        .is_some_and(|found| found.summary.verdict == Verdict::Imported);
    let was_layer = found
        .as_ref()
        .is_some_and(|found| found.header.role == Role::Layer);
    let is_layer = wanted.role() == Role::Layer;
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
    if is_layer && !is_of_kind(repository, wanted, &linked) {
        return Ok(fresh(settled.blobs));
    }
    if is_layer && is_imported && !was_imported && !settled.blobs.is_empty() {
        return Ok(fresh(settled.blobs));
    }
    if rebuilds(repository, &wanted.content(), &linked) {
        return Ok(settled);
    }
    tracing::warn!(
        stream = name.as_str(),
        "the stream that was there does not rebuild its content and is replaced"
    );
    Ok(fresh(Vec::new()))
}

/// Whether a stream has the content type that `wanted` needs.
fn is_of_kind(repository: &Repository, wanted: &Wanted, stream: &VerityDigest) -> bool {
    repository
        .open_stream(stream, Some(wanted.content_type()))
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
