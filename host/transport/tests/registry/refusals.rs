//! Faults that do not pass: each is one clear error.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lazaret_artifact::ContentDigest;
use lazaret_registry::{Behaviour, Fault, Misdeed, Registry, RetryAfter};
use lazaret_transport::{Selection, Source, TransportError};

use super::fixture::*;

const BLOB: &str = "*/blobs/*";
const DOCUMENT: &str = "*/manifests/*";

#[test]
fn a_blob_that_cannot_be_had_is_a_clear_error() {
    let bytes = noise(300_000);
    let wanted = blob(&bytes);
    let name = format!("blob {} in {NAME}", wanted.digest);
    let mut wrong = bytes.clone();
    wrong[200_000] ^= 1;
    let wrong = ContentDigest::sha256(&wrong);
    for (misdeed, requests, expected) in [
        (
            Misdeed::Status(500),
            3,
            format!("HOST failed 3 times at GET of {name}: 500: as was told (UNKNOWN)"),
        ),
        (
            Misdeed::Status(429),
            3,
            format!("HOST failed 3 times at GET of {name}: 429: as was told (UNKNOWN)"),
        ),
        (
            Misdeed::Status(400),
            1,
            format!("HOST refused GET of {name}: 400: as was told (UNKNOWN)"),
        ),
        (
            Misdeed::Status(404),
            1,
            format!("HOST has no {name}: as was told (UNKNOWN)"),
        ),
        (
            Misdeed::Status(403),
            1,
            format!("HOST refused access to {name} without credentials: as was told (UNKNOWN)"),
        ),
        (
            Misdeed::Status(401),
            1,
            format!("HOST refused access to {name} without credentials: as was told (UNKNOWN)"),
        ),
        (
            Misdeed::HangUp,
            3,
            format!(
                "no connection to HOST for GET of {name} after 3 tries: connection closed before \
                 message completed"
            ),
        ),
        (
            Misdeed::Stall(0),
            3,
            format!("HOST sent nothing for 2s at GET of {name}, 3 times"),
        ),
        (
            Misdeed::RedirectToItself,
            1,
            format!("HOST answered GET of {name} with more than 5 redirects"),
        ),
        (
            Misdeed::Redirect("ftp://x".to_owned()),
            1,
            format!(
                "HOST answered GET of {name} with a redirect to an address that is not HTTP, \
                 ftp://x/moved/v2/{NAME}/blobs/{}",
                wanted.digest
            ),
        ),
        (
            Misdeed::WrongByte(200_000),
            1,
            format!(
                "{0}: blob digest mismatch: expected {0}, found {wrong}",
                wanted.digest
            ),
        ),
        (
            Misdeed::LengthTooLong(1),
            1,
            format!(
                "{}: blob size mismatch: expected 300000, found 300001",
                wanted.digest
            ),
        ),
        (
            Misdeed::LengthTooShort(1),
            1,
            format!(
                "{}: blob size mismatch: expected 300000, found 299999",
                wanted.digest
            ),
        ),
        (
            Misdeed::Body(bytes[..10].to_vec()),
            1,
            format!(
                "{}: blob size mismatch: expected 300000, found 10",
                wanted.digest
            ),
        ),
        (
            Misdeed::Endless,
            1,
            format!(
                "{}: blob size mismatch: expected 300000, found more than 300000",
                wanted.digest
            ),
        ),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        registry.put_blob(NAME, &bytes);
        registry.fault(Fault::new("GET", BLOB, misdeed.clone()).always());
        let options = lazaret_transport::RegistryOptions {
            auth_file: Some("/dev/null".into()),
            ..options()
        };
        let error = read(&source(&registry, &options), &wanted).unwrap_err();
        assert_eq!(chain(&error, &registry), expected, "{misdeed:?}");
        if !matches!(misdeed, Misdeed::RedirectToItself) {
            assert_eq!(registry.count("GET", BLOB), requests, "{misdeed:?}");
        }
    }
}

#[test]
fn a_blob_that_comes_byte_by_byte_ends() {
    let bytes = noise(300_000);
    let registry = Registry::start(Behaviour::default()).unwrap();
    registry.put_blob(NAME, &bytes);
    registry.fault(Fault::new("GET", BLOB, Misdeed::Cut(1_000)).always());
    let error = read(&source(&registry, &options()), &blob(&bytes)).unwrap_err();
    assert!(matches!(error, TransportError::Connection { tries: 3, .. }));
    assert_eq!(registry.count("GET", BLOB), 3);
}

#[test]
fn a_document_that_is_not_right_is_a_clear_error() {
    let content = noise(10);
    let manifest = artifact("text/x", &blob(&content), None);
    let digest = ContentDigest::sha256(&manifest);
    let other = ContentDigest::sha256(b"");
    let mut wrong = manifest.clone();
    wrong[10] ^= 1;
    let wrong = ContentDigest::sha256(&wrong);
    for (misdeed, expected) in [
        (
            Misdeed::Status(404),
            format!("HOST has no manifest {NAME}:v1: as was told (UNKNOWN)"),
        ),
        (
            Misdeed::Padded(5_000_000),
            format!(
                "size of manifest {NAME}:v1: {} is more than the limit of 4194304",
                manifest.len() + 5_000_000
            ),
        ),
        // The registry's own digest is compared before anything is parsed.
        (
            Misdeed::WrongByte(10),
            format!("{digest}: manifest digest mismatch: expected {digest}, found {wrong}"),
        ),
        (
            Misdeed::Header("Docker-Content-Digest", other.to_string()),
            format!("{other}: manifest digest mismatch: expected {other}, found {digest}"),
        ),
        (
            Misdeed::Header("Content-Type", INDEX.to_owned()),
            format!("invalid index {digest}: has both the members of a manifest and of an index"),
        ),
        (
            Misdeed::RedirectToItself,
            format!("HOST answered GET of manifest {NAME}:v1 with more than 5 redirects"),
        ),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        registry.put_manifest(NAME, MANIFEST, &manifest, Some("v1"));
        registry.fault(Fault::new("GET", DOCUMENT, misdeed.clone()).always());
        let error = source(&registry, &options())
            .resolve(&Selection::Best)
            .unwrap_err();
        assert_eq!(chain(&error, &registry), expected, "{misdeed:?}");
    }
    // As much as is allowed is read, and not a piece more.
    let registry = Registry::start(Behaviour::default()).unwrap();
    registry.put_manifest(NAME, MANIFEST, &manifest, Some("v1"));
    registry.fault(Fault::new("GET", DOCUMENT, Misdeed::Endless).always());
    let error = source(&registry, &options())
        .resolve(&Selection::Best)
        .unwrap_err();
    assert!(matches!(
        error,
        TransportError::Limit { limit: 4_194_304, found, .. } if found < 6_000_000
    ));
}

#[test]
fn classes_of_errors_are_told_apart() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let error = source(&registry, &options())
        .resolve(&Selection::Best)
        .unwrap_err();
    assert!(error.is_not_found() && !error.is_input_fault() && !error.is_usage());
    assert_eq!(
        chain(&error, &registry),
        format!("HOST has no manifest {NAME}:v1: no such manifest (MANIFEST_UNKNOWN)")
    );
    let error = source(&registry, &options()).tags().unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(
        chain(&error, &registry),
        format!("HOST has no tags of {NAME}: no such repository (NAME_UNKNOWN)")
    );
    registry.fault(Fault::new("GET", DOCUMENT, Misdeed::RedirectToItself).always());
    let error = source(&registry, &options())
        .resolve(&Selection::Best)
        .unwrap_err();
    assert!(error.is_input_fault() && !error.is_not_found());
}

#[test]
fn nobody_there_is_said_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    for plain_http in [true, false] {
        let options = lazaret_transport::RegistryOptions {
            plain_http,
            retries: 1,
            ..options()
        };
        let source = Source::open(&reference(&host, Some("v1")), &options).unwrap();
        let error = source.resolve(&Selection::Best).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "no connection to {host} for GET of manifest {NAME}:v1 after 2 tries: Connection \
                 refused (os error 111)"
            )
        );
    }
}

#[test]
fn waiting_ends_when_it_is_cancelled() {
    let bytes = noise(100_000);
    for misdeed in [
        Misdeed::Later(503, RetryAfter::Seconds(60)),
        Misdeed::Stall(0),
        Misdeed::Stall(50_000),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        registry.put_blob(NAME, &bytes);
        registry.fault(Fault::new("GET", BLOB, misdeed.clone()).always());
        let options = lazaret_transport::RegistryOptions {
            timeout: Duration::from_secs(60),
            ..options()
        };
        let source = source(&registry, &options);
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| read(&source, &blob(&bytes)));
            while registry.count("GET", BLOB) == 0 {
                std::thread::yield_now();
            }
            options.cancel.store(true, Ordering::Relaxed);
            let error = reader.join().unwrap().unwrap_err();
            assert!(matches!(error, TransportError::Cancelled), "{error}");
        });
        assert!(begin.elapsed() < Duration::from_secs(30), "{misdeed:?}");
    }
}
