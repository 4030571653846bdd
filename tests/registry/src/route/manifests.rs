//! Manifests and indexes, by tag or digest.

use std::sync::Arc;

use serde_json::Value;

use crate::behaviour::Behaviour;
use crate::contents::{Contents, Manifest, digest, is_digest_of};
use crate::http::{Head, Response};

/// Bytes of a manifest that a registry takes (distribution-spec, "Pushing Manifests").
const MAX_MANIFEST: usize = 4 << 20;

pub fn get(contents: &Contents, name: &str, reference: &str) -> Response {
    let found = contents.repositories.get(name).and_then(|repository| {
        let digest = repository.resolve(reference)?;
        Some((digest, repository.manifests.get(digest)?))
    });
    let Some((digest, manifest)) = found else {
        return Response::error(404, "MANIFEST_UNKNOWN", "no such manifest");
    };
    Response::new(200)
        .header("Content-Type", &manifest.media_type)
        .header("Docker-Content-Digest", digest)
        .body(Arc::clone(&manifest.bytes))
}

pub fn put(
    contents: &mut Contents,
    behaviour: &Behaviour,
    head: &Head,
    name: &str,
    reference: &str,
    body: Vec<u8>,
) -> Response {
    let invalid = |why: &str| Response::error(400, "MANIFEST_INVALID", why);
    if body.len() > MAX_MANIFEST {
        return Response::error(413, "SIZE_INVALID", "too large");
    }
    let Ok(document) = serde_json::from_slice::<Value>(&body) else {
        return invalid("no JSON");
    };
    let Some(media_type) = head.header("content-type") else {
        return invalid("no media type");
    };
    if document["mediaType"].as_str().unwrap_or(media_type) != media_type {
        return invalid("two media types");
    }
    let by_digest = reference.contains(':');
    if by_digest && !is_digest_of(reference, &body) {
        return Response::error(400, "DIGEST_INVALID", "not its digest");
    }
    let repository = contents.repositories.entry(name.to_owned()).or_default();
    let missing = repository.missing(&document);
    if !missing.is_empty() {
        return Response::error(400, "MANIFEST_BLOB_UNKNOWN", &missing.join(" "));
    }
    let digest = match by_digest {
        true => reference.to_owned(),
        false => digest(&body),
    };
    let manifest = Manifest {
        media_type: media_type.to_owned(),
        bytes: Arc::new(body),
    };
    repository.manifests.insert(digest.clone(), manifest);
    if !by_digest {
        repository.tags.insert(reference.to_owned(), digest.clone());
    }
    let mut response = Response::new(201)
        .header("Location", format!("/v2/{name}/manifests/{digest}"))
        .header("Docker-Content-Digest", digest);
    if behaviour.referrers
        && let Some(subject) = document["subject"]["digest"].as_str()
    {
        response.set("OCI-Subject", subject.to_owned());
    }
    response
}
