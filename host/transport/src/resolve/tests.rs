//! Which manifest is meant.

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::layout::fixture::{Fixture, One, chain, on};

/// Two platforms, neither of which any test machine has.
const S390X: &str = "linux/s390x";
const RISCV: &str = "linux/riscv64";

fn digest(entry: &Value) -> &str {
    entry["digest"].as_str().unwrap()
}

fn refusal(result: Result<One, TransportError>) -> String {
    chain(&result.unwrap_err())
}

#[test]
fn the_only_manifest_is_taken_whatever_it_is_for() {
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    fixture.add(&image, Some("x"));
    for tag in [None, Some("x")] {
        let resolved = fixture.resolve(tag, None).unwrap();
        assert_eq!(resolved.digest(), digest(&image));
        let document = resolved.document;
        assert_eq!(document.manifest.digest, document.descriptor.digest);
        assert_eq!(
            ContentDigest::sha256(&document.bytes),
            document.manifest.digest
        );
        assert_eq!(
            ContentDigest::sha256(&document.config),
            document.manifest.config.digest
        );
        assert_eq!(document.image.unwrap().platform.to_string(), S390X);
        assert!(resolved.path.is_empty());
    }
    fixture.resolve(None, Some(S390X)).unwrap();
    let error = fixture.resolve(None, Some(RISCV)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no image for linux/riscv64; there is linux/s390x"
    );
    assert!(error.is_not_found());
    let error = fixture.resolve(Some("y"), None).unwrap_err();
    assert_eq!(error.to_string(), "no tag \"y\"; there is x");
    assert!(error.is_not_found());
}

#[test]
fn an_empty_layout_has_nothing() {
    let error = Fixture::new().resolve(None, None).unwrap_err();
    assert!(matches!(error, TransportError::Empty { .. }));
    let error = Fixture::new().resolve(Some("x"), None).unwrap_err();
    assert_eq!(error.to_string(), "no tag \"x\"; there is none");
}

#[test]
fn several_tags_leave_a_choice_that_is_the_callers() {
    let mut fixture = Fixture::new();
    let (one, two) = (fixture.artifact("one"), fixture.artifact("two"));
    fixture.add(&one, Some("one"));
    fixture.add(&two, None);
    let error = fixture.resolve(None, None).unwrap_err();
    let want = format!("several images to choose from: one, @{}", digest(&two));
    assert_eq!(error.to_string(), want);
    assert!(error.is_usage());
    let resolved = fixture.resolve(Some("one"), None).unwrap();
    assert_eq!(resolved.digest(), digest(&one));
    let resolved = One::of(&fixture.open(None, Some(&two)).unwrap(), None).unwrap();
    assert_eq!(resolved.digest(), digest(&two));
    // Tag and digest must agree.
    let error = One::of(&fixture.open(Some("one"), Some(&two)).unwrap(), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no manifest or index {}; there is one", digest(&two))
    );
}

#[test]
fn one_image_under_two_tags_is_one_image() {
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    fixture.add(&image, Some("1.0"));
    fixture.add(&image, Some("latest"));
    assert_eq!(
        fixture.resolve(None, None).unwrap().digest(),
        digest(&image)
    );
    fixture.resolve(Some("latest"), None).unwrap();
}

#[test]
fn roots_for_different_platforms_are_one_image() {
    for labelled in [true, false] {
        let mut fixture = Fixture::new();
        let host = Platform::host().to_string();
        for platform in [S390X, &host, RISCV] {
            let image = fixture.image(platform);
            let entry = if labelled {
                on(&image, platform)
            } else {
                image
            };
            fixture.add(&entry, Some("x"));
        }
        for (wanted, got) in [(None, &*host), (Some(S390X), S390X), (Some(RISCV), RISCV)] {
            let resolved = fixture.resolve(None, wanted).unwrap();
            assert_eq!(resolved.document.image.unwrap().platform.to_string(), got);
        }
        let error = fixture.resolve(None, Some("linux/386")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no image for linux/386; there is {S390X}, {host}, {RISCV}")
        );
    }
}

#[test]
fn roots_for_the_same_platform_are_several_images() {
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    let other = fixture.image(RISCV);
    fixture.add(&on(&image, S390X), None);
    fixture.add(&on(&other, S390X), None);
    assert!(matches!(
        fixture.resolve(None, None).unwrap_err(),
        TransportError::Ambiguous { .. }
    ));
}

#[test]
fn an_index_is_followed_and_its_bytes_are_kept() {
    let mut fixture = Fixture::new();
    let host = Platform::host().to_string();
    let images: Vec<Value> = [S390X, &host]
        .iter()
        .map(|p| on(&fixture.image(p), p))
        .collect();
    let inner = fixture.index(&images);
    let mut attestation = on(&fixture.artifact("provenance"), "unknown/unknown");
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let outer = fixture.index(&[attestation, inner.clone()]);
    fixture.add(&outer, Some("x"));
    for (wanted, image) in [(None, &images[1]), (Some(S390X), &images[0])] {
        let resolved = fixture.resolve(None, wanted).unwrap();
        assert_eq!(resolved.digest(), digest(image));
        assert_eq!(resolved.root.digest.to_string(), digest(&outer));
        let path: Vec<String> = resolved.path.iter().map(ToString::to_string).collect();
        assert_eq!(path, [digest(&outer), digest(&inner)]);
    }
    // By digest, however deep.
    for entry in [&images[0], &inner] {
        let source = fixture.open(None, Some(entry)).unwrap();
        let resolved = One::of(&source, Some(S390X)).unwrap();
        assert_eq!(resolved.digest(), digest(&images[0]));
    }
    let error = fixture.resolve(None, Some(RISCV)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no image for {RISCV}; there is {S390X}, {host}")
    );
}

#[test]
fn attestations_are_not_images() {
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    let attestation = on(&fixture.image(RISCV), "unknown/unknown");
    let index = fixture.index(&[attestation.clone(), on(&image, S390X)]);
    fixture.add(&index, None);
    let error = fixture.resolve(None, Some("unknown/unknown")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no image for unknown/unknown; there is {S390X}")
    );
    // Beside an image at the root it does not make a choice.
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    let attestation = on(&fixture.image(RISCV), "unknown/unknown");
    fixture.add(&attestation, None);
    fixture.add(&image, None);
    assert_eq!(
        fixture.resolve(None, None).unwrap().digest(),
        digest(&image)
    );
}

#[test]
fn a_single_artifact_in_an_index_is_taken() {
    let mut fixture = Fixture::new();
    let artifact = fixture.artifact("model");
    let index = fixture.index(std::slice::from_ref(&artifact));
    fixture.add(&index, None);
    for wanted in [None, Some(S390X)] {
        let resolved = fixture.resolve(None, wanted).unwrap();
        assert_eq!(resolved.digest(), digest(&artifact));
        assert!(resolved.document.image.is_none());
        assert_eq!(resolved.document.config, b"{}");
    }
}

#[test]
fn the_exact_variant_is_preferred() {
    let mut fixture = Fixture::new();
    let images: Vec<Value> = ["linux/arm/v6", "linux/arm/v7", "linux/arm"]
        .iter()
        .map(|p| on(&fixture.image(p), p))
        .collect();
    let index = fixture.index(&images);
    fixture.add(&index, None);
    for (wanted, at) in [
        ("linux/arm/v7", 1),
        ("linux/arm/v6", 0),
        ("linux/arm", 2),
        ("linux/arm/v5", 2),
    ] {
        let resolved = fixture.resolve(None, Some(wanted)).unwrap();
        assert_eq!(resolved.digest(), digest(&images[at]), "{wanted}");
    }
}

#[test]
fn an_index_that_lies_about_a_platform_is_refused() {
    let mut fixture = Fixture::new();
    let image = fixture.image(S390X);
    let index = fixture.index(&[on(&image, RISCV)]);
    fixture.add(&index, None);
    let error = fixture.resolve(None, Some(RISCV)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: platform mismatch: expected {RISCV}, found {S390X}",
            digest(&image)
        )
    );
    assert!(error.is_input_fault());
}

#[test]
fn indexes_may_not_nest_without_end() {
    let mut fixture = Fixture::new();
    let mut entry = fixture.image(S390X);
    for _ in 0..4 {
        entry = fixture.index(&[entry]);
    }
    fixture.add(&entry, Some("four"));
    let five = fixture.index(&[entry]);
    fixture.add(&five, Some("five"));
    fixture.resolve(Some("four"), None).unwrap();
    assert!(
        refusal(fixture.resolve(Some("five"), None))
            .ends_with("indexes inside indexes: 5 is more than the limit of 4")
    );
}

#[test]
fn an_index_cannot_make_the_host_read_without_end() {
    let mut fixture = Fixture::new();
    // Read once each, as many entries of one manifest as there are.
    let image = fixture.image(S390X);
    let index = fixture.index(&vec![image; 600]);
    fixture.add(&index, Some("one"));
    let error = fixture.resolve(Some("one"), Some(RISCV)).unwrap_err();
    assert!(
        matches!(error, TransportError::NoPlatform { .. }),
        "{error}"
    );
    // Each of these has a manifest and a config to read.
    let images: Vec<Value> = (0..256)
        .map(|number| fixture.image(&format!("linux/arm/v{number}")))
        .collect();
    let index = fixture.index(&images);
    fixture.add(&index, Some("many"));
    assert_eq!(
        refusal(fixture.resolve(Some("many"), Some(RISCV))),
        "documents to read before the image is found: 513 is more than the limit of 512"
    );
}

#[test]
fn documents_are_verified_before_they_are_parsed() {
    for (at, what) in [("index", 0), ("manifest", 1), ("config", 2)].map(|(n, i)| (i, n)) {
        for flip in [true, false] {
            let mut fixture = Fixture::new();
            let image = fixture.image(S390X);
            let index = fixture.index(std::slice::from_ref(&image));
            fixture.add(&index, None);
            let resolved = fixture.resolve(None, None).unwrap();
            let digest = [
                resolved.root.digest,
                resolved.document.descriptor.digest,
                resolved.document.manifest.config.digest,
            ][at];
            let path = fixture.blob_path(&digest);
            let mut bytes = fs::read(&path).unwrap();
            let size = bytes.len();
            if flip {
                // Still JSON, so only the digest can tell.
                let last = bytes.len() - 1;
                bytes[last] = b' ';
            } else {
                bytes.push(b' ');
            }
            fs::write(&path, &bytes).unwrap();
            let want = if flip {
                format!(
                    "{digest}: {what} digest mismatch: expected {digest}, found {}",
                    ContentDigest::sha256(&bytes)
                )
            } else {
                format!(
                    "{digest}: {what} size mismatch: expected {size}, found {}",
                    size + 1
                )
            };
            assert_eq!(refusal(fixture.resolve(None, None)), want);
        }
    }
}

#[test]
fn documents_that_contradict_each_other_are_refused() {
    let mut fixture = Fixture::new();
    let layer = fixture.blob("application/vnd.oci.image.layer.v1.tar", b"");
    let config = json!({"os": "linux", "architecture": "s390x",
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"], layer["digest"]]}});
    let config = fixture.blob(
        "application/vnd.oci.image.config.v1+json",
        config.to_string().as_bytes(),
    );
    let image = fixture.manifest(&json!({"config": config, "layers": [layer]}));
    fixture.add(&image, Some("layers"));
    assert_eq!(
        refusal(fixture.resolve(Some("layers"), None)),
        format!(
            "{}: number of layers mismatch: expected 2, found 1",
            digest(&image)
        )
    );
    let mut as_index = image.clone();
    as_index["mediaType"] = "application/vnd.oci.image.index.v1+json".into();
    fixture.add(&as_index, Some("kind"));
    assert!(refusal(fixture.resolve(Some("kind"), None)).contains("both the members"));
    let mut neither = image;
    neither["mediaType"] = "application/json".into();
    fixture.add(&neither, Some("neither"));
    assert!(
        refusal(fixture.resolve(Some("neither"), None))
            .ends_with("media type application/json is neither a manifest's nor an index's")
    );
    let missing = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1,
        "digest": ContentDigest::sha256(b"nowhere")});
    fixture.add(&missing, Some("missing"));
    let error = fixture.resolve(Some("missing"), None).unwrap_err();
    assert!(matches!(&error, TransportError::MissingBlob { .. }));
    assert!(error.is_input_fault() && error.is_not_found());
}

mod hostile;
mod whole;
