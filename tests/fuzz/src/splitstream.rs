//! The splitstream reader over any bytes, as a stream of either algorithm.
//!
//! 1. It does not panic, ends, and takes memory in proportion to its input.
//! 2. Inline pieces have at least one byte and at most [`MAX_INLINE_PIECE`].
//! 3. What it counts is what it hands out; inline bytes are never more than announced.
//! 4. A stream is of one algorithm: no bytes are sound as both.
//! 5. Reading twice gives the same.

use lazaret_artifact::VerityAlgorithm;
use lazaret_store::Chunk;
use lazaret_store::splitstream::{MAX_INLINE_PIECE, Walked, walk};

/// Inline bytes that are read before the rest is left alone: a kilobyte of zstd can hold gigabytes,
/// and reading them takes time, which is no fault.
const ENOUGH: u64 = 16 << 20;

/// Holds the reader to the invariants.
pub fn check(data: &[u8]) {
    let sound = [VerityAlgorithm::Sha512, VerityAlgorithm::Sha256].map(|algorithm| {
        let first = summary(data, algorithm);
        assert_eq!(summary(data, algorithm), first);
        first.is_some()
    });
    assert_ne!(sound, [true, true]);
}

/// What it holds; `None` for what is refused.
fn summary(data: &[u8], algorithm: VerityAlgorithm) -> Option<(Walked, u64)> {
    let mut inline = 0_u64;
    let mut objects = 0_u64;
    let mut mixed = 0_u64;
    let walked = walk(data, algorithm, &mut |chunk| match chunk {
        Chunk::Inline(piece) => {
            assert!(!piece.is_empty() && piece.len() <= MAX_INLINE_PIECE);
            inline += piece.len() as u64;
            if inline <= ENOUGH {
                mixed = piece.iter().fold(mixed, |sum, byte| {
                    sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
                });
            }
        }
        Chunk::Object(digest) => {
            assert_eq!(digest.algorithm(), algorithm);
            objects += 1;
        }
    });
    let walked = walked.ok()?;
    assert_eq!((walked.inline_size, walked.objects), (inline, objects));
    assert!(inline <= walked.total_size);
    Some((walked, mixed))
}
