//! Digests against a plain whole-tree computation, at every size that matters.

use proptest::prelude::*;
use sha2::Digest as _;

use super::*;

const ALGORITHMS: [VerityAlgorithm; 2] = [VerityAlgorithm::Sha256, VerityAlgorithm::Sha512];

/// Every level of the tree in memory, one plain hash after the other.
fn naive(algorithm: VerityAlgorithm, data: &[u8]) -> VerityDigest {
    let hash = |message: &[u8]| match algorithm {
        VerityAlgorithm::Sha256 => sha2::Sha256::digest(message).to_vec(),
        VerityAlgorithm::Sha512 => sha2::Sha512::digest(message).to_vec(),
    };
    let mut level = data.to_vec();
    let mut root = vec![0; algorithm.size()];
    while !level.is_empty() {
        let hashes: Vec<Vec<u8>> = level
            .chunks(4096)
            .map(|block| {
                let mut block = block.to_vec();
                block.resize(4096, 0);
                hash(&block)
            })
            .collect();
        if let [only] = hashes.as_slice() {
            root.clone_from(only);
            break;
        }
        level = hashes.concat();
    }
    root.resize(64, 0);
    let mut descriptor = vec![1, algorithm.kernel_id(), 12, 0, 0, 0, 0, 0];
    descriptor.extend((data.len() as u64).to_le_bytes());
    descriptor.extend(root);
    descriptor.resize(256, 0);
    VerityDigest::from_bytes(algorithm, &hash(&descriptor)).unwrap()
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size)
        .map(|i| (i ^ (i >> 8) ^ (i >> 15)) as u8)
        .collect()
}

#[test]
fn the_digest_of_hello_world_is_the_kernels() {
    // From composefs' tests, where the kernel confirms it.
    assert_eq!(
        digest(VerityAlgorithm::Sha256, b"hello world").hex(),
        "1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64"
    );
}

#[test]
fn sizes_around_every_boundary_agree_with_the_whole_tree() {
    for algorithm in ALGORITHMS {
        for blocks in [
            0_usize, 1, 2, 3, 4, 5, 7, 8, 9, 16, 63, 64, 65, 127, 128, 129, 512, 4096,
        ] {
            for offset in [-1_isize, 0, 1] {
                let Some(size) = (blocks * BLOCK_SIZE).checked_add_signed(offset) else {
                    continue;
                };
                let data = pattern(size);
                assert_eq!(
                    digest(algorithm, &data),
                    naive(algorithm, &data),
                    "{algorithm} {size}"
                );
            }
        }
    }
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let mut hasher = VerityHasher::new(VerityAlgorithm::Sha512);
    let piece = vec![7; 1 << 20];
    for _ in 0..64 {
        hasher.update(&piece);
        hasher.update(b"odd");
    }
    let held: usize = hasher
        .levels
        .iter()
        .map(|level| level.pending.capacity())
        .sum();
    assert!(
        held <= hasher.levels.len() * BATCH * BLOCK_SIZE,
        "{held} bytes"
    );
    assert!(hasher.levels.len() <= 4, "{} levels", hasher.levels.len());
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        size in 0_usize..600_000,
        cuts in prop::collection::vec(0_usize..600_000, 0..20),
        sha512 in any::<bool>(),
    ) {
        let algorithm = ALGORITHMS[usize::from(sha512)];
        let data = pattern(size);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(size)).collect();
        cuts.sort_unstable();
        cuts.push(size);
        let mut hasher = VerityHasher::new(algorithm);
        let mut from = 0;
        for cut in cuts {
            hasher.update(&data[from..cut]);
            from = cut;
        }
        prop_assert_eq!(hasher.size(), size as u64);
        prop_assert_eq!(hasher.finish(), naive(algorithm, &data));
    }

    #[test]
    fn files_hashed_together_are_hashed_as_if_alone(
        sizes in prop::collection::vec(
            prop_oneof![0_usize..100, 4000_usize..4200, 0_usize..40_000, 260_000_usize..270_000],
            0..20,
        ),
        sha512 in any::<bool>(),
    ) {
        let algorithm = ALGORITHMS[usize::from(sha512)];
        let files: Vec<Vec<u8>> = sizes.iter().map(|size| pattern(*size)).collect();
        let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let alone: Vec<VerityDigest> = files.iter().map(|file| naive(algorithm, file)).collect();
        prop_assert_eq!(digests(algorithm, &slices), alone);
    }
}
