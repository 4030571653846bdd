//! `cfsctl` 0.9.4 over repositories written here, and the other way round.

use std::path::Path;
use std::process::Command;

use lazaret_artifact::media_type::{DOCKER_CONFIG, DOCKER_MANIFEST};
use lazaret_artifact::{ContentDigest, CosignKind, DigestAlgorithm, Relation, VerityAlgorithm};
use lazaret_graph::names::Stream;
use lazaret_graph::{
    BlobRef, LayerRef, ReferrerCommit, Severity, find_record, fsck, list, load, load_index,
    rebuild, rebuilt_digest, referrer_tree, untag,
};
use lazaret_store::ContentType;
use serde_json::Value;

use crate::fixture::{Fixture, Parts, Whole, entry, index, index_entry, run, tool};
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
fn it_lists_checks_and_collects_beside_what_it_does_not_know() {
    for algorithm in [VerityAlgorithm::Sha512, VerityAlgorithm::Sha256] {
        let fixture = Fixture::with(algorithm);
        if cfsctl(&fixture.path("")).is_none() {
            return;
        }
        let graph = Graph::of(&fixture);
        graph.commit(&fixture);
        assert_whole(&fixture);

        let images = ask_json(&fixture, &["oci", "images", "--json"]);
        let rows = images["images"].as_array().unwrap();
        let mut rows: Vec<(&str, u64)> = rows
            .iter()
            .map(|row| {
                let name = row["name"].as_str().unwrap();
                (name, row["referrer_count"].as_u64().unwrap_or(99))
            })
            .collect();
        rows.sort();
        // No index; the image's SBOM, and the SBOM's signature.
        assert_eq!(
            rows,
            [("docker", 0), ("empty", 0), ("image", 1), ("model", 1)]
        );
        let shown = ask_json(&fixture, &["oci", "inspect", "image"]);
        let sbom = graph.sbom.digest().to_string();
        assert!(shown["referrers"].to_string().contains(&sbom), "{shown}");

        // Untagged, the images are still the index's; what is attached to them goes with nobody.
        for tag in ["image", "docker"] {
            untag(&fixture.repository, &tag.parse().unwrap()).unwrap();
        }
        let path = fixture.path("");
        let fixture = fixture.closed();
        run(cfsctl(&path).unwrap(), &["gc"]);
        let fixture = fixture.reopened();
        assert_whole(&fixture);
        let repository = &fixture.repository;
        for parts in [
            &graph.image,
            &graph.docker,
            &graph.empty,
            &graph.sbom,
            &graph.signature,
        ] {
            let name = format!("@{}", parts.digest()).parse().unwrap();
            let image = load(repository, &name).unwrap();
            assert_eq!(image.manifest_bytes, parts.manifest);
            assert_eq!(image.config_bytes, parts.config);
        }
        let outer = load_index(repository, &ContentDigest::sha256(&graph.outer)).unwrap();
        assert_eq!(outer.bytes, graph.outer);
        assert!(outer.children.iter().all(|child| child.stored));
        let tree = referrer_tree(repository, &graph.image.digest()).unwrap();
        assert_eq!(tree.len(), 1);
        assert_eq!(tree[0].row.digest, graph.sbom.digest());
        let mut kept = Vec::new();
        assert!(rebuild(repository, Stream::Blob(graph.kept.digest), &mut kept).unwrap());
        assert_eq!(ContentDigest::sha256(&kept), graph.kept.digest);
        let report = fsck(repository, deep(), &|_| ()).unwrap();
        let worst = report
            .findings
            .iter()
            .map(|finding| finding.severity())
            .max();
        assert!(
            worst.is_none_or(|worst| worst == Severity::Information),
            "{report:?}"
        );
    }
}

/// One of everything.
struct Graph {
    image: Parts,
    docker: Parts,
    model: Parts,
    empty: Parts,
    sbom: Parts,
    signature: Parts,
    inner: Vec<u8>,
    outer: Vec<u8>,
    kept: BlobRef,
}

impl Graph {
    fn of(fixture: &Fixture) -> Self {
        let shared = fixture.layer(&[("shared", &[b's'; 3000])]);
        let image = fixture.image_for("amd64", &[shared]);
        let docker = fixture.image_of_types(&[shared], DOCKER_MANIFEST, DOCKER_CONFIG);
        let model = fixture.artifact(&[(fixture.blob(b"a model"), b"a model")]);
        let sbom = fixture.about(&image.manifest, "application/vnd.test.sbom");
        let inner = index(&[entry(&image.manifest, Some("linux/amd64"))]);
        let outer = index(&[
            entry(&docker.manifest, Some("linux/arm64")),
            index_entry(&inner),
        ]);
        let kept = fixture.blob(b"compressed, as it travelled");
        Self {
            // Has no subject: it is attached from outside.
            signature: fixture.artifact(&[(fixture.blob(b"signed"), b"signed")]),
            empty: fixture.artifact(&[]),
            kept: BlobRef {
                digest: kept.key,
                stream: kept.stream,
            },
            image,
            docker,
            model,
            sbom,
            inner,
            outer,
        }
    }

    fn commit(&self, fixture: &Fixture) {
        let digest = |bytes: &[u8]| ContentDigest::sha256(bytes);
        Whole {
            manifests: &[
                &self.image,
                &self.docker,
                &self.model,
                &self.empty,
                &self.sbom,
                &self.signature,
            ],
            indexes: &[&self.outer, &self.inner],
            blobs: &[self.kept],
            contents: &[],
            referrers: &[ReferrerCommit {
                subject: self.model.digest(),
                referrer: self.signature.digest(),
                relation: Relation::Cosign(CosignKind::Signature),
            }],
            tags: &[
                ("image", self.image.digest()),
                ("docker", self.docker.digest()),
                ("model", self.model.digest()),
                ("empty", self.empty.digest()),
                ("outer", digest(&self.outer)),
            ],
        }
        .run(fixture)
        .unwrap();
    }
}

#[test]
fn artifacts_of_both_share_the_empty_config() {
    let fixture = Fixture::new();
    if cfsctl(&fixture.path("")).is_none() {
        return;
    }
    // It pulls one artifact with that config and no second one, not even into a repository of its
    // own: it looks for the layers of every artifact in the config of the first.
    let layout = fixture.artifact_layout("theirs", b"their model");
    let source = format!("oci:{}:theirs", layout.display());
    ask(&fixture, &["oci", "pull", &source, "theirs"]);
    let artifact = |content: &'static [u8]| fixture.artifact(&[(fixture.blob(content), content)]);
    fixture.commit(&artifact(b"our first"), &["first"]);
    fixture.commit(&artifact(b"our second"), &["second"]);
    fixture.commit(&fixture.artifact(&[]), &["empty"]);
    let path = fixture.path("");
    let fixture = fixture.closed();
    run(cfsctl(&path).unwrap(), &["gc"]);
    let fixture = fixture.reopened();
    assert_whole(&fixture);
    for (tag, content) in [
        ("first", Some("our first")),
        ("second", Some("our second")),
        ("theirs", Some("their model")),
        ("empty", None),
    ] {
        let image = load(&fixture.repository, &tag.parse().unwrap()).unwrap();
        assert_eq!(image.config_bytes, b"{}", "{tag}");
        assert_eq!(image.other_refs.len(), 0, "{tag}");
        let keys: Vec<ContentDigest> = image.layers.iter().map(|layer| layer.key).collect();
        let digest = content.map(|content| ContentDigest::sha256(content.as_bytes()));
        assert_eq!(keys, Vec::from_iter(digest), "{tag}");
        for layer in &image.layers {
            let algorithm = DigestAlgorithm::Sha256;
            let found = rebuilt_digest(&fixture.repository, &layer.stream, algorithm).unwrap();
            assert_eq!(found, layer.key, "{tag}");
        }
    }
    let images = ask_json(&fixture, &["oci", "images", "--json"]);
    assert_eq!(images["images"].as_array().unwrap().len(), 4);
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
