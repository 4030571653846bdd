//! What refers to a document: the referrers API, else the index under the fallback tag, and
//! cosign's tags (distribution-spec, "Listing Referrers", "Referrers Tag Schema").

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::referrer::fallback_tag;
use lazaret_artifact::{ContentDigest, CosignKind, Descriptor, Document, Index, Relation, json};
use reqwest::Method;
use serde_json::{Map, Value};

use super::documents::document_type;
use super::pages::{MAX_PAGE_SIZE, Pages};
use super::session::{Request, Session};
use crate::error::TransportError;
use crate::source::Referrer;

/// Referrers of one document. Anybody who may push may add one, each costs requests to fetch.
const MAX_REFERRERS: u64 = 10_000;

/// Bytes of all pages of one list, of a thousand pages that each may have as many otherwise.
const MAX_LIST_SIZE: u64 = MAX_PAGE_SIZE;

/// Bytes of all lists that one source is asked for: each referrer is a subject again, and who lists
/// them may invent as many as asked about.
const MAX_LISTS_SIZE: u64 = 64 * 1024 * 1024;

/// Bytes of the annotations that are kept of an entry. They are a copy of the referrer's own, which
/// whoever wants more of them reads.
const MAX_ENTRY_ANNOTATIONS: usize = 4 * 1024;

/// How often the fallback index is written when others write it at the same time.
const MAX_MERGES: u32 = 5;

impl Session {
    /// What refers to `subject`, each once: those that say so, by digest, then cosign's.
    pub(super) async fn referrers(
        &self,
        subject: &ContentDigest,
    ) -> Result<Vec<Referrer>, TransportError> {
        let entries = match self.listed_referrers(subject).await? {
            Some(entries) => entries,
            None => self.fallback_referrers(subject).await?,
        };
        let mut referrers = BTreeMap::new();
        for descriptor in entries {
            let is_document =
                descriptor.media_type.is_manifest() || descriptor.media_type.is_index();
            if is_document && descriptor.digest != *subject {
                referrers.entry(descriptor.digest).or_insert(descriptor);
            } else {
                tracing::warn!(digest = %descriptor.digest, "no referrer, passed over");
            }
        }
        let mut found: Vec<Referrer> = referrers
            .into_values()
            .map(|descriptor| Referrer {
                descriptor,
                relation: Relation::Subject,
            })
            .collect();
        for kind in CosignKind::ALL {
            let tag = kind.tag(subject);
            let Some(descriptor) = self.find_descriptor(tag.as_str()).await? else {
                continue;
            };
            if found
                .iter()
                .all(|known| known.descriptor.digest != descriptor.digest)
            {
                found.push(Referrer {
                    descriptor,
                    relation: Relation::Cosign(kind),
                });
            }
        }
        Ok(found)
    }

    /// The referrers API's answer; `None` where there is no such API.
    async fn listed_referrers(
        &self,
        subject: &ContentDigest,
    ) -> Result<Option<Vec<Descriptor>>, TransportError> {
        let url = self.endpoint.url(&["referrers", &subject.to_string()]);
        let what = format!("referrers of {}@{subject}", self.endpoint.repository);
        let mut pages = Pages::new(Request::new(Method::GET, url, what));
        let mut entries: Vec<Descriptor> = Vec::new();
        let mut size = 0;
        let mut first = true;
        while let Some(request) = pages.next() {
            let answer = self.collect(request, MAX_PAGE_SIZE).await?;
            if first {
                // Servers that know nothing of it say so in several ways, and some have a page
                // for every address.
                let absent = matches!(answer.status.as_u16(), 404 | 405 | 501);
                let other = answer.status.is_success() && document_type(&answer.headers).is_none();
                if absent || other {
                    return Ok(None);
                }
            }
            if !answer.status.is_success() {
                return Err(self.refused(request, &answer).await);
            }
            size += answer.body.len() as u64;
            require_size(&request.what, size, MAX_LIST_SIZE)?;
            self.take_listed(&answer.body)?;
            let page = Index::parse(&answer.body, None)?;
            entries.extend(page.manifests.into_iter().map(shortened));
            if entries.len() as u64 > MAX_REFERRERS {
                return Err(TransportError::Limit {
                    what: request.what.clone(),
                    found: entries.len() as u64,
                    limit: MAX_REFERRERS,
                });
            }
            first = false;
            pages.turn(self, &answer)?;
        }
        Ok(Some(entries))
    }

    async fn fallback_referrers(
        &self,
        subject: &ContentDigest,
    ) -> Result<Vec<Descriptor>, TransportError> {
        let tag = fallback_tag(subject);
        match self.find_document(&tag, None).await? {
            None => Ok(Vec::new()),
            Some((descriptor, bytes)) => {
                self.take_listed(&bytes)?;
                let index = Index::parse(&bytes, Some(&descriptor.media_type))?;
                Ok(index.manifests.into_iter().map(shortened).collect())
            }
        }
    }

    /// Counts a page or index among all that were asked for.
    fn take_listed(&self, page: &[u8]) -> Result<(), TransportError> {
        let size = page.len() as u64;
        let found = self.listed.fetch_add(size, Ordering::Relaxed) + size;
        let what = format!("all referrers in {}", self.endpoint.repository);
        require_size(&what, found, MAX_LISTS_SIZE)
    }

    /// Adds a document to the index of its subject's referrers, as a registry without the API
    /// leaves it to its clients. Others may do the same at the same time, and nothing can lock a
    /// tag: so it is looked whether the entry is there afterwards.
    pub(super) async fn add_fallback(
        &self,
        subject: &ContentDigest,
        descriptor: &Descriptor,
        bytes: &[u8],
    ) -> Result<(), TransportError> {
        let tag = fallback_tag(subject);
        let entry = entry(descriptor, bytes)?;
        for _ in 0..=MAX_MERGES {
            let found = self.find_document(&tag, None).await?;
            let before = match &found {
                None => None,
                Some((old, bytes)) => {
                    // Parsed by the rules of all indexes first; then kept as it is.
                    Index::parse(bytes, Some(&old.media_type))?;
                    Some((old, bytes.as_slice()))
                }
            };
            let Some(merged) = merge(before.map(|(_, bytes)| bytes), &entry, subject)? else {
                return Ok(());
            };
            if merged.len() as u64 > MAX_DOCUMENT_SIZE {
                return Err(TransportError::Limit {
                    what: format!("size of the referrers' index of {subject}"),
                    found: merged.len() as u64,
                    limit: MAX_DOCUMENT_SIZE,
                });
            }
            let index = Index::parse(&merged, before.map(|(old, _)| &old.media_type))?;
            let new = Descriptor {
                media_type: index.media_type,
                digest: index.digest,
                size: merged.len() as u64,
                artifact_type: None,
                from: None,
                name: None,
                platform: None,
                annotations: BTreeMap::new(),
            };
            self.store_document(&new, &merged, Some(&tag)).await?;
        }
        let request = self.document_request(Method::PUT, &tag);
        Err(self.protocol(&request, "what others wrote, each time".to_owned()))
    }
}

fn require_size(what: &str, found: u64, limit: u64) -> Result<(), TransportError> {
    match found > limit {
        true => Err(TransportError::Limit {
            what: format!("size of {what}"),
            found,
            limit,
        }),
        false => Ok(()),
    }
}

/// An entry without what nobody needs of it and anybody can make long.
fn shortened(entry: Descriptor) -> Descriptor {
    let texts = entry.annotations.iter();
    let size: usize = texts.map(|(key, value)| key.len() + value.len()).sum();
    Descriptor {
        platform: None,
        annotations: match size > MAX_ENTRY_ANNOTATIONS {
            true => BTreeMap::new(),
            false => entry.annotations,
        },
        ..entry
    }
}

/// The entry of a fallback index for a document (distribution-spec, "Pushing Manifests with
/// Subject", "Referrers Tag Schema").
fn entry(descriptor: &Descriptor, bytes: &[u8]) -> Result<Map<String, Value>, TransportError> {
    let (artifact_type, annotations) = match Document::parse(bytes, Some(&descriptor.media_type))? {
        Document::Manifest(manifest) => {
            let config = manifest.config.media_type;
            (
                Some(manifest.artifact_type.unwrap_or(config)),
                manifest.annotations,
            )
        }
        Document::Index(index) => (index.artifact_type, index.annotations),
    };
    let mut entry = Map::new();
    let mut set = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    set("mediaType", descriptor.media_type.as_str().into());
    set("digest", descriptor.digest.to_string().into());
    set("size", descriptor.size.into());
    if let Some(artifact_type) = artifact_type {
        set("artifactType", artifact_type.as_str().into());
    }
    if !annotations.is_empty() {
        let annotations = annotations
            .into_iter()
            .map(|(key, value)| (key, value.into()));
        set("annotations", Value::Object(annotations.collect()));
    }
    Ok(entry)
}

/// The index with the entry in it, all else kept; `None` when it is there already.
fn merge(
    before: Option<&[u8]>,
    entry: &Map<String, Value>,
    subject: &ContentDigest,
) -> Result<Option<Vec<u8>>, TransportError> {
    let fail = |error: serde_json::Error| lazaret_artifact::ArtifactError::Document {
        what: "index",
        digest: before.map_or(*subject, ContentDigest::sha256),
        source: error.into(),
    };
    let mut index: Map<String, Value> = match before {
        Some(bytes) => json::from_slice(bytes).map_err(fail)?,
        None => {
            let mut index = Map::new();
            index.insert("schemaVersion".to_owned(), 2.into());
            let media_type = lazaret_artifact::media_type::OCI_INDEX;
            index.insert("mediaType".to_owned(), media_type.into());
            index
        }
    };
    let entries = index
        .entry("manifests")
        .or_insert_with(|| Value::Array(Vec::new()));
    if !entries.is_array() {
        *entries = Value::Array(Vec::new());
    }
    if let Value::Array(entries) = entries {
        let digest = entry.get("digest");
        if entries.iter().any(|other| other.get("digest") == digest) {
            return Ok(None);
        }
        entries.push(Value::Object(entry.clone()));
    }
    let bytes = serde_json::to_vec(&index).map_err(fail)?;
    Ok(Some(bytes))
}
