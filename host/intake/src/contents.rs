//! One stream and one record for each content, when several blobs came to hold the same.
//!
//! A layer in two compressions, or the same bytes as a layer here and as an artifact's blob there,
//! are one stream: the one that says most about it stays, and its record names all the blobs that
//! were verified to hold it, so that none of them is read again.

use std::collections::HashMap;

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::Repository;

use crate::error::IntakeError;
use crate::fetch::{Fetched, Found};
use crate::plan::Wanted;
use crate::reuse::Rank;
use crate::settle::rewrite;

/// A content, as it is to be named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    /// Its digest.
    pub(crate) key: ContentDigest,
    pub(crate) stream: VerityDigest,
    pub(crate) record: VerityDigest,
}

/// What one blob came to.
struct Claim<'a> {
    stream: VerityDigest,
    record: VerityDigest,
    rank: Rank,
    /// As this record has them.
    blobs: &'a [ContentDigest],
    /// The blob itself.
    own: ContentDigest,
}

/// Each content of `wanted` once, in order.
pub(crate) fn settle(
    repository: &Repository,
    wanted: &[Wanted],
    fetched: &[Fetched],
) -> Result<Vec<Content>, IntakeError> {
    let mut order = Vec::new();
    let mut claims: HashMap<ContentDigest, Vec<Claim<'_>>> = HashMap::new();
    for (wanted, fetched) in wanted.iter().zip(fetched) {
        let own = wanted.descriptor.digest;
        let inside = fetched.inside.as_ref();
        let inside = inside.map(|(content, found)| (*content, found));
        for (key, found) in [(wanted.content(), &fetched.found)]
            .into_iter()
            .chain(inside)
        {
            let of_key = claims.entry(key).or_default();
            if of_key.is_empty() {
                order.push(key);
            }
            of_key.push(claim(found, own));
        }
    }
    order
        .into_iter()
        .map(|key| decide(repository, key, &claims[&key]))
        .collect()
}

fn claim(found: &Found, own: ContentDigest) -> Claim<'_> {
    match found {
        Found::Known(known) => Claim {
            stream: known.stream,
            record: known.record,
            rank: known.rank,
            blobs: &known.summary.blobs,
            own,
        },
        Found::Imported(imported) => Claim {
            stream: imported.stream,
            record: imported.record,
            rank: imported.rank,
            blobs: &imported.blobs,
            own,
        },
    }
}

fn decide(
    repository: &Repository,
    key: ContentDigest,
    claims: &[Claim<'_>],
) -> Result<Content, IntakeError> {
    let mut best = &claims[0];
    for claim in &claims[1..] {
        if claim.rank > best.rank {
            best = claim;
        }
    }
    let mut blobs = best.blobs.to_vec();
    for claim in claims {
        for blob in claim.blobs.iter().chain([&claim.own]) {
            if !blobs.contains(blob) {
                blobs.push(*blob);
            }
        }
    }
    let record = match blobs.len() == best.blobs.len() {
        true => best.record,
        false => rewrite(repository, &key, &best.record, |summary| {
            summary.blobs = blobs
        })?,
    };
    Ok(Content {
        key,
        stream: best.stream,
        record,
    })
}
