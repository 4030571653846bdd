//! Loading, listing, naming.

use lazaret_artifact::ContentDigest;
use lazaret_graph::images::{Details, list, load, load_graph, tag, untag};
use lazaret_graph::names::{Stream, TAGS};
use lazaret_graph::{GraphError, Kind, Name};
use lazaret_store::StreamName;

use crate::fixture::{Fixture, Whole, entry, index, index_entry};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn an_image_is_loaded_as_it_was_committed() {
    let fixture = Fixture::new();
    let one = fixture.layer(&[("a", b"one")]);
    let two = fixture.layer(&[("b", b"two")]);
    let parts = fixture.image(&[one, two, one]);
    let committed = fixture.commit(&parts, &["b", "a"]);
    for text in [
        "a".to_owned(),
        "b".to_owned(),
        format!("@{}", parts.digest()),
    ] {
        let image = load(&fixture.repository, &name(&text)).unwrap();
        assert_eq!(image.manifest_bytes, parts.manifest);
        assert_eq!(image.config_bytes, parts.config);
        assert_eq!(image.manifest.digest, parts.digest());
        assert_eq!(image.config.unwrap().diff_ids, [one.key, two.key, one.key]);
        let layers: Vec<_> = image.layers.iter().map(|l| (l.key, l.stream)).collect();
        assert_eq!(layers, [one, two, one].map(|l| (l.key, l.stream)));
        assert_eq!(image.layers[1].descriptor, image.manifest.layers[1]);
        assert_eq!(image.manifest_stream, committed.manifest);
        assert_eq!(image.config_stream, committed.config);
        let tags: Vec<String> = image.tags.iter().map(ToString::to_string).collect();
        assert_eq!(tags, ["a", "b"]);
        assert!(image.other_refs.is_empty());
    }
}

#[test]
fn an_artifact_is_loaded_by_the_digests_of_its_blobs() {
    let fixture = Fixture::new();
    let blob = fixture.blob(b"a model");
    let parts = fixture.artifact(&[(blob, b"a model")]);
    fixture.commit(&parts, &["model"]);
    let image = load(&fixture.repository, &name("model")).unwrap();
    assert!(image.config.is_none());
    assert_eq!(
        (image.layers[0].key, image.layers[0].stream),
        (blob.key, blob.stream)
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    let fixture = Fixture::new();
    let digest = "@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    for (text, want) in [
        ("x", "no tag x"),
        (digest, &format!("no image {}", &digest[1..])),
    ] {
        let error = load(&fixture.repository, &name(text)).unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), want);
    }
    let error = untag(&fixture.repository, &"x".parse().unwrap()).unwrap_err();
    assert!(error.is_not_found());
    let error = tag(&fixture.repository, &name("x"), &"y".parse().unwrap()).unwrap_err();
    assert!(error.is_not_found());
}

#[test]
fn tags_move_and_go() {
    let fixture = Fixture::new();
    let one = fixture.image(&[fixture.layer(&[("a", b"one")])]);
    let two = fixture.image(&[fixture.layer(&[("b", b"two")])]);
    fixture.commit(&one, &["one"]);
    fixture.commit(&two, &["two"]);
    let repository = &fixture.repository;
    let digest = |text: &str| load(repository, &name(text)).unwrap().manifest.digest;
    let at = |text: &str| text.parse().unwrap();
    tag(repository, &name("one"), &at("x/y")).unwrap();
    assert_eq!(digest("x/y"), one.digest());
    tag(repository, &name(&format!("@{}", two.digest())), &at("x/y")).unwrap();
    assert_eq!(digest("x/y"), two.digest());
    untag(repository, &at("x/y")).unwrap();
    assert!(load(repository, &name("x/y")).unwrap_err().is_not_found());
    untag(repository, &at("two")).unwrap();
    // Untagged is not deleted.
    assert_eq!(digest(&format!("@{}", two.digest())), two.digest());
}

#[test]
fn a_list_shows_what_it_can_and_says_what_it_cannot() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    let image = fixture.image(&[layer, layer]);
    fixture.commit(&image, &["image"]);
    let artifact = fixture.artifact(&[(fixture.blob(b"model"), b"model")]);
    fixture.commit(&artifact, &["artifact"]);
    let broken = fixture.image(&[fixture.layer(&[("b", b"two")])]);
    let committed = fixture.commit(&broken, &["broken"]);
    let object = committed.manifest.hex();
    std::fs::remove_file(fixture.path(&format!("objects/{}/{}", &object[..2], &object[2..])))
        .unwrap();
    let mut transaction = fixture.repository.transaction();
    let layer_name: StreamName = Stream::Layer(layer.key).name();
    transaction.link_ref(TAGS, "odd", layer_name);
    transaction.commit().unwrap();

    let rows = list(&fixture.repository).unwrap();
    let tags: Vec<&str> = rows.iter().map(|row| row.tag.as_str()).collect();
    assert_eq!(tags, ["artifact", "broken", "image", "odd"]);
    assert_eq!(rows[0].digest, Some(artifact.digest()));
    assert_eq!(
        *rows[0].details.as_ref().unwrap(),
        Details {
            kind: Kind::Artifact,
            artifact_type: Some("application/vnd.test".to_owned()),
            platform: None,
            platforms: Vec::new(),
            created: None,
            size: (artifact.manifest.len() + 2 + 5) as u64,
            shared: 0,
            layers: 1,
            stored: 1,
            referrers: 0,
        }
    );
    assert_eq!(
        *rows[2].details.as_ref().unwrap(),
        Details {
            kind: Kind::Image,
            artifact_type: None,
            platform: Some("linux/amd64".parse().unwrap()),
            platforms: Vec::new(),
            created: Some("2024-01-02T03:04:05Z".to_owned()),
            // A header, a padded file, two zero blocks; twice.
            size: (image.manifest.len() + image.config.len() + 2 * 2048) as u64,
            shared: 0,
            layers: 2,
            stored: 2,
            referrers: 0,
        }
    );
    assert_eq!(rows[1].digest, Some(broken.digest()));
    assert!(rows[1].details.as_ref().unwrap_err().is_damage());
    assert!(matches!(rows[3].details, Err(GraphError::NotAnImage)));
}

#[test]
fn a_graph_is_all_that_is_stored_below_a_name() {
    let fixture = Fixture::new();
    let shared = fixture.layer(&[("a", b"one")]);
    let (amd, arm) = (
        fixture.image_for("amd64", &[shared]),
        fixture.image_for("arm64", &[shared]),
    );
    let absent = fixture.image_for("riscv64", &[shared]);
    let blob = fixture.blob(b"a model");
    let model = fixture.artifact(&[(blob, b"a model")]);
    let inner = index(&[entry(&arm.manifest, None), entry(&model.manifest, None)]);
    let outer = index(&[
        index_entry(&inner),
        entry(&absent.manifest, None),
        entry(&amd.manifest, None),
        entry(&arm.manifest, None),
    ]);
    let about = fixture.about(&outer, "application/vnd.test");
    Whole {
        manifests: &[&amd, &arm, &model, &about],
        indexes: &[&outer, &inner],
        tags: &[
            ("all", ContentDigest::sha256(&outer)),
            ("model", model.digest()),
        ],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let graph = load_graph(&fixture.repository, &name("all")).unwrap();
    assert_eq!(graph.root, ContentDigest::sha256(&outer));
    assert!(graph.root_is_index);
    let indexes: Vec<&[u8]> = graph.indexes.iter().map(|(_, bytes)| &**bytes).collect();
    assert_eq!(indexes, [&*outer, &*inner]);
    let found: Vec<&[u8]> = graph.manifests.iter().map(|m| &*m.manifest_bytes).collect();
    assert_eq!(found, [&*arm.manifest, &*model.manifest, &*amd.manifest]);
    let configs: Vec<&[u8]> = graph.manifests.iter().map(|m| &*m.config_bytes).collect();
    assert_eq!(configs, [&*arm.config, b"{}", &*amd.config]);
    assert!(graph.manifests[0].config.is_some() && graph.manifests[1].config.is_none());
    assert_eq!(graph.manifests[1].layers[0].stream, blob.stream);

    let graph = load_graph(&fixture.repository, &name("model")).unwrap();
    assert_eq!((graph.root, graph.root_is_index), (model.digest(), false));
    assert!(graph.indexes.is_empty() && graph.manifests.len() == 1);
    assert!(load_graph(&fixture.repository, &name("none")).is_err());
}
