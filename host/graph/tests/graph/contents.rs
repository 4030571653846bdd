//! What compressed blobs of artifacts hold, and blobs that are stored otherwise than before.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use lazaret_artifact::ContentDigest;
use lazaret_graph::names::{LAZARET, OwnRef, Stream};
use lazaret_graph::{
    ContentRef, FsckOptions, GraphError, LayerRef, Severity, Unpacked, find_content, fsck,
    fsck_image, load, rebuild, unpacked, untag,
};
use lazaret_store::ContentType;

use crate::fixture::{Fixture, Parts, Whole, entry, index, run, tool};
use crate::fsck::deep;
use crate::gc::{collect, files};

/// An artifact of one compressed archive.
struct Packed {
    parts: Parts,
    blob: LayerRef,
    content: LayerRef,
}

impl Packed {
    fn new(fixture: &Fixture, compress: fn(&[u8]) -> Vec<u8>) -> Self {
        let file = vec![b'w'; 9000];
        let content = fixture.layer(&[("weights", &file), ("licence", b"MIT")]);
        let travelled = compress(&bytes(fixture, &content));
        let blob = fixture.blob(&travelled);
        let mut parts = fixture.artifact(&[(blob, &travelled)]);
        parts.records = vec![
            fixture.record(&blob, &[]),
            fixture.record(&content, &["weights", "licence"]),
        ];
        // The fixture commits all of these, whether a manifest names them or not.
        parts.layers.push(content);
        Self {
            parts,
            blob,
            content,
        }
    }

    fn link(&self) -> ContentRef {
        ContentRef {
            blob: self.blob.key,
            content: self.content.key,
        }
    }

    fn commit(&self, fixture: &Fixture) {
        Whole {
            manifests: &[&self.parts],
            contents: &[self.link()],
            tags: &[("packed", self.parts.digest())],
            ..Whole::default()
        }
        .run(fixture)
        .unwrap();
    }

    fn own_ref(&self) -> String {
        format!("streams/refs/{LAZARET}/{}", OwnRef::Content(self.blob.key))
    }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    // Two members, as `pigz -i` and concatenation make them.
    let (one, two) = data.split_at(data.len() / 2);
    [one, two]
        .into_iter()
        .flat_map(|part| {
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap()
        })
        .collect()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    // A skippable frame first, as zstd:chunked has them.
    let mut whole = vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    whole.extend(zstd::encode_all(data, 3).unwrap());
    whole
}

fn bytes(fixture: &Fixture, layer: &LayerRef) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = fixture.repository.open_stream(&layer.stream, None).unwrap();
    reader.rebuild(&mut bytes).unwrap();
    bytes
}

/// The same bytes as one object, or as many as are wanted.
fn cut(fixture: &Fixture, layer: &LayerRef, pieces: usize) -> LayerRef {
    let whole = bytes(fixture, layer);
    let mut writer = fixture.repository.stream_writer(ContentType::BLOB).unwrap();
    for piece in whole.chunks(whole.len().div_ceil(pieces)) {
        let object = fixture.repository.put(piece).unwrap();
        writer.object(&object.digest, object.size).unwrap();
    }
    LayerRef {
        key: layer.key,
        stream: writer.finish().unwrap().digest,
    }
}

fn findings(fixture: &Fixture, options: FsckOptions) -> Vec<String> {
    let report = fsck(&fixture.repository, options, &|_| ()).unwrap();
    let findings = report.findings.iter();
    findings.map(ToString::to_string).collect()
}

fn findings_of_packed(fixture: &Fixture) -> Vec<String> {
    let name = "packed".parse().unwrap();
    let report = fsck_image(&fixture.repository, &name, deep(), &|_| ()).unwrap();
    let findings = report.findings.iter();
    findings.map(ToString::to_string).collect()
}

fn link(fixture: &Fixture, stream: Stream, layer: &LayerRef) {
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(stream.name(), layer.stream);
    transaction.commit().unwrap();
}

#[test]
fn what_a_blob_holds_is_found_from_it_and_both_are_whole() {
    for compress in [gzip as fn(&[u8]) -> Vec<u8>, zstd] {
        let fixture = Fixture::new();
        let packed = Packed::new(&fixture, compress);
        packed.commit(&fixture);
        let found = Unpacked {
            content: packed.content.key,
            stream: packed.content.stream,
        };
        let repository = &fixture.repository;
        assert_eq!(unpacked(repository, &packed.blob.key).unwrap(), Some(found));
        assert_eq!(unpacked(repository, &packed.content.key).unwrap(), None);
        let image = load(repository, &"packed".parse().unwrap()).unwrap();
        assert_eq!(image.layers.len(), 1);
        assert_eq!(image.layers[0].unpacked, Some(found));
        let target = std::fs::read_link(fixture.path(&packed.own_ref())).unwrap();
        assert_eq!(
            target.to_str().unwrap(),
            format!("../../oci-layer-{}", packed.content.key)
        );
        assert_eq!(findings(&fixture, deep()), Vec::<String>::new());
        assert_eq!(findings_of_packed(&fixture), Vec::<String>::new());
        let report = fsck(repository, deep(), &|_| ()).unwrap();
        assert_eq!((report.layers, report.records), (2, 2));
        // Both are given back.
        for layer in [packed.blob, packed.content] {
            assert!(rebuild(repository, Stream::Layer(layer.key), &mut std::io::sink()).unwrap());
            let content = find_content(repository, &layer.key).unwrap().unwrap();
            assert_eq!(content.stream, layer.stream);
        }
    }
}

#[test]
fn a_content_whose_streams_are_not_given_is_refused() {
    let fixture = Fixture::new();
    let packed = Packed::new(&fixture, gzip);
    let strange = ContentRef {
        blob: packed.blob.key,
        content: ContentDigest::sha256(b"strange"),
    };
    let error = Whole {
        manifests: &[&packed.parts],
        contents: &[packed.link(), strange],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap_err();
    assert!(
        matches!(error, GraphError::LayerNotGiven { layer } if layer == strange.content),
        "{error}"
    );
    assert!(
        unpacked(&fixture.repository, &packed.blob.key)
            .unwrap()
            .is_none()
    );
}

#[test]
fn what_is_wrong_with_a_content_names_its_blob() {
    let fixture = Fixture::new();
    let packed = Packed::new(&fixture, gzip);
    packed.commit(&fixture);
    let (blob, content) = (packed.blob.key, packed.content.key);
    let again = format!("affects packed; pull again blob {blob}");

    // Not what its name says.
    let other = fixture.layer(&[("other", b"other")]);
    link(&fixture, Stream::Layer(content), &other);
    let lies = format!(
        "damage: layer {content}: content mismatch: expected {content}, found {}; {again}",
        other.key
    );
    let smaller = format!(
        "damage: blob {blob} does not hold {content}: it decompresses to more than 2048 bytes; \
         {again}"
    );
    let stale = [
        format!(
            "info: the import record of {content} is of a stream that is not linked; affects packed"
        ),
        format!("info: layer {content} was not verified by lazaret; affects packed"),
    ];
    for found in [findings(&fixture, deep()), findings_of_packed(&fixture)] {
        let damage: Vec<&String> = found.iter().filter(|f| f.starts_with("damage")).collect();
        assert!(
            damage.contains(&&lies) && damage.contains(&&smaller),
            "{found:?}"
        );
        assert_eq!(damage.len(), 2, "{found:?}");
        assert!(stale.iter().all(|line| found.contains(line)), "{found:?}");
    }
    packed.commit(&fixture);
    assert_eq!(findings(&fixture, deep()), Vec::<String>::new());

    // Sound, and of another blob.
    let wrong = ContentRef {
        blob,
        content: other.key,
    };
    let mut parts = packed.parts.clone();
    parts.layers.push(other);
    parts.records.push(fixture.record(&other, &["other"]));
    Whole {
        manifests: &[&parts],
        contents: &[wrong],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let expected = format!(
        "damage: blob {blob} does not hold {}: it decompresses to more than 2048 bytes; {again}",
        other.key
    );
    assert_eq!(findings(&fixture, deep()), std::slice::from_ref(&expected));
    assert_eq!(
        findings(&fixture, FsckOptions::default()),
        Vec::<String>::new()
    );
    packed.commit(&fixture);

    // Gone.
    let name = Stream::Layer(content).name();
    std::fs::remove_file(fixture.path("streams").join(name.as_str())).unwrap();
    let lost = format!("damage: blob {blob} holds {content}, which is not there; {again}");
    assert!(findings(&fixture, deep()).contains(&lost));
    let found = findings_of_packed(&fixture);
    assert_eq!(found, [lost]);
    assert_eq!(unpacked(&fixture.repository, &blob).unwrap(), None);
    let image = load(&fixture.repository, &"packed".parse().unwrap()).unwrap();
    assert_eq!(image.layers[0].unpacked, None);
    packed.commit(&fixture);
    assert_eq!(findings(&fixture, deep()), Vec::<String>::new());

    // Leading to something else.
    let config = load(&fixture.repository, &"packed".parse().unwrap()).unwrap();
    let config = Stream::Config(config.manifest.config.digest).name();
    let mut transaction = fixture.repository.transaction();
    transaction.link_ref(LAZARET, &OwnRef::Content(blob).to_string(), config);
    transaction.commit().unwrap();
    let astray =
        format!("damage: the name of what blob {blob} holds leads to something else; {again}");
    assert_eq!(findings(&fixture, deep())[0], astray);
    assert_eq!(unpacked(&fixture.repository, &blob).unwrap(), None);
}

#[test]
fn a_blob_that_does_not_decompress_holds_nothing() {
    let fixture = Fixture::new();
    for (compress, reason) in [
        (
            (|_| b"plain".to_vec()) as fn(&[u8]) -> Vec<u8>,
            "it does not decompress: ",
        ),
        (|data| gzip(data)[..40].to_vec(), "it does not decompress: "),
        (|data| zstd(data)[..40].to_vec(), "it does not decompress: "),
        (|_| gzip(b"something else"), "it decompresses to sha256:"),
    ] {
        let packed = Packed::new(&fixture, compress);
        packed.commit(&fixture);
        let start = format!(
            "damage: blob {} does not hold {}: {reason}",
            packed.blob.key, packed.content.key
        );
        let found = findings_of_packed(&fixture);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&start), "{found:?}");
    }
}

#[test]
fn a_content_goes_with_its_blob_unless_others_need_it() {
    for shared in [false, true] {
        let fixture = Fixture::new();
        let packed = Packed::new(&fixture, zstd);
        packed.commit(&fixture);
        if shared {
            fixture.commit(&fixture.image(&[packed.content]), &["image"]);
        }
        assert!(collect(&fixture.repository).unwrap().is_empty());
        untag(&fixture.repository, &"packed".parse().unwrap()).unwrap();
        let went = collect(&fixture.repository).unwrap();
        let own = format!("{LAZARET}/{}", OwnRef::Content(packed.blob.key));
        assert!(went.refs.contains(&own), "{went:?}");
        let left = files(&fixture.path(""), "streams");
        let content = Stream::Layer(packed.content.key).to_string();
        assert_eq!(left.contains(&content), shared);
        assert_eq!(left.is_empty(), !shared);
        assert_eq!(findings(&fixture, deep()), Vec::<String>::new());
    }
}

#[test]
fn the_name_of_a_content_whose_blob_is_gone_is_told_and_collected() {
    let fixture = Fixture::new();
    let packed = Packed::new(&fixture, gzip);
    packed.commit(&fixture);
    fixture.commit(&fixture.image(&[packed.content]), &["image"]);
    untag(&fixture.repository, &"packed".parse().unwrap()).unwrap();
    for name in [
        Stream::Manifest(packed.parts.digest()),
        Stream::Layer(packed.blob.key),
    ] {
        let path = fixture.path("streams").join(name.to_string());
        std::fs::remove_file(path).unwrap();
    }
    let stale = format!(
        "info: what blob {} held has a name, and the blob is gone",
        packed.blob.key
    );
    assert!(findings(&fixture, deep()).contains(&stale));
    let went = collect(&fixture.repository).unwrap();
    let own = format!("{LAZARET}/{}", OwnRef::Content(packed.blob.key));
    assert!(went.refs.contains(&own), "{went:?}");
    assert_eq!(findings(&fixture, deep()), Vec::<String>::new());
}

fn cfsctl(repository: &Path) -> Option<Command> {
    let mut command = tool("cfsctl")?;
    command.arg("--repo").arg(repository);
    Some(command)
}

/// Has `cfsctl` check and collect, and checks what it leaves.
fn assert_survives(fixture: Fixture) -> Fixture {
    let path = fixture.path("");
    let closed = fixture.closed();
    if let Some(command) = cfsctl(&path) {
        run(command, &["gc"]);
        for arguments in [&["fsck"][..], &["oci", "fsck"]] {
            run(cfsctl(&path).unwrap(), arguments);
        }
    }
    let fixture = closed.reopened();
    assert!(collect(&fixture.repository).unwrap().refs.is_empty());
    let report = fsck(&fixture.repository, deep(), &|_| ()).unwrap();
    let worst = report.findings.iter().map(|finding| finding.severity());
    assert!(
        worst
            .max()
            .is_none_or(|worst| worst == Severity::Information),
        "{:?}",
        report.findings
    );
    fixture
}

#[test]
fn a_blob_that_is_split_and_joined_is_new_for_everything_that_has_it() {
    let mut fixture = Fixture::new();
    let (model, other) = (vec![b'm'; 100_000], vec![b'o'; 5000]);
    let whole = fixture.blob(&model);
    let other = (fixture.blob(&other), &*other);
    let first = fixture.artifact(&[(whole, &model)]);
    let second = fixture.artifact(&[other, (whole, &model)]);
    let bytes = index(&[entry(&first.manifest, None), entry(&second.manifest, None)]);
    let root = ContentDigest::sha256(&bytes);
    Whole {
        manifests: &[&first, &second],
        indexes: &[&bytes],
        tags: &[("models", root), ("second", second.digest())],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let mut stream = whole;
    for pieces in [7, 1, 3] {
        // Only one of the two artifacts is what somebody asked for.
        stream = cut(&fixture, &stream, pieces);
        let mut parts = first.clone();
        parts.layers = vec![stream];
        parts.records = vec![fixture.record(&stream, &[])];
        let done = fixture.commit(&parts, &[]);
        assert_eq!(
            done.rewritten,
            [Stream::Manifest(second.digest()), Stream::Index(root)]
        );
        fixture = assert_survives(fixture);
        let image = load(&fixture.repository, &"second".parse().unwrap()).unwrap();
        assert_eq!(image.layers[1].stream, stream.stream);
    }
}

#[test]
fn a_content_that_is_split_and_joined_stays_with_its_blob() {
    let mut fixture = Fixture::new();
    let mut packed = Packed::new(&fixture, gzip);
    packed.commit(&fixture);
    let image = fixture.image(&[packed.content]);
    fixture.commit(&image, &["image"]);
    for pieces in [1, 5] {
        packed.content = cut(&fixture, &packed.content, pieces);
        packed.parts.layers[1] = packed.content;
        packed.parts.records[1] = fixture.record(&packed.content, &["weights", "licence"]);
        packed.commit(&fixture);
        fixture = assert_survives(fixture);
        assert_eq!(findings(&fixture, deep()), Vec::<String>::new());
        let found = unpacked(&fixture.repository, &packed.blob.key).unwrap();
        assert_eq!(found.unwrap().stream, packed.content.stream);
        // A container image has the same archive as a layer.
        let image = load(&fixture.repository, &"image".parse().unwrap()).unwrap();
        assert_eq!(image.layers[0].stream, packed.content.stream);
        assert_eq!(image.layers[0].unpacked, None);
    }
}

#[test]
fn its_own_collection_keeps_what_a_blob_holds() {
    let fixture = Fixture::new();
    if cfsctl(&fixture.path("")).is_none() {
        return;
    }
    let packed = Packed::new(&fixture, zstd);
    packed.commit(&fixture);
    let fixture = assert_survives(fixture);
    let found = unpacked(&fixture.repository, &packed.blob.key).unwrap();
    assert_eq!(found.unwrap().stream, packed.content.stream);
    assert_eq!(findings(&fixture, deep()), Vec::<String>::new());
}
