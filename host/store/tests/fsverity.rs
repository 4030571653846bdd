//! Digests against `fsverity digest` of fsverity-utils.
#![expect(clippy::unwrap_used, reason = "a test may panic where it fails")]

mod tools;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use lazaret_artifact::VerityAlgorithm;
use lazaret_store::verity::{self, VerityHasher};

const ALGORITHMS: [(VerityAlgorithm, &str); 2] = [
    (VerityAlgorithm::Sha512, "sha512"),
    (VerityAlgorithm::Sha256, "sha256"),
];

fn oracle(path: &Path, algorithm: &str) -> String {
    let mut command = Command::new("fsverity");
    command.args(["digest", "--compact", &format!("--hash-alg={algorithm}")]);
    let output = tools::run(command.arg(path));
    String::from_utf8(output).unwrap().trim().to_owned()
}

#[test]
fn digests_are_those_of_fsverity() {
    if !tools::is_installed("fsverity") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    for size in [
        0,
        1,
        4095,
        4096,
        4097,
        64 * 4096 - 1,
        64 * 4096,
        64 * 4096 + 1,
        128 * 4096,
        128 * 4096 + 1,
        4096 * 4096,
        4096 * 4096 + 1,
    ] {
        let data: Vec<u8> = (0..size)
            .map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8)
            .collect();
        File::create(&path).unwrap().write_all(&data).unwrap();
        for (algorithm, name) in ALGORITHMS {
            let digest = verity::digest(algorithm, &data).hex();
            assert_eq!(digest, oracle(&path, name), "{name}, {size} bytes");
        }
    }
}

#[test]
fn the_digest_of_a_gibibyte_is_fsveritys() {
    if !tools::is_installed("fsverity") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let file = File::create(&path).unwrap();
    file.set_len(1 << 30).unwrap();
    file.write_all_at(b"not only zeroes", 123_456_789).unwrap();
    for (algorithm, name) in ALGORITHMS {
        let mut hasher = VerityHasher::new(algorithm);
        let mut file = File::open(&path).unwrap();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer).unwrap();
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
        }
        assert_eq!(hasher.finish().hex(), oracle(&path, name), "{name}");
    }
}
