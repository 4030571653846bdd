//! Manifests and indexes, by tag and by digest (distribution-spec, "Pulling manifests", "Pushing
//! Manifests").

use bytes::Bytes;
use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::media_type::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use lazaret_artifact::{ContentDigest, Descriptor, Document, MediaType};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};

use super::session::{Answer, Request, Session};
use crate::blob::Role;
use crate::error::TransportError;

/// The digest of what an answer is about.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// Set when the registry keeps referrers itself (distribution-spec, "Pushing Manifests with
/// Subject").
const SUBJECT: &str = "oci-subject";

impl Session {
    /// A request about a document by tag or digest.
    pub(super) fn document_request(&self, method: Method, name: &str) -> Request {
        let separator = if name.contains(':') { '@' } else { ':' };
        let what = format!("manifest {}{separator}{name}", self.endpoint.repository);
        let url = self.endpoint.url(&["manifests", name]);
        let mut request = Request::new(method, url, what);
        if request.method != Method::PUT {
            let types = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST].join(", ");
            let types = HeaderValue::try_from(types).expect("media types are plain ASCII");
            request.headers.insert(ACCEPT, types);
        }
        request
    }

    /// The document of a tag or digest; `None` when there is none. Its digest is computed here,
    /// and is the one wanted and the one the registry says it is.
    pub(super) async fn find_document(
        &self,
        name: &str,
        wanted: Option<&ContentDigest>,
    ) -> Result<Option<(Descriptor, Vec<u8>)>, TransportError> {
        match self.get_document(name, wanted).await {
            Ok(found) => Ok(Some(found)),
            Err(TransportError::NotInRegistry { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same; an error when there is none.
    pub(super) async fn get_document(
        &self,
        name: &str,
        wanted: Option<&ContentDigest>,
    ) -> Result<(Descriptor, Vec<u8>), TransportError> {
        let request = self.document_request(Method::GET, name);
        let answer = self.collect(&request, MAX_DOCUMENT_SIZE).await?;
        if !answer.status.is_success() {
            return Err(self.refused(&request, &answer).await);
        }
        let digest = match wanted {
            Some(wanted) => wanted.of_same_kind(&answer.body),
            None => ContentDigest::sha256(&answer.body),
        };
        if let Some(wanted) = wanted {
            compare(wanted, &digest)?;
        }
        if let Some(said) = content_digest(&answer.headers) {
            compare(&said, &said.of_same_kind(&answer.body))?;
        }
        let media_type = match document_type(&answer.headers) {
            Some(media_type) => media_type,
            // Servers of plain files say nothing better than JSON; then the document says it.
            None => match Document::parse(&answer.body, None)? {
                Document::Manifest(manifest) => manifest.media_type,
                Document::Index(index) => index.media_type,
            },
        };
        let descriptor = Descriptor {
            media_type,
            digest,
            size: answer.body.len() as u64,
            artifact_type: None,
            from: None,
            name: None,
            platform: None,
            annotations: std::collections::BTreeMap::new(),
        };
        Ok((descriptor, answer.body))
    }

    /// What a tag stands for, without reading it where the registry says enough. The descriptor
    /// is the registry's claim.
    pub(super) async fn find_descriptor(
        &self,
        tag: &str,
    ) -> Result<Option<Descriptor>, TransportError> {
        let request = self.document_request(Method::HEAD, tag);
        let answer = self.collect(&request, 0).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(self.refused(&request, &answer).await);
        }
        let size = answer.headers.get(CONTENT_LENGTH);
        let size = size.and_then(|value| value.to_str().ok()?.parse().ok());
        let said = (
            document_type(&answer.headers),
            content_digest(&answer.headers),
            size.filter(|size| *size <= MAX_DOCUMENT_SIZE),
        );
        if let (Some(media_type), Some(digest), Some(size)) = said {
            return Ok(Some(Descriptor {
                media_type,
                digest,
                size,
                artifact_type: None,
                from: None,
                name: None,
                platform: None,
                annotations: std::collections::BTreeMap::new(),
            }));
        }
        let found = self.find_document(tag, None).await?;
        Ok(found.map(|(descriptor, _)| descriptor))
    }

    /// Whether the repository has a document or blob.
    pub(super) async fn has(&self, request: &Request) -> Result<bool, TransportError> {
        let answer = self.collect(request, 0).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(self.refused(request, &answer).await),
        }
    }

    /// Stores a document under a tag, or under its digest. Whether the registry took note of the
    /// document's subject.
    pub(super) async fn store_document(
        &self,
        descriptor: &Descriptor,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> Result<bool, TransportError> {
        let by_digest = descriptor.digest.to_string();
        let mut request = self.document_request(Method::PUT, tag.unwrap_or(&by_digest));
        let media_type = HeaderValue::try_from(descriptor.media_type.as_str())
            .expect("a media type is plain ASCII");
        request.headers.insert(CONTENT_TYPE, media_type);
        request.body = Bytes::copy_from_slice(bytes);
        let answer = self.collect(&request, MAX_DOCUMENT_SIZE).await?;
        if !answer.status.is_success() {
            return Err(self.refused(&request, &answer).await);
        }
        self.check_digest(&request, &answer, descriptor)?;
        Ok(answer.headers.contains_key(SUBJECT))
    }

    /// That a registry which stored something calls it by its name. What was sent was checked
    /// before: it is the answer that is wrong.
    pub(super) fn check_digest(
        &self,
        request: &Request,
        answer: &Answer,
        stored: &Descriptor,
    ) -> Result<(), TransportError> {
        match content_digest(&answer.headers) {
            // One of another algorithm is another name for the same.
            Some(said)
                if said.algorithm() == stored.digest.algorithm() && said != stored.digest =>
            {
                let reason = format!("another digest than {}, {said}", stored.digest);
                Err(self.protocol(request, reason))
            }
            _ => Ok(()),
        }
    }
}

/// Checks what is to be sent against its descriptor.
pub(super) fn check_document(descriptor: &Descriptor, bytes: &[u8]) -> Result<(), TransportError> {
    let role = match descriptor.media_type.is_index() {
        true => Role::Index,
        false => Role::Manifest,
    };
    if bytes.len() as u64 != descriptor.size {
        return Err(TransportError::Mismatch {
            what: role.size(),
            digest: descriptor.digest,
            expected: descriptor.size.to_string().into(),
            found: bytes.len().to_string().into(),
        });
    }
    compare(&descriptor.digest, &descriptor.digest.of_same_kind(bytes))
}

fn compare(expected: &ContentDigest, found: &ContentDigest) -> Result<(), TransportError> {
    match expected == found {
        true => Ok(()),
        false => Err(TransportError::Mismatch {
            what: Role::Manifest.digest(),
            digest: *expected,
            expected: expected.to_string().into(),
            found: found.to_string().into(),
        }),
    }
}

/// The digest an answer claims. One that cannot be read claims nothing that could be checked.
fn content_digest(headers: &HeaderMap) -> Option<ContentDigest> {
    headers.get(CONTENT_DIGEST)?.to_str().ok()?.parse().ok()
}

/// The media type of an answer, when it is a manifest's or an index's.
pub(super) fn document_type(headers: &HeaderMap) -> Option<MediaType> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let text = text.split(';').next()?.trim();
    let media_type: MediaType = text.parse().ok()?;
    (media_type.is_manifest() || media_type.is_index()).then_some(media_type)
}
