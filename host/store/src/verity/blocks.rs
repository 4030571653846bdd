//! Hashes of many equally long messages: the blocks of Merkle trees and the descriptors on top.

use lazaret_artifact::VerityAlgorithm;

#[cfg(target_arch = "x86_64")]
use super::sha512_lanes::{Engine, MAX_LANES};

/// Most messages worth handing over at once: what fills the widest vector.
#[cfg(target_arch = "x86_64")]
pub(super) const BATCH: usize = MAX_LANES;
#[cfg(not(target_arch = "x86_64"))]
pub(super) const BATCH: usize = 8;

/// Writes the hash of each message into `out`, in order, without gaps. The messages have one
/// length, a multiple of 128 bytes.
///
/// # Panics
/// When `out` has not exactly the room, or a length is not as said.
pub(super) fn hash(algorithm: VerityAlgorithm, messages: &[&[u8]], out: &mut [u8]) {
    assert_eq!(
        out.len(),
        messages.len() * algorithm.size(),
        "room for every digest"
    );
    match algorithm {
        // With SHA extensions one lane of SHA-256 outruns eight of SHA-512's scalar code already.
        VerityAlgorithm::Sha256 => hash_singly::<sha2::Sha256>(messages, out),
        VerityAlgorithm::Sha512 => hash_sha512(messages, out),
    }
}

fn hash_singly<D: sha2::Digest>(messages: &[&[u8]], out: &mut [u8]) {
    for (message, place) in messages
        .iter()
        .zip(out.chunks_exact_mut(<D as sha2::Digest>::output_size()))
    {
        place.copy_from_slice(&D::digest(message));
    }
}

#[cfg(target_arch = "x86_64")]
fn hash_sha512(mut messages: &[&[u8]], mut out: &mut [u8]) {
    let Some(engine) = Engine::detected().next() else {
        return hash_singly::<sha2::Sha512>(messages, out);
    };
    while !messages.is_empty() {
        let count = engine.take(messages.len());
        let (now, later) = messages.split_at(count);
        let (place, rest) = out.split_at_mut(count * 64);
        if count == 1 {
            hash_singly::<sha2::Sha512>(now, place);
        } else {
            engine.hash(now, place);
        }
        (messages, out) = (later, rest);
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn hash_sha512(messages: &[&[u8]], out: &mut [u8]) {
    hash_singly::<sha2::Sha512>(messages, out);
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_engine_agrees_with_the_scalar_hash(
            seed in prop::collection::vec(any::<u8>(), 1..512),
            chunks in 0_usize..40,
            count in 1_usize..=MAX_LANES,
        ) {
            let data: Vec<Vec<u8>> = (0..count)
                .map(|lane| {
                    let rotated = seed.iter().cycle().skip(lane * 7);
                    rotated.map(|byte| byte.wrapping_add(lane as u8)).take(chunks * 128).collect()
                })
                .collect();
            let messages: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
            let mut expected = vec![0; count * 64];
            hash_singly::<sha2::Sha512>(&messages, &mut expected);
            for engine in Engine::detected() {
                let mut found = vec![0; count * 64];
                let most = engine.take(usize::MAX);
                for (now, place) in messages.chunks(most).zip(found.chunks_mut(most * 64)) {
                    engine.hash(now, place);
                }
                prop_assert_eq!(&found, &expected, "{:?}", engine);
            }
        }
    }
}
