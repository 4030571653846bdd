//! Who refers to a manifest or index: signatures, attestations, bills of materials and whatever
//! else was attached to it.
//!
//! The list comes from `streams/refs/oci-referrers/<subject>`. That is an index and no authority:
//! a referrer's document, verified, says what it refers to and how. Where it has no such subject,
//! it was attached from outside, by cosign's tag or by the annotations of an index that is stored;
//! what nothing else speaks for is left out. A subject need not be there.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_artifact::referrer::attested_in;
use lazaret_artifact::{ContentDigest, CosignKind, Descriptor, MediaType, Relation};
use lazaret_store::Repository;
use serde::Serialize;

use crate::error::GraphError;
use crate::images::Kind;
use crate::listing;
use crate::names::{self, OwnRef, Stream};
use crate::stored;

/// Referrers of referrers. A signature of an attestation of an image is two deep; a chain that was
/// made to be long ends here.
pub const MAX_REFERRER_DEPTH: usize = 8;

/// Referrers that are looked at for one list or tree. Whoever can attach can attach a great many.
pub const MAX_REFERRERS: usize = 10_000;

/// A manifest or index that refers to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferrerRow {
    /// Its digest.
    pub digest: ContentDigest,
    /// What it is.
    pub kind: Kind,
    /// Media type of its document.
    pub media_type: MediaType,
    /// What it is for: its `artifactType`, else its config's type (distribution-spec, "Listing
    /// Referrers"). None for an index that says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// How it refers to its subject.
    pub relation: Relation,
    /// Bytes of its document, its config and its layers as they travelled; of an index, of its
    /// document alone.
    pub size: u64,
    /// Annotations of its document, sorted by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A referrer with those that refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferrerNode {
    /// Itself.
    #[serde(flatten)]
    pub row: ReferrerRow,
    /// Its referrers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub referrers: Vec<ReferrerNode>,
}

/// What refers directly to `subject`, by relation, type and digest.
///
/// # Errors
/// When the list cannot be read, or is too long. A referrer that is damaged is left out, with a warning: `fsck`
/// reports it.
pub fn referrers(
    repository: &Repository,
    subject: &ContentDigest,
) -> Result<Vec<ReferrerRow>, GraphError> {
    let linked = linked(repository, subject)?;
    if linked.len() > MAX_REFERRERS {
        return Err(too_many(subject));
    }
    let mut rows = Vec::with_capacity(linked.len());
    for name in linked {
        match read(repository, subject, name) {
            Ok(row) => rows.extend(row),
            Err(error) if error.is_damage() => {
                tracing::warn!(%subject, stream = %name, %error, "passing over a damaged referrer");
            }
            Err(error) => return Err(error),
        }
    }
    rows.sort_by(|a, b| {
        let key = |row: &ReferrerRow| (row.relation, row.artifact_type.clone(), row.digest);
        key(a).cmp(&key(b))
    });
    Ok(rows)
}

/// What refers to `subject`, to its referrers, and so on; each once, where it is met first.
///
/// # Errors
/// As [`referrers`], and [`GraphError::TooManyReferrers`].
pub fn referrer_tree(
    repository: &Repository,
    subject: &ContentDigest,
) -> Result<Vec<ReferrerNode>, GraphError> {
    let mut seen = BTreeSet::from([*subject]);
    grow(repository, subject, subject, MAX_REFERRER_DEPTH, &mut seen)
}

fn grow(
    repository: &Repository,
    root: &ContentDigest,
    subject: &ContentDigest,
    depth: usize,
    seen: &mut BTreeSet<ContentDigest>,
) -> Result<Vec<ReferrerNode>, GraphError> {
    if depth == 0 {
        tracing::warn!(%subject, "not following referrers any further");
        return Ok(Vec::new());
    }
    let mut nodes = Vec::new();
    for row in referrers(repository, subject)? {
        // Digests cannot go round in circles, but annotations can say that they do.
        if !seen.insert(row.digest) {
            continue;
        }
        if seen.len() > MAX_REFERRERS {
            return Err(too_many(root));
        }
        let referrers = Vec::new();
        nodes.push(ReferrerNode { row, referrers });
    }
    for node in &mut nodes {
        node.referrers = grow(repository, root, &node.row.digest, depth - 1, seen)?;
    }
    Ok(nodes)
}

const fn too_many(subject: &ContentDigest) -> GraphError {
    GraphError::TooManyReferrers {
        subject: *subject,
        limit: MAX_REFERRERS,
    }
}

/// The streams of the referrers of `subject` as far as they are there, by name.
pub(crate) fn linked(
    repository: &Repository,
    subject: &ContentDigest,
) -> Result<Vec<Stream>, GraphError> {
    let mut found = Vec::new();
    for (name, target) in listing::references(repository, &names::referrers_of(subject))? {
        let parsed = target
            .ok()
            .and_then(|target| Stream::parse(target.as_str()));
        match parsed {
            Some(stream @ (Stream::Manifest(digest) | Stream::Index(digest)))
                if name == digest.to_string() =>
            {
                found.push(stream);
            }
            _ => tracing::warn!(%subject, name, "passing over an odd entry"),
        }
    }
    Ok(found)
}

fn read(
    repository: &Repository,
    subject: &ContentDigest,
    name: Stream,
) -> Result<Option<ReferrerRow>, GraphError> {
    let Some(stored) = stored::read_linked(repository, name)? else {
        return Ok(None);
    };
    let digest = *name.digest();
    let size = stored.bytes.len() as u64;
    let row = if matches!(name, Stream::Index(_)) {
        let index = stored::parse_index(&digest, &stored.bytes)?;
        let own = index.subject.as_ref();
        let Some(relation) = relation(repository, subject, name, own)? else {
            return Ok(None);
        };
        ReferrerRow {
            digest,
            kind: Kind::Index,
            media_type: index.media_type,
            artifact_type: index.artifact_type,
            relation,
            size,
            annotations: index.annotations,
        }
    } else {
        let manifest = stored::parse_manifest(&digest, &stored.bytes)?;
        let kind = match manifest.is_image() {
            true => Kind::Image,
            false => Kind::Artifact,
        };
        let own = manifest.subject.as_ref();
        let Some(relation) = relation(repository, subject, name, own)? else {
            return Ok(None);
        };
        let blobs = manifest.layers.iter().chain([&manifest.config]);
        ReferrerRow {
            digest,
            kind,
            relation,
            size: blobs.fold(size, |sum, blob| sum.saturating_add(blob.size)),
            media_type: manifest.media_type,
            artifact_type: Some(manifest.artifact_type.unwrap_or(manifest.config.media_type)),
            annotations: manifest.annotations,
        }
    };
    Ok(Some(row))
}

/// How `name` refers to `subject`; none where nothing says that it does.
fn relation(
    repository: &Repository,
    subject: &ContentDigest,
    name: Stream,
    own_subject: Option<&Descriptor>,
) -> Result<Option<Relation>, GraphError> {
    if own_subject.is_some_and(|own| own.digest == *subject) {
        return Ok(Some(Relation::Subject));
    }
    for kind in CosignKind::ALL {
        let file_name = OwnRef::Cosign(kind, *subject).to_string();
        let target = repository.resolve_ref(names::LAZARET, &file_name)?;
        if target.is_some_and(|target| target == name.name()) {
            return Ok(Some(Relation::Cosign(kind)));
        }
    }
    if is_attested(repository, subject, name.digest())? {
        return Ok(Some(Relation::Attestation));
    }
    tracing::warn!(%subject, referrer = %name, "nothing but its place in the list says that it refers");
    Ok(None)
}

/// Whether an index that is stored says that one manifest in it is BuildKit's attestation of the
/// other.
fn is_attested(
    repository: &Repository,
    subject: &ContentDigest,
    referrer: &ContentDigest,
) -> Result<bool, GraphError> {
    let indexes = listing::streams_of(repository, &|name| matches!(name, Stream::Index(_)))?;
    for (name, linked) in indexes {
        let read = stored::read_from(repository, name, linked)
            .and_then(|stored| stored::parse_index(name.digest(), &stored.bytes));
        let index = match read {
            Ok(index) => index,
            Err(error) if error.is_damage() => continue,
            Err(error) => return Err(error),
        };
        let mut entries = index.manifests.iter();
        if entries
            .any(|entry| entry.digest == *referrer && attested_in(&index, entry) == Some(*subject))
        {
            return Ok(true);
        }
    }
    Ok(false)
}
