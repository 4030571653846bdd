//! Several manifests at once, and the indexes above them.

use lazaret_artifact::DigestAlgorithm;

use super::*;
use crate::documents::Documents;

const ARM: &str = "linux/arm/v7";

fn select(platforms: &[&str]) -> Selection {
    Selection::Platforms(platforms.iter().map(|text| text.parse().unwrap()).collect())
}

fn digests<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<String> {
    descriptors.map(|d| d.digest.to_string()).collect()
}

/// The indexes and the manifests by digest, after a look at what is said of each.
fn parts(resolved: &Resolved) -> (Vec<String>, Vec<String>) {
    for document in &resolved.indexes {
        assert_eq!(document.index.digest, document.descriptor.digest);
        assert_eq!(
            document.index.digest,
            document.index.digest.of_same_kind(&document.bytes)
        );
    }
    for document in &resolved.manifests {
        let digest = document.manifest.digest;
        assert_eq!(digest, document.descriptor.digest);
        assert_eq!(digest, digest.of_same_kind(&document.bytes));
        let config = document.manifest.config.digest;
        assert_eq!(config, config.of_same_kind(&document.config));
        assert_eq!(document.image.is_some(), document.manifest.is_image());
    }
    (
        digests(resolved.indexes.iter().map(|index| &index.descriptor)),
        digests(resolved.manifests.iter().map(|one| &one.descriptor)),
    )
}

fn texts(entries: &[&Value]) -> Vec<String> {
    entries
        .iter()
        .map(|entry| digest(entry).to_owned())
        .collect()
}

#[test]
fn everything_is_every_manifest_of_every_index() {
    let mut fixture = Fixture::new();
    let [one, two, three] = [S390X, RISCV, ARM].map(|p| on(&fixture.image(p), p));
    let mut attestation = on(&fixture.artifact("provenance"), "unknown/unknown");
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let other = fixture.blob("text/plain", b"neither");
    let artifact = fixture.artifact("artifact");
    let inner = fixture.index(&[three.clone(), one.clone(), artifact.clone()]);
    let outer = fixture.index(&[
        one.clone(),
        attestation.clone(),
        other,
        inner.clone(),
        one.clone(),
        two.clone(),
    ]);
    fixture.add(&outer, Some("x"));
    let source = fixture.open(None, None).unwrap();
    let resolved = source.resolve(&Selection::All).unwrap();
    assert_eq!(resolved.root.digest.to_string(), digest(&outer));
    assert_eq!(
        parts(&resolved),
        (
            texts(&[&outer, &inner]),
            texts(&[&one, &attestation, &three, &artifact, &two])
        )
    );
    // What the index says of an entry goes with it.
    assert!(is_attestation(&resolved.manifests[1].descriptor));
    assert_eq!(
        resolved.manifests[4].descriptor.platform,
        Some(RISCV.parse().unwrap())
    );
    // The same from a descriptor that anything else gave.
    let again = source.resolve_descriptor(&resolved.root).unwrap();
    assert_eq!(parts(&again), parts(&resolved));
    let below = source
        .resolve_descriptor(&resolved.indexes[1].descriptor)
        .unwrap();
    assert_eq!(
        parts(&below),
        (texts(&[&inner]), texts(&[&three, &one, &artifact]))
    );
    let single = source
        .resolve_descriptor(&resolved.manifests[1].descriptor)
        .unwrap();
    assert_eq!(parts(&single), (vec![], texts(&[&attestation])));
    let neither = &resolved.indexes[0].index.manifests[2];
    assert!(matches!(
        source.resolve_descriptor(neither).unwrap_err(),
        TransportError::NotADocument { .. }
    ));
}

#[test]
fn parents_come_before_their_children_however_they_are_nested() {
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    let deepest = fixture.index(std::slice::from_ref(&image));
    let middle = fixture.index(&[deepest.clone(), fixture.image(RISCV)]);
    // The deepest comes first, and is below what comes after it too.
    let top = fixture.index(&[deepest.clone(), image.clone(), middle.clone()]);
    fixture.add(&top, None);
    let source = fixture.open(None, None).unwrap();
    let (indexes, manifests) = parts(&source.resolve(&Selection::All).unwrap());
    assert_eq!(indexes, texts(&[&top, &middle, &deepest]));
    assert_eq!(manifests, texts(&[&image, &fixture.image(RISCV)]));
}

#[test]
fn some_platforms_come_with_the_indexes_on_their_way() {
    let mut fixture = Fixture::new();
    let [one, two, three] = [S390X, RISCV, ARM].map(|p| on(&fixture.image(p), p));
    let first = fixture.index(std::slice::from_ref(&one));
    let second = fixture.index(std::slice::from_ref(&three));
    let outer = fixture.index(&[first.clone(), two.clone(), second.clone()]);
    fixture.add(&outer, None);
    let source = fixture.open(None, None).unwrap();
    for (wanted, indexes, manifests) in [
        (&[S390X][..], vec![&outer, &first], vec![&one]),
        (&[RISCV], vec![&outer], vec![&two]),
        // As the indexes have them, not as they are asked for.
        (
            &[ARM, S390X],
            vec![&outer, &first, &second],
            vec![&one, &three],
        ),
        (&[ARM, RISCV], vec![&outer, &second], vec![&two, &three]),
        (&[RISCV, RISCV, "linux/riscv64"], vec![&outer], vec![&two]),
    ] {
        let resolved = source.resolve(&select(wanted)).unwrap();
        assert_eq!(
            parts(&resolved),
            (texts(&indexes), texts(&manifests)),
            "{wanted:?}"
        );
        assert_eq!(resolved.root.digest.to_string(), digest(&outer));
    }
    let error = source.resolve(&select(&[S390X, "linux/386"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no image for linux/386; there is {S390X}, {RISCV}, {ARM}")
    );
}

#[test]
fn no_platforms_are_this_machines() {
    let mut fixture = Fixture::new();
    let host = Platform::host().to_string();
    let images = [S390X, &host].map(|p| on(&fixture.image(p), p));
    let index = fixture.index(&images);
    fixture.add(&index, None);
    let source = fixture.open(None, None).unwrap();
    assert_eq!(Selection::default(), Selection::Best);
    for selection in [Selection::Best, select(&[])] {
        let resolved = source.resolve(&selection).unwrap();
        assert_eq!(parts(&resolved), (texts(&[&index]), texts(&[&images[1]])));
    }
}

#[test]
fn a_manifest_is_all_there_is_of_itself() {
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    fixture.add(&image, Some("x"));
    let source = fixture.open(None, None).unwrap();
    for selection in [Selection::Best, Selection::All, select(&[S390X])] {
        let resolved = source.resolve(&selection).unwrap();
        assert_eq!(parts(&resolved), (vec![], texts(&[&image])));
        assert_eq!(resolved.root.annotations[crate::reference::REF_NAME], "x");
    }
    assert!(matches!(
        source.resolve(&select(&[S390X, RISCV])).unwrap_err(),
        TransportError::NoPlatform { .. }
    ));
}

#[test]
fn one_name_for_several_roots_is_no_name_for_all_of_them() {
    let mut fixture = Fixture::new();
    let images = [S390X, RISCV].map(|p| on(&fixture.image(p), p));
    for image in &images {
        fixture.add(image, Some("x"));
    }
    let source = fixture.open(Some("x"), None).unwrap();
    for selection in [Selection::All, select(&[S390X, RISCV])] {
        let error = source.resolve(&selection).unwrap_err();
        assert_eq!(error.to_string(), "several images to choose from: x");
    }
    source.resolve(&select(&[RISCV])).unwrap();
    // An attestation beside the image does not count.
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    let attestation = on(&fixture.artifact("provenance"), "unknown/unknown");
    fixture.add(&attestation, None);
    fixture.add(&image, None);
    let source = fixture.open(None, None).unwrap();
    let resolved = source.resolve(&Selection::All).unwrap();
    assert_eq!(parts(&resolved), (vec![], texts(&[&image])));
}

#[test]
fn everything_is_bounded_in_depth_whatever_comes_first() {
    for shallow_first in [true, false] {
        let mut fixture = Fixture::new();
        let mut entry = fixture.index(&[fixture.image(S390X)]);
        let deep = entry.clone();
        for _ in 0..3 {
            entry = fixture.index(&[entry]);
        }
        // The deepest is two deep, and five deep.
        let children = match shallow_first {
            true => [deep, entry],
            false => [entry, deep],
        };
        let top = fixture.index(&children);
        fixture.add(&top, None);
        let error = fixture
            .open(None, None)
            .unwrap()
            .resolve(&Selection::All)
            .unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("indexes inside indexes: 5 is more than the limit of 4"),
            "{error}"
        );
        assert!(error.is_input_fault());
    }
}

#[test]
fn an_index_that_lacks_a_manifest_is_not_whole() {
    let mut fixture = Fixture::new();
    let [one, two] = [S390X, RISCV].map(|p| on(&fixture.image(p), p));
    let index = fixture.index(&[one.clone(), two.clone()]);
    fixture.add(&index, None);
    fs::remove_file(fixture.blob_path(&digest(&two).parse().unwrap())).unwrap();
    let source = fixture.open(None, None).unwrap();
    let error = source.resolve(&Selection::All).unwrap_err();
    assert!(
        matches!(&error, TransportError::MissingBlob { digest: missing, .. }
            if missing.to_string() == digest(&two))
    );
    let resolved = source.resolve(&select(&[S390X])).unwrap();
    assert_eq!(parts(&resolved), (texts(&[&index]), texts(&[&one])));
}

#[test]
fn documents_keep_the_digest_they_were_named_by() {
    let mut fixture = Fixture::new();
    fs::create_dir(fixture.path("blobs/sha512")).unwrap();
    let sha512 = ContentDigest::from_bytes(DigestAlgorithm::Sha512, &[0; 64]).unwrap();
    let rename = |fixture: &Fixture, mut entry: Value| {
        let old = digest(&entry).parse().unwrap();
        let bytes = fs::read(fixture.blob_path(&old)).unwrap();
        let new = sha512.of_same_kind(&bytes);
        fs::rename(fixture.blob_path(&old), fixture.blob_path(&new)).unwrap();
        entry["digest"] = new.to_string().into();
        entry
    };
    let config = json!({"os": "linux", "architecture": "s390x",
        "rootfs": {"type": "layers", "diff_ids": []}});
    let config = fixture.blob(
        "application/vnd.oci.image.config.v1+json",
        config.to_string().as_bytes(),
    );
    let config = rename(&fixture, config);
    let image = fixture.manifest(&json!({"config": config, "layers": []}));
    let image = rename(&fixture, image);
    let index = fixture.index(&[on(&image, S390X)]);
    let index = rename(&fixture, index);
    fixture.add(&index, None);
    let source = fixture.open(None, None).unwrap();
    for selection in [Selection::Best, Selection::All, select(&[S390X])] {
        let found = source.resolve(&selection);
        if selection == Selection::Best && Platform::host().to_string() != S390X {
            assert!(found.is_err());
            continue;
        }
        let resolved = found.unwrap();
        assert_eq!(parts(&resolved), (texts(&[&index]), texts(&[&image])));
        assert!(resolved.root.digest.to_string().starts_with("sha512:"));
    }
    let source = fixture.open(None, Some(&image)).unwrap();
    let resolved = source.resolve(&Selection::Best).unwrap();
    assert_eq!(parts(&resolved), (vec![], texts(&[&image])));
}

#[test]
fn documents_are_read_once_and_not_without_end() {
    let fixture = Fixture::new();
    let source = fixture.open(None, None).unwrap();
    let described = |number: u64, size: u64| Descriptor {
        media_type: lazaret_artifact::media_type::OCI_MANIFEST.parse().unwrap(),
        digest: ContentDigest::sha256(&number.to_le_bytes()),
        size,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: std::collections::BTreeMap::new(),
    };
    let artifact = fixture.artifact("x");
    let known = Descriptor {
        digest: digest(&artifact).parse().unwrap(),
        ..described(0, artifact["size"].as_u64().unwrap())
    };
    let mut documents = Documents::new(&source, "documents");
    documents.manifest(&known).unwrap();
    fs::remove_file(fixture.blob_path(&known.digest)).unwrap();
    documents.manifest(&known).unwrap();
    // What is known under a digest says nothing about another size.
    let longer = Descriptor {
        size: known.size + 1,
        ..known.clone()
    };
    assert!(documents.manifest(&longer).is_err());
    // None of these is there; what counts is what would be read.
    let last = |size: u64, count: u64| {
        let mut documents = Documents::new(&source, "documents").at_most(100);
        let results = (0..count).map(|number| documents.manifest(&described(number, size)));
        results.last().unwrap().unwrap_err().to_string()
    };
    assert!(last(1, 100).contains("is missing from"));
    assert_eq!(last(1, 101), "documents: 101 is more than the limit of 100");
    assert!(last(4 << 20, 32).contains("is missing from"));
    assert_eq!(
        last(4 << 20, 33),
        "bytes of documents: 138412032 is more than the limit of 134217728"
    );
}
