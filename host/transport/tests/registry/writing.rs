//! Blobs and documents, into a registry.

use lazaret_artifact::Index;
use lazaret_artifact::referrer::fallback_tag;
use lazaret_registry::{Address, Auth, Bearer, Behaviour, Fault, Misdeed, Registry};
use lazaret_transport::{RegistryOptions, TransportError};

use super::fixture::*;

const UPLOAD: &str = "*/blobs/uploads/*";

fn held(registry: &Registry, bytes: &[u8]) -> bool {
    let repository = registry.repository(NAME);
    let found = repository.blobs.get(&lazaret_registry::digest(bytes));
    found.is_some_and(|found| found.as_slice() == bytes)
}

#[test]
fn a_blob_arrives_through_what_passes() {
    let bytes = noise(700_000);
    let put_once = |misdeed| vec![Fault::new("PUT", UPLOAD, misdeed)];
    for (name, faults, puts) in [
        ("none", vec![], 1),
        (
            "start 503",
            vec![Fault::new("POST", UPLOAD, Misdeed::Status(503))],
            1,
        ),
        (
            "start cut",
            vec![Fault::new("POST", UPLOAD, Misdeed::HangUp)],
            1,
        ),
        ("500", put_once(Misdeed::Status(500)), 2),
        ("429", put_once(Misdeed::Status(429)), 2),
        ("hang-up at the end", put_once(Misdeed::HangUp), 2),
        (
            "hang-up in the middle",
            put_once(Misdeed::HangUpAfter(300_000)),
            2,
        ),
        ("hang-up at once", put_once(Misdeed::HangUpAfter(0)), 2),
        // The answer was all that was lost: nothing is sent twice.
        ("done", put_once(Misdeed::DoneAndHangUp), 1),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        for fault in faults {
            registry.fault(fault);
        }
        let destination = destination(&registry, &options());
        assert!(!destination.has_blob(&blob(&bytes)).unwrap());
        let sent = put(&destination, &blob(&bytes), &bytes).unwrap();
        assert_eq!(sent, 700_000, "{name}");
        assert!(held(&registry, &bytes), "{name}");
        assert_eq!(registry.count("PUT", UPLOAD), puts, "{name}");
        assert!(destination.has_blob(&blob(&bytes)).unwrap());
    }
}

#[test]
fn blobs_of_all_sizes_arrive() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let destination = destination(&registry, &options());
    for size in [0, 1, 262_143, 262_144, 262_145, 524_288, 3_000_000] {
        let bytes = noise(size);
        assert_eq!(
            put(&destination, &blob(&bytes), &bytes).unwrap(),
            size as u64
        );
        assert!(held(&registry, &bytes), "{size}");
    }
}

#[test]
fn an_upload_goes_on_where_the_registry_says() {
    let bytes = noise(1_000);
    for uploads in [Address::Relative, Address::Absolute] {
        let registry = Registry::start(Behaviour {
            uploads,
            ..Behaviour::default()
        })
        .unwrap();
        let destination = destination(&registry, &options());
        put(&destination, &blob(&bytes), &bytes).unwrap();
        assert!(held(&registry, &bytes));
        let log = registry.log();
        let last = log.iter().find(|request| request.method == "PUT").unwrap();
        assert!(last.query.starts_with("_state=of1&digest=sha256%3A"));
        assert_eq!(last.header("content-length"), Some("1000"));
        assert_eq!(last.header("transfer-encoding"), None);
        let first = log.iter().find(|request| request.method == "POST").unwrap();
        assert_eq!(first.header("content-length"), Some("0"));
    }
}

#[test]
fn what_is_not_as_described_is_not_kept() {
    let bytes = noise(600_000);
    let mut other = bytes.clone();
    other[0] ^= 1;
    let registry = Registry::start(Behaviour::default()).unwrap();
    let destination = destination(&registry, &options());
    for (content, what) in [
        (&other[..], "blob digest mismatch"),
        (&bytes[..599_999], "blob size mismatch"),
        (&bytes[..0], "blob size mismatch"),
        (&noise(600_001)[..], "blob size mismatch"),
    ] {
        let error = put(&destination, &blob(&bytes), content).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
        assert!(registry.repository(NAME).blobs.is_empty());
    }
}

#[test]
fn a_blob_that_cannot_be_sent_is_a_clear_error() {
    let bytes = noise(600_000);
    let name = format!("blob {} in {NAME}", blob(&bytes).digest);
    for (method, misdeed, expected) in [
        (
            "PUT",
            Misdeed::Status(500),
            format!("HOST failed 3 times at PUT of {name}: 500: as was told (UNKNOWN)"),
        ),
        (
            "PUT",
            Misdeed::Status(413),
            format!("HOST refused PUT of {name}: 413: as was told (UNKNOWN)"),
        ),
        (
            "POST",
            Misdeed::Status(405),
            format!("HOST refused POST of {name}: 405: as was told (UNKNOWN)"),
        ),
        (
            "POST",
            Misdeed::NoHeader("Location"),
            format!("HOST answered POST of {name} with no place for the upload"),
        ),
        (
            "POST",
            Misdeed::Header("Location", "gopher://x".to_owned()),
            format!(
                "HOST answered POST of {name} with an upload to an address that is not HTTP, \
                 gopher://x"
            ),
        ),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        registry.fault(Fault::new(method, UPLOAD, misdeed.clone()).always());
        let destination = destination(&registry, &options());
        let error = put(&destination, &blob(&bytes), &bytes).unwrap_err();
        assert_eq!(chain(&error, &registry), expected, "{misdeed:?}");
    }
}

#[test]
fn a_blob_is_mounted_where_that_works() {
    let bytes = noise(1_000);
    let bearer = Bearer {
        account: Some(("user".to_owned(), "right".to_owned())),
        ..Bearer::default()
    };
    for (auth, mount, there, expected) in [
        (Auth::None, true, true, true),
        (Auth::None, true, false, false),
        (Auth::None, false, true, false),
        (Auth::Bearer(bearer), true, true, true),
    ] {
        let registry = Registry::start(Behaviour {
            auth: auth.clone(),
            mount,
            ..Behaviour::default()
        })
        .unwrap();
        if there {
            registry.put_blob("other/thing", &bytes);
        }
        let options = RegistryOptions {
            credentials: Some(("user".to_owned(), "right".to_owned())),
            ..options()
        };
        let destination = destination(&registry, &options);
        let mounted = destination
            .mount_blob(&blob(&bytes), "other/thing")
            .unwrap();
        assert_eq!(mounted, expected, "{auth:?} {mount} {there}");
        assert_eq!(held(&registry, &bytes), expected);
        // An upload that was begun in its place is not left behind.
        assert_eq!(registry.count("DELETE", UPLOAD), usize::from(!expected));
    }
}

#[test]
fn documents_arrive_by_tag_and_by_digest() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let destination = destination(&registry, &options());
    let manifest = artifact("text/x", &blob(b"x"), None);
    registry.put_blob(NAME, b"x");
    registry.put_blob(NAME, b"{}");
    let wanted = descriptor(MANIFEST, &manifest);
    assert!(!destination.has_document(&wanted).unwrap());
    registry.fault(Fault::new("PUT", "*/manifests/*", Misdeed::Status(502)));
    registry.fault(Fault::new("PUT", "*/manifests/*", Misdeed::DoneAndHangUp));
    destination
        .put_document(&wanted, &manifest, None, None)
        .unwrap();
    assert!(destination.has_document(&wanted).unwrap());
    assert!(registry.repository(NAME).tags.is_empty());
    destination
        .put_document(&wanted, &manifest, None, Some("v1"))
        .unwrap();
    assert_eq!(
        registry.repository(NAME).tags["v1"],
        wanted.digest.to_string()
    );
    let list = index(&[wanted]);
    let root = descriptor(INDEX, &list);
    destination
        .put_document(&root, &list, None, Some("v2"))
        .unwrap();
    let kept = &registry.repository(NAME).manifests[&root.digest.to_string()];
    assert_eq!(
        (kept.media_type.as_str(), kept.bytes.as_slice()),
        (INDEX, &list[..])
    );

    let error = destination
        .put_document(&root, &list[1..], None, None)
        .unwrap_err();
    assert!(matches!(error, TransportError::Mismatch { .. }));
    registry.fault(Fault::new(
        "PUT",
        "*/manifests/*",
        Misdeed::Header("Docker-Content-Digest", lazaret_registry::digest(b"other")),
    ));
    let error = destination
        .put_document(&root, &list, None, None)
        .unwrap_err();
    assert!(matches!(error, TransportError::Protocol { .. }));
}

#[test]
fn referrers_are_listed_by_the_client_where_the_registry_does_not() {
    let content = blob(b"x");
    let image = artifact("text/image", &content, None);
    let subject = descriptor(MANIFEST, &image);
    let referrers: Vec<Vec<u8>> = (0..4)
        .map(|number| artifact(&format!("text/r{number}"), &content, Some(&subject)))
        .collect();
    let tag = fallback_tag(&subject.digest);
    for api in [true, false] {
        let registry = Registry::start(Behaviour {
            referrers: api,
            ..Behaviour::default()
        })
        .unwrap();
        registry.put_blob(NAME, b"x");
        registry.put_blob(NAME, b"{}");
        let destination = destination(&registry, &options());
        let put = |bytes: &[u8]| {
            destination.put_document(
                &descriptor(MANIFEST, bytes),
                bytes,
                Some(&subject.digest),
                None,
            )
        };
        put(&referrers[0]).unwrap();
        // At once, and twice each.
        std::thread::scope(|scope| {
            for bytes in referrers.iter().chain(&referrers) {
                scope.spawn(|| put(bytes).unwrap());
            }
        });
        let source = source(&registry, &options());
        let found = source.referrers(&subject.digest).unwrap();
        assert_eq!(found.len(), 4, "API {api}");
        for referrer in &found {
            let kind = referrer.descriptor.artifact_type.as_ref().unwrap();
            assert_eq!(
                referrer.descriptor.annotations["org.example.kind"],
                kind.as_str()
            );
        }
        assert_eq!(registry.repository(NAME).tags.contains_key(&tag), !api);
    }
}

#[test]
fn what_others_wrote_into_the_list_of_referrers_is_kept() {
    let content = blob(b"x");
    let image = artifact("text/image", &content, None);
    let subject = descriptor(MANIFEST, &image);
    let tag = fallback_tag(&subject.digest);
    let registry = Registry::start(Behaviour::without_referrers()).unwrap();
    registry.put_blob(NAME, b"x");
    registry.put_blob(NAME, b"{}");
    let first = artifact("text/first", &content, Some(&subject));
    registry.put_manifest(NAME, MANIFEST, &first, None);
    let entry = descriptor(MANIFEST, &first);
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","x-more":[1],"manifests":[{{"mediaType":"{MANIFEST}","digest":"{}","size":{},"data":"eA==","annotations":{{"a":"b"}}}}],"annotations":{{"c":"d"}}}}"#,
        entry.digest, entry.size
    );
    registry.put_manifest(NAME, INDEX, list.as_bytes(), Some(&tag));
    let destination = destination(&registry, &options());
    let second = artifact("text/second", &content, Some(&subject));
    let put = |bytes: &[u8]| {
        destination
            .put_document(
                &descriptor(MANIFEST, bytes),
                bytes,
                Some(&subject.digest),
                None,
            )
            .unwrap();
        let repository = registry.repository(NAME);
        repository.manifests[&repository.tags[&tag]].bytes.to_vec()
    };
    let bytes = put(&second);
    let text = String::from_utf8(bytes.clone()).unwrap();
    for kept in [
        r#""x-more":[1]"#,
        r#""data":"eA==""#,
        r#"{"a":"b"}"#,
        r#"{"c":"d"}"#,
    ] {
        assert!(text.contains(kept), "{text}");
    }
    let parsed = Index::parse(&bytes, None).unwrap();
    assert_eq!(parsed.manifests.len(), 2);
    assert_eq!(put(&first), bytes);

    // Something else under that tag is not overwritten.
    registry.put_manifest(NAME, MANIFEST, &image, Some(&tag));
    let error = destination
        .put_document(
            &descriptor(MANIFEST, &second),
            &second,
            Some(&subject.digest),
            None,
        )
        .unwrap_err();
    assert!(matches!(error, TransportError::Document(_)), "{error}");
}
