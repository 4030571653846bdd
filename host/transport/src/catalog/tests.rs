//! What refers to what, in layouts of every making.

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::layout::fixture::{Fixture, on};

fn digest(entry: &Value) -> ContentDigest {
    entry["digest"].as_str().unwrap().parse().unwrap()
}

/// An artifact that refers to `subject`.
fn referring(fixture: &Fixture, content: &str, subject: &Value) -> Value {
    let config = fixture.blob("application/vnd.oci.empty.v1+json", b"{}");
    let blob = fixture.blob("text/plain", content.as_bytes());
    fixture.manifest(&json!({
        "config": config, "layers": [blob], "artifactType": "text/sbom", "subject": subject,
    }))
}

/// Digests and relations, in order.
fn found(fixture: &Fixture, subject: &Value) -> Vec<(ContentDigest, Relation)> {
    let source = fixture.open(None, None).unwrap();
    let referrers = source.referrers(&digest(subject)).unwrap();
    // However often it is asked for.
    assert_eq!(source.referrers(&digest(subject)).unwrap(), referrers);
    referrers
        .into_iter()
        .map(|referrer| (referrer.descriptor.digest, referrer.relation))
        .collect()
}

#[test]
fn referrers_are_found_by_subject_and_by_tag_each_once() {
    let mut fixture = Fixture::new();
    let image = fixture.image("linux/s390x");
    let other = fixture.image("linux/riscv64");
    let [direct, nested, tagged, both] =
        ["direct", "nested", "tagged", "both"].map(|content| match content {
            "tagged" => fixture.artifact(content),
            _ => referring(&fixture, content, &image),
        });
    let indirect = referring(&fixture, "indirect", &direct);
    let document = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [], "subject": image, "artifactType": "text/list",
    });
    let index = fixture.blob(
        "application/vnd.oci.image.index.v1+json",
        document.to_string().as_bytes(),
    );
    // As a copy of a registry's fallback tag would be.
    let fallback = fixture.index(&[nested.clone(), direct.clone()]);
    let tag = |kind: CosignKind| kind.tag(&digest(&image)).as_str().to_owned();
    let sbom = format!("registry.example/a/b:{}", tag(CosignKind::Sbom));
    for (entry, name) in [
        (&image, Some("x")),
        (&tagged, Some(&*tag(CosignKind::Signature))),
        (&both, Some(&*tag(CosignKind::Attestation))),
        (&direct, None),
        (&index, None),
        (&fallback, Some("sha256-whatever")),
        (&direct, Some("again")),
        (&indirect, None),
        (&other, Some(&*sbom)),
        (&other, Some("sha256-00.sig")),
    ] {
        fixture.add(entry, name);
    }
    let want = [
        (digest(&both), Relation::Subject),
        (digest(&direct), Relation::Subject),
        (digest(&index), Relation::Subject),
        (digest(&nested), Relation::Subject),
        (digest(&tagged), Relation::Cosign(CosignKind::Signature)),
        (digest(&other), Relation::Cosign(CosignKind::Sbom)),
    ];
    assert_eq!(found(&fixture, &image), want);
    assert_eq!(
        found(&fixture, &direct),
        [(digest(&indirect), Relation::Subject)]
    );
    assert_eq!(found(&fixture, &other), []);
    let source = fixture.open(None, None).unwrap();
    let types: Vec<Option<String>> = source
        .referrers(&digest(&image))
        .unwrap()
        .into_iter()
        .map(|referrer| referrer.descriptor.artifact_type)
        .map(|kind| kind.map(|kind| kind.to_string()))
        .collect();
    let sbom = Some("text/sbom".to_owned());
    assert_eq!(
        types,
        [
            sbom.clone(),
            sbom.clone(),
            Some("text/list".to_owned()),
            sbom,
            None,
            None
        ]
    );
    // Each is a document of the source, and can be had.
    for referrer in source.referrers(&digest(&image)).unwrap() {
        source.resolve_descriptor(&referrer.descriptor).unwrap();
    }
}

#[test]
fn without_an_artifact_type_the_configs_type_counts() {
    let mut fixture = Fixture::new();
    let image = fixture.image("linux/s390x");
    let config = fixture.blob("text/config", b"{}");
    let referrer = fixture.manifest(&json!({"config": config, "layers": [], "subject": image}));
    fixture.add(&referrer, None);
    let source = fixture.open(None, None).unwrap();
    let referrers = source.referrers(&digest(&image)).unwrap();
    let kind = referrers[0].descriptor.artifact_type.as_ref().unwrap();
    assert_eq!(kind.as_str(), "text/config");
}

#[test]
fn attestations_of_buildkit_are_not_referrers() {
    let mut fixture = Fixture::new();
    let image = fixture.image("linux/s390x");
    let mut attestation = on(&fixture.artifact("provenance"), "unknown/unknown");
    attestation["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image["digest"],
    });
    let index = fixture.index(&[on(&image, "linux/s390x"), attestation]);
    fixture.add(&index, None);
    assert_eq!(found(&fixture, &image), []);
}

#[test]
fn a_referrer_may_be_there_before_its_subject() {
    let mut fixture = Fixture::new();
    let subject = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 7,
        "digest": ContentDigest::sha256(b"elsewhere"),
    });
    let referrer = referring(&fixture, "early", &subject);
    fixture.add(&referrer, None);
    assert_eq!(
        found(&fixture, &subject),
        [(digest(&referrer), Relation::Subject)]
    );
}

#[test]
fn what_is_named_and_not_there_refers_to_nothing() {
    let mut fixture = Fixture::new();
    let image = fixture.image("linux/s390x");
    let referrer = referring(&fixture, "here", &image);
    let gone = referring(&fixture, "gone", &image);
    let index = fixture.index(&[gone.clone(), referrer.clone()]);
    fixture.add(&index, None);
    fs::remove_file(fixture.blob_path(&digest(&gone))).unwrap();
    assert_eq!(
        found(&fixture, &image),
        [(digest(&referrer), Relation::Subject)]
    );
}

#[test]
fn damage_and_endless_nesting_are_faults_not_absences() {
    let mut fixture = Fixture::new();
    let image = fixture.image("linux/s390x");
    let damaged = referring(&fixture, "damaged", &image);
    fixture.add(&damaged, None);
    let path = fixture.blob_path(&digest(&damaged));
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] = b' ';
    fs::write(&path, &bytes).unwrap();
    let source = fixture.open(None, None).unwrap();
    let error = source.referrers(&digest(&image)).unwrap_err();
    assert!(
        error.to_string().contains("manifest digest mismatch"),
        "{error}"
    );

    let mut fixture = Fixture::new();
    let mut entry = fixture.image("linux/s390x");
    for _ in 0..5 {
        entry = fixture.index(&[entry]);
    }
    fixture.add(&entry, None);
    let source = fixture.open(None, None).unwrap();
    let error = source.referrers(&digest(&image)).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("indexes inside indexes: 5 is more than the limit of 4"),
        "{error}"
    );
    assert!(error.is_input_fault());
}

#[test]
fn tags_come_once_in_the_order_of_the_index() {
    let mut fixture = Fixture::new();
    let (one, two) = (fixture.artifact("one"), fixture.artifact("two"));
    for (entry, tag) in [
        (&two, Some("b")),
        (&one, Some("a")),
        (&one, None),
        (&one, Some("b")),
        (&two, Some("c")),
    ] {
        fixture.add(entry, tag);
    }
    let source = fixture.open(None, None).unwrap();
    assert_eq!(source.tags().unwrap(), ["b", "a", "c"]);
}

#[test]
fn threads_that_ask_at_once_search_once() {
    let mut fixture = Fixture::new();
    let image = fixture.image("linux/s390x");
    fixture.add(&image, Some("x"));
    for number in 0..50 {
        let referrer = referring(&fixture, &number.to_string(), &image);
        fixture.add(&referrer, None);
    }
    let source = fixture.open(None, None).unwrap();
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(source.referrers(&digest(&image)).unwrap().len(), 50);
            });
        }
    });
    let Source::Layout(layout) = &source else {
        panic!("another transport");
    };
    assert_eq!(*layout.catalog().searches.lock().unwrap(), 1);
}
