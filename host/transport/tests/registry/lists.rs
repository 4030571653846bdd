//! Tags and referrers, page by page.

use lazaret_artifact::{ContentDigest, CosignKind, Relation};
use lazaret_registry::{Address, Behaviour, Fault, Misdeed, Registry};
use lazaret_transport::TransportError;

use super::fixture::*;

#[test]
fn tags_come_from_all_pages() {
    let manifest = artifact("text/x", &blob(b"x"), None);
    for (page, links, requests) in [
        (usize::MAX, Address::Relative, 1),
        (3, Address::Relative, 4),
        (3, Address::Absolute, 4),
        (1, Address::Relative, 10),
    ] {
        let registry = Registry::start(Behaviour {
            page,
            links,
            ..Behaviour::default()
        })
        .unwrap();
        for number in 0..10 {
            registry.put_manifest(NAME, MANIFEST, &manifest, Some(&format!("v{number}")));
        }
        let tags = source(&registry, &options()).tags().unwrap();
        let expected: Vec<String> = (0..10).map(|number| format!("v{number}")).collect();
        assert_eq!(tags, expected);
        assert_eq!(registry.count("GET", "*/tags/list"), requests);
    }
}

#[test]
fn lists_that_are_traps_are_refused() {
    let manifest = artifact("text/x", &blob(b"x"), None);
    let registry = Registry::start(Behaviour::default()).unwrap();
    registry.put_manifest(NAME, MANIFEST, &manifest, Some("v1"));
    let itself = format!("</v2/{NAME}/tags/list>; rel=\"next\"");
    for (misdeed, expected) in [
        (
            Misdeed::Header("Link", itself),
            format!("pages of tags of {NAME}: 1001 is more than the limit of 1000"),
        ),
        (
            Misdeed::Header(
                "Link",
                format!("<http://{}/x>; rel=next", registry.other_host()),
            ),
            format!(
                "HOST answered GET of tags of {NAME} with a next page at another host, localhost"
            ),
        ),
        (
            Misdeed::Padded(17_000_000),
            format!("size of tags of {NAME}: 17000035 is more than the limit of 16777216"),
        ),
        (
            Misdeed::Body(b"{}".to_vec()),
            format!("HOST answered GET of tags of {NAME} with something that is no list"),
        ),
    ] {
        registry.mend();
        registry.fault(Fault::new("GET", "*/tags/list", misdeed.clone()).always());
        let error = source(&registry, &options()).tags().unwrap_err();
        assert_eq!(chain(&error, &registry), expected, "{misdeed:?}");
    }
    registry.mend();
    let body = br#"{"name":"x","tags":["good","../bad","\u001b[2J","good"]}"#.to_vec();
    registry.fault(Fault::new("GET", "*/tags/list", Misdeed::Body(body)));
    assert_eq!(source(&registry, &options()).tags().unwrap(), ["good"]);
    registry.fault(Fault::new(
        "GET",
        "*/tags/list",
        Misdeed::Body(br#"{"name":"x","tags":null}"#.to_vec()),
    ));
    assert_eq!(
        source(&registry, &options()).tags().unwrap(),
        Vec::<String>::new()
    );
}

#[test]
fn referrers_come_from_the_api_the_fallback_tag_and_cosigns_tags() {
    let content = blob(b"x");
    let image = artifact("text/image", &content, None);
    let subject = descriptor(MANIFEST, &image);
    let documents: Vec<Vec<u8>> = ["text/a", "text/b", "text/c"]
        .iter()
        .map(|kind| artifact(kind, &content, Some(&subject)))
        .collect();
    let signature = artifact("text/signature", &content, None);
    let mut expected: Vec<(ContentDigest, Relation)> = documents
        .iter()
        .map(|bytes| (ContentDigest::sha256(bytes), Relation::Subject))
        .collect();
    expected.sort();
    expected.push((
        ContentDigest::sha256(&signature),
        Relation::Cosign(CosignKind::Signature),
    ));
    for (api, page) in [(true, usize::MAX), (true, 1), (false, usize::MAX)] {
        let registry = Registry::start(Behaviour {
            referrers: api,
            page,
            ..Behaviour::default()
        })
        .unwrap();
        registry.put_manifest(NAME, MANIFEST, &image, Some("v1"));
        let entries: Vec<_> = documents
            .iter()
            .map(|bytes| {
                registry.put_manifest(NAME, MANIFEST, bytes, None);
                descriptor(MANIFEST, bytes)
            })
            .collect();
        let hex = subject.digest.hex();
        if !api {
            let list = index(&entries);
            registry.put_manifest(NAME, INDEX, &list, Some(&format!("sha256-{hex}")));
        }
        let tag = format!("sha256-{hex}.sig");
        registry.put_manifest(NAME, MANIFEST, &signature, Some(&tag));
        // One that is known as a referrer already is not named again.
        let tag = format!("sha256-{hex}.sbom");
        registry.put_manifest(NAME, MANIFEST, &documents[0], Some(&tag));
        let found = source(&registry, &options())
            .referrers(&subject.digest)
            .unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|referrer| (referrer.descriptor.digest, referrer.relation))
            .collect();
        assert_eq!(found, expected, "API {api}, page {page}");
    }
}

#[test]
fn what_is_no_referrers_api_is_told_from_one() {
    let subject = ContentDigest::sha256(b"x");
    let path = "*/referrers/*";
    for (misdeed, absent) in [
        (Misdeed::Status(404), true),
        (Misdeed::Status(405), true),
        (
            Misdeed::Header("Content-Type", "text/html".to_owned()),
            true,
        ),
        (Misdeed::Status(400), false),
        (Misdeed::Status(500), false),
        (Misdeed::Body(b"{}".to_vec()), false),
        (Misdeed::Padded(17_000_000), false),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        registry.fault(Fault::new("GET", path, misdeed.clone()).always());
        let found = source(&registry, &options()).referrers(&subject);
        assert_eq!(found.is_ok(), absent, "{misdeed:?}");
        let fallback = format!("*/manifests/sha256-{}", subject.hex());
        assert_eq!(
            registry.count("GET", &fallback),
            usize::from(absent),
            "{misdeed:?}"
        );
    }
}

#[test]
fn a_list_that_is_about_the_subject_itself_or_no_document_is_cleaned() {
    let subject = ContentDigest::sha256(b"{}");
    let registry = Registry::start(Behaviour::default()).unwrap();
    let list = index(&[
        descriptor(MANIFEST, b"{}"),
        descriptor("application/octet-stream", b"blob"),
        descriptor(INDEX, b"good"),
        descriptor(INDEX, b"good"),
    ]);
    registry.fault(Fault::new("GET", "*/referrers/*", Misdeed::Body(list)));
    let found = source(&registry, &options()).referrers(&subject).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].descriptor, descriptor(INDEX, b"good"));
}

#[test]
fn a_list_of_referrers_without_end_is_refused() {
    let subject = ContentDigest::sha256(b"{}");
    let registry = Registry::start(Behaviour::default()).unwrap();
    let itself = format!("</v2/{NAME}/referrers/{subject}>; rel=\"next\"");
    registry.fault(Fault::new("GET", "*/referrers/*", Misdeed::Header("Link", itself)).always());
    let error = source(&registry, &options())
        .referrers(&subject)
        .unwrap_err();
    assert!(
        matches!(error, TransportError::Limit { limit: 1000, .. }),
        "{error}"
    );
}

#[test]
fn lists_of_referrers_are_bounded_together() {
    let image = artifact("text/image", &blob(b"x"), None);
    let subject = descriptor(MANIFEST, &image);
    // Entries of about a megabyte, as the server copies the annotations.
    let long = |number: usize| {
        let text = artifact("text/long", &blob(b"x"), Some(&subject));
        let text = String::from_utf8(text).unwrap();
        let note = format!("{number}{}", "x".repeat(1_000_000));
        let from = r#""annotations":{"#;
        text.replacen(from, &format!(r#"{from}"note":"{note}","#), 1)
    };
    let registry = Registry::start(Behaviour {
        page: 4,
        ..Behaviour::default()
    })
    .unwrap();
    for number in 0..15 {
        registry.put_manifest(NAME, MANIFEST, long(number).as_bytes(), None);
    }
    let source = source(&registry, &options());
    for _ in 0..4 {
        let found = source.referrers(&subject.digest).unwrap();
        assert_eq!(found.len(), 15);
        for referrer in found {
            let kind = referrer.descriptor.artifact_type.unwrap();
            assert_eq!(kind.as_str(), "text/long");
            assert_eq!(referrer.descriptor.annotations.len(), 0);
        }
    }
    let error = source.referrers(&subject.digest).unwrap_err();
    let text = chain(&error, &registry);
    let expected = format!("size of all referrers in {NAME}: ");
    assert!(text.starts_with(&expected), "{text}");
    assert!(
        text.ends_with("is more than the limit of 67108864"),
        "{text}"
    );
    for number in 15..18 {
        registry.put_manifest(NAME, MANIFEST, long(number).as_bytes(), None);
    }
    let source = super::fixture::source(&registry, &options());
    let error = source.referrers(&subject.digest).unwrap_err();
    let text = chain(&error, &registry);
    let expected = format!("size of referrers of {NAME}@{}: ", subject.digest);
    assert!(text.starts_with(&expected), "{text}");
    assert!(
        text.ends_with("is more than the limit of 16777216"),
        "{text}"
    );
}
