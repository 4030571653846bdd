//! How many small objects can be stored in a second: `cargo bench -p lazaret-store --bench objects
//! [DIRECTORY]`. The directory decides what is measured; `/dev/shm` leaves the disk out.
#![expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop where it fails")]

use std::path::PathBuf;
use std::time::Instant;

use lazaret_artifact::VerityAlgorithm;
use lazaret_store::{ContentType, Repository, VerityPolicy};

const FILES: usize = 10_000;
const ROUNDS: usize = 7;

fn main() {
    let base = std::env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with('-'))
        .map_or_else(std::env::temp_dir, PathBuf::from);
    for size in [200, 3_000, 20_000] {
        let files: Vec<Vec<u8>> = (0..FILES)
            .map(|index| {
                let seed = index.to_le_bytes();
                seed.into_iter().cycle().take(size).collect()
            })
            .collect();
        let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let mut times = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            let directory = tempfile::tempdir_in(&base).unwrap();
            let open = |name: &str| {
                let path = directory.path().join(name);
                Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap()
            };
            let (single, together) = (open("single"), open("together"));
            let mut time = |slot: usize, work: &dyn Fn()| {
                let start = Instant::now();
                work();
                times[slot].push(start.elapsed().as_secs_f64());
            };
            let put_each = || {
                for file in &slices {
                    single.put(file).unwrap();
                }
            };
            time(0, &put_each);
            time(1, &|| {
                for group in slices.chunks(16) {
                    together.put_many(group).unwrap();
                }
            });
            time(2, &put_each);
            time(3, &|| {
                let mut stream = single.stream_writer(ContentType::BLOB).unwrap();
                for (index, file) in files.iter().enumerate() {
                    let digest = lazaret_store::verity::digest(VerityAlgorithm::Sha512, &[]);
                    stream.inline(&file[..file.len().min(512)]).unwrap();
                    if index == 0 {
                        stream.object(&digest, 0).unwrap();
                    }
                }
                stream.finish().unwrap();
            });
        }
        println!("{FILES} files of {size} bytes, microseconds each");
        for (label, mut times) in [
            "put, new",
            "put_many of 16, new",
            "put, present",
            "stream of 512 inline bytes each",
        ]
        .into_iter()
        .zip(times)
        {
            times.sort_by(f64::total_cmp);
            println!(
                "    {label:32} {:6.2}",
                times[ROUNDS / 2] * 1e6 / FILES as f64
            );
        }
    }
}
