//! Hostile importers over a real repository: whatever they do, what a pull leaves is nothing, or
//! something sound that rebuilds its layer.

use std::sync::Arc;

use lazaret_artifact::ContentDigest;
use lazaret_conformance::{Guest, for_each_guest};
use lazaret_engine::{Budget, FuelScale, Importer, Sandbox, SandboxOptions};
use lazaret_intake::{Importers, OnFault, PullOptions, pull};
use lazaret_layouts::{Compression, LayerBuilder, LayoutBuilder};
use lazaret_store::{Access, CheckOptions, Repository, VerityPolicy};

macro_rules! all {
    ($($name:ident $guest:ident)*) => {
        [$((stringify!($name), Guest::$guest)),*]
    };
}

#[test]
fn a_fault_leaves_no_name_and_no_damage() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let layout = place.path().join("layout");
    let mut layer = LayerBuilder::default();
    for number in 0..40_u32 {
        let content = number.to_le_bytes().repeat(100);
        let name = format!("directory/file-{number}");
        layer.add_file(&name, &content, 0o644).expect("a file");
    }
    let archive = layer.finish().expect("an archive");
    let diff_id = ContentDigest::sha256(&archive);
    let mut builder = LayoutBuilder::create(&layout).expect("a layout");
    builder
        .image("t", &[(&archive, Compression::Gzip)])
        .expect("an image");
    builder.finish().expect("an index");
    let reference = format!("oci:{}:t", layout.display())
        .parse()
        .expect("a source");

    let sandbox = sandbox();
    let (mut refused, mut taken) = (0, 0);
    for (guest, component) in for_each_guest!(all).map(|(name, guest)| (name, guest.component())) {
        let Ok(importer) = Importer::load(Arc::clone(&sandbox), guest, component) else {
            continue;
        };
        let path = place.path().join(guest);
        let algorithm = lazaret_artifact::VerityAlgorithm::Sha256;
        let repository =
            Repository::init(&path, algorithm, VerityPolicy::Insecure).expect("a repository");
        drop(repository);
        let repository = Repository::open(&path, Access::Write).expect("the repository");
        let importers = Importers::One(Arc::new(importer));
        let options = PullOptions {
            tags: vec!["t".parse().expect("a tag")],
            on_fault: OnFault::Refuse,
            ..PullOptions::default()
        };
        let result = pull(&repository, &reference, &importers, &options, &|_| {});
        let streams = repository.streams().expect("streams");
        let report = repository
            .check(CheckOptions::default(), &|_| {})
            .expect("a check");
        assert!(report.damage.is_empty(), "{}: {:?}", guest, report.damage);
        if result.is_err() {
            refused += 1;
            assert!(streams.is_empty(), "{} left {streams:?}", guest);
        } else {
            taken += 1;
            let layer = streams
                .iter()
                .find(|(name, _)| name.as_str() == format!("oci-layer-{diff_id}"))
                .expect("the layer's stream");
            let mut rebuilt = Vec::new();
            repository
                .open_stream(&layer.1, None)
                .and_then(|mut stream| stream.rebuild(&mut rebuilt))
                .expect("it rebuilds");
            assert_eq!(ContentDigest::sha256(&rebuilt), diff_id, "{}", guest);
        }
    }
    assert!(refused > 50, "only {refused} were refused");
    assert!(taken > 3, "only {taken} were taken");
}

/// Budgets small enough that the greedy end soon.
fn sandbox() -> Arc<Sandbox> {
    let budget = Budget {
        fuel: FuelScale {
            base: 50_000_000,
            per_byte: 1000,
        },
        stall: std::time::Duration::from_secs(5),
        ..Budget::default()
    };
    let options = SandboxOptions {
        budget,
        cache: None,
    };
    Arc::new(Sandbox::new(options).expect("a sandbox"))
}
