//! Blobs, whole or in part.

use std::sync::Arc;

use crate::behaviour::Behaviour;
use crate::contents::Contents;
use crate::http::{Head, Response};

pub fn get(
    contents: &Contents,
    behaviour: &Behaviour,
    head: &Head,
    name: &str,
    digest: &str,
) -> Response {
    let blob = contents
        .repositories
        .get(name)
        .and_then(|repository| repository.blobs.get(digest));
    let Some(blob) = blob else {
        return Response::error(404, "BLOB_UNKNOWN", "no such blob");
    };
    let whole = blob.len();
    let mut response = Response::new(200)
        .header("Content-Type", "application/octet-stream")
        .header("Docker-Content-Digest", digest)
        .body(Arc::clone(blob));
    if !behaviour.ranges {
        return response;
    }
    response.set("Accept-Ranges", "bytes".to_owned());
    let Some((from, to)) = head.header("range").and_then(|range| part(range, whole)) else {
        return response;
    };
    if from >= to {
        return Response::error(416, "BLOB_UPLOAD_INVALID", "beyond the end")
            .header("Content-Range", format!("bytes */{whole}"));
    }
    response.status = 206;
    response.part = (from, to);
    response.header("Content-Range", format!("bytes {from}-{}/{whole}", to - 1))
}

/// First byte and the one after the last, of `bytes=3-` and `bytes=3-7`. Other forms are ignored,
/// as RFC 9110 permits.
fn part(range: &str, whole: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let from = from.parse().ok()?;
    let to = match to {
        "" => whole,
        to => to.parse::<usize>().ok()?.saturating_add(1).min(whole),
    };
    Some((from, to))
}
