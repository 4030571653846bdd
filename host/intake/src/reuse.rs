//! What is already there: when it may stand for a blob, and which of two equal streams keeps the
//! name.

use std::io::{self, Write};

use lazaret_artifact::media_type::OCI_TAR;
use lazaret_artifact::record::Summary;
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

/// Which stream keeps the name of this content, and the blobs already known to hold it.
///
/// A stream that is there under the name and rebuilds the same bytes stays: images of other tools
/// refer to it by its own digest, and their collector finds its objects only through the name. One
/// that does not rebuild them has lied, and loses the name.
pub(crate) fn settle(
    repository: &Repository,
    wanted: &Wanted,
    recorded: &Recorded,
) -> Result<(VerityDigest, Vec<ContentDigest>), IntakeError> {
    let name = names::Stream::Layer(wanted.content()).name();
    let Some(linked) = repository.resolve_stream(&name)? else {
        return Ok((recorded.stream, Vec::new()));
    };
    let known = match find_record(repository, &wanted.content())? {
        Some(found) if found.summary.stream == linked => found.summary.blobs,
        _ => Vec::new(),
    };
    if linked == recorded.stream {
        return Ok((linked, known));
    }
    if rebuilds(repository, wanted, &linked) {
        return Ok((linked, known));
    }
    tracing::warn!(
        stream = name.as_str(),
        "the stream that was there does not rebuild its content and is replaced"
    );
    Ok((recorded.stream, Vec::new()))
}

fn rebuilds(repository: &Repository, wanted: &Wanted, stream: &VerityDigest) -> bool {
    let mut hash = Hash(ContentHasher::new(wanted.content().algorithm()));
    let rebuilt = repository
        .open_stream(stream, Some(wanted.content_type()))
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
