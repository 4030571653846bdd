//! Redirects are followed to where they may lead, without taking secrets along.

use lazaret_layouts::Compression;
use lazaret_registry::{Access, Auth, Bearer, Behaviour, Fault, Misdeed, Registry};

use crate::berth::Berth;
use crate::image::{Image, OCI_MANIFEST};
use crate::shelf::{Shelf, assert_sound};
use crate::stock;

fn fill(registry: &Registry) -> Image {
    let image = stock::small(1, Compression::Gzip);
    for layer in &image.layers {
        registry.put_blob("a", &layer.blob);
    }
    registry.put_blob("a", &image.config_bytes());
    registry.put_manifest("a", OCI_MANIFEST, &image.manifest_bytes(), Some("1"));
    image
}

const BLOBS: &str = "/v2/*/blobs/*";

#[test]
fn to_the_same_host_and_to_another() {
    let bearer = || {
        Auth::Bearer(Bearer {
            account: Some(("u".to_owned(), "p".to_owned())),
            ..Bearer::default()
        })
    };
    for auth in [bearer(), Auth::basic("u", "p")] {
        let store = Registry::start(Behaviour::default()).unwrap();
        let image = fill(&store);
        for base in [String::new(), format!("http://{}", store.host())] {
            let registry = Registry::start(Behaviour::with_auth(auth.clone())).unwrap();
            fill(&registry);
            registry.fault(Fault::new("GET", BLOBS, Misdeed::Redirect(base.clone())).always());
            let berth = Berth::with("fsverity-sha256-12");
            let source = format!("docker://{}/a:1", registry.host());
            berth
                .run(["pull", "--creds", "u:p", "--tag", "it", &source])
                .expect(0);
            assert_eq!(berth.tags()["it"], image.digest());
            assert!(registry.faults_seen() >= 2);
            assert_sound(&berth);
        }
        let log = store.log();
        assert!(log.len() >= 2);
        for request in log {
            assert_eq!(request.header("authorization"), None, "{request:?}");
            assert_eq!(request.header("cookie"), None);
        }
    }
}

#[test]
fn in_a_circle_or_to_nowhere() {
    let nowhere = Registry::start(Behaviour::default()).unwrap();
    let gone = nowhere.host();
    drop(nowhere);
    for path in ["/v2/*/manifests/*", BLOBS] {
        for (misdeed, code) in [
            (Misdeed::RedirectToItself, 3),
            (Misdeed::Redirect(format!("http://{gone}")), 1),
            (Misdeed::Redirect("file://".to_owned()), 3),
            (Misdeed::Redirect("gopher://127.0.0.1:70".to_owned()), 3),
        ] {
            let fault = Fault::new("GET", path, misdeed.clone()).always();
            let registry = Registry::start(Behaviour::with_fault(fault)).unwrap();
            fill(&registry);
            let berth = Berth::with("fsverity-sha256-12");
            let source = format!("docker://{}/a:1", registry.host());
            let ran = berth.run(["pull", "--retries", "1", &source]);
            println!("{path} {misdeed:?}: {:?} {}", ran.code, ran.stderr);
            assert_eq!(ran.code, Some(code), "{misdeed:?}");
            assert!(registry.log().len() < 100, "{}", registry.log().len());
            assert!(berth.names().is_empty());
            assert_sound(&berth);
        }
    }
}

/// From TLS to none: anybody on the way could put in what he likes, and read what is fetched.
#[test]
fn from_https_to_http() {
    let open = Registry::start(Behaviour::default()).unwrap();
    let access = Access::Redirecting(format!("http://{}", open.host()));
    let Some(shelf) = Shelf::new(&access) else {
        return;
    };
    let berth = Berth::with("fsverity-sha256-12");
    let image = stock::small(1, Compression::Gzip);
    let layout = crate::layout::Layout::of(berth.path("layout"), "it", &image);
    // The registry wants no password.
    let ca = shelf.ca().unwrap();
    let Some(()) = shelf.take(&layout.source("it"), "a:1", &[]) else {
        return;
    };
    open.clear_log();
    let ran = berth.run([
        "pull",
        "--retries",
        "1",
        "--ca",
        ca.to_str().unwrap(),
        &shelf.reference("a:1"),
    ]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(open.log().is_empty(), "{:?}", open.log());
    assert!(berth.names().is_empty());
    assert_sound(&berth);
}
