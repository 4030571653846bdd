//! What `diff --json` prints.

use lazaret_artifact::{ContentDigest, EntryPath};
use lazaret_graph::Name;
use lazaret_views::{Changed, Differences, MetadataChange, Outline};
use serde::Serialize;

use crate::verb::plain;

/// The whole.
#[derive(Serialize)]
pub struct Document<'a> {
    before: Side<'a>,
    after: Side<'a>,
    equal: Equal,
    changed: Vec<ChangedPart<'a>>,
    added: Vec<OnePart<'a>>,
    gone: Vec<OnePart<'a>>,
    metadata: Vec<Metadata<'a>>,
}

#[derive(Serialize)]
struct Side<'a> {
    name: &'a Name,
    digest: &'a ContentDigest,
}

#[derive(Serialize)]
struct Equal {
    parts: u64,
    bytes: u64,
    elsewhere: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangedPart<'a> {
    name: &'a str,
    content_only: bool,
    before: Looks<'a>,
    after: Looks<'a>,
}

#[derive(Serialize)]
struct OnePart<'a> {
    name: &'a str,
    #[serde(flatten)]
    looks: Looks<'a>,
}

#[derive(Serialize)]
struct Looks<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a EntryPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dtype: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<&'a str>,
    size: u64,
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a EntryPath>,
    key: &'a str,
    before: Vec<serde_json::Value>,
    after: Vec<serde_json::Value>,
}

/// Of two names, what they stand for, and what differs.
pub fn of<'a>(
    names: (&'a Name, &'a Name),
    digests: (&'a ContentDigest, &'a ContentDigest),
    found: &'a Differences,
) -> Document<'a> {
    let side = |name, digest| Side { name, digest };
    Document {
        before: side(names.0, digests.0),
        after: side(names.1, digests.1),
        equal: Equal {
            parts: found.equal.parts,
            bytes: found.equal.bytes,
            elsewhere: found.elsewhere.parts,
        },
        changed: found.changed.iter().map(changed).collect(),
        added: found.added.iter().map(one).collect(),
        gone: found.gone.iter().map(one).collect(),
        metadata: found.metadata.iter().map(metadata).collect(),
    }
}

fn changed(changed: &Changed) -> ChangedPart<'_> {
    ChangedPart {
        name: &changed.after.name,
        content_only: changed.content_only,
        before: looks(&changed.before),
        after: looks(&changed.after),
    }
}

fn one(outline: &Outline) -> OnePart<'_> {
    OnePart {
        name: &outline.name,
        looks: looks(outline),
    }
}

fn looks(outline: &Outline) -> Looks<'_> {
    Looks {
        file: outline.file.as_deref(),
        dtype: outline.dtype.as_deref(),
        shape: outline.shape.as_deref(),
        size: outline.size,
    }
}

fn metadata(change: &MetadataChange) -> Metadata<'_> {
    Metadata {
        file: change.file.as_ref(),
        key: &change.key,
        before: change.before.iter().map(plain).collect(),
        after: change.after.iter().map(plain).collect(),
    }
}
