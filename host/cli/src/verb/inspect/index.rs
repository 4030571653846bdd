//! What `inspect` shows of an index: what it names, and what of that is stored.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lazaret_artifact::{ContentDigest, Descriptor, MediaType, Tag, referrer};
use lazaret_graph::referrers::ReferrerRow;
use lazaret_graph::{Child, Kind, Name, StoredIndex};
use serde::Serialize;

use super::card::{Card, annotations};
use super::document::ReferrerDocument;
use super::referrers_line;
use crate::amount::size;

/// An entry of an index with the attestations that are about it.
struct Member<'a> {
    child: &'a Child,
    attestations: Vec<&'a Child>,
}

/// Attestations are listed with what they are about; one about nothing here is an entry of its own.
fn members(index: &StoredIndex) -> Vec<Member<'_>> {
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut places: BTreeMap<ContentDigest, usize> = BTreeMap::new();
    let about = |child: &Child| {
        let subject = referrer::attested(&child.descriptor)?;
        let is_here = |other: &Child| other.descriptor.digest == subject;
        index.children.iter().any(is_here).then_some(subject)
    };
    let (attestations, images): (Vec<&Child>, Vec<&Child>) = index
        .children
        .iter()
        .partition(|child| about(child).is_some_and(|subject| subject != child.descriptor.digest));
    for child in images {
        places
            .entry(child.descriptor.digest)
            .or_insert(members.len());
        members.push(Member {
            child,
            attestations: Vec::new(),
        });
    }
    for child in attestations {
        let place = about(child).and_then(|subject| places.get(&subject).copied());
        match place.and_then(|place| members.get_mut(place)) {
            Some(member) => member.attestations.push(child),
            // An attestation of an attestation.
            None => members.push(Member {
                child,
                attestations: Vec::new(),
            }),
        }
    }
    members
}

/// For people.
pub fn card(stored: &StoredIndex, referrers: &[ReferrerRow]) -> String {
    let index = &stored.index;
    let members = members(stored);
    let mut card = Card::new();
    card.line("Digest", index.digest);
    card.line("Media type", &index.media_type);
    if let Some(kind) = &index.artifact_type {
        card.line("Artifact type", kind);
    }
    if let Some(subject) = &index.subject {
        card.line("Refers to", subject.digest);
    }
    card.line("Size", size(stored.bytes.len() as u64));
    let here = stored.children.iter().filter(|child| child.stored).count();
    card.line(
        "Entries",
        match (here, stored.children.len()) {
            (here, all) if here == all => format!("{all}, all stored"),
            (here, all) => format!("{all}, {here} stored"),
        },
    );
    if let Some(line) = referrers_line(referrers) {
        card.line("Referrers", line);
    }
    card.tags(&stored.tags);
    let mut text = card.render();
    annotations(&mut text, "", &index.annotations);
    for (number, member) in members.iter().enumerate() {
        let descriptor = &member.child.descriptor;
        let mut card = Card::indented();
        if let Some(platform) = &descriptor.platform {
            card.line("platform", platform);
        }
        if let Some(kind) = &descriptor.artifact_type {
            card.line("artifact type", kind);
        }
        card.line("digest", descriptor.digest);
        card.line("media type", &descriptor.media_type);
        card.line("stored", yes(member.child.stored));
        for attestation in &member.attestations {
            let note = match attestation.stored {
                true => "",
                false => " (not stored)",
            };
            card.line(
                "attestation",
                format!("{}{note}", attestation.descriptor.digest),
            );
        }
        let _ = write!(
            text,
            "\nEntry {} of {}\n{}",
            number + 1,
            members.len(),
            card.render()
        );
        annotations(&mut text, "  ", &descriptor.annotations);
    }
    text
}

const fn yes(is_so: bool) -> &'static str {
    match is_so {
        true => "yes",
        false => "no",
    }
}

/// For programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexDocument<'a> {
    name: &'a Name,
    digest: &'a ContentDigest,
    media_type: &'a MediaType,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a MediaType>,
    size: usize,
    tags: &'a [Tag],
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Descriptor>,
    annotations: &'a BTreeMap<String, String>,
    referrers: Vec<ReferrerDocument<'a>>,
    manifests: Vec<MemberDocument<'a>>,
}

#[derive(Serialize)]
struct MemberDocument<'a> {
    #[serde(flatten)]
    descriptor: &'a Descriptor,
    stored: bool,
    attestations: Vec<AttestationDocument<'a>>,
}

#[derive(Serialize)]
struct AttestationDocument<'a> {
    digest: &'a ContentDigest,
    stored: bool,
}

/// For programs.
pub fn document<'a>(
    name: &'a Name,
    stored: &'a StoredIndex,
    referrers: &'a [ReferrerRow],
) -> IndexDocument<'a> {
    let index = &stored.index;
    let attestation = |child: &&'a Child| AttestationDocument {
        digest: &child.descriptor.digest,
        stored: child.stored,
    };
    IndexDocument {
        name,
        digest: &index.digest,
        media_type: &index.media_type,
        kind: Kind::Index,
        artifact_type: index.artifact_type.as_ref(),
        size: stored.bytes.len(),
        tags: &stored.tags,
        subject: index.subject.as_ref(),
        annotations: &index.annotations,
        referrers: referrers.iter().map(ReferrerDocument::of).collect(),
        manifests: members(stored)
            .into_iter()
            .map(|member| MemberDocument {
                descriptor: &member.child.descriptor,
                stored: member.child.stored,
                attestations: member.attestations.iter().map(attestation).collect(),
            })
            .collect(),
    }
}
