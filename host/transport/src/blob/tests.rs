//! Every byte counted, every flip found, nothing handed out that was not verified.

use std::io::Cursor;

use lazaret_artifact::DigestAlgorithm;
use proptest::prelude::*;

use super::*;

fn reader(bytes: &[u8], size: u64, digest: ContentDigest) -> VerifyingReader<Cursor<Vec<u8>>> {
    VerifyingReader::new(Cursor::new(bytes.to_vec()), digest, size, Role::Blob)
}

fn read_in_pieces<R: Read>(reader: &mut R, piece: usize) -> Result<Vec<u8>, (Vec<u8>, String)> {
    let mut out = Vec::new();
    let mut buffer = vec![0; piece];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(out),
            Ok(count) => out.extend_from_slice(&buffer[..count]),
            Err(error) => return Err((out, error.to_string())),
        }
    }
}

#[test]
fn what_is_not_as_promised_is_refused_before_the_last_byte() {
    let digest = ContentDigest::sha256(b"hello");
    let other = ContentDigest::sha256(b"hellO");
    for (bytes, size, handed_out, want) in [
        (
            &b"hellO"[..],
            5,
            &b"he"[..],
            format!("{digest}: blob digest mismatch: expected {digest}, found {other}"),
        ),
        (
            b"hello!",
            5,
            b"he",
            format!("{digest}: blob size mismatch: expected 5, found more than 5"),
        ),
        (
            b"hell",
            5,
            b"hell",
            format!("{digest}: blob size mismatch: expected 5, found 4"),
        ),
        (
            b"x",
            0,
            b"",
            format!("{digest}: blob size mismatch: expected 0, found more than 0"),
        ),
    ] {
        // Pieces of two leave one byte for the last read, so "he", "ll" and "o" come separately.
        let mut reader = reader(bytes, size, digest);
        let (out, error) = read_in_pieces(&mut reader, 2).unwrap_err();
        assert_eq!(error, want);
        assert!(out.starts_with(handed_out) && out.len() < 5, "{out:?}");
        assert!(!reader.is_verified());
        let again = reader.read(&mut [0; 8]).unwrap_err();
        assert_eq!(again.to_string(), "this blob was refused before");
    }
}

#[test]
fn a_reader_that_stops_at_the_promised_size_still_gets_the_verdict() {
    let digest = ContentDigest::sha256(b"hello");
    let mut buffer = [0; 5];
    let mut good = reader(b"hello", 5, digest);
    good.read_exact(&mut buffer).unwrap();
    assert!(good.is_verified());
    assert!(reader(b"hellO", 5, digest).read_exact(&mut buffer).is_err());
    assert!(
        reader(b"hello!", 5, digest)
            .read_exact(&mut buffer)
            .is_err()
    );
}

#[test]
fn an_empty_blob_is_verified_too() {
    let mut empty = reader(b"", 0, ContentDigest::sha256(b""));
    assert!(!empty.is_verified());
    assert_eq!(empty.read(&mut [0; 4]).unwrap(), 0);
    assert!(empty.is_verified());
    assert!(
        reader(b"", 0, ContentDigest::sha256(b"x"))
            .read(&mut [0; 4])
            .is_err()
    );
}

#[test]
fn sha512_is_verified_as_sha512() {
    let mut hasher = ContentHasher::new(DigestAlgorithm::Sha512);
    hasher.update(b"hello");
    let digest = hasher.finish();
    assert_eq!(
        read_in_pieces(&mut reader(b"hello", 5, digest), 3).unwrap(),
        b"hello"
    );
    let (_, error) = read_in_pieces(&mut reader(b"hellp", 5, digest), 3).unwrap_err();
    assert!(error.contains("sha512:"), "{error}");
}

proptest! {
    #[test]
    fn any_flipped_bit_is_found_for_any_pieces(
        bytes in proptest::collection::vec(any::<u8>(), 1..3000),
        at: prop::sample::Index,
        bit in 0_u32..8,
        piece in 1_usize..700,
    ) {
        let digest = ContentDigest::sha256(&bytes);
        let size = bytes.len() as u64;
        let mut good = reader(&bytes, size, digest);
        prop_assert_eq!(&read_in_pieces(&mut good, piece).unwrap(), &bytes);
        prop_assert!(good.is_verified());
        let mut flipped = bytes.clone();
        flipped[at.index(bytes.len())] ^= 1 << bit;
        prop_assert!(read_in_pieces(&mut reader(&flipped, size, digest), piece).is_err());
        let cut = at.index(bytes.len());
        prop_assert!(read_in_pieces(&mut reader(&bytes[..cut], size, digest), piece).is_err());
    }
}

#[test]
fn a_part_of_a_file_is_read_without_what_is_around_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    std::fs::write(&path, b"<<<hello>>>").unwrap();
    let file = Arc::new(File::open(&path).unwrap());
    let descriptor = |size| Descriptor {
        media_type: "a/b".parse().unwrap(),
        digest: ContentDigest::sha256(b"hello"),
        size,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: std::collections::BTreeMap::new(),
    };
    let open = |offset, length, size| {
        Blob::from_range(
            Arc::clone(&file),
            offset,
            length,
            path.clone(),
            &descriptor(size),
            Role::Blob,
        )
    };
    // Two at once, from one file, do not disturb each other.
    let (mut one, mut two) = (open(3, 5, 5).unwrap(), open(3, 5, 5).unwrap());
    let mut piece = [0; 2];
    one.read_exact(&mut piece).unwrap();
    let mut all = Vec::new();
    two.read_to_end(&mut all).unwrap();
    assert_eq!((&piece, &*all), (b"he", &b"hello"[..]));
    assert!(two.is_verified() && !one.is_verified());
    let region = two.file_unverified().unwrap();
    assert_eq!(region.offset, 3);
    one.finish().unwrap();
    for (offset, length, size, want) in [
        (2, 5, 5, "blob digest mismatch"),
        (3, 6, 5, "blob size mismatch: expected 5, found 6"),
        (3, 6, 6, "blob digest mismatch"),
        (9, 5, 5, "blob size mismatch: expected 5, found 2"),
    ] {
        let error = match open(offset, length, size) {
            Ok(blob) => blob.finish().unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().contains(want), "{error}");
    }
}

#[test]
fn a_stream_has_no_file_to_look_into() {
    let descriptor = Descriptor {
        media_type: "a/b".parse().unwrap(),
        digest: ContentDigest::sha256(b"hello"),
        size: 5,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: std::collections::BTreeMap::new(),
    };
    let open = |bytes: &'static [u8]| {
        let stream = Box::new(Cursor::new(bytes));
        Blob::from_stream(stream, "docker://x/y".into(), &descriptor, Role::Blob)
    };
    assert!(open(b"hello").file_unverified().is_none());
    open(b"hello").finish().unwrap();
    assert!(open(b"hello!").finish().is_err());
    assert!(open(b"hell").finish().is_err());
}
