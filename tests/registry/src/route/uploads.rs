//! Blobs on their way in: at once, in two steps, in chunks, or out of another repository.

use std::sync::Arc;

use crate::behaviour::Behaviour;
use crate::contents::{Contents, is_digest_of};
use crate::http::{Head, Response};

/// Bytes that are kept of all uploads under way, so that a client that never finishes one ends.
const MAX_UNFINISHED: usize = 2 << 30;

/// `mount` says whether a blob of another repository can be mounted.
pub fn begin(
    contents: &mut Contents,
    behaviour: &Behaviour,
    head: &Head,
    name: &str,
    body: Vec<u8>,
    mount: bool,
) -> Response {
    if let Some(digest) = head.asked("mount").filter(|_| mount) {
        let from = head.asked("from").unwrap_or_default();
        let blob = contents
            .repositories
            .get(from)
            .and_then(|repository| repository.blobs.get(digest))
            .cloned();
        if let Some(blob) = blob {
            return keep(contents, name, digest, blob);
        }
    }
    if let Some(digest) = head.asked("digest") {
        return match is_digest_of(digest, &body) {
            true => keep(contents, name, digest, Arc::new(body)),
            false => Response::error(400, "DIGEST_INVALID", "not its digest"),
        };
    }
    contents.begun += 1;
    let number = contents.begun;
    contents.uploads.insert((name.to_owned(), number), body);
    under_way(contents, behaviour, head, name, number, 202)
}

pub fn status(
    contents: &Contents,
    behaviour: &Behaviour,
    head: &Head,
    name: &str,
    number: u64,
) -> Response {
    match contents.uploads.contains_key(&(name.to_owned(), number)) {
        true => under_way(contents, behaviour, head, name, number, 204),
        false => unknown(),
    }
}

pub fn append(
    contents: &mut Contents,
    behaviour: &Behaviour,
    head: &Head,
    name: &str,
    number: u64,
    body: &[u8],
) -> Response {
    let held: usize = contents.uploads.values().map(Vec::len).sum();
    let Some(upload) = contents.uploads.get_mut(&(name.to_owned(), number)) else {
        return unknown();
    };
    if held + body.len() > MAX_UNFINISHED {
        return Response::error(413, "SIZE_INVALID", "too much under way");
    }
    if !begins_at(head, upload.len()) {
        return under_way(contents, behaviour, head, name, number, 416);
    }
    upload.extend_from_slice(body);
    under_way(contents, behaviour, head, name, number, 202)
}

pub fn finish(
    contents: &mut Contents,
    head: &Head,
    name: &str,
    number: u64,
    body: &[u8],
) -> Response {
    let key = (name.to_owned(), number);
    let Some(upload) = contents.uploads.get_mut(&key) else {
        return unknown();
    };
    if !body.is_empty() && !begins_at(head, upload.len()) {
        return Response::error(416, "BLOB_UPLOAD_INVALID", "not where it goes on");
    }
    let Some(digest) = head.asked("digest") else {
        return Response::error(400, "DIGEST_INVALID", "no digest");
    };
    upload.extend_from_slice(body);
    let blob = contents.uploads.remove(&key).unwrap_or_default();
    match is_digest_of(digest, &blob) {
        true => keep(contents, name, digest, Arc::new(blob)),
        false => Response::error(400, "DIGEST_INVALID", "not its digest"),
    }
}

/// Whether `Content-Range`, if there is one, goes on at `length`.
fn begins_at(head: &Head, length: usize) -> bool {
    let Some(range) = head.header("content-range") else {
        return true;
    };
    // `0-9` here (distribution-spec); some clients write it as RFC 9110 does.
    let range = range.strip_prefix("bytes ").unwrap_or(range);
    range.split('-').next().and_then(|from| from.parse().ok()) == Some(length)
}

fn keep(contents: &mut Contents, name: &str, digest: &str, blob: Arc<Vec<u8>>) -> Response {
    let repository = contents.repositories.entry(name.to_owned()).or_default();
    repository.blobs.insert(digest.to_owned(), blob);
    Response::new(201)
        .header("Location", format!("/v2/{name}/blobs/{digest}"))
        .header("Docker-Content-Digest", digest)
}

fn under_way(
    contents: &Contents,
    behaviour: &Behaviour,
    head: &Head,
    name: &str,
    number: u64,
    status: u16,
) -> Response {
    let upload = contents.uploads.get(&(name.to_owned(), number));
    let length = upload.map_or(0, Vec::len);
    // With a query, as real registries have it: clients must add theirs to it.
    let path = format!("/v2/{name}/blobs/uploads/{number}?_state=of{number}");
    Response::new(status)
        .header("Location", behaviour.uploads.of(head.host(), &path))
        .header("Docker-Upload-UUID", number.to_string())
        .header("Range", format!("0-{}", length.saturating_sub(1)))
}

fn unknown() -> Response {
    Response::error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
}
