//! How fast digests are computed, against plain SHA-2 over the same bytes: `cargo bench -p
//! lazaret-store --bench verity`. The contenders take turns, and medians are shown, in MB/s.
#![expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]

use std::hint::black_box;
use std::time::Instant;

use lazaret_artifact::VerityAlgorithm;
use lazaret_store::verity::{self, VerityHasher};
use sha2::Digest as _;

const ROUNDS: usize = 21;

/// Bytes hashed by each contender in each round.
const VOLUME: usize = 8 << 20;

type Contender<'a> = (&'a str, Box<dyn Fn() + 'a>);

fn main() {
    for (label, size) in [
        ("1 KiB", 1 << 10),
        ("4 KiB", 4 << 10),
        ("8 KiB", 8 << 10),
        ("16 KiB", 16 << 10),
        ("32 KiB", 32 << 10),
        ("64 KiB", 64 << 10),
        ("256 KiB", 256 << 10),
        ("1 MiB", 1 << 20),
    ] {
        let data: Vec<u8> = (0..VOLUME).map(|i| (i ^ (i >> 8)) as u8).collect();
        let files: Vec<&[u8]> = data.chunks(size).collect();
        let each = |hash: fn(&[u8])| {
            let files = files.clone();
            move || files.iter().for_each(|file| hash(black_box(file)))
        };
        let contenders: Vec<Contender> = vec![
            (
                "sha2 512",
                Box::new(each(|file| {
                    black_box(sha2::Sha512::digest(file));
                })),
            ),
            ("one hash a block 512", Box::new(each(block_by_block))),
            (
                "verity 512",
                Box::new(each(|file| {
                    black_box(verity::digest(VerityAlgorithm::Sha512, file));
                })),
            ),
            (
                "verity 512, 16 files together",
                Box::new(|| {
                    for group in files.chunks(16) {
                        black_box(verity::digests(VerityAlgorithm::Sha512, black_box(group)));
                    }
                }),
            ),
            (
                "sha2 256",
                Box::new(each(|file| {
                    black_box(sha2::Sha256::digest(file));
                })),
            ),
            (
                "verity 256",
                Box::new(each(|file| {
                    let mut hasher = VerityHasher::new(VerityAlgorithm::Sha256);
                    hasher.update(file);
                    black_box(hasher.finish());
                })),
            ),
        ];
        println!("{label}");
        for (name, seconds) in contenders
            .iter()
            .map(|(name, _)| *name)
            .zip(medians(&contenders))
        {
            println!("    {name:32} {:6.0}", VOLUME as f64 / seconds / 1e6);
        }
    }
}

/// What the tree costs without lanes: each block and the descriptor, one plain hash after another.
fn block_by_block(file: &[u8]) {
    let mut level = file.to_vec();
    loop {
        let hashes: Vec<u8> = level
            .chunks(4096)
            .flat_map(|block| match block.len() {
                4096 => sha2::Sha512::digest(block),
                _ => {
                    let mut padded = [0; 4096];
                    padded[..block.len()].copy_from_slice(block);
                    sha2::Sha512::digest(padded)
                }
            })
            .collect();
        if hashes.len() <= 64 {
            break;
        }
        level = hashes;
    }
    black_box(sha2::Sha512::digest([0; 256]));
}

fn medians(contenders: &[Contender]) -> Vec<f64> {
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, run), times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            run();
            times.push(start.elapsed().as_secs_f64());
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        })
        .collect()
}
