//! Every kind of damage is found, and says whom it concerns.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicU64, Ordering};

use lazaret_artifact::media_type::{DOCKER_CONFIG, DOCKER_MANIFEST};
use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_graph::names::{LAZARET, Stream, TAGS};
use lazaret_graph::{FsckOptions, FsckProgress, FsckReport, Severity, fsck, fsck_image};
use lazaret_store::ContentType;

use crate::fixture::Fixture;

pub(crate) fn deep() -> FsckOptions {
    FsckOptions {
        deep: true,
        ..FsckOptions::default()
    }
}

/// What the fixture's manifests call a layer as it travelled.
fn blob_of(layer: &ContentDigest) -> ContentDigest {
    ContentDigest::sha256(format!("compressed {layer}").as_bytes())
}

fn check(fixture: &Fixture, options: FsckOptions) -> FsckReport {
    fsck(&fixture.repository, options, &|_| ()).unwrap()
}

fn findings(fixture: &Fixture, options: FsckOptions) -> Vec<String> {
    check(fixture, options)
        .findings
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn link(fixture: &Fixture, stream: Stream, to: VerityDigest) {
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(stream.name(), to);
    transaction.commit().unwrap();
}

fn object_path(fixture: &Fixture, object: &VerityDigest) -> std::path::PathBuf {
    let hex = object.hex();
    fixture.path(&format!("objects/{}/{}", &hex[..2], &hex[2..]))
}

#[test]
fn a_whole_repository_has_no_findings() {
    let fixture = Fixture::new();
    assert_eq!(findings(&fixture, deep()), Vec::<String>::new());
    fixture.demo("demo");
    let layer = fixture.layer(&[("d", b"docker")]);
    let mut docker = fixture.image_of_types(&[layer], DOCKER_MANIFEST, DOCKER_CONFIG);
    docker.records = vec![fixture.record(&layer, &["d"])];
    fixture.commit(&docker, &["docker"]);
    let blob = fixture.blob(b"a model");
    let mut artifact = fixture.artifact(&[(blob, b"a model")]);
    artifact.records = vec![fixture.record(&blob, &[])];
    fixture.commit(&artifact, &["model"]);
    let report = check(&fixture, deep());
    let shown: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(shown, Vec::<String>::new());
    assert_eq!((report.images, report.layers, report.records), (3, 3, 3));
    assert!(!report.is_damaged());
}

#[test]
fn progress_is_told() {
    let fixture = Fixture::new();
    fixture.demo("demo");
    let (store, images, layers) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    fsck(&fixture.repository, deep(), &|progress| {
        let (counter, value) = match progress {
            FsckProgress::Images { done, total: 1 } => (&images, done),
            FsckProgress::Layers { done, total: 1 } => (&layers, done),
            _ => (&store, 1),
        };
        counter.fetch_max(value, Ordering::Relaxed);
    })
    .unwrap();
    let all = [store, images, layers].map(AtomicU64::into_inner);
    assert_eq!(all, [1, 1, 1]);
}

#[test]
fn a_layer_without_a_record_is_information() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    fixture.commit(&fixture.image(&[layer]), &["a", "b"]);
    let report = check(&fixture, FsckOptions::default());
    assert_eq!(
        report
            .findings
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [format!(
            "info: layer {} was not verified by lazaret; affects a, b",
            layer.key
        )]
    );
    assert!(!report.is_damaged());
}

#[test]
fn a_layer_that_lies_is_found_by_the_deep_check_alone() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    let other = fixture.layer(&[("b", b"two")]);
    let mut parts = fixture.image(&[layer]);
    // What `cfsctl` would do with a layout whose config names a wrong diff_id.
    parts.layers[0].stream = other.stream;
    fixture.commit(&parts, &["lie"]);
    let unverified = format!(
        "info: layer {} was not verified by lazaret; affects lie",
        layer.key
    );
    assert_eq!(
        findings(&fixture, FsckOptions::default()),
        std::slice::from_ref(&unverified)
    );
    assert_eq!(
        findings(&fixture, deep()),
        [
            format!(
                "damage: layer {0}: content mismatch: expected {0}, found {1}; affects lie; pull \
                 again blob {2}",
                layer.key,
                other.key,
                blob_of(&layer.key)
            ),
            unverified,
        ]
    );
}

#[test]
fn records_that_do_not_fit_are_named() {
    let fixture = Fixture::new();
    let parts = fixture.demo("demo");
    let layer = parts.layers[0];
    let elsewhere = fixture.layer(&[("gone", b"gone")]);
    let record = fixture.record(&elsewhere, &["gone"]);
    link(&fixture, Stream::Record(elsewhere.key), record.stream);
    let stale = format!(
        "info: the import record of {} is of a stream that is not linked",
        elsewhere.key
    );
    assert_eq!(findings(&fixture, FsckOptions::default()), [stale]);

    let misplaced = fixture.record(&layer, &["wrong", "stream"]);
    let mut other_stream = fixture.record(&elsewhere, &[]);
    other_stream.stream = misplaced.stream;
    link(&fixture, Stream::Record(elsewhere.key), other_stream.stream);
    link(&fixture, Stream::Layer(elsewhere.key), elsewhere.stream);
    let found = findings(&fixture, FsckOptions::default());
    assert_eq!(
        found,
        [
            format!(
                "damage: lazaret-record-{0} is unreadable: import record of {0} is unusable: it is \
                 a record of {1}",
                elsewhere.key, layer.key
            ),
            format!(
                "info: lazaret-record-{} has no name under streams/refs/lazaret: a `cfsctl gc` \
                 would delete it",
                elsewhere.key
            ),
        ]
    );
}

#[test]
fn documents_that_are_not_what_their_names_say_are_damage() {
    let fixture = Fixture::new();
    let parts = fixture.demo("demo");
    let manifest = parts.parsed();
    let other = fixture.image(&[fixture.layer(&[("other", b"other")])]);
    let committed = fixture.commit(&other, &[]);
    let (config, image) = (
        Stream::Config(manifest.config.digest),
        Stream::Manifest(manifest.digest),
    );
    let committed_config = ContentDigest::sha256(&other.config);

    link(&fixture, config, committed.config);
    let found = findings(&fixture, FsckOptions::default());
    // The manifest still refers to the right stream, which nothing links.
    assert!(
        found.contains(&format!(
            "warning: {image} refers to another stream than is linked as {config}; affects demo"
        )),
        "{found:#?}"
    );
    assert!(found.contains(&format!(
        "damage: {config} is unreadable: {config}: content digest mismatch: expected {}, found {committed_config}; affects demo",
        manifest.config.digest
    )), "{found:#?}");

    link(&fixture, image, committed.manifest);
    let found = findings(&fixture, FsckOptions::default());
    assert!(found.contains(&format!(
        "damage: {image} is unreadable: {image}: content digest mismatch: expected {}, found {}; affects demo",
        manifest.digest, other.digest()
    )), "{found:#?}");
    link(&fixture, image, fixture.blob(b"not a manifest").stream);
    assert!(check(&fixture, FsckOptions::default()).is_damaged());
}

/// Links a document's bytes with refs of the test's choice.
fn relink(fixture: &Fixture, stream: Stream, bytes: &[u8], refs: &[(String, VerityDigest)]) {
    let kind = match stream {
        Stream::Manifest(_) => ContentType::MANIFEST,
        _ => ContentType::CONFIG,
    };
    let mut writer = fixture.repository.stream_writer(kind).unwrap();
    let object = fixture.repository.put(bytes).unwrap();
    for (key, target) in refs {
        writer.add_stream_ref(key, target).unwrap();
    }
    writer.object(&object.digest, object.size).unwrap();
    link(fixture, stream, writer.finish().unwrap().digest);
}

#[test]
fn references_must_be_there_and_lead_to_what_is_linked() {
    let fixture = Fixture::new();
    let parts = fixture.demo("demo");
    let manifest = parts.parsed();
    let layer = parts.layers[0];
    let (config, image) = (
        Stream::Config(manifest.config.digest),
        Stream::Manifest(manifest.digest),
    );
    let config_stream = fixture
        .repository
        .resolve_stream(&config.name())
        .unwrap()
        .unwrap();
    let config_key = format!("config:{}", manifest.config.digest);

    relink(
        &fixture,
        image,
        &parts.manifest,
        &[(config_key.clone(), config_stream)],
    );
    assert_eq!(
        findings(&fixture, FsckOptions::default()),
        [format!(
            "damage: {image} has no reference {}; affects demo",
            layer.key
        )]
    );
    relink(
        &fixture,
        image,
        &parts.manifest,
        &[(layer.key.to_string(), layer.stream)],
    );
    assert_eq!(
        findings(&fixture, FsckOptions::default()),
        [format!(
            "damage: {image} has no reference {config_key}; affects demo"
        )]
    );
    let other = fixture.layer(&[("other", b"other")]);
    relink(
        &fixture,
        image,
        &parts.manifest,
        &[
            (config_key, config_stream),
            (layer.key.to_string(), other.stream),
        ],
    );
    assert_eq!(
        findings(&fixture, FsckOptions::default()),
        [format!(
            "warning: {image} refers to another stream than is linked as oci-layer-{}; affects demo",
            layer.key
        )]
    );
    std::fs::remove_file(fixture.path(&format!("streams/oci-layer-{}", layer.key))).unwrap();
    let found = findings(&fixture, FsckOptions::default());
    for document in [image, config] {
        assert!(
            found.contains(&format!(
                "warning: {document} refers to oci-layer-{}, which is not linked; affects demo",
                layer.key
            )),
            "{found:#?}"
        );
    }
}

#[test]
fn names_that_name_nothing_are_found() {
    let fixture = Fixture::new();
    let parts = fixture.demo("demo");
    let layer = Stream::Layer(parts.layers[0].key);
    let image = Stream::Manifest(parts.digest());
    let mut transaction = fixture.repository.transaction();
    transaction.link_ref(TAGS, "layer", layer.name());
    transaction.link_ref(TAGS, "@odd", image.name());
    transaction.link_ref(LAZARET, "future", image.name());
    transaction.commit().unwrap();
    assert_eq!(
        findings(&fixture, FsckOptions::default()),
        [
            format!("damage: tag layer names {layer}, which is no manifest or index that is there"),
            "warning: streams/refs/oci/@odd is not a tag".to_owned(),
            "info: unknown name streams/refs/lazaret/future".to_owned(),
        ]
    );
}

#[test]
fn a_broken_object_is_blamed_on_every_image_that_has_it() {
    let fixture = Fixture::new();
    fixture.demo("one");
    let content = vec![b'x'; 5000];
    let shared = fixture.layer(&[("elsewhere", &content)]);
    fixture.commit(&fixture.image(&[shared]), &["two"]);
    let lone = fixture.layer(&[("lone", b"lone")]);
    fixture.commit(&fixture.image(&[lone]), &["three"]);
    let object = fixture.repository.put(&content).unwrap().digest;
    let path = object_path(&fixture, &object);
    std::fs::remove_file(&path).unwrap();
    let mut broken = content;
    broken[17] ^= 1;
    std::fs::write(&path, &broken).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();

    let report = check(&fixture, deep());
    let damage: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Damage)
        .map(ToString::to_string)
        .collect();
    // The object itself, and both layers that cannot be rebuilt.
    assert_eq!(damage.len(), 3, "{damage:#?}");
    assert_eq!(
        damage
            .iter()
            .filter(|text| text.contains("; affects one, two; pull again blob sha256:"))
            .count(),
        1,
        "{damage:#?}"
    );
    assert!(
        damage.iter().all(|text| text.contains(&object.hex())),
        "{damage:#?}"
    );
    assert!(report.is_damaged());
}

#[test]
fn what_the_store_complains_of_is_reported() {
    let fixture = Fixture::new();
    fixture.demo("demo");
    symlink("nowhere", fixture.path("streams/odd")).unwrap();
    let report = check(&fixture, FsckOptions::default());
    assert!(report.is_damaged());
    assert_eq!(report.findings.len(), report.store.damage.len());
}

#[test]
fn one_image_is_checked_alone() {
    let fixture = Fixture::new();
    let parts = fixture.demo("good");
    let content = vec![b'b'; 5000];
    let layer = fixture.layer(&[("bad", &content)]);
    let bad = fixture.image(&[layer]);
    fixture.commit(&bad, &["bad"]);
    let object = fixture.repository.put(&content).unwrap().digest;
    std::fs::remove_file(object_path(&fixture, &object)).unwrap();
    let check = |name: &str, options: FsckOptions| {
        let name = name.parse().unwrap();
        fsck_image(&fixture.repository, &name, options, &|_| ()).map(|report| {
            let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
            ((report.images, report.layers, report.records), findings)
        })
    };
    for options in [FsckOptions::default(), deep()] {
        assert_eq!(check("good", options).unwrap(), ((1, 1, 1), Vec::new()));
        let (_, found) = check(&format!("@{}", bad.digest()), options).unwrap();
        let damage = format!(
            "damage: oci-layer-{0} is unreadable: object {object} is missing; affects bad; pull \
             again blob {1}",
            layer.key,
            blob_of(&layer.key)
        );
        let unverified = format!(
            "info: layer {} was not verified by lazaret; affects bad",
            layer.key
        );
        assert_eq!(found, [damage, unverified]);
    }
    assert!(check("neither", deep()).unwrap_err().is_not_found());
    link(
        &fixture,
        Stream::Manifest(parts.digest()),
        fixture.blob(b"nothing").stream,
    );
    let (_, found) = check("good", FsckOptions::default()).unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("; affects good"), "{found:?}");
}
