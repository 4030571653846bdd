//! What a commit writes, keeps and refuses.

use lazaret_artifact::ContentDigest;
use lazaret_artifact::media_type::{DOCKER_CONFIG, DOCKER_MANIFEST};
use lazaret_graph::GraphError;
use lazaret_graph::names::{LAZARET, Stream, TAGS, config_key, layer_key, record_ref};
use lazaret_store::ContentType;
use proptest::prelude::*;

use crate::fixture::{Fixture, Whole, chain, entry, index, index_entry};

type Refs = std::collections::BTreeMap<String, lazaret_artifact::VerityDigest>;

fn refs(fixture: &Fixture, stream: Stream) -> Refs {
    let kind = match stream {
        Stream::Manifest(_) => ContentType::MANIFEST,
        _ => ContentType::CONFIG,
    };
    let linked = fixture
        .repository
        .resolve_stream(&stream.name())
        .unwrap()
        .unwrap();
    fixture.repository.single_object(&linked, kind).unwrap().1
}

#[test]
fn an_image_has_the_names_and_refs_of_the_format() {
    let fixture = Fixture::new();
    let one = fixture.layer(&[("a", b"one")]);
    let two = fixture.layer(&[("b", b"two")]);
    // The same layer may occur twice.
    let mut parts = fixture.image(&[one, two, one]);
    let record = fixture.record(&one, &["a"]);
    parts.records = vec![record];
    let committed = fixture.commit(&parts, &["x/y:1", "latest"]);
    assert_eq!(committed.rewritten, []);

    let repository = &fixture.repository;
    let manifest = parts.parsed();
    let config = manifest.config.digest;
    let mut streams: Vec<String> = repository
        .streams()
        .unwrap()
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect();
    streams.sort();
    let mut want = vec![
        format!("lazaret-record-{}", one.key),
        format!("oci-config-{config}"),
        format!("oci-layer-{}", one.key),
        format!("oci-layer-{}", two.key),
        format!("oci-manifest-{}", manifest.digest),
    ];
    want.sort();
    assert_eq!(streams, want);
    let layers = [
        (layer_key(&one.key), one.stream),
        (layer_key(&two.key), two.stream),
    ];
    assert_eq!(
        refs(&fixture, Stream::Config(config)),
        Refs::from(layers.clone())
    );
    let mut in_manifest = Refs::from(layers);
    in_manifest.insert(config_key(&config), committed.config);
    assert_eq!(
        refs(&fixture, Stream::Manifest(manifest.digest)),
        in_manifest
    );

    let target = Stream::Manifest(manifest.digest).name();
    let tags = repository.refs(TAGS).unwrap();
    assert_eq!(tags.len(), 2);
    for tag in ["x%2Fy:1", "latest"] {
        assert!(tags.contains(&(tag.to_owned(), target.clone())));
    }
    assert_eq!(
        repository.refs(LAZARET).unwrap(),
        [(record_ref(&one.key), Stream::Record(one.key).name())]
    );
}

#[test]
fn committing_again_writes_nothing_new() {
    let fixture = Fixture::new();
    let parts = fixture.demo("one");
    let before = fixture.repository.usage().unwrap().objects;
    let first = fixture.commit(&parts, &[]);
    let second = fixture.commit(&parts, &["two"]);
    assert_eq!(first, second);
    assert_eq!(fixture.repository.usage().unwrap().objects, before);
}

#[test]
fn artifacts_share_the_empty_config_and_leave_no_layers_in_it() {
    let fixture = Fixture::new();
    let one = fixture.artifact(&[(fixture.blob(b"first model"), b"first model")]);
    let two = fixture.artifact(&[(fixture.blob(b"second model"), b"second model")]);
    let first = fixture.commit(&one, &["one"]);
    let second = fixture.commit(&two, &["two"]);
    assert_eq!(first.config, second.config);
    assert_eq!(
        refs(&fixture, Stream::Config(ContentDigest::sha256(b"{}"))),
        Refs::new()
    );
    let in_manifest = refs(&fixture, Stream::Manifest(two.digest()));
    assert_eq!(
        in_manifest[&layer_key(&ContentDigest::sha256(b"second model"))],
        two.layers[0].stream
    );
    assert_eq!(in_manifest.len(), 2);
}

#[test]
fn an_image_of_docker_types_is_found_by_blob_digest_too() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    let parts = fixture.image_of_types(&[layer], DOCKER_MANIFEST, DOCKER_CONFIG);
    fixture.commit(&parts, &["docker"]);
    let manifest = parts.parsed();
    let found = refs(&fixture, Stream::Manifest(manifest.digest));
    assert_eq!(found[&layer_key(&layer.key)], layer.stream);
    assert_eq!(found[&layer_key(&manifest.layers[0].digest)], layer.stream);
    assert_eq!(found.len(), 3);
}

/// Adds a ref to a linked config or manifest, as another tool might.
fn add_foreign_ref(fixture: &Fixture, stream: Stream, key: &str) -> lazaret_artifact::VerityDigest {
    let repository = &fixture.repository;
    let kind = match stream {
        Stream::Manifest(_) => ContentType::MANIFEST,
        _ => ContentType::CONFIG,
    };
    let linked = repository.resolve_stream(&stream.name()).unwrap().unwrap();
    let (object, refs) = repository.single_object(&linked, kind).unwrap();
    let foreign = repository.put(b"an EROFS image, say").unwrap().digest;
    let mut writer = repository.stream_writer(kind).unwrap();
    for (key, stream) in &refs {
        writer.add_stream_ref(key, stream).unwrap();
    }
    writer.add_stream_ref(key, &foreign).unwrap();
    let size = repository.has_object(&object).unwrap().unwrap();
    writer.object(&object, size).unwrap();
    let mut transaction = repository.transaction();
    transaction.link_stream(stream.name(), writer.finish().unwrap().digest);
    transaction.commit().unwrap();
    foreign
}

#[test]
fn what_another_tool_added_is_kept() {
    let fixture = Fixture::new();
    let parts = fixture.demo("demo");
    let manifest = parts.parsed();
    let (config, image) = (
        Stream::Config(manifest.config.digest),
        Stream::Manifest(manifest.digest),
    );
    let erofs = add_foreign_ref(&fixture, config, "composefs.image.v1");
    let other = add_foreign_ref(&fixture, image, "somebody.elses");
    let committed = fixture.commit(&parts, &["demo"]);
    let in_config = refs(&fixture, config);
    assert_eq!(in_config["composefs.image.v1"], erofs);
    assert_eq!(
        in_config[&layer_key(&parts.layers[0].key)],
        parts.layers[0].stream
    );
    let in_manifest = refs(&fixture, image);
    assert_eq!(in_manifest["somebody.elses"], other);
    assert_eq!(
        in_manifest[&config_key(&manifest.config.digest)],
        committed.config
    );
}

#[test]
fn a_layer_with_a_new_stream_is_new_for_every_image_that_has_it() {
    let fixture = Fixture::new();
    let content = [b'y'; 50];
    let files: [(&str, &[u8]); 1] = [("shared", &content)];
    let old = fixture.layer(&files);
    let bottom = fixture.layer(&[("bottom", b"b")]);
    let first = fixture.image(&[old]);
    let second = fixture.image(&[bottom, old]);
    let unrelated = fixture.image(&[bottom]);
    fixture.commit(&first, &["first"]);
    fixture.commit(&second, &["second"]);
    let before = fixture.commit(&unrelated, &["unrelated"]);

    // The same bytes, cut otherwise.
    let new = fixture.layer_cut_at(&files, 10);
    assert_eq!(new.key, old.key);
    assert_ne!(new.stream, old.stream);
    let third = fixture.image(&[new, bottom]);
    let committed = fixture.commit(&third, &["third"]);
    let mut want: Vec<Stream> = [&first, &second]
        .iter()
        .flat_map(|parts| {
            let manifest = parts.parsed();
            [
                Stream::Config(manifest.config.digest),
                Stream::Manifest(manifest.digest),
            ]
        })
        .collect();
    let mut rewritten = committed.rewritten;
    want.sort();
    rewritten.sort();
    assert_eq!(rewritten, want);
    for parts in [&first, &second, &third] {
        let image = lazaret_graph::images::load(
            &fixture.repository,
            &lazaret_graph::Name::Digest(parts.digest()),
        )
        .unwrap();
        let layer = image
            .layers
            .iter()
            .find(|layer| layer.key == new.key)
            .unwrap();
        assert_eq!(layer.stream, new.stream);
        let config = refs(&fixture, Stream::Config(image.manifest.config.digest));
        assert_eq!(config[&layer_key(&new.key)], new.stream);
    }
    assert_eq!(fixture.commit(&unrelated, &[]), before);
}

#[test]
fn documents_and_layers_that_do_not_fit_are_refused() {
    let fixture = Fixture::new();
    let layer = fixture.layer(&[("a", b"one")]);
    let other = fixture.layer(&[("b", b"two")]);
    let good = fixture.image(&[layer]);
    let refusal = |parts: &crate::fixture::Parts| {
        let error = fixture.try_commit(parts, &["x"]).unwrap_err();
        (error.is_input_fault(), chain(&error))
    };

    let mut parts = good.clone();
    parts.config.push(b' ');
    let config = ContentDigest::sha256(&good.config);
    let want = format!(
        "{config}: config digest mismatch: expected {config}, found {}",
        ContentDigest::sha256(&parts.config)
    );
    assert_eq!(refusal(&parts), (true, want));

    let mut parts = good.clone();
    parts.layers = vec![other];
    let want = format!("no stream was given for layer {}", layer.key);
    assert_eq!(refusal(&parts), (false, want));

    let mut parts = good.clone();
    let text = String::from_utf8(good.manifest.clone()).unwrap();
    parts.manifest = text.replace("\"layers\":[", "\"layers\":[{\"mediaType\":\"a/b\",\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2},").into_bytes();
    let want = format!(
        "{}: number of layers mismatch: expected 1, found 2",
        parts.digest()
    );
    assert_eq!(refusal(&parts), (true, want));

    let mut parts = good.clone();
    parts.layers[0].stream = Fixture::new().layer(&[("never", b"stored here")]).stream;
    let error = fixture.try_commit(&parts, &["x"]).unwrap_err();
    assert!(matches!(error, GraphError::NoObject { .. }));
    // Nothing of all this has a name.
    assert_eq!(fixture.repository.streams().unwrap(), []);
    assert_eq!(fixture.repository.refs(TAGS).unwrap(), []);
}

#[test]
fn a_damaged_config_stream_is_replaced() {
    let fixture = Fixture::new();
    let parts = fixture.demo("demo");
    let config = Stream::Config(parts.parsed().config.digest);
    let wrong = fixture.blob(b"not a config").stream;
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(config.name(), wrong);
    transaction.commit().unwrap();
    let committed = fixture.commit(&parts, &[]);
    assert_eq!(
        fixture.repository.resolve_stream(&config.name()).unwrap(),
        Some(committed.config)
    );
    lazaret_graph::load(&fixture.repository, &"demo".parse().unwrap()).unwrap();
}

#[test]
fn commits_at_the_same_time_leave_every_image_whole() {
    let fixture = Fixture::new();
    let content = [b'z'; 60];
    let files: [(&str, &[u8]); 1] = [("shared", &content)];
    let cuts = [fixture.layer(&files), fixture.layer_cut_at(&files, 10)];
    std::thread::scope(|scope| {
        for number in 0..8_usize {
            let (fixture, cuts) = (&fixture, &cuts);
            scope.spawn(move || {
                let name = format!("own-{number}");
                let own = fixture.layer(&[(&name, b"own")]);
                fixture.commit(&fixture.image(&[cuts[number % 2], own]), &[&name]);
            });
        }
    });
    let report = lazaret_graph::fsck(&fixture.repository, Default::default(), &|_| ()).unwrap();
    let bad: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| finding.severity() > lazaret_graph::Severity::Information)
        .map(ToString::to_string)
        .collect();
    assert_eq!(bad, Vec::<String>::new());
    assert_eq!(report.images, 8);
}

/// Which of three layers an image has, in which of two ways they are cut, and which of the images
/// that were there before is listed beside it in an index.
type Made = (Vec<usize>, usize, Option<usize>);

fn any_images() -> impl Strategy<Value = Vec<Made>> {
    let layers = prop::collection::vec(0..3_usize, 1..4);
    prop::collection::vec((layers, 0..2_usize, prop::option::of(0..8_usize)), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever shares whatever with whatever, in the end everything refers to what is linked, and
    /// nothing is left over.
    #[test]
    fn any_images_and_indexes_leave_a_whole_repository(made in any_images()) {
        let fixture = Fixture::in_memory();
        let content = [[b'0'; 300], [b'1'; 300], [b'2'; 300]];
        let layer = |number: usize, cut: usize| {
            fixture.layer_cut_at(&[("file", &content[number])], [64, 1000][cut])
        };
        let mut entries = Vec::new();
        for (at, (layers, cut, listed)) in made.iter().enumerate() {
            let layers: Vec<_> = layers.iter().map(|number| layer(*number, *cut)).collect();
            let image = fixture.image_for(&format!("a{at}"), &layers);
            let own = entry(&image.manifest, Some("linux/amd64"));
            let beside = listed.and_then(|number| entries.get(number).cloned());
            let multi = index(&[vec![own], Vec::from_iter(beside)].concat());
            Whole {
                manifests: &[&image],
                indexes: &[&multi],
                tags: &[(&format!("multi:{at}"), ContentDigest::sha256(&multi))],
                ..Whole::default()
            }
            .run(&fixture)
            .unwrap();
            entries.push(match at % 2 {
                0 => entry(&image.manifest, None),
                _ => index_entry(&multi),
            });
        }
        let report = lazaret_graph::fsck(&fixture.repository, Default::default(), &|_| ()).unwrap();
        let bad: Vec<String> = report
            .findings
            .iter()
            .filter(|finding| finding.severity() > lazaret_graph::Severity::Information)
            .map(ToString::to_string)
            .collect();
        prop_assert_eq!(bad, Vec::<String>::new());
        for row in lazaret_graph::list(&fixture.repository).unwrap() {
            let multi = lazaret_graph::load_index(&fixture.repository, &row.digest.unwrap()).unwrap();
            let (_, refs) =
                fixture.repository.single_object(&multi.stream, ContentType::INDEX).unwrap();
            prop_assert_eq!(refs.len(), multi.children.len());
            for (key, child) in refs {
                let digest = lazaret_graph::names::parse_child_key(&key).unwrap();
                let linked = [Stream::Manifest(digest), Stream::Index(digest)]
                    .iter()
                    .find_map(|name| fixture.repository.resolve_stream(&name.name()).unwrap());
                prop_assert_eq!(linked, Some(child));
            }
        }
        for (name, _) in fixture.repository.streams().unwrap() {
            prop_assert!(Stream::parse(name.as_str()).is_some(), "{}", name);
        }
    }
}
