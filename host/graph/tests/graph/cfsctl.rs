//! `cfsctl` 0.9.4 over repositories written here, and the other way round.

use std::path::Path;
use std::process::Command;

use lazaret_artifact::VerityAlgorithm;
use lazaret_artifact::media_type::{DOCKER_CONFIG, DOCKER_MANIFEST};
use lazaret_graph::names::Stream;
use lazaret_graph::{LayerRef, Severity, find_record, fsck, list, load, untag};
use lazaret_store::ContentType;
use serde_json::Value;

use crate::fixture::{Fixture, run, tool};
use crate::fsck::deep;

fn cfsctl(repository: &Path) -> Option<Command> {
    let mut command = tool("cfsctl")?;
    command.arg("--repo").arg(repository);
    Some(command)
}

fn ask(fixture: &Fixture, arguments: &[&str]) -> String {
    run(cfsctl(&fixture.path("")).unwrap(), arguments)
}

fn ask_json(fixture: &Fixture, arguments: &[&str]) -> Value {
    serde_json::from_str(&ask(fixture, arguments)).unwrap()
}

/// Everything `cfsctl` can check.
fn assert_whole(fixture: &Fixture) {
    ask(fixture, &["fsck"]);
    ask(fixture, &["oci", "fsck"]);
}

#[test]
fn what_is_written_here_is_whole_there() {
    for algorithm in [VerityAlgorithm::Sha512, VerityAlgorithm::Sha256] {
        let fixture = Fixture::with(algorithm);
        if cfsctl(&fixture.path("")).is_none() {
            return;
        }
        let image = fixture.demo("quay.io/demo:1");
        let docker = fixture.image_of_types(&image.layers, DOCKER_MANIFEST, DOCKER_CONFIG);
        fixture.commit(&docker, &["docker"]);
        let artifact = fixture.artifact(&[(fixture.blob(b"a model"), b"a model")]);
        fixture.commit(&artifact, &["model"]);
        let second = fixture.artifact(&[(fixture.blob(b"another"), b"another")]);
        fixture.commit(&second, &["model:2"]);
        assert_whole(&fixture);

        let mut images = ask_json(&fixture, &["oci", "images", "--json"]);
        let images = images["images"].take();
        let mut rows: Vec<(&str, String, bool)> = images
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap();
                (
                    text("name"),
                    text("manifest_digest").to_owned(),
                    row["is_container"].as_bool().unwrap(),
                )
            })
            .collect();
        rows.sort();
        assert_eq!(
            rows,
            [
                ("docker", docker.digest().to_string(), false),
                ("model", artifact.digest().to_string(), false),
                ("model:2", second.digest().to_string(), false),
                ("quay.io/demo:1", image.digest().to_string(), true),
            ]
        );
        let shown = ask_json(&fixture, &["oci", "inspect", "quay.io/demo:1"]);
        assert_eq!(
            shown["manifest"].as_str().unwrap().as_bytes(),
            image.manifest
        );
        assert_eq!(shown["config"].as_str().unwrap().as_bytes(), image.config);
    }
}

#[test]
fn its_collection_keeps_what_is_tagged_and_the_records() {
    let fixture = Fixture::new();
    if cfsctl(&fixture.path("")).is_none() {
        return;
    }
    let kept = fixture.demo("kept");
    let gone_layer = fixture.layer(&[("gone", &[b'g'; 4000])]);
    let mut gone = fixture.image(&[gone_layer]);
    gone.records = vec![fixture.record(&gone_layer, &["gone"])];
    fixture.commit(&gone, &["gone"]);
    let artifact = fixture.artifact(&[(fixture.blob(b"a model"), b"a model")]);
    fixture.commit(&artifact, &["model"]);
    untag(&fixture.repository, &"gone".parse().unwrap()).unwrap();

    // It wants the exclusive lock.
    let path = fixture.path("");
    let fixture = fixture.closed();
    run(cfsctl(&path).unwrap(), &["gc"]);
    let fixture = fixture.reopened();

    assert_whole(&fixture);
    let tags: Vec<String> = list(&fixture.repository)
        .unwrap()
        .into_iter()
        .map(|row| row.tag)
        .collect();
    assert_eq!(tags, ["kept", "model"]);
    for name in ["kept", "model"] {
        load(&fixture.repository, &name.parse().unwrap()).unwrap();
    }
    assert!(
        find_record(&fixture.repository, &kept.layers[0].key)
            .unwrap()
            .is_some()
    );
    let layer = Stream::Layer(gone_layer.key).name();
    assert_eq!(fixture.repository.resolve_stream(&layer).unwrap(), None);
    // The record outlives its layer until lazaret itself collects; it does no harm.
    let report = fsck(&fixture.repository, deep(), &|_| ()).unwrap();
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let model = artifact.layers[0].key;
    assert_eq!(
        found,
        [
            format!(
                "info: the import record of {} is of a stream that is not linked",
                gone_layer.key
            ),
            format!("info: layer {model} was not verified by lazaret; affects model"),
        ]
    );
}

#[test]
fn a_layer_that_changed_its_stream_survives_its_collection() {
    let fixture = Fixture::new();
    if cfsctl(&fixture.path("")).is_none() {
        return;
    }
    let content = vec![b's'; 3000];
    let files: [(&str, &[u8]); 1] = [("shared", &content)];
    let inline: LayerRef = fixture.layer_cut_at(&files, 10_000);
    let own = fixture.layer(&[("own", b"own")]);
    fixture.commit(&fixture.image(&[inline, own]), &["first"]);
    let cut = fixture.layer(&files);
    fixture.commit(&fixture.image(&[cut]), &["second"]);

    let path = fixture.path("");
    let fixture = fixture.closed();
    run(cfsctl(&path).unwrap(), &["gc"]);
    let fixture = fixture.reopened();
    assert_whole(&fixture);
    let report = fsck(&fixture.repository, deep(), &|_| ()).unwrap();
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.severity() == Severity::Information)
    );
    for name in ["first", "second"] {
        let image = load(&fixture.repository, &name.parse().unwrap()).unwrap();
        assert_eq!(image.layers[0].stream, cut.stream);
    }
}

#[test]
fn what_it_pulls_is_read_here_and_kept_when_written_again() {
    let fixture = Fixture::new();
    if cfsctl(&fixture.path("")).is_none() {
        return;
    }
    let layer = Fixture::new();
    let stream = layer
        .layer(&[("usr", b""), ("usr/file", &[b'f'; 4000])])
        .stream;
    let mut tar = Vec::new();
    layer
        .repository
        .open_stream(&stream, None)
        .unwrap()
        .rebuild(&mut tar)
        .unwrap();
    let layout = fixture.layout("demo", &tar);
    ask(
        &fixture,
        &[
            "oci",
            "pull",
            &format!("oci:{}:demo", layout.display()),
            "theirs",
        ],
    );

    let repository = &fixture.repository;
    let theirs = load(repository, &"theirs".parse().unwrap()).unwrap();
    assert_eq!(theirs.layers.len(), 1);
    assert!(
        theirs
            .other_refs
            .keys()
            .any(|key| key.starts_with("composefs.image")),
        "{theirs:?}"
    );
    let report = fsck(repository, deep(), &|_| ()).unwrap();
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let layer = theirs.layers[0].key;
    assert_eq!(
        found,
        [format!(
            "info: layer {layer} was not verified by lazaret; affects theirs"
        )]
    );

    // The same image again, with the layer cut otherwise: all inline.
    let mut bytes = Vec::new();
    repository
        .open_stream(&theirs.layers[0].stream, None)
        .unwrap()
        .rebuild(&mut bytes)
        .unwrap();
    let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
    writer.inline(&bytes).unwrap();
    let stream = writer.finish().unwrap().digest;
    let parts = crate::fixture::Parts {
        manifest: theirs.manifest_bytes.clone(),
        config: theirs.config_bytes.clone(),
        layers: vec![LayerRef { key: layer, stream }],
        records: Vec::new(),
    };
    fixture.commit(&parts, &["ours"]);
    let ours = load(&fixture.repository, &"theirs".parse().unwrap()).unwrap();
    assert_eq!(ours.other_refs, theirs.other_refs);
    assert_eq!(ours.layers[0].stream, stream);
    assert_whole(&fixture);
    ask(
        &fixture,
        &["oci", "tag", &ours.manifest.digest.to_string(), "a/b:c"],
    );
    let tags: Vec<String> = list(&fixture.repository)
        .unwrap()
        .into_iter()
        .map(|row| row.tag)
        .collect();
    assert_eq!(tags, ["a/b:c", "ours", "theirs"]);
}
