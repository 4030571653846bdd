//! A registry that misbehaves while something is pushed to it: success after some tries, or a clear
//! error; what it has then is whole, and the tag is given last.

use std::time::{Duration, Instant};

use lazaret_layouts::digest;
use lazaret_registry::{Address, Behaviour, Fault, Misdeed, Registry, RetryAfter};
use serde_json::Value;

use crate::berth::Berth;
use crate::stock::Stock;

const LONGEST: Duration = Duration::from_secs(60);
const RETRIES: u32 = 3;

const BLOBS: &str = "*/blobs/*";
const MANIFESTS: &str = "*/manifests/*";

/// An index with all it has, pulled and ready to go.
struct Cargo {
    berth: Berth,
    digest: String,
}

impl Cargo {
    fn new() -> Self {
        let berth = Berth::with("fsverity-sha256-12");
        let stock = Stock::new(&berth);
        let source = stock.source("multi");
        berth
            .run(["pull", "--all-platforms", "--keep-compressed", &source])
            .expect(0);
        let digest = stock.digests["multi"].clone();
        Self { berth, digest }
    }

    /// Pushes it while the registry behaves like this, and asserts how it ends.
    #[track_caller]
    fn assert_ends(&self, what: &str, behaviour: Behaviour, codes: &[i32]) -> Registry {
        let registry = Registry::start(behaviour).unwrap();
        let to = format!("docker://{}/a/b:1", registry.host());
        let started = Instant::now();
        let retries = RETRIES.to_string();
        let ran = self
            .berth
            .run(["push", "--all", "--retries", &retries, "multi", &to]);
        let took = started.elapsed();
        println!("{what}: {:?} after {took:?}: {}", ran.code, ran.stderr);
        let code = ran.code.unwrap();
        assert!(codes.contains(&code), "{what}: {code}: {}", ran.stderr);
        assert!(took < LONGEST, "{what}: {took:?}");
        assert_whole(&registry);
        if code == 0 {
            assert_eq!(registry.repository("a/b").tags["1"], self.digest);
        } else {
            assert!(ran.stderr.starts_with("error: "), "{what}: {}", ran.stderr);
            assert!(registry.repository("a/b").tags.is_empty(), "{what}");
            registry.mend();
            self.berth.run(["push", "--all", "multi", &to]).expect(0);
            assert_eq!(registry.repository("a/b").tags["1"], self.digest);
            assert_whole(&registry);
        }
        registry
    }
}

impl Drop for Cargo {
    /// Whatever happens to a push, what it is of stays as it is.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.berth.assert_sound();
        }
    }
}

/// Asserts that it has nothing under a wrong name, and all that its manifests name.
#[track_caller]
fn assert_whole(registry: &Registry) {
    let held = registry.repository("a/b");
    for (name, blob) in &held.blobs {
        assert_eq!(digest(blob), *name);
    }
    for (name, manifest) in &held.manifests {
        assert_eq!(digest(&manifest.bytes), *name);
        let document: Value = serde_json::from_slice(&manifest.bytes).unwrap();
        assert_eq!(held.missing(&document), Vec::<String>::new());
    }
}

fn with(fault: Fault) -> Behaviour {
    Behaviour::with_fault(fault)
}

#[test]
fn what_passes_is_waited_for() {
    let cargo = Cargo::new();
    for (method, path) in [
        ("HEAD", BLOBS),
        ("POST", BLOBS),
        ("PATCH", BLOBS),
        ("PUT", BLOBS),
        ("PUT", MANIFESTS),
    ] {
        for misdeed in [
            Misdeed::Status(500),
            Misdeed::Later(429, RetryAfter::Seconds(0)),
            Misdeed::Later(503, RetryAfter::Seconds(1)),
            Misdeed::HangUp,
        ] {
            let what = format!("{method} {path} {misdeed:?}");
            // Not every method has to be used.
            cargo.assert_ends(&what, with(Fault::new(method, path, misdeed)), &[0]);
        }
    }
}

/// Carried out, but nobody heard of it.
#[test]
fn an_answer_that_is_lost_is_asked_for_again() {
    let cargo = Cargo::new();
    for (method, path) in [("PUT", BLOBS), ("PUT", MANIFESTS), ("POST", BLOBS)] {
        let fault = Fault::new(method, path, Misdeed::DoneAndHangUp);
        cargo.assert_ends(&format!("{method} {path}"), with(fault), &[0]);
    }
}

#[test]
fn an_upload_that_is_cut_is_begun_again_or_gone_on_with() {
    let cargo = Cargo::new();
    for method in ["PUT", "PATCH", "POST"] {
        for bytes in [0, 1000] {
            let fault = Fault::new(method, BLOBS, Misdeed::HangUpAfter(bytes)).times(2);
            cargo.assert_ends(&format!("{method} cut after {bytes}"), with(fault), &[0]);
        }
    }
}

#[test]
fn what_does_not_pass_ends_after_some_tries() {
    let cargo = Cargo::new();
    for (method, path) in [("POST", BLOBS), ("PUT", BLOBS), ("PUT", MANIFESTS)] {
        for misdeed in [Misdeed::Status(500), Misdeed::HangUp] {
            let what = format!("{method} {path} {misdeed:?} always");
            let fault = Fault::new(method, path, misdeed).always();
            let registry = cargo.assert_ends(&what, with(fault), &[1]);
            assert!(registry.log().len() < 200, "{}", registry.log().len());
        }
    }
}

#[test]
fn somebody_who_is_not_let_in_does_not_try_again() {
    let cargo = Cargo::new();
    for status in [400, 403] {
        let fault = Fault::new("PUT", MANIFESTS, Misdeed::Status(status)).always();
        let registry = cargo.assert_ends(&format!("{status}"), with(fault), &[1]);
        assert!(registry.log().len() < 200);
    }
}

#[test]
fn wherever_an_upload_goes_on() {
    let cargo = Cargo::new();
    for uploads in [Address::Relative, Address::Absolute] {
        let behaviour = Behaviour {
            uploads: uploads.clone(),
            ..Behaviour::default()
        };
        cargo.assert_ends(&format!("{uploads:?}"), behaviour, &[0]);
    }
    // The same registry by another name.
    let registry = Registry::start(Behaviour::default()).unwrap();
    registry.behave(|behaviour| {
        behaviour.uploads = Address::At(format!("http://{}", registry.other_host()));
    });
    let to = format!("docker://{}/a/b:1", registry.host());
    cargo.berth.run(["push", "--all", "multi", &to]).expect(0);
    assert_eq!(registry.repository("a/b").tags["1"], cargo.digest);
    assert_whole(&registry);
}

#[test]
fn a_registry_that_says_it_has_another_digest() {
    let other = digest(b"other");
    let lie = Misdeed::Header("Docker-Content-Digest", other.clone());
    for path in [MANIFESTS, BLOBS] {
        let fault = Fault::new("PUT", path, lie.clone()).always();
        let registry = Registry::start(with(fault)).unwrap();
        let berth = Berth::new();
        let stock = Stock::new(&berth);
        berth.run(["pull", &stock.source("artifact")]).expect(0);
        let to = format!("docker://{}/a/b:1", registry.host());
        let ran = berth.run(["push", "artifact", &to]);
        ran.expect(3).says(&["answered PUT", &other]);
        assert_whole(&registry);
    }
}
