//! Who refers to what.

use std::collections::BTreeMap;

use lazaret_artifact::media_type::{OCI_INDEX, OCI_MANIFEST};
use lazaret_artifact::{ContentDigest, CosignKind, Relation};
use lazaret_graph::names::{LAZARET, Stream, referrers_of};
use lazaret_graph::referrers::MAX_REFERRER_DEPTH;
use lazaret_graph::{
    GraphError, Kind, ReferrerCommit, ReferrerNode, ReferrerRow, referrer_tree, referrers,
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Parts, Whole, entry, index};

fn digest(bytes: &[u8]) -> ContentDigest {
    ContentDigest::sha256(bytes)
}

fn commit(fixture: &Fixture, manifests: &[&Parts]) {
    let whole = Whole {
        manifests,
        ..Whole::default()
    };
    whole.run(fixture).unwrap();
}

fn row(parts: &Parts, kind: &str, relation: Relation) -> ReferrerRow {
    let manifest = parts.parsed();
    let blobs: u64 = manifest.layers.iter().map(|layer| layer.size).sum();
    ReferrerRow {
        digest: parts.digest(),
        kind: Kind::Artifact,
        media_type: OCI_MANIFEST.parse().unwrap(),
        artifact_type: Some(kind.parse().unwrap()),
        relation,
        size: (parts.manifest.len() + parts.config.len()) as u64 + blobs,
        annotations: BTreeMap::new(),
    }
}

#[test]
fn every_relation_is_told_and_none_is_invented() {
    let fixture = Fixture::in_memory();
    let image = fixture.image(&[fixture.layer(&[("a", b"one")])]);
    let other = fixture.image(&[fixture.layer(&[("b", b"two")])]);
    let sbom = fixture.about(&image.manifest, "application/vnd.test.sbom");
    let signature = fixture.artifact(&[(fixture.blob(b"signed"), b"signed")]);
    let attestation = fixture.artifact(&[(fixture.blob(b"in-toto"), b"in-toto")]);
    let attests = |of: ContentDigest| {
        json!({"vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": of})
    };
    let mut attached = entry(&attestation.manifest, Some("unknown/unknown"));
    attached["annotations"] = attests(image.digest());
    // About what the index does not list, and about itself: no news.
    let mut elsewhere = entry(&signature.manifest, None);
    elsewhere["annotations"] = attests(other.digest());
    let mut itself = entry(&sbom.manifest, None);
    itself["annotations"] = attests(sbom.digest());
    let multi = index(&[
        entry(&image.manifest, Some("linux/amd64")),
        attached,
        elsewhere,
        itself,
    ]);
    let mut about: Value = serde_json::from_slice(&index(&[])).unwrap();
    about["subject"] = entry(&image.manifest, None);
    about["artifactType"] = "application/vnd.test.collection".into();
    about["annotations"] = json!({"of": "everything"});
    let about = about.to_string().into_bytes();
    Whole {
        manifests: &[&image, &other, &sbom, &signature, &attestation],
        indexes: &[&multi, &about],
        referrers: &[ReferrerCommit {
            subject: image.digest(),
            referrer: signature.digest(),
            relation: Relation::Cosign(CosignKind::Signature),
        }],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();

    let repository = &fixture.repository;
    let of_index = ReferrerRow {
        digest: digest(&about),
        kind: Kind::Index,
        media_type: OCI_INDEX.parse().unwrap(),
        artifact_type: Some("application/vnd.test.collection".parse().unwrap()),
        relation: Relation::Subject,
        size: about.len() as u64,
        annotations: BTreeMap::from([("of".to_owned(), "everything".to_owned())]),
    };
    assert_eq!(
        referrers(repository, &image.digest()).unwrap(),
        [
            of_index,
            row(&sbom, "application/vnd.test.sbom", Relation::Subject),
            row(&attestation, "application/vnd.test", Relation::Attestation),
            row(
                &signature,
                "application/vnd.test",
                Relation::Cosign(CosignKind::Signature)
            ),
        ]
    );
    for nobody in [&other, &sbom, &signature, &attestation] {
        assert_eq!(referrers(repository, &nobody.digest()).unwrap(), []);
    }
    // As `cfsctl` would have it.
    let names: Vec<String> = repository
        .refs(&referrers_of(&image.digest()))
        .unwrap()
        .into_iter()
        .map(|(name, target)| format!("{name} {target}"))
        .collect();
    let mut expected: Vec<String> = [&sbom, &signature, &attestation]
        .map(|parts| format!("{} {}", parts.digest(), Stream::Manifest(parts.digest())))
        .into();
    expected.push(format!(
        "{} {}",
        digest(&about),
        Stream::Index(digest(&about))
    ));
    expected.sort();
    assert_eq!(names, expected);
    let hex = image.digest().hex();
    assert_eq!(
        repository.refs(LAZARET).unwrap(),
        [(
            format!("cosign-sha256-{hex}.sig"),
            Stream::Manifest(signature.digest()).name()
        )]
    );
}

#[test]
fn a_referrer_may_be_there_before_its_subject() {
    let fixture = Fixture::in_memory();
    let image = fixture.image(&[fixture.layer(&[("a", b"one")])]);
    let sbom = fixture.about(&image.manifest, "application/vnd.test.sbom");
    commit(&fixture, &[&sbom]);
    let expected = [row(&sbom, "application/vnd.test.sbom", Relation::Subject)];
    assert_eq!(
        referrers(&fixture.repository, &image.digest()).unwrap(),
        expected
    );
    commit(&fixture, &[&image]);
    assert_eq!(
        referrers(&fixture.repository, &image.digest()).unwrap(),
        expected
    );
}

#[test]
fn a_referrer_that_is_not_there_is_refused() {
    let fixture = Fixture::in_memory();
    let whole = Whole {
        referrers: &[ReferrerCommit {
            subject: digest(b"subject"),
            referrer: digest(b"referrer"),
            relation: Relation::Subject,
        }],
        ..Whole::default()
    };
    let error = whole.run(&fixture).unwrap_err();
    let referrer = digest(b"referrer");
    assert!(matches!(error, GraphError::NoSuchImage { digest } if digest == referrer));
}

fn depth(nodes: &[ReferrerNode]) -> usize {
    nodes
        .iter()
        .map(|node| 1 + depth(&node.referrers))
        .max()
        .unwrap_or(0)
}

#[test]
fn the_tree_has_referrers_of_referrers_to_a_depth() {
    let fixture = Fixture::in_memory();
    let image = fixture.image(&[fixture.layer(&[("a", b"one")])]);
    let mut chain = vec![image];
    for number in 0..MAX_REFERRER_DEPTH + 2 {
        let last = &chain[number].manifest;
        chain.push(fixture.about(last, &format!("application/vnd.test.{number}")));
    }
    commit(&fixture, &chain.iter().collect::<Vec<_>>());
    let tree = referrer_tree(&fixture.repository, &chain[0].digest()).unwrap();
    assert_eq!(depth(&tree), MAX_REFERRER_DEPTH);
    assert_eq!(tree[0].row.digest, chain[1].digest());
    assert_eq!(tree[0].referrers[0].row.digest, chain[2].digest());
    let short = referrer_tree(&fixture.repository, &chain[MAX_REFERRER_DEPTH].digest()).unwrap();
    assert_eq!(depth(&short), 2);
}

#[test]
fn annotations_that_go_round_in_a_circle_end() {
    let fixture = Fixture::in_memory();
    let one = fixture.image(&[fixture.layer(&[("a", b"one")])]);
    let two = fixture.image(&[fixture.layer(&[("b", b"two")])]);
    let about = |of: &Parts, to: &Parts| {
        let mut attached = entry(&of.manifest, Some("linux/amd64"));
        attached["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": to.digest()});
        attached
    };
    let bytes = index(&[about(&one, &two), about(&two, &one)]);
    Whole {
        manifests: &[&one, &two],
        indexes: &[&bytes],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let tree = referrer_tree(&fixture.repository, &one.digest()).unwrap();
    assert_eq!(tree.len(), 1);
    assert_eq!(tree[0].row.digest, two.digest());
    assert_eq!(tree[0].referrers, []);
}

#[test]
fn odd_entries_and_damaged_referrers_are_passed_over() {
    let fixture = Fixture::in_memory();
    let image = fixture.image(&[fixture.layer(&[("a", b"one")])]);
    let sbom = fixture.about(&image.manifest, "application/vnd.test.sbom");
    let broken = fixture.about(&image.manifest, "application/vnd.test.broken");
    commit(&fixture, &[&image, &sbom, &broken]);
    let namespace = referrers_of(&image.digest());
    let mut transaction = fixture.repository.transaction();
    // Under another name than its own, and no manifest.
    let odd = digest(b"odd").to_string();
    transaction.link_ref(&namespace, &odd, Stream::Manifest(sbom.digest()).name());
    let layer = image.layers[0].key;
    transaction.link_ref(&namespace, &layer.to_string(), Stream::Layer(layer).name());
    let empty = fixture.blob(b"no manifest").stream;
    transaction.link_stream(Stream::Manifest(broken.digest()).name(), empty);
    transaction.commit().unwrap();
    let found = referrers(&fixture.repository, &image.digest()).unwrap();
    assert_eq!(
        found,
        [row(&sbom, "application/vnd.test.sbom", Relation::Subject)]
    );
}
