//! What refers to an image comes along on demand: found in every way there is, each once.

use std::collections::BTreeSet;
use std::fs;

use lazaret_artifact::{CosignKind, Relation};
use lazaret_graph::names::Stream;
use lazaret_intake::{Event, PullOptions, Pulled};
use lazaret_layouts::Compression;
use serde_json::{Value, json};

use crate::berth::{Berth, all, parse, referrers};
use crate::layout::{INDEX, Layout, OTHER, OWN, archive, attestation, bare, digest_of};

const SIGNATURE: &str = "application/vnd.example.signature";
const SBOM: &str = "application/vnd.example.sbom";

/// An index of two images, and something attached to each in every way.
struct Shop {
    layout: Layout,
    /// Subject, referrer, how, and what it is.
    attached: Vec<(Value, Value, Relation, Option<&'static str>)>,
    /// What comes only because the other image does.
    others: Vec<Value>,
}

fn shop(berth: &Berth) -> Shop {
    let mut layout = Layout::new(berth.path("layout"));
    let own = layout.image(OWN, &[(&archive(1), Compression::Gzip)]);
    let other = layout.image(OTHER, &[(&archive(2), Compression::Gzip)]);
    let blob = |text: &str| layout.blob("application/x-statement", text.as_bytes());
    let statements = [
        "built",
        "signed",
        "signed again",
        "seen",
        "the whole",
        "listed",
    ]
    .map(blob);
    let [built, signed, again, seen, whole, listed] = statements;
    let attested = attestation(layout.artifact("application/x", &[built], None), &own);
    let foreign = attestation(layout.artifact("application/x", &[], None), &other);
    let root = layout.index(&[
        own.clone(),
        other.clone(),
        attested.clone(),
        foreign.clone(),
    ]);
    let signature = layout.artifact(SIGNATURE, &[signed], Some(&own));
    let countersigned = layout.artifact(SIGNATURE, &[again], Some(&signature));
    let of_attestation = layout.artifact(SIGNATURE, &[seen], Some(&attested));
    let of_root = layout.artifact(SBOM, &[whole], Some(&root));
    let of_other = layout.artifact(SBOM, &[listed], Some(&other));
    // An index that refers to the image, with a manifest in it.
    let part = layout.artifact("application/x-part", &[], None);
    let bundle = layout.document(&json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "artifactType": SBOM,
        "manifests": [part],
        "subject": bare(&own),
    }));
    let tagged = layout.artifact("application/x-cosign", &[], None);

    layout.enter(Some("shop"), &root);
    for referrer in [
        &signature,
        &countersigned,
        &of_attestation,
        &of_root,
        &of_other,
        &bundle,
    ] {
        layout.enter(None, referrer);
    }
    let tag = CosignKind::Signature.tag(&parse(digest_of(&own)));
    layout.enter(Some(tag.as_str()), &tagged);
    let cosign = Relation::Cosign(CosignKind::Signature);
    let attached = vec![
        (root, of_root, Relation::Subject, Some(SBOM)),
        (
            own.clone(),
            signature.clone(),
            Relation::Subject,
            Some(SIGNATURE),
        ),
        (own.clone(), bundle, Relation::Subject, Some(SBOM)),
        (own.clone(), tagged, cosign, Some("application/x-cosign")),
        (
            own,
            attested.clone(),
            Relation::Attestation,
            Some("application/x"),
        ),
        (signature, countersigned, Relation::Subject, Some(SIGNATURE)),
        (attested, of_attestation, Relation::Subject, Some(SIGNATURE)),
    ];
    Shop {
        layout,
        attached,
        others: vec![of_other, foreign],
    }
}

type Row = (String, String, Relation, Option<String>);

fn rows(pulled: &Pulled) -> BTreeSet<Row> {
    let referrers = pulled.referrers.iter();
    referrers
        .map(|it| {
            let kind = it.artifact_type.as_ref().map(ToString::to_string);
            (
                it.subject.to_string(),
                it.digest.to_string(),
                it.relation,
                kind,
            )
        })
        .collect()
}

fn expected(shop: &Shop) -> BTreeSet<Row> {
    let attached = shop.attached.iter();
    attached
        .map(|(subject, referrer, relation, kind)| {
            let digest = |it| digest_of(it).to_owned();
            (
                digest(subject),
                digest(referrer),
                *relation,
                kind.map(str::to_owned),
            )
        })
        .collect()
}

#[test]
fn all_that_refers_to_what_is_pulled_comes_along() {
    let berth = Berth::new();
    let shop = shop(&berth);
    let pulled = berth.take(&shop.layout, ":shop", &PullOptions::default());
    assert_eq!((pulled.manifests.len(), pulled.referrers.len()), (1, 0));

    let pulled = berth.take(&shop.layout, ":shop", &referrers());
    assert_eq!(rows(&pulled), expected(&shop));
    // Each once, with the manifest in the bundle, and after the image.
    assert_eq!(pulled.referrers.len(), shop.attached.len());
    assert_eq!(pulled.manifests.len(), 1 + 6 + 1);
    assert_eq!(pulled.indexes.len(), 2);
    assert!(pulled.manifests[0].platform.is_some());
    let told = std::mem::take(&mut *berth.events.lock().expect("no test panicked"));
    let told = told
        .iter()
        .filter(|it| matches!(it, Event::Referrer { .. }));
    assert_eq!(told.count(), shop.attached.len());
    for (subject, referrer, relation, _) in &shop.attached {
        let found = lazaret_graph::referrers(&berth.repository, &parse(digest_of(subject)));
        let found = found.expect("readable");
        let digest = parse(digest_of(referrer));
        let row = found.iter().find(|row| row.digest == digest);
        assert_eq!(row.expect("a row").relation, *relation);
    }
    for other in &shop.others {
        assert!(!berth.has(Stream::Manifest(parse(digest_of(other)))));
    }
    assert_eq!(berth.tags(), ["shop"]);
    berth.assert_sound();

    // Nothing more the second time, and nothing is read.
    let names = berth.names();
    for layer in pulled.distinct_layers() {
        let path = shop.layout.blob_path(&layer.digest.to_string());
        fs::remove_file(path).expect("a blob");
    }
    let again = berth.take(&shop.layout, ":shop", &referrers());
    assert_eq!(rows(&again), expected(&shop));
    assert!(again.distinct_layers().all(|layer| layer.reused));
    assert_eq!(berth.names(), names);
}

#[test]
fn everything_comes_with_what_refers_to_any_of_it() {
    let berth = Berth::new();
    let shop = shop(&berth);
    let options = PullOptions {
        referrers: true,
        ..all()
    };
    let pulled = berth.take(&shop.layout, ":shop", &options);
    assert!(rows(&pulled).is_superset(&expected(&shop)));
    assert_eq!(pulled.referrers.len(), shop.attached.len() + 2);
    for other in &shop.others {
        assert!(berth.has(Stream::Manifest(parse(digest_of(other)))));
    }
    berth.assert_sound();
}

#[test]
fn a_referrer_that_cannot_be_had_fails_the_pull_and_is_named() {
    // Its manifest, its config, its only blob.
    for part in 0..3 {
        for number in 1..7 {
            let berth = Berth::new();
            let shop = shop(&berth);
            let (_, referrer, relation, _) = &shop.attached[number];
            if *relation == Relation::Subject && part == 0 {
                // A layout finds these by reading them: what is not there is not listed.
                continue;
            }
            let digest = digest_of(referrer);
            let path = shop.layout.blob_path(digest);
            let manifest: Value =
                serde_json::from_slice(&fs::read(&path).expect("a manifest")).expect("JSON");
            let missing = match part {
                0 => digest.to_owned(),
                1 if manifest.get("config").is_none() => continue,
                // The empty config is everybody's.
                1 => continue,
                _ => match manifest["layers"]
                    .as_array()
                    .and_then(|layers| layers.first())
                {
                    Some(layer) => digest_of(layer).to_owned(),
                    None => continue,
                },
            };
            fs::remove_file(shop.layout.blob_path(&missing)).expect("a blob");
            let error = berth.refuse(&shop.layout, ":shop", &referrers(), &[&missing]);
            assert!(error.is_input_fault());
            assert!(error.is_not_found());
            assert!(berth.names().is_empty(), "{:?}", berth.names());
        }
    }
}

#[test]
fn a_chain_of_signatures_is_followed_so_far_and_no_further() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let image = layout.image(OWN, &[(&archive(1), Compression::Gzip)]);
    layout.enter(Some("image"), &image);
    let mut subject = image;
    for _ in 0..12 {
        subject = layout.artifact(SIGNATURE, &[], Some(&subject));
        layout.enter(None, &subject);
    }
    let pulled = berth.take(&layout, ":image", &referrers());
    assert_eq!(pulled.referrers.len(), 8);
    berth.assert_sound();
}

#[test]
fn two_that_refer_to_each_other_are_no_way_round_in_circles() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let image = layout.image(OWN, &[(&archive(1), Compression::Gzip)]);
    let first = layout.artifact("application/x-first", &[], None);
    let second = layout.artifact("application/x-second", &[], Some(&first));
    layout.enter(Some("image"), &image);
    // Tags can say what no digest can.
    for (subject, referrer) in [(&image, &first), (&second, &first), (&first, &second)] {
        let tag = CosignKind::Sbom.tag(&parse(digest_of(subject)));
        layout.enter(Some(tag.as_str()), referrer);
    }
    layout.enter(None, &second);
    let pulled = berth.take(&layout, ":image", &referrers());
    assert_eq!(pulled.manifests.len(), 3);
    assert!(rows(&pulled).len() == pulled.referrers.len());
    berth.assert_sound();
}
