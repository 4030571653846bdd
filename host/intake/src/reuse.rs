//! What is already there: when it may stand for a blob, and which of two equal streams keeps the
//! name.

use std::collections::BTreeMap;
use std::io::{self, Write};

use lazaret_artifact::media_type::OCI_TAR;
use lazaret_artifact::record::{Role, Summary, Verdict};
use lazaret_artifact::{ContentDigest, ContentHasher, VerityDigest};
use lazaret_graph::{find_record, names};
use lazaret_store::Repository;

use crate::error::IntakeError;
use crate::layer::{Kind, Wanted};
use crate::options::Importers;
use crate::recorder::Recorded;

/// A layer that was verified before.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) stream: VerityDigest,
    pub(crate) record: VerityDigest,
    pub(crate) summary: Summary,
}

/// Whether `wanted` is there: its stream is linked, and a record of that very stream says that this
/// blob was verified to hold it, by the importer that would be used now.
pub(crate) fn find(
    repository: &Repository,
    wanted: &Wanted,
    importers: &Importers<'_>,
    parameters: &BTreeMap<String, String>,
) -> Result<Option<Known>, IntakeError> {
    let name = names::Stream::Layer(wanted.content()).name();
    let Some(stream) = repository.resolve_stream(&name)? else {
        return Ok(None);
    };
    let Some(found) = find_record(repository, &wanted.content())? else {
        return Ok(None);
    };
    let expected = expected_importer(wanted, importers);
    let header = &found.header;
    let summary = found.summary;
    let same_importer = header.importer.as_ref().map(|importer| importer.digest) == expected;
    if summary.stream != stream
        || header.role != wanted.role()
        || header.parameters != *parameters
        || !summary.blobs.contains(&wanted.descriptor.digest)
        || !same_importer
        || repository.has_object(&stream)?.is_none()
    {
        return Ok(None);
    }
    Ok(Some(Known {
        stream,
        record: found.stream,
        summary,
    }))
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
    pub(crate) better_record: Option<VerityDigest>,
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
    let name = names::Stream::Layer(wanted.content()).name();
    let Some(linked) = repository.resolve_stream(&name)? else {
        return Ok(fresh(Vec::new()));
    };
    let found =
        find_record(repository, &wanted.content())?.filter(|found| found.summary.stream == linked);
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
        .map(|found| found.stream);
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
    if rebuilds(repository, wanted, &linked) {
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
pub(crate) fn rebuilds(repository: &Repository, wanted: &Wanted, stream: &VerityDigest) -> bool {
    let mut hash = Hash(ContentHasher::new(wanted.content().algorithm()));
    let rebuilt = repository
        .open_stream(stream, None)
        .and_then(|mut reader| reader.rebuild(&mut hash));
    rebuilt.is_ok() && hash.0.finish() == wanted.content()
}

struct Hash(ContentHasher);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
