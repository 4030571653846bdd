//! What refers to what is pulled, and what refers to that: asked for level by level, to a bounded
//! depth.
//!
//! A source without a way to ask has no referrers. One that is listed and cannot be fetched fails
//! the pull: whoever asks for signatures wants to know that they are missing.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;

use lazaret_artifact::referrer::attested_in;
use lazaret_artifact::{ContentDigest, Descriptor, MediaType, Relation};
use lazaret_transport::{IndexDocument, ManifestDocument, Referrer, Resolved, Source};

use crate::crew;
use crate::documents::Documents;
use crate::error::IntakeError;
use crate::limits::{MAX_REFERRER_DEPTH, MAX_REFERRERS, QUESTIONS_AT_ONCE};
use crate::progress::{Event, Progress};

/// A manifest or index that came because it refers to another.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PulledReferrer {
    /// Its digest.
    pub digest: ContentDigest,
    /// What it refers to.
    pub subject: ContentDigest,
    /// In which way.
    pub relation: Relation,
    /// What it is, as its descriptor says or, failing that, as it says itself.
    pub artifact_type: Option<MediaType>,
}

/// Adds to `documents` what refers to any of them, directly or not. Each referrer of each subject
/// is returned once.
pub(crate) fn gather(
    source: &Source,
    documents: &mut Documents,
    progress: Progress<'_>,
) -> Result<Vec<PulledReferrer>, IntakeError> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut level: Vec<ContentDigest> = documents
        .indexes
        .iter()
        .map(|index| index.index.digest)
        .chain(documents.manifests.iter().map(|it| it.manifest.digest))
        .collect();
    for depth in 0.. {
        if level.is_empty() {
            break;
        }
        if depth == MAX_REFERRER_DEPTH {
            tracing::warn!(
                depth,
                "not looking for what refers to the deepest referrers"
            );
            break;
        }
        let mut listed = ask(source, documents, &level)?;
        // The same way twice, as from an index and from the registry, is one.
        listed.retain(|(subject, referrer)| {
            seen.insert((*subject, referrer.descriptor.digest, referrer.relation))
        });
        if seen.len() > MAX_REFERRERS {
            return Err(IntakeError::Limit {
                what: "referrers",
                limit: MAX_REFERRERS as u64,
            });
        }
        level = fetch(source, documents, &mut listed)?;
        for (subject, referrer) in listed {
            let digest = referrer.descriptor.digest;
            progress(Event::Referrer { digest, subject });
            found.push(PulledReferrer {
                digest,
                subject,
                relation: referrer.relation,
                artifact_type: artifact_type(documents, referrer.descriptor),
            });
        }
    }
    Ok(found)
}

/// What refers directly to each of `subjects`, in their order.
fn ask(
    source: &Source,
    documents: &Documents,
    subjects: &[ContentDigest],
) -> Result<Vec<(ContentDigest, Referrer)>, IntakeError> {
    let attestations = attestations(&documents.indexes);
    let answers = crew::run(
        "lazaret-referrers",
        subjects.len(),
        QUESTIONS_AT_ONCE,
        &AtomicBool::new(false),
        |turn| Ok(source.referrers(&subjects[turn])?),
    )?;
    let mut listed = Vec::new();
    for (subject, answer) in subjects.iter().zip(answers) {
        listed.extend(answer.into_iter().map(|referrer| (*subject, referrer)));
        let attached = attestations.get(subject).into_iter().flatten();
        listed.extend(attached.map(|descriptor| {
            let referrer = Referrer {
                descriptor: (*descriptor).clone(),
                relation: Relation::Attestation,
            };
            (*subject, referrer)
        }));
    }
    Ok(listed)
}

/// BuildKit's entries of all indexes, by the manifest that they are about.
fn attestations(indexes: &[IndexDocument]) -> HashMap<ContentDigest, Vec<&Descriptor>> {
    let mut found: HashMap<ContentDigest, Vec<&Descriptor>> = HashMap::new();
    for index in indexes.iter().map(|document| &document.index) {
        for entry in &index.manifests {
            if let Some(subject) = attested_in(index, entry) {
                found.entry(subject).or_default().push(entry);
            }
        }
    }
    found
}

/// Resolves those that are not here yet, with all that is below them, and drops those that say
/// nothing of the subject they were listed for: a list is the source's claim. Returns what is new.
fn fetch(
    source: &Source,
    documents: &mut Documents,
    listed: &mut Vec<(ContentDigest, Referrer)>,
) -> Result<Vec<ContentDigest>, IntakeError> {
    let mut asked = HashSet::new();
    let missing: Vec<&(ContentDigest, Referrer)> = listed
        .iter()
        .filter(|(_, referrer)| {
            let digest = referrer.descriptor.digest;
            !documents.contains(&digest) && asked.insert(digest)
        })
        .collect();
    let resolved = crew::run(
        "lazaret-referrers",
        missing.len(),
        QUESTIONS_AT_ONCE,
        &AtomicBool::new(false),
        |turn| {
            let (subject, referrer) = missing[turn];
            source
                .resolve_descriptor(&referrer.descriptor)
                .map_err(|source| IntakeError::Referrer {
                    digest: referrer.descriptor.digest,
                    subject: Box::new(*subject),
                    source,
                })
        },
    )?;
    listed.retain(|(subject, referrer)| {
        let digest = referrer.descriptor.digest;
        let fetched = resolved.iter().find(|it| it.root.digest == digest);
        let own = match fetched {
            Some(Resolved {
                indexes, manifests, ..
            }) => subject_of(&digest, indexes, manifests),
            None => subject_of(&digest, &documents.indexes, &documents.manifests),
        };
        let is_founded = referrer.relation != Relation::Subject || own == Some(*subject);
        if !is_founded {
            tracing::warn!(%digest, %subject, "listed as a referrer, and has another subject or none");
        }
        is_founded
    });
    let founded: HashSet<ContentDigest> = listed
        .iter()
        .map(|(_, referrer)| referrer.descriptor.digest)
        .collect();
    let mut new = Vec::new();
    for resolved in resolved {
        if founded.contains(&resolved.root.digest) {
            new.extend(documents.add(resolved)?);
        }
    }
    Ok(new)
}

/// What the document of that digest says it refers to.
fn subject_of(
    digest: &ContentDigest,
    indexes: &[IndexDocument],
    manifests: &[ManifestDocument],
) -> Option<ContentDigest> {
    let indexes = indexes
        .iter()
        .map(|document| (document.index.digest, &document.index.subject));
    let manifests = manifests
        .iter()
        .map(|document| (document.manifest.digest, &document.manifest.subject));
    let mut all = indexes.chain(manifests);
    let (_, subject) = all.find(|(found, _)| found == digest)?;
    subject.as_ref().map(|subject| subject.digest)
}

fn artifact_type(documents: &Documents, descriptor: Descriptor) -> Option<MediaType> {
    let digest = descriptor.digest;
    descriptor.artifact_type.or_else(|| {
        let manifest = documents
            .manifests
            .iter()
            .find(|document| document.manifest.digest == digest);
        match manifest {
            Some(document) => document.manifest.artifact_type.clone(),
            None => documents
                .indexes
                .iter()
                .find(|document| document.index.digest == digest)
                .and_then(|document| document.index.artifact_type.clone()),
        }
    })
}
