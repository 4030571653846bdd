//! Faults that pass, and that a reader does not see.

use std::time::{Duration, Instant};

use lazaret_registry::{Behaviour, Fault, Misdeed, Registry, RetryAfter};
use lazaret_transport::Selection;
use lazaret_transport::blob::Role;

use super::fixture::*;

const BLOB: &str = "*/blobs/*";

#[test]
fn a_blob_survives_what_passes() {
    let bytes = noise(300_000);
    let cut = || Fault::new("GET", BLOB, Misdeed::Cut(100_000));
    // Used up one after the other.
    let second = |misdeed| Fault::new("GET", BLOB, misdeed);
    let once = |misdeed| vec![Fault::new("GET", BLOB, misdeed)];
    for (name, faults, requests) in [
        ("none", vec![], 1),
        ("408", once(Misdeed::Status(408)), 2),
        ("429", once(Misdeed::Status(429)), 2),
        ("500", once(Misdeed::Status(500)), 2),
        ("502", once(Misdeed::Status(502)), 2),
        ("503", once(Misdeed::Status(503)), 2),
        ("504", once(Misdeed::Status(504)), 2),
        ("now", once(Misdeed::Later(503, RetryAfter::Seconds(0))), 2),
        ("then", once(Misdeed::Later(429, RetryAfter::Date(0))), 2),
        (
            "nonsense",
            once(Misdeed::Later(429, RetryAfter::Text("soon".to_owned()))),
            2,
        ),
        ("hang-up", once(Misdeed::HangUp), 2),
        ("silence", once(Misdeed::Stall(0)), 2),
        ("silence later", once(Misdeed::Stall(100_000)), 2),
        ("cut", vec![cut()], 2),
        ("cut before the first byte", once(Misdeed::Cut(0)), 2),
        ("no length", once(Misdeed::NoLength), 1),
        (
            "ranges ignored",
            vec![cut(), second(Misdeed::RangeIgnored)],
            2,
        ),
        (
            "ranges shifted",
            vec![cut(), second(Misdeed::RangeShifted)],
            3,
        ),
        (
            "ranges mislabelled",
            vec![cut(), second(Misdeed::RangeMislabelled)],
            3,
        ),
        ("416", vec![cut(), second(Misdeed::Status(416))], 3),
        ("then 503", vec![cut(), second(Misdeed::Status(503))], 3),
        (
            "slow",
            once(Misdeed::Drip(60_000, Duration::from_millis(50))),
            1,
        ),
        ("moved here", once(Misdeed::Redirect(String::new())), 2),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        registry.put_blob(NAME, &bytes);
        for fault in faults {
            registry.fault(fault);
        }
        let found = read(&source(&registry, &options()), &blob(&bytes));
        assert!(found.is_ok_and(|found| found == bytes), "{name}");
        assert_eq!(registry.count("GET", BLOB), requests, "{name}");
    }
}

#[test]
fn a_blob_goes_on_where_it_broke_off() {
    let bytes = noise(6_000_000);
    let registry = Registry::start(Behaviour::default()).unwrap();
    registry.put_blob(NAME, &bytes);
    // More breaks than tries: each that brought more than a little does not count.
    registry.fault(Fault::new("GET", BLOB, Misdeed::Cut(1_200_000)).times(4));
    assert_eq!(
        read(&source(&registry, &options()), &blob(&bytes)).unwrap(),
        bytes
    );
    let ranges: Vec<Option<String>> = registry
        .log()
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    let range = |from: u64| Some(format!("bytes={from}-"));
    assert_eq!(
        ranges,
        [
            None,
            range(1_200_000),
            range(2_400_000),
            range(3_600_000),
            range(4_800_000)
        ]
    );
}

#[test]
fn documents_survive_what_passes() {
    let content = noise(10);
    let manifest = artifact("text/x", &blob(&content), None);
    let path = "*/manifests/*";
    for misdeed in [
        Misdeed::Status(503),
        Misdeed::HangUp,
        Misdeed::Cut(20),
        Misdeed::Stall(20),
        Misdeed::NoLength,
        Misdeed::LengthTooLong(10),
        Misdeed::Redirect(String::new()),
        Misdeed::NoHeader("Docker-Content-Digest"),
        Misdeed::Header("Content-Type", "application/json".to_owned()),
        Misdeed::Header("Content-Type", format!("{MANIFEST}; charset=utf-8")),
        Misdeed::NoHeader("Content-Type"),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        registry.put_blob(NAME, b"{}");
        registry.put_blob(NAME, &content);
        registry.put_manifest(NAME, MANIFEST, &manifest, Some("v1"));
        registry.fault(Fault::new("GET", path, misdeed.clone()));
        let source = source(&registry, &options());
        let resolved = source.resolve(&Selection::Best).unwrap();
        assert_eq!(
            resolved.root,
            descriptor(MANIFEST, &manifest),
            "{misdeed:?}"
        );
        assert_eq!(resolved.manifests[0].bytes, manifest);
        assert_eq!(registry.faults_seen(), 1, "{misdeed:?}");
        let again = source.read_document(&descriptor(MANIFEST, &manifest), Role::Manifest);
        assert_eq!(again.unwrap(), manifest);
    }
}

#[test]
fn a_server_is_asked_again_when_it_wants_to_be() {
    let bytes = noise(10);
    let registry = Registry::start(Behaviour::default()).unwrap();
    registry.put_blob(NAME, &bytes);
    registry.fault(Fault::new(
        "GET",
        BLOB,
        Misdeed::Later(429, RetryAfter::Seconds(1)),
    ));
    let begin = Instant::now();
    read(&source(&registry, &options()), &blob(&bytes)).unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));
}

#[test]
fn several_blobs_are_read_at_once() {
    let blobs: Vec<Vec<u8>> = (1..=8).map(|number| noise(number * 100_000)).collect();
    let registry = Registry::start(Behaviour::default()).unwrap();
    for bytes in &blobs {
        registry.put_blob(NAME, bytes);
    }
    let source = source(&registry, &options());
    std::thread::scope(|scope| {
        let source = &source;
        for bytes in &blobs {
            scope.spawn(move || assert_eq!(&read(source, &blob(bytes)).unwrap(), bytes));
        }
    });
}

#[test]
fn a_blob_outlives_its_source_and_may_be_dropped_unread() {
    let bytes = noise(5_000_000);
    let registry = Registry::start(Behaviour::default()).unwrap();
    registry.put_blob(NAME, &bytes);
    let source = source(&registry, &options());
    let kept = source.open_blob(&blob(&bytes)).unwrap();
    drop(source.open_blob(&blob(&bytes)).unwrap());
    drop(source);
    kept.finish().unwrap();
}
