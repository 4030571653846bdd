//! A registry that misbehaves while something is pulled: success after some tries, or a clear error;
//! and nothing is half-stored.

use std::time::{Duration, Instant};

use lazaret_layouts::Compression;
use lazaret_registry::{Behaviour, Fault, Misdeed, Registry, RetryAfter};

use crate::berth::Berth;
use crate::image::{Image, Layer, OCI_MANIFEST};
use crate::shelf::assert_sound;
use crate::{goods, stock};

/// A pull with faults, even one that gives up after its tries, takes no longer.
const LONGEST: Duration = Duration::from_secs(60);

/// Tries after the first.
const RETRIES: u32 = 3;

const MANIFEST: &str = "*/manifests/*";
const BLOB: &str = "*/blobs/*";

/// Puts an image in, and returns it.
fn filled(registry: &Registry) -> Image {
    let image = Image::new(vec![
        Layer::new(&goods::made_up(1, 40), Compression::Gzip),
        Layer::new(&goods::made_up(2, 12), Compression::None),
    ]);
    for layer in &image.layers {
        registry.put_blob("a/b", &layer.blob);
    }
    registry.put_blob("a/b", &image.config_bytes());
    registry.put_manifest("a/b", OCI_MANIFEST, &image.manifest_bytes(), Some("1"));
    image
}

/// Pulls with the fault, and asserts how that ends and what there is then.
#[track_caller]
fn assert_ends(fault: Fault, codes: &[i32]) -> Registry {
    let what = format!("{:?}", fault.misdeed);
    let registry = Registry::start(Behaviour::with_fault(fault)).unwrap();
    let image = filled(&registry);
    let berth = Berth::with("fsverity-sha256-12");
    let source = format!("docker://{}/a/b:1", registry.host());
    let started = Instant::now();
    let retries = RETRIES.to_string();
    let ran = berth.run(["pull", "--retries", &retries, "--tag", "it", &source]);
    let took = started.elapsed();
    println!("{what}: {:?} after {took:?}: {}", ran.code, ran.stderr);
    let code = ran.code.unwrap();
    assert!(codes.contains(&code), "{what}: {code}: {}", ran.stderr);
    assert!(took < LONGEST, "{what}: {took:?}");
    assert!(registry.faults_seen() > 0, "{what} did not happen");
    if code == 0 {
        assert_eq!(berth.tags(), [("it".to_owned(), image.digest())].into());
    } else {
        assert!(ran.stderr.starts_with("error: "), "{what}: {}", ran.stderr);
        assert!(berth.tags().is_empty());
        assert!(berth.names().is_empty(), "{what}: {:?}", berth.names());
    }
    assert_sound(&berth);
    // And when all is well again, so is the pull.
    registry.mend();
    berth.run(["pull", "--tag", "it", &source]).expect(0);
    assert_eq!(berth.tags(), [("it".to_owned(), image.digest())].into());
    registry
}

#[test]
fn what_passes_is_waited_for() {
    for path in [MANIFEST, BLOB] {
        for misdeed in [
            Misdeed::Status(500),
            Misdeed::Status(502),
            Misdeed::Status(503),
            Misdeed::Status(504),
            Misdeed::Later(429, RetryAfter::Seconds(0)),
            Misdeed::Later(429, RetryAfter::Seconds(1)),
            Misdeed::Later(503, RetryAfter::Date(1)),
            Misdeed::Later(429, RetryAfter::Text("soon".to_owned())),
            Misdeed::HangUp,
            Misdeed::Cut(0),
            Misdeed::Cut(200),
        ] {
            let registry = assert_ends(Fault::new("GET", path, misdeed.clone()), &[0]);
            assert_eq!(registry.faults_seen(), 1, "{misdeed:?}");
        }
    }
}

/// The connection ends before its time, as far as anybody can tell who does not know the size.
#[test]
fn a_document_that_is_said_to_be_longer_is_asked_for_again() {
    let fault = Fault::new("GET", MANIFEST, Misdeed::LengthTooLong(100));
    assert_ends(fault, &[0]);
}

#[test]
fn several_faults_in_a_row_are_waited_for() {
    for misdeed in [Misdeed::Status(500), Misdeed::HangUp] {
        assert_ends(Fault::new("GET", BLOB, misdeed).times(RETRIES), &[0]);
    }
}

#[test]
fn what_does_not_pass_ends_after_some_tries() {
    for path in [MANIFEST, BLOB] {
        for misdeed in [
            Misdeed::Status(500),
            Misdeed::Later(429, RetryAfter::Seconds(0)),
            Misdeed::HangUp,
            Misdeed::Cut(0),
        ] {
            let registry = assert_ends(Fault::new("GET", path, misdeed).always(), &[1]);
            // Several blobs come at once, each with tries of its own.
            let seen = registry.faults_seen() as u32;
            assert!(seen <= 3 * (RETRIES + 1), "{seen} tries");
        }
    }
}

#[test]
fn somebody_who_is_not_let_in_does_not_try_again() {
    for status in [400, 403, 405] {
        let fault = Fault::new("GET", MANIFEST, Misdeed::Status(status)).always();
        let registry = assert_ends(fault, &[1]);
        assert_eq!(registry.faults_seen(), 1, "{status}");
    }
}

/// The rest of a blob is asked for, not all of it again.
#[test]
fn a_blob_that_was_cut_goes_on_where_it_was() {
    let registry = assert_ends(Fault::new("GET", BLOB, Misdeed::Cut(5000)).after(1), &[0]);
    let log = registry.log();
    let ranges: Vec<&str> = log
        .iter()
        .filter_map(|request| request.header("range"))
        .collect();
    assert_eq!(ranges, ["bytes=5000-"], "{log:?}");
}

#[test]
fn a_blob_that_is_cut_again_and_again_still_comes() {
    // Each try gets some further, so none of them is in vain.
    let fault = Fault::new("GET", BLOB, Misdeed::Cut(300_000)).times(RETRIES);
    assert_ends(fault, &[0]);
}

#[test]
fn a_range_that_is_ignored_or_wrong_does_no_harm() {
    for misdeed in [
        Misdeed::RangeIgnored,
        Misdeed::Status(416),
        Misdeed::RangeMislabelled,
        Misdeed::RangeShifted,
    ] {
        let cut = Fault::new("GET", BLOB, Misdeed::Cut(5000)).after(1);
        let registry = Registry::start(
            Behaviour::with_fault(Fault::new("GET", BLOB, misdeed.clone()).with_header("range"))
                .fault(cut),
        )
        .unwrap();
        let image = filled(&registry);
        let berth = Berth::with("fsverity-sha256-12");
        let source = format!("docker://{}/a/b:1", registry.host());
        let ran = berth.run(["pull", "--tag", "it", &source]);
        assert_eq!(ran.code, Some(0), "{misdeed:?}: {}", ran.stderr);
        assert_eq!(registry.faults_seen(), 2, "{:?}", registry.log());
        assert_eq!(berth.tags()["it"], image.digest());
        assert_sound(&berth);
    }
}

/// Bytes that are not those that were asked for are refused, however they are dressed up.
#[test]
fn lies_are_refused() {
    let html = || Misdeed::Body(b"<!DOCTYPE html><title>Sign in</title>".to_vec());
    for (path, misdeed) in [
        (MANIFEST, Misdeed::WrongByte(30)),
        (MANIFEST, html()),
        (MANIFEST, Misdeed::Body(Vec::new())),
        (MANIFEST, Misdeed::Padded(1)),
        (MANIFEST, Misdeed::Padded(8 << 20)),
        (MANIFEST, Misdeed::Endless),
        (BLOB, Misdeed::WrongByte(30)),
        (BLOB, html()),
        (BLOB, Misdeed::Body(Vec::new())),
        (BLOB, Misdeed::Padded(1)),
        (BLOB, Misdeed::LengthTooShort(100)),
        (BLOB, Misdeed::LengthTooLong(100)),
        (BLOB, Misdeed::Endless),
    ] {
        // By digest, nothing that a registry says can be believed; by tag, what it says besides
        // the bytes is compared with them.
        let fault = Fault::new("GET", path, misdeed.clone()).always();
        let registry = Registry::start(Behaviour::with_fault(fault)).unwrap();
        let image = filled(&registry);
        let berth = Berth::with("fsverity-sha256-12");
        let source = format!("docker://{}/a/b@{}", registry.host(), image.digest());
        let ran = berth.run(["pull", "--retries", "1", "--tag", "it", &source]);
        println!("{path} {misdeed:?}: {:?}: {}", ran.code, ran.stderr);
        assert_eq!(ran.code, Some(3), "{path} {misdeed:?}: {}", ran.stderr);
        assert!(registry.faults_seen() > 0);
        assert!(berth.names().is_empty(), "{misdeed:?}");
        assert_sound(&berth);
    }
}

#[test]
fn a_digest_that_the_registry_says_is_compared() {
    let header = |value: &str| Misdeed::Header("Docker-Content-Digest", value.to_owned());
    let other = lazaret_layouts::digest(b"other");
    assert_ends(Fault::new("GET", MANIFEST, header(&other)).always(), &[3]);
    // Without one, the bytes speak for themselves.
    let none = Misdeed::NoHeader("Docker-Content-Digest");
    assert_ends(Fault::new("*", MANIFEST, none).always(), &[0]);
}

#[test]
fn a_blob_without_a_length_and_a_slow_one_are_taken() {
    assert_ends(Fault::new("GET", BLOB, Misdeed::NoLength).times(9), &[0]);
    let drip = Misdeed::Drip(20_000, Duration::from_millis(5));
    assert_ends(Fault::new("GET", BLOB, drip).times(9), &[0]);
}

#[test]
fn a_manifest_of_another_type_than_it_is_said_to_be() {
    for (value, codes) in [
        (
            "application/vnd.docker.distribution.manifest.v2+json",
            &[3][..],
        ),
        ("application/vnd.oci.image.index.v1+json", &[3]),
        // That says nothing, and the document says what it is.
        ("application/json", &[0]),
    ] {
        let misdeed = Misdeed::Header("Content-Type", value.to_owned());
        assert_ends(Fault::new("GET", MANIFEST, misdeed).always(), codes);
    }
}

#[test]
fn documents_that_are_missing() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let image = stock::small(1, Compression::Gzip);
    registry.put_blob("a", &image.config_bytes());
    registry.put_manifest("a", OCI_MANIFEST, &image.manifest_bytes(), Some("1"));
    let berth = Berth::with("fsverity-sha256-12");
    let source = |name: &str| format!("docker://{}/{name}", registry.host());
    for (name, code) in [("a:2", 5), ("b:1", 5)] {
        berth
            .run(["pull", &source(name)])
            .expect(code)
            .says(&[name.split(':').next().unwrap()]);
    }
    // A manifest whose layer nobody has.
    let ran = berth.run(["pull", &source("a:1")]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    ran.says(&[&image.layers[0].digest]);
    assert!(berth.names().is_empty());
    assert_sound(&berth);
}

#[test]
fn no_registry_at_all() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let host = registry.host();
    drop(registry);
    let berth = Berth::with("fsverity-sha256-12");
    let ran = berth.run(["pull", "--retries", "1", &format!("docker://{host}/a:1")]);
    ran.expect(1).says(&[&host]);
}
