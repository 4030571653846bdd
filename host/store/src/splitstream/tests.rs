//! Splitstreams rebuild bit for bit, and broken ones are refused.

use std::io::Write as _;

use lazaret_artifact::{VerityAlgorithm, VerityDigest};
use proptest::prelude::*;

use super::*;
use crate::error::{StoreError, StreamFault};
use crate::repository::{Repository, VerityPolicy};

const ALGORITHM: VerityAlgorithm = VerityAlgorithm::Sha512;

fn repository() -> (tempfile::TempDir, Repository) {
    repository_of(ALGORITHM)
}

fn repository_of(algorithm: VerityAlgorithm) -> (tempfile::TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let repository = Repository::init(directory.path(), algorithm, VerityPolicy::Insecure).unwrap();
    (directory, repository)
}

fn pattern(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|i| (i ^ (i >> 8)) as u8 ^ seed).collect()
}

/// Something to write: bytes, and whether they are an object.
type Step = (bool, usize, u8);

/// Writes `steps`; returns the stream and what it has to rebuild.
fn write(repository: &Repository, steps: &[Step]) -> (StoredStream, Vec<u8>) {
    let mut writer = repository.stream_writer(ContentType::BLOB).unwrap();
    let mut expected = Vec::new();
    for (is_object, size, seed) in steps {
        let data = pattern(*size, *seed);
        if *is_object {
            let stored = repository.put(&data).unwrap();
            writer.object(&stored.digest, stored.size).unwrap();
        } else {
            writer.inline(&data).unwrap();
        }
        expected.extend(data);
    }
    assert_eq!(writer.total_size(), expected.len() as u64);
    (writer.finish().unwrap(), expected)
}

fn rebuild(repository: &Repository, digest: &VerityDigest) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::new();
    let size = repository.open_stream(digest, None)?.rebuild(&mut out)?;
    assert_eq!(size, out.len() as u64);
    Ok(out)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![0_usize..200, 0_usize..6000, 60_000_usize..140_000];
    prop::collection::vec((any::<bool>(), size, 0_u8..4), 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_sequence_rebuilds_bit_for_bit(steps in steps(), sha512 in any::<bool>()) {
        let algorithm = if sha512 { VerityAlgorithm::Sha512 } else { VerityAlgorithm::Sha256 };
        let (_directory, repository) = repository_of(algorithm);
        let (stored, expected) = write(&repository, &steps);
        prop_assert_eq!(stored.total_size, expected.len() as u64);
        prop_assert_eq!(rebuild(&repository, &stored.digest).unwrap(), expected);

        let mut reader = repository.open_stream(&stored.digest, Some(ContentType::BLOB)).unwrap();
        let mut previous_was_partial_inline = false;
        while let Some(chunk) = reader.next_chunk().unwrap() {
            let Chunk::Inline(bytes) = chunk else {
                previous_was_partial_inline = false;
                continue;
            };
            prop_assert!(!bytes.is_empty() && bytes.len() <= MAX_INLINE_PIECE);
            prop_assert!(!previous_was_partial_inline, "neighbours form one chunk");
            previous_was_partial_inline = bytes.len() < MAX_INLINE_PIECE;
        }
        let refs = reader.object_refs();
        let distinct: std::collections::BTreeSet<_> = refs.iter().collect();
        prop_assert_eq!(distinct.len(), refs.len());
        prop_assert!(repository.check(crate::CheckOptions::default(), &|_| ()).unwrap().is_clean());
    }

    #[test]
    fn mutated_bytes_never_panic(
        steps in prop::collection::vec((any::<bool>(), 0_usize..300, 0_u8..4), 0..6),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
        in_prefix in any::<bool>(),
    ) {
        let (_directory, repository) = repository();
        let (stored, _) = write(&repository, &steps);
        let mut bytes = repository.read_object(&stored.digest, 1 << 20).unwrap();
        let within = if in_prefix { 112 } else { bytes.len() };
        for (index, value) in mutations {
            bytes[index.index(within)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let walked = walk(&bytes[..], ALGORITHM, &mut |_| ());

        // A repository that holds it as an object of its own fares no worse.
        let digest = repository.put(&bytes).unwrap().digest;
        let opened = repository.open_stream(&digest, None);
        if let Ok(mut reader) = opened {
            let rebuilt = reader.rebuild(&mut std::io::sink());
            if walked.is_err() {
                prop_assert!(rebuilt.is_err());
            }
        } else {
            prop_assert!(walked.is_err());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = walk(&bytes[..], ALGORITHM, &mut |_| ());
    }
}

#[test]
fn a_stream_larger_than_memory_goes_through_a_file() {
    let (_directory, repository) = repository();
    // Noise, so that compression does not keep it small.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(3 << 20)
    .collect();
    let object = repository.put(b"object").unwrap();
    let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
    for piece in noise.chunks(100_000) {
        writer.inline(piece).unwrap();
        writer.object(&object.digest, object.size).unwrap();
    }
    writer.add_stream_ref("self", &object.digest).unwrap();
    let stored = writer.finish().unwrap();
    assert!(stored.stored_size > 3 << 20, "{}", stored.stored_size);
    assert_eq!(
        repository.has_object(&stored.digest).unwrap(),
        Some(stored.stored_size)
    );
    let expected: Vec<u8> = noise
        .chunks(100_000)
        .flat_map(|piece| [piece, b"object"].concat())
        .collect();
    assert_eq!(rebuild(&repository, &stored.digest).unwrap(), expected);
    assert!(
        repository
            .check(crate::CheckOptions::default(), &|_| ())
            .unwrap()
            .is_clean()
    );

    // Written again it is the same, and costs nothing.
    let mut again = repository.stream_writer(ContentType::LAYER).unwrap();
    for piece in noise.chunks(100_000) {
        again.inline(piece).unwrap();
        again.object(&object.digest, object.size).unwrap();
    }
    again.add_stream_ref("self", &object.digest).unwrap();
    let again = again.finish().unwrap();
    assert_eq!(
        (again.digest, again.outcome),
        (stored.digest, Outcome::Present)
    );
}

#[test]
fn a_very_long_inline_run_is_cut_between_tar_headers() {
    let (_directory, repository) = repository();
    let object = repository.put(b"odd").unwrap();
    let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
    writer.object(&object.digest, object.size).unwrap();
    let run = pattern((40 << 20) + 77, 3);
    for piece in run.chunks((1 << 20) + 13) {
        writer.inline(piece).unwrap();
    }
    let stored = writer.finish().unwrap();
    let bytes = repository.read_object(&stored.digest, 1 << 30).unwrap();
    let mut position = 0;
    let mut total = 0;
    // Read the chunks as composefs would, by the lengths in the stream.
    let sections = sections::Sections::read(&bytes.as_slice(), ALGORITHM).unwrap();
    let range = sections.stream.start as usize..sections.stream.end as usize;
    let raw = zstd::decode_all(&bytes[range]).unwrap();
    let mut cuts = Vec::new();
    while position < raw.len() {
        let instruction = i64::from_le_bytes(raw[position..position + 8].try_into().unwrap());
        position += 8;
        if instruction >= 0 {
            total += 3;
            continue;
        }
        let length = instruction.unsigned_abs() as usize;
        assert_eq!(
            raw[position..position + length],
            run[total - 3..total - 3 + length]
        );
        position += length;
        total += length;
        cuts.push(total);
    }
    assert_eq!(total, run.len() + 3);
    assert_eq!(cuts.len(), 3);
    assert!(cuts[..2].iter().all(|cut| cut % 512 == 0), "{cuts:?}");
}

#[test]
fn named_references_are_read_back() {
    let (_directory, repository) = repository();
    let one = repository.put(b"one").unwrap().digest;
    let two = repository.put(b"two").unwrap().digest;
    let mut writer = repository.stream_writer(ContentType::MANIFEST).unwrap();
    for (name, digest) in [
        ("b:with:colons", one),
        ("a", two),
        ("c", one),
        ("", two),
        ("a", one),
    ] {
        writer.add_stream_ref(name, &digest).unwrap();
    }
    assert!(matches!(
        writer.add_stream_ref("a\0b", &one),
        Err(StoreError::Name { .. })
    ));
    writer.object(&two, 3).unwrap();
    let stored = writer.finish().unwrap();
    let (object, refs) = repository
        .single_object(&stored.digest, ContentType::MANIFEST)
        .unwrap();
    assert_eq!(object, two);
    let refs: Vec<_> = refs
        .iter()
        .map(|(name, digest)| (name.as_str(), *digest))
        .collect();
    assert_eq!(
        refs,
        [("", two), ("a", one), ("b:with:colons", one), ("c", one)]
    );
}

#[test]
fn a_stream_of_another_kind_or_shape_is_refused() {
    let (_directory, repository) = repository();
    let none = write(&repository, &[]).0.digest;
    let inline = write(&repository, &[(false, 5, 0)]).0.digest;
    let twice = write(&repository, &[(true, 5, 0), (true, 5, 0)]).0.digest;
    let mixed = write(&repository, &[(true, 5, 0), (false, 5, 0)]).0.digest;
    let single = write(&repository, &[(true, 5, 0)]).0.digest;
    for digest in [none, inline, twice, mixed] {
        let error = repository
            .single_object(&digest, ContentType::BLOB)
            .unwrap_err();
        assert!(
            matches!(error, StoreError::NotSingleObject { .. }),
            "{error}"
        );
    }
    repository
        .single_object(&single, ContentType::BLOB)
        .unwrap();
    let error = repository
        .single_object(&single, ContentType::LAYER)
        .unwrap_err();
    assert!(
        error.to_string().ends_with("holds oci_blob, not ocilayer"),
        "{error}"
    );
    let plain = repository.put(b"no splitstream").unwrap().digest;
    let error = repository.open_stream(&plain, None).unwrap_err();
    assert!(matches!(error, StoreError::Stream { .. }), "{error}");
}

#[test]
fn the_header_of_older_versions_is_read() {
    let (_directory, repository) = repository();
    let (stored, expected) = write(&repository, &[(false, 700, 0), (true, 80, 1)]);
    let new = repository.read_object(&stored.digest, 1 << 20).unwrap();
    let mut old = new.clone();
    // Info range, flags, magic, version, algorithm, block size.
    old[..16].copy_from_slice(&new[16..32]);
    old[16..18].copy_from_slice(&new[12..14]);
    old[18..30].copy_from_slice(&new[..12]);
    old[30..32].copy_from_slice(&new[14..16]);
    let digest = repository.put(&old).unwrap().digest;
    assert_eq!(rebuild(&repository, &digest).unwrap(), expected);
}

/// A splitstream put together by hand.
struct Forged {
    chunks: Vec<u8>,
    named_refs: Vec<u8>,
    objects: Vec<VerityDigest>,
    total_size: u64,
    window_log: Option<u32>,
}

impl Forged {
    fn new(chunks: Vec<u8>, total_size: u64) -> Self {
        Self {
            chunks,
            named_refs: Vec::new(),
            objects: Vec::new(),
            total_size,
            window_log: None,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let compress = |data: &[u8]| {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            if let Some(log) = self.window_log {
                encoder.window_log(log).unwrap();
            }
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        };
        let mut bytes = vec![0; 112];
        let mut append = |data: &[u8]| {
            let start = bytes.len() as u64;
            bytes.extend_from_slice(data);
            format::Range {
                start,
                end: bytes.len() as u64,
            }
        };
        let raw: Vec<u8> = self
            .objects
            .iter()
            .flat_map(|d| d.as_bytes().to_vec())
            .collect();
        let info = format::Info {
            object_refs: append(&raw),
            stream_refs: append(&[7; 64]),
            stream: append(&compress(&self.chunks)),
            named_refs: append(&compress(&self.named_refs)),
            content_type: 0,
            total_size: self.total_size,
        };
        let place = format::Range {
            start: 32,
            end: 112,
        };
        bytes[..32].copy_from_slice(&format::write_header(ALGORITHM, place));
        bytes[32..112].copy_from_slice(&format::write_info(&info));
        bytes
    }

    fn walk(&self) -> Result<Walked, StreamFault> {
        walk(&self.bytes()[..], ALGORITHM, &mut |_| ())
    }

    fn refused(&self) -> String {
        self.walk().unwrap_err().to_string()
    }
}

#[test]
fn hostile_chunks_are_refused() {
    let chunk = |length: i64, bytes: &[u8]| [&length.to_le_bytes(), bytes].concat();
    assert_eq!(
        Forged::new(chunk(-3, b"abc"), 3)
            .walk()
            .unwrap()
            .inline_size,
        3
    );
    for (chunks, total_size, reason) in [
        (
            chunk(i64::MIN, b""),
            5,
            "the stream is longer than its size of 5 bytes",
        ),
        (
            chunk(i64::MIN, b"abc"),
            u64::MAX,
            "the stream ends inside a chunk",
        ),
        (
            chunk(-4, b"abcd"),
            3,
            "the stream is longer than its size of 3 bytes",
        ),
        (chunk(-4, b"abc"), 4, "the stream ends inside a chunk"),
        (vec![1, 2, 3], 4, "the stream ends inside a chunk"),
        (chunk(0, b""), 4, "a chunk refers to object 0 of 0"),
        (
            chunk(i64::MAX, b""),
            4,
            "a chunk refers to object 9223372036854775807 of 0",
        ),
    ] {
        assert_eq!(Forged::new(chunks, total_size).refused(), reason);
    }
}

#[test]
fn references_without_number_come_to_an_end() {
    let mut forged = Forged::new(vec![0; 8 * 1_000_000], 0);
    forged.objects = vec![crate::verity::digest(ALGORITHM, b"")];
    assert!(forged.bytes().len() < 4096, "a bomb is small");
    assert_eq!(
        forged.refused(),
        "the stream has more than 65536 empty chunks"
    );
}

#[test]
fn hostile_named_references_are_refused() {
    let refused = |named_refs: &[u8]| {
        let mut forged = Forged::new(Vec::new(), 0);
        forged.named_refs = named_refs.to_vec();
        forged.refused()
    };
    let mut good = Forged::new(Vec::new(), 0);
    good.named_refs = b"0:first\x000:second\0".to_vec();
    good.walk().unwrap();
    assert_eq!(refused(b"1:x\0"), "invalid named reference \"1:x\\0\"");
    assert_eq!(refused(b"0:x"), "invalid named reference \"0:x\"");
    assert_eq!(refused(b"x\0"), "invalid named reference \"x\\0\"");
    assert_eq!(refused(b"-1:x\0"), "invalid named reference \"-1:x\\0\"");
    assert_eq!(refused(b"\0"), "invalid named reference \"\\0\"");
    let bomb = vec![b'x'; 17 << 20];
    assert_eq!(
        refused(&bomb),
        "the named references are larger than 16777216 bytes"
    );
    let many = b"0:x\0".repeat(5 << 20);
    assert_eq!(
        refused(&many),
        "the named references are larger than 16777216 bytes"
    );
}

#[test]
fn a_window_that_takes_much_memory_is_refused() {
    let mut forged = Forged::new(vec![0xff; 1 << 20], 1 << 20);
    forged.window_log = Some(27);
    assert_eq!(forged.refused(), "cannot read the stream section");
}

#[test]
fn sections_outside_the_file_are_refused() {
    let good = Forged::new(Vec::new(), 0).bytes();
    for (at, section) in [
        (16, "info"),
        (32, "stream references"),
        (48, "object references"),
        (64, "stream"),
        (80, "named references"),
    ] {
        for (start, end) in [
            (0, u64::MAX),
            (9, 8),
            (u64::MAX, u64::MAX),
            (1 << 40, 2 << 40),
        ] {
            let mut bytes = good.clone();
            bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(start));
            bytes[at + 8..at + 16].copy_from_slice(&u64::to_le_bytes(end));
            let fault = walk(&bytes[..], ALGORITHM, &mut |_| ()).unwrap_err();
            assert_eq!(
                fault.to_string(),
                format!(
                    "the {section} section lies at {start}..{end} of {} bytes",
                    good.len()
                )
            );
        }
    }
    let mut odd = good.clone();
    odd[48..56].copy_from_slice(&111_u64.to_le_bytes());
    assert!(
        walk(&odd[..], ALGORITHM, &mut |_| ()).is_err(),
        "no whole number of digests"
    );
    for length in 0..good.len() {
        let _ = walk(&good[..length], ALGORITHM, &mut |_| ());
    }
    for (at, field) in [(11, "version"), (14, "algorithm"), (15, "block size")] {
        let mut bytes = good.clone();
        bytes[at] = 77;
        let fault = walk(&bytes[..], ALGORITHM, &mut |_| ()).unwrap_err();
        assert!(
            fault
                .to_string()
                .starts_with(&format!("header field {field} is 77")),
            "{fault}"
        );
    }
}

#[test]
fn a_longer_info_section_is_read_like_ours() {
    let mut bytes = Forged::new(Vec::new(), 0).bytes();
    let info = bytes[32..112].to_vec();
    let start = bytes.len() as u64;
    bytes.extend(info);
    bytes.extend([9; 40]);
    bytes[16..24].copy_from_slice(&start.to_le_bytes());
    bytes[24..32].copy_from_slice(&(start + 120).to_le_bytes());
    assert_eq!(
        walk(&bytes[..], ALGORITHM, &mut |_| ()).unwrap().total_size,
        0
    );
}

#[test]
fn a_size_that_is_not_the_streams_is_noticed() {
    let (_directory, repository) = repository();
    let object = repository.put(b"hello").unwrap();
    for (announced, reason) in [
        (4, "the stream is longer than its size of 4 bytes"),
        (6, "the stream has 5 bytes, its size says 6"),
    ] {
        let mut writer = repository.stream_writer(ContentType::BLOB).unwrap();
        writer.object(&object.digest, announced).unwrap();
        let digest = writer.finish().unwrap().digest;
        let error = rebuild(&repository, &digest).unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), reason);
    }
}

#[test]
fn a_damaged_object_fails_the_rebuild() {
    let (_directory, repository) = repository();
    let (stored, _) = write(&repository, &[(false, 9, 0), (true, 5000, 1)]);
    let object = repository
        .open_stream(&stored.digest, None)
        .unwrap()
        .object_refs()[0];
    std::fs::write(repository.object_at(&object), pattern(5000, 2)).unwrap();
    let error = rebuild(&repository, &stored.digest).unwrap_err();
    assert!(
        matches!(error, StoreError::Corrupt { digest, .. } if digest == object),
        "{error}"
    );
    std::fs::remove_file(repository.object_at(&object)).unwrap();
    let error = rebuild(&repository, &stored.digest).unwrap_err();
    assert!(matches!(error, StoreError::ObjectMissing { .. }), "{error}");
}

#[test]
fn a_failing_consumer_is_told_from_a_failing_repository() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (_directory, repository) = repository();
    for steps in [[(false, 9, 0)], [(true, 5000, 1)]] {
        let (stored, _) = write(&repository, &steps);
        let mut reader = repository.open_stream(&stored.digest, None).unwrap();
        let error = reader.rebuild(&mut Full).unwrap_err();
        assert!(matches!(error, StoreError::Output { .. }), "{error}");
        assert!(!error.is_input_fault());
    }
}

#[test]
fn rebuilding_starts_at_the_beginning_wherever_the_reader_is() {
    let (_directory, repository) = repository();
    let (stored, expected) = write(&repository, &[(false, 9, 0), (true, 90, 1), (false, 9, 0)]);
    let mut reader = repository.open_stream(&stored.digest, None).unwrap();
    assert!(matches!(
        reader.next_chunk().unwrap(),
        Some(Chunk::Inline(_))
    ));
    let mut out = Vec::new();
    reader.rebuild(&mut out).unwrap();
    assert_eq!(out, expected);
    assert!(matches!(
        reader.next_chunk().unwrap(),
        Some(Chunk::Object(_))
    ));
}

#[test]
fn a_writer_may_move_to_another_thread() {
    const fn check<T: Send + 'static>() {}
    check::<StreamWriter>();
    check::<StreamReader>();
    check::<crate::ObjectWriter>();
    check::<Repository>();
}
