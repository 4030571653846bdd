//! Objects written, found, replaced when damaged, and verified when read.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use lazaret_artifact::{VerityAlgorithm, VerityDigest};
use proptest::prelude::*;

use super::*;
use crate::error::StoreError;
use crate::layout::object_path;
use crate::repository::{Access, Repository, VerityPolicy};
use crate::verity;

const ALGORITHM: VerityAlgorithm = VerityAlgorithm::Sha512;

struct Fixture {
    directory: tempfile::TempDir,
    repository: Repository,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository = Repository::init(&path, ALGORITHM, VerityPolicy::Insecure).unwrap();
        Self {
            directory,
            repository,
        }
    }

    fn object(&self, digest: &VerityDigest) -> PathBuf {
        self.repository
            .path()
            .join("objects")
            .join(object_path(digest))
    }

    /// Everything but directories, relative to the repository.
    fn files(&self) -> Vec<String> {
        fn walk(at: &std::path::Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(at).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), found);
                } else {
                    found.push(entry.path());
                }
            }
        }
        let mut found = Vec::new();
        walk(self.repository.path(), &mut found);
        let strip = |path: PathBuf| {
            let inside = path.strip_prefix(self.repository.path()).unwrap();
            inside.to_str().unwrap().to_owned()
        };
        let mut found: Vec<String> = found.into_iter().map(strip).collect();
        found.sort();
        found
    }
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i ^ (i >> 8)) as u8).collect()
}

#[test]
fn an_object_is_stored_once_and_read_back() {
    let fixture = Fixture::new();
    let repository = &fixture.repository;
    for size in [0, 1, 4096, 300_000] {
        let data = pattern(size);
        let stored = repository.put(&data).unwrap();
        assert_eq!(stored.digest, verity::digest(ALGORITHM, &data));
        assert_eq!(
            (stored.size, stored.outcome),
            (size as u64, Outcome::Written)
        );
        assert_eq!(repository.put(&data).unwrap().outcome, Outcome::Present);
        assert_eq!(
            repository.has_object(&stored.digest).unwrap(),
            Some(size as u64)
        );
        assert_eq!(
            repository.read_object(&stored.digest, 1 << 20).unwrap(),
            data
        );
        let mut reader = repository.open_object(&stored.digest).unwrap();
        assert_eq!(reader.size(), size as u64);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, data);
        let mode = fs::metadata(fixture.object(&stored.digest))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o133, 0, "{mode:o}");
    }
    assert_eq!(fixture.files().len(), 5, "four objects and meta.json");
}

#[test]
fn objects_stored_together_are_stored_as_if_alone() {
    let fixture = Fixture::new();
    let files: Vec<Vec<u8>> = [0, 5, 5000, 4096, 5, 70_000].map(pattern).to_vec();
    let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let stored = fixture.repository.put_many(&slices).unwrap();
    let expected: Vec<(VerityDigest, u64, Outcome)> = files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let outcome = if index == 4 {
                Outcome::Present
            } else {
                Outcome::Written
            };
            (verity::digest(ALGORITHM, file), file.len() as u64, outcome)
        })
        .collect();
    let found: Vec<_> = stored
        .iter()
        .map(|s| (s.digest, s.size, s.outcome))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_missing_object_is_missing() {
    let fixture = Fixture::new();
    let digest = verity::digest(ALGORITHM, b"nothing");
    assert_eq!(fixture.repository.has_object(&digest).unwrap(), None);
    let error = fixture.repository.read_object(&digest, 10).unwrap_err();
    assert!(matches!(error, StoreError::ObjectMissing { .. }), "{error}");
    fixture.repository.put(b"something").unwrap();
    let error = fixture.repository.open_object(&digest).unwrap_err();
    assert!(matches!(error, StoreError::ObjectMissing { .. }), "{error}");
}

#[test]
fn a_limit_is_kept() {
    let fixture = Fixture::new();
    let stored = fixture.repository.put(b"twelve bytes").unwrap();
    let error = fixture
        .repository
        .read_object(&stored.digest, 11)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is too large: 12 bytes, at most 11 are accepted"),
        "{error}"
    );
    fixture.repository.read_object(&stored.digest, 12).unwrap();
}

#[test]
fn changed_content_is_noticed_before_its_end() {
    let fixture = Fixture::new();
    let data = pattern(10_000);
    let digest = fixture.repository.put(&data).unwrap().digest;
    let mut changed = data.clone();
    changed[5000] ^= 1;
    for content in [
        &changed[..],
        &data[..9_999],
        &[&data[..], b"x"].concat()[..],
        b"",
    ] {
        fs::write(fixture.object(&digest), content).unwrap();
        let error = fixture
            .repository
            .read_object(&digest, 1 << 20)
            .unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");

        let mut reader = fixture.repository.open_object(&digest).unwrap();
        let mut read = Vec::new();
        let error = std::io::copy(&mut reader, &mut read).unwrap_err();
        let error = error.downcast::<StoreError>().unwrap();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(
            read.len() < content.len().max(1),
            "the last bytes are held back"
        );
    }
}

#[test]
fn what_is_no_file_is_not_opened() {
    let fixture = Fixture::new();
    let digest = fixture.repository.put(b"data").unwrap().digest;
    let place = fixture.object(&digest);
    let elsewhere = fixture.directory.path().join("elsewhere");
    fs::rename(&place, &elsewhere).unwrap();
    let refused = || {
        for result in [
            fixture.repository.read_object(&digest, 100).map(drop),
            fixture.repository.open_object(&digest).map(drop),
            fixture.repository.open_object_unverified(&digest).map(drop),
            fixture.repository.has_object(&digest).map(drop),
        ] {
            let error = result.unwrap_err();
            assert!(
                error.to_string().ends_with("corrupt: not a regular file"),
                "{error}"
            );
        }
        // And it does not stand in the way of the object.
        assert_eq!(
            fixture.repository.put(b"data").unwrap().outcome,
            Outcome::Written
        );
        assert_eq!(
            fixture.repository.read_object(&digest, 100).unwrap(),
            b"data"
        );
        fs::remove_file(&place).unwrap();
    };
    symlink(&elsewhere, &place).unwrap();
    refused();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &place,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    refused();
}

#[test]
fn a_link_in_the_place_of_a_directory_is_not_followed() {
    let fixture = Fixture::new();
    let digest = fixture.repository.put(b"data").unwrap().digest;
    let directory = fixture.object(&digest).parent().unwrap().to_owned();
    let elsewhere = fixture.directory.path().join("elsewhere");
    fs::rename(&directory, &elsewhere).unwrap();
    symlink(&elsewhere, &directory).unwrap();
    assert!(fixture.repository.open_object(&digest).is_err());
}

#[test]
fn an_object_of_the_wrong_size_is_replaced() {
    let fixture = Fixture::new();
    let big = pattern(400_000);
    for data in [b"whole".as_slice(), &big] {
        let digest = fixture.repository.put(data).unwrap().digest;
        fs::write(fixture.object(&digest), b"who").unwrap();
        let mut writer = fixture.repository.object_writer().unwrap();
        writer.write(data).unwrap();
        assert_eq!(writer.finish().unwrap().outcome, Outcome::Written);
        assert_eq!(
            fixture.repository.read_object(&digest, 1 << 20).unwrap(),
            data
        );
    }
    assert_eq!(fixture.files().len(), 3, "two objects and meta.json");
}

#[test]
fn without_nameless_files_everything_still_works() {
    let fixture = Fixture::new();
    fixture
        .repository
        .inner
        .no_tmpfile
        .store(true, Ordering::Relaxed);
    let big = pattern(400_000);
    let digest = fixture.repository.put(b"small").unwrap().digest;
    fs::write(fixture.object(&digest), b"sma").unwrap();
    assert_eq!(
        fixture.repository.put(b"small").unwrap().outcome,
        Outcome::Written
    );
    let mut writer = fixture.repository.object_writer().unwrap();
    writer.write(&big).unwrap();
    let during = fixture.files();
    assert!(during[0].starts_with(".tmp-"), "{during:?}");
    let stored = writer.finish().unwrap();
    assert_eq!(
        fixture
            .repository
            .read_object(&stored.digest, 1 << 20)
            .unwrap(),
        big
    );
    assert_eq!(fixture.files().len(), 3, "two objects and meta.json");
}

#[test]
fn an_abandoned_writer_leaves_nothing() {
    for no_tmpfile in [false, true] {
        let fixture = Fixture::new();
        fixture
            .repository
            .inner
            .no_tmpfile
            .store(no_tmpfile, Ordering::Relaxed);
        let mut writer = fixture.repository.object_writer().unwrap();
        writer.write(&pattern(400_000)).unwrap();
        drop(writer);
        assert_eq!(fixture.files(), ["meta.json"]);
    }
}

#[test]
fn leftovers_of_a_crash_are_swept_under_the_exclusive_lock() {
    let fixture = Fixture::new();
    fs::write(fixture.repository.path().join(".tmp-1-2-3"), b"x").unwrap();
    symlink("nowhere", fixture.repository.path().join(".tmp-1-2-4")).unwrap();
    drop(fixture.repository.try_lock_exclusive().unwrap());
    assert_eq!(fixture.files(), ["meta.json"]);
}

#[test]
fn nothing_is_written_through_a_reader_or_under_a_foreign_digest() {
    let fixture = Fixture::new();
    let reader = Repository::open(fixture.repository.path(), Access::Read).unwrap();
    for error in [
        reader.put(b"x").map(drop).unwrap_err(),
        reader.put_many(&[b"x"]).map(drop).unwrap_err(),
        reader.object_writer().map(drop).unwrap_err(),
        reader
            .stream_writer(crate::ContentType::BLOB)
            .map(drop)
            .unwrap_err(),
        reader.transaction().commit().unwrap_err(),
        reader.remove_ref("a", "b").map(drop).unwrap_err(),
        reader.try_lock_exclusive().map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    }
    let foreign = verity::digest(VerityAlgorithm::Sha256, b"x");
    let error = fixture.repository.open_object(&foreign).unwrap_err();
    assert!(
        matches!(error, StoreError::OtherAlgorithm { .. }),
        "{error}"
    );
}

#[test]
fn many_threads_store_the_same_objects() {
    let fixture = Fixture::new();
    let written = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let store = |index: usize| {
                        let stored = fixture.repository.put(&pattern(index)).unwrap();
                        usize::from(stored.outcome == Outcome::Written)
                    };
                    (0..300).map(store).sum::<usize>()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum::<usize>()
    });
    assert_eq!(written, 300);
    let report = fixture
        .repository
        .check(crate::CheckOptions::default(), &|_| ())
        .unwrap();
    assert_eq!((report.objects, report.damage), (300, vec![]));
    let mut listed = Vec::new();
    let mut visit = |digest, size| {
        listed.push((digest, size));
        Ok(())
    };
    fixture.repository.for_each_object(&mut visit).unwrap();
    assert_eq!(listed.len(), 300);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_writer_stores_what_it_is_given_in_any_pieces(
        pieces in prop::collection::vec(0_usize..150_000, 0..8),
    ) {
        let fixture = Fixture::new();
        let data = pattern(pieces.iter().sum());
        let mut writer = fixture.repository.object_writer().unwrap();
        let mut rest = &data[..];
        for piece in pieces {
            let (now, later) = rest.split_at(piece);
            writer.write(now).unwrap();
            rest = later;
        }
        prop_assert_eq!(writer.size(), data.len() as u64);
        let stored = writer.finish().unwrap();
        prop_assert_eq!(stored.digest, verity::digest(ALGORITHM, &data));
        prop_assert_eq!(stored.size, data.len() as u64);
        prop_assert_eq!(fixture.repository.read_object(&stored.digest, u64::MAX).unwrap(), data);
    }
}

#[test]
fn repairing_reads_what_is_there() {
    let fixture = Fixture::new();
    let repository = &fixture.repository;
    let small = b"small".to_vec();
    let large: Vec<u8> = (0..700_000_u32).map(|at| (at % 251) as u8).collect();
    let repairing = repository.with_verified_objects();
    for data in [small, large] {
        let write = |repository: &Repository| {
            let mut writer = repository.object_writer().unwrap();
            writer.write(&data).unwrap();
            writer.finish().unwrap()
        };
        let stored = write(repository);
        assert_eq!(stored.outcome, Outcome::Written);
        let mut wrong = data.clone();
        wrong[3] ^= 1;
        fs::write(fixture.object(&stored.digest), &wrong).unwrap();
        assert_eq!(write(repository).outcome, Outcome::Present, "not looked at");
        assert_eq!(write(&repairing).outcome, Outcome::Written);
        assert_eq!(
            write(&repairing).outcome,
            Outcome::Present,
            "it is right now"
        );
        let read = repository.read_object(&stored.digest, 1 << 20).unwrap();
        assert!(read == data);
        fs::write(fixture.object(&stored.digest), &wrong).unwrap();
        let outcomes = repairing.put_many(&[&data, &data]).unwrap();
        let outcomes: Vec<_> = outcomes.iter().map(|stored| stored.outcome).collect();
        assert_eq!(outcomes, [Outcome::Written, Outcome::Present]);
    }
    assert_eq!(fixture.files().len(), 3, "meta.json and the two objects");
}

#[test]
fn sealed_objects_are_repaired_sealed() {
    let Some(mount) = crate::testing::Mount::ext4_with_verity("fs-verity") else {
        return;
    };
    let path = mount.path().join("repository");
    let repository = match Repository::init(&path, ALGORITHM, VerityPolicy::Require) {
        Ok(repository) => repository,
        Err(StoreError::VerityUnsupported { .. }) => return crate::testing::skipped("fs-verity"),
        Err(error) => panic!("{error}"),
    };
    let data = vec![7; 300_000];
    let stored = repository.put(&data).unwrap();
    // An unsealed file in its place is damage for every writer.
    let place = path.join("objects").join(object_path(&stored.digest));
    fs::remove_file(&place).unwrap();
    fs::write(&place, &data).unwrap();
    assert!(repository.read_object(&stored.digest, 1 << 20).is_err());
    let repairing = repository.with_verified_objects();
    assert_eq!(repairing.put(&data).unwrap().outcome, Outcome::Written);
    assert_eq!(repairing.put(&data).unwrap().outcome, Outcome::Present);
    assert!(repository.read_object(&stored.digest, 1 << 20).unwrap() == data);
}
