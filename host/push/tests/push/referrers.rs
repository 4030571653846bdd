//! What refers to what is sent goes along, and is found again there.

use lazaret_artifact::{ContentDigest, CosignKind, Relation};
use lazaret_push::PushOptions;

use crate::fixture::{Came, Fixture, all, here, oci, tar, with_referrers};
use crate::shelf::{blobs, digest_of, named};

#[test]
fn referrers_of_everything_go_along_and_keep_their_tags() {
    let mut fixture = Fixture::new();
    let native = fixture.image(&here(), &[(&tar(1, 900), Came::Plain)]);
    let other = fixture.image("plan9/mips", &[(&tar(2, 900), Came::Plain)]);
    let attestation = fixture.attestation(&native);
    let root = fixture.index(&[native.clone(), other.clone(), attestation.clone()]);
    let signature = fixture.artifact(&[b"signature"], Some(&root));
    let of_signature = fixture.artifact(&[b"time stamp"], Some(&signature));
    let sbom = fixture.artifact(&[b"sbom"], Some(&other));
    let cosign = fixture.artifact(&[b"cosign"], None);
    let both = fixture.artifact(&[b"both ways"], Some(&native));
    let signature_kind = Relation::Cosign(CosignKind::Signature);
    fixture.refers(&cosign, &attestation, signature_kind);
    fixture.refers(&both, &native, Relation::Cosign(CosignKind::Attestation));
    let stranger = fixture.artifact(&[b"about something else"], Some(&sbom_subject()));
    fixture.commit(&[("a", &root), ("s", &stranger)]);

    let out = fixture.path("out");
    let pushed = fixture.push("a", &oci(&out), &with_referrers()).unwrap();
    assert_eq!(
        (pushed.manifests, pushed.indexes, pushed.referrers),
        (3, 1, 5)
    );
    assert_eq!(pushed.left_out, []);
    let mut expected = fixture.shelf.below(&digest_of(&root));
    for referrer in [&signature, &of_signature, &sbom, &cosign, &both] {
        expected.extend(fixture.shelf.below(&digest_of(referrer)));
    }
    assert_eq!(blobs(&out), expected);
    let mut names = vec![
        ("a".to_owned(), digest_of(&root)),
        (String::new(), digest_of(&signature)),
        (String::new(), digest_of(&of_signature)),
        (String::new(), digest_of(&sbom)),
        (
            CosignKind::Signature
                .tag(&digest_of(&attestation))
                .to_string(),
            digest_of(&cosign),
        ),
        (
            CosignKind::Attestation.tag(&digest_of(&native)).to_string(),
            digest_of(&both),
        ),
    ];
    names.sort();
    assert_eq!(named(&out), names);

    // Without asking for them they stay.
    let out = fixture.path("without");
    let pushed = fixture.push("a", &oci(&out), &all()).unwrap();
    assert_eq!(pushed.referrers, 0);
    assert_eq!(blobs(&out), fixture.shelf.below(&digest_of(&root)));
}

fn sbom_subject() -> serde_json::Value {
    serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": ContentDigest::sha256(b"elsewhere"), "size": 9})
}

#[test]
fn a_referrer_that_is_an_index_brings_what_is_below_it() {
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[]);
    let part = fixture.artifact(&[b"part"], None);
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [part], "subject": image,
    });
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = fixture.index_as_is(kind, index.to_string().as_bytes());
    fixture.commit(&[("a", &image)]);
    let out = fixture.path("out");
    let pushed = fixture.push("a", &oci(&out), &with_referrers()).unwrap();
    assert_eq!(
        (pushed.manifests, pushed.indexes, pushed.referrers),
        (1, 0, 2)
    );
    let mut expected = fixture.shelf.below(&digest_of(&image));
    expected.extend(fixture.shelf.below(&digest_of(&index)));
    assert_eq!(blobs(&out), expected);
}

#[test]
fn an_attestation_stays_behind_when_its_index_does() {
    let mut fixture = Fixture::new();
    let native = fixture.image(&here(), &[]);
    let attestation = fixture.attestation(&native);
    let root = fixture.index(&[native.clone(), attestation.clone()]);
    fixture.commit(&[("a", &root)]);
    let out = fixture.path("out");
    let options = PushOptions {
        all: false,
        ..with_referrers()
    };
    let pushed = fixture.push("a", &oci(&out), &options).unwrap();
    assert_eq!(pushed.left_out, [digest_of(&attestation)]);
    assert_eq!(pushed.referrers, 0);
    assert_eq!(blobs(&out), fixture.shelf.below(&digest_of(&native)));
}
