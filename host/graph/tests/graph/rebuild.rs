//! Giving bytes back.

use std::io::{self, Write};

use lazaret_artifact::media_type::OCI_TAR;
use lazaret_artifact::{ContentDigest, DigestAlgorithm};
use lazaret_graph::names::{LAZARET, OwnRef, Stream};
use lazaret_graph::{BlobRef, Content, find_content, open_kept_blob, rebuild, rebuilt_digest};

use crate::fixture::{Fixture, Whole, chain, entry, index};

#[test]
fn every_kind_of_stream_gives_back_its_bytes() {
    let fixture = Fixture::new();
    let kept_bytes = b"\x1f\x8b as it travelled".to_vec();
    let kept = fixture.blob(&kept_bytes);
    let layer = fixture.layer(&[("big", &[b'x'; 5000])]);
    let image = fixture.image(&[layer]);
    let artifact = fixture.artifact(&[(fixture.blob(b"a model"), b"a model")]);
    let index = index(&[entry(&image.manifest, None)]);
    Whole {
        manifests: &[&image, &artifact],
        indexes: &[&index],
        blobs: &[BlobRef {
            digest: kept.key,
            stream: kept.stream,
        }],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let repository = &fixture.repository;
    let mut tar = Vec::new();
    assert!(rebuild(repository, Stream::Layer(layer.key), &mut tar).unwrap());
    assert_eq!(ContentDigest::sha256(&tar), layer.key);

    let config = image.parsed().config.digest;
    let digest = |bytes: &[u8]| ContentDigest::sha256(bytes);
    for (name, bytes) in [
        (Stream::Blob(kept.key), &kept_bytes),
        (Stream::Layer(digest(b"a model")), &b"a model".to_vec()),
        (Stream::Layer(layer.key), &tar),
        (Stream::Config(config), &image.config),
        (Stream::Config(digest(b"{}")), &b"{}".to_vec()),
        (Stream::Manifest(image.digest()), &image.manifest),
        (Stream::Index(digest(&index)), &index),
    ] {
        let mut found = Vec::new();
        assert!(rebuild(repository, name, &mut found).unwrap());
        assert_eq!(found, *bytes, "{name}");
        let stream = repository.resolve_stream(&name.name()).unwrap().unwrap();
        let content = find_content(repository, name.digest()).unwrap();
        let size = bytes.len() as u64;
        assert_eq!(content, Some(Content { name, stream, size }));
        let long = rebuilt_digest(repository, &stream, DigestAlgorithm::Sha512).unwrap();
        assert_eq!(long, long.of_same_kind(bytes));
        // Only what was kept as it travelled is kept as it travelled.
        let blob = open_kept_blob(repository, name.digest()).unwrap();
        let is_blob = matches!(name, Stream::Blob(_));
        assert_eq!(blob, is_blob.then_some((stream, size)));
    }
    let refs = repository.refs(LAZARET).unwrap();
    let name = OwnRef::Blob(kept.key).to_string();
    assert_eq!(refs, [(name, Stream::Blob(kept.key).name())]);
    let nothing = ContentDigest::sha256(OCI_TAR.as_bytes());
    assert!(!rebuild(repository, Stream::Blob(nothing), &mut Vec::new()).unwrap());
    assert_eq!(find_content(repository, &nothing).unwrap(), None);
    assert_eq!(open_kept_blob(repository, &nothing).unwrap(), None);
}

#[test]
fn what_is_not_what_its_name_says_is_an_error() {
    let fixture = Fixture::new();
    let (lie, truth) = (fixture.blob(b"a lie"), ContentDigest::sha256(b"the truth"));
    let name = Stream::Blob(truth);
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(name.name(), lie.stream);
    transaction.commit().unwrap();
    let error = rebuild(&fixture.repository, name, &mut io::sink()).unwrap_err();
    assert!(error.is_damage());
    assert_eq!(
        chain(&error),
        format!(
            "{name}: content mismatch: expected {truth}, found {}",
            lie.key
        )
    );
}

#[test]
fn a_damaged_stream_gives_way_to_another_with_the_same_bytes() {
    let fixture = Fixture::new();
    let content = [b'x'; 4000];
    let whole = fixture.blob(&content);
    let artifact = fixture.artifact(&[(whole, &content)]);
    fixture.commit(&artifact, &["artifact"]);
    let mut transaction = fixture.repository.transaction();
    let broken = fixture.repository.put(b"no splitstream").unwrap().digest;
    transaction.link_stream(Stream::Blob(whole.key).name(), broken);
    transaction.commit().unwrap();
    let repository = &fixture.repository;
    assert_eq!(open_kept_blob(repository, &whole.key).unwrap(), None);
    let found = find_content(repository, &whole.key).unwrap().unwrap();
    assert_eq!(found.name, Stream::Layer(whole.key));
}

#[test]
fn a_writer_that_fails_is_no_damage() {
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let fixture = Fixture::new();
    let image = fixture.demo("demo");
    let name = Stream::Layer(image.layers[0].key);
    let error = rebuild(&fixture.repository, name, &mut Full).unwrap_err();
    assert!(!error.is_damage() && !error.is_input_fault(), "{error}");
}
