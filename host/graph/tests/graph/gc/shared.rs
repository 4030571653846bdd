//! Two hundred images that share layers, half of which lose their names.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_graph::names::Stream;
use lazaret_graph::{FsckOptions, LayerRef, fsck, load, rebuild, untag};
use lazaret_store::{CheckOptions, Repository};

use super::{collect, files, object_path, plan};
use crate::fixture::{Fixture, run, tool};

const IMAGES: usize = 200;
const LAYERS: usize = 60;

/// Layers of an image: a base that many share, and two of a few.
fn layers_of(image: usize) -> Vec<usize> {
    vec![image % 5, 5 + (image * 7) % 30, 35 + (image * 13) % 25]
}

/// What tags lead to, found by walking the files of the repository from them: streams by their
/// references, records by their names.
fn walk(repository: &Repository, fixture: &Fixture) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut by_object: BTreeMap<String, String> = BTreeMap::new();
    for name in files(&fixture.path(""), "streams") {
        if !name.starts_with("refs/") {
            let target = std::fs::read_link(fixture.path("streams").join(&name)).unwrap();
            let target = target.to_str().unwrap().strip_prefix("../objects/");
            by_object.insert(target.unwrap().to_owned(), name);
        }
    }
    let mut names = BTreeSet::new();
    let mut objects = BTreeSet::new();
    let mut waiting: Vec<String> = std::fs::read_dir(fixture.path("streams/refs/oci"))
        .unwrap()
        .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap())
        .map(|target| target.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    while let Some(name) = waiting.pop() {
        if !names.insert(name.clone()) {
            continue;
        }
        let stream = super::world::linked(fixture, &name);
        objects.insert(object_path(&stream));
        let reader = repository.open_stream(&stream, None).unwrap();
        objects.extend(reader.object_refs().iter().map(object_path));
        let refs = reader.stream_refs().values();
        waiting.extend(refs.map(|stream| by_object[&object_path(stream)].clone()));
        if let Some(layer) = name.strip_prefix("oci-layer-") {
            waiting.push(format!("lazaret-record-{layer}"));
        }
    }
    (names, objects)
}

#[test]
fn half_of_two_hundred_images_go_with_what_only_they_had() {
    let fixture = Fixture::new();
    let repository = &fixture.repository;
    let layers: Vec<LayerRef> = (0..LAYERS)
        .map(|layer| {
            // Half of a layer's files are in its neighbour too.
            let contents: Vec<(String, Vec<u8>)> = (layer..layer + 8)
                .map(|file| (format!("f{file}"), vec![file as u8; 500 + file]))
                .collect();
            let files: Vec<(&str, &[u8])> = contents
                .iter()
                .map(|(name, content)| (&**name, &**content))
                .collect();
            fixture.layer(&files)
        })
        .collect();
    let mut images = Vec::new();
    for image in 0..IMAGES {
        let own: Vec<LayerRef> = layers_of(image).into_iter().map(|n| layers[n]).collect();
        let mut parts = fixture.image(&own);
        parts.records = own
            .iter()
            .map(|layer| fixture.record(layer, &["x"]))
            .collect();
        // Images of equal layers have equal configs, and are one.
        fixture.commit(&parts, &[&format!("image:{image}")]);
        images.push(parts.digest());
    }
    for image in (0..IMAGES).filter(|image| image % 2 == 1) {
        untag(repository, &format!("image:{image}").parse().unwrap()).unwrap();
    }
    let (names, objects) = walk(repository, &fixture);
    let before = files(&fixture.path(""), "objects");
    let unreachable = before.difference(&objects).count();
    assert!(unreachable > 50, "{unreachable}");

    let planned = plan(repository).unwrap();
    let went = collect(repository).unwrap();
    assert_eq!(went, planned);
    assert_eq!(went.objects.len(), unreachable);
    assert_eq!(files(&fixture.path(""), "objects"), objects);
    let streams: BTreeSet<String> = files(&fixture.path(""), "streams")
        .into_iter()
        .filter(|name| !name.starts_with("refs/"))
        .collect();
    assert_eq!(streams, names);

    for image in (0..IMAGES).step_by(2) {
        let loaded = load(repository, &format!("image:{image}").parse().unwrap()).unwrap();
        assert_eq!(loaded.manifest.digest, images[image]);
        assert_eq!(loaded.layers.len(), 3);
    }
    let documents = streams.iter().filter_map(|name| Stream::parse(name));
    for stream in documents.filter(|stream| !matches!(stream, Stream::Record(_))) {
        assert!(rebuild(repository, stream, &mut std::io::sink()).unwrap());
    }
    let options = FsckOptions {
        deep: false,
        store: CheckOptions::default(),
    };
    let report = fsck(repository, options, &|_| {}).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    if let Some(mut command) = tool("cfsctl") {
        command.arg("--repo").arg(fixture.path(""));
        run(command, &["fsck"]);
        let mut command = tool("cfsctl").unwrap();
        command.arg("--repo").arg(fixture.path(""));
        run(command, &["oci", "fsck"]);
        // It finds nothing more to collect.
        let mut command = tool("cfsctl").unwrap();
        command.arg("--repo").arg(fixture.path(""));
        let said = run(command, &["gc", "--dry-run"]);
        assert!(said.contains("0 objects") || said.contains(": 0"), "{said}");
    }
}
