//! The same blob and the same importer give the same result: fuel, cuts, entries and facts, in the
//! same sandbox, in another, and with code that comes out of the cache.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its functions too"
)]

use lazaret_artifact::ContentDigest;
use lazaret_conformance::{Guest, Record, Ward, admit, for_each_guest, offer};
use lazaret_engine::{Ended, Importer, Policy, Sandbox, SandboxOptions};
use std::sync::Arc;

macro_rules! list {
    ($($name:ident $variant:ident)*) => {
        [$(Guest::$variant),*]
    };
}

const SIZE: usize = 70_000;

fn once(sandbox: &Arc<Sandbox>, guest: Guest) -> (String, Record) {
    let importer = match Importer::load(Arc::clone(sandbox), "hostile", guest.component()) {
        Ok(importer) => importer,
        Err(error) => return (format!("{error:?}"), Record::default()),
    };
    let (result, record) = admit(&importer, &offer(Policy::LAYER, SIZE), SIZE);
    let result = match result {
        Ok(report) => format!("{report:?}"),
        Err(Ended::Fault(fault)) => format!("{fault:?}"),
        Err(other) => format!("{other:?}"),
    };
    (result, record)
}

#[test]
fn a_run_repeats_itself_to_the_last_unit_of_fuel() {
    let cache = tempfile::tempdir().unwrap();
    let cached = || {
        Arc::new(
            Sandbox::new(SandboxOptions {
                budget: Ward::Small.budget(),
                cache: Some(cache.path().join("code")),
            })
            .unwrap(),
        )
    };
    let sandboxes = [
        Ward::Small.sandbox(),
        Ward::Small.sandbox(),
        cached(),
        cached(),
    ];
    for guest in for_each_guest!(list) {
        // The one that is ended by the clock.
        if guest == Guest::Stall {
            continue;
        }
        let first = once(&sandboxes[0], guest);
        for (index, sandbox) in sandboxes.iter().enumerate().skip(1) {
            assert!(
                once(sandbox, guest) == first,
                "{guest:?} in sandbox {index}"
            );
        }
    }
    let files = walk(&cache.path().join("code"));
    assert!(files > 50, "the cache holds {files} files");
}

fn walk(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path) } else { 1 }
        })
        .sum()
}

#[test]
fn an_importer_is_known_by_its_bytes() {
    let guest = Guest::ConsumesNothing;
    let importer = Importer::load(Ward::Small.sandbox(), "a name", guest.component()).unwrap();
    let identity = lazaret_engine::Steer::identity(&importer);
    assert_eq!(identity.digest, ContentDigest::sha256(guest.component()));
    assert_eq!(
        (identity.name.as_str(), identity.wit.as_str()),
        ("hostile", "0.1.0")
    );
}
