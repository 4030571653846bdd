//! Every kind of damage is found, all of it in one run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use lazaret_artifact::{VerityAlgorithm, VerityDigest};

use super::*;
use crate::content_type::ContentType;
use crate::name::StreamName;
use crate::repository::VerityPolicy;

const ALGORITHM: VerityAlgorithm = VerityAlgorithm::Sha512;

/// A repository with two objects, a stream of them under two names, and a reference.
struct Fixture {
    directory: tempfile::TempDir,
    repository: Repository,
    objects: [VerityDigest; 2],
    stream: VerityDigest,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let repository = Repository::init(path, ALGORITHM, VerityPolicy::Insecure).unwrap();
        let objects = [&b"first"[..], b"second"].map(|data| repository.put(data).unwrap());
        let mut writer = repository.stream_writer(ContentType::BLOB).unwrap();
        writer.inline(b"between").unwrap();
        for object in objects {
            writer.object(&object.digest, object.size).unwrap();
        }
        writer.add_stream_ref("other", &objects[1].digest).unwrap();
        let stream = writer.finish().unwrap().digest;
        let mut transaction = repository.transaction();
        let name = |text| StreamName::new(text).unwrap();
        transaction
            .link_stream(name("one"), stream)
            .link_stream(name("two"), stream)
            .link_ref("oci", "tag", name("one"));
        transaction.commit().unwrap();
        Self {
            directory,
            repository,
            objects: objects.map(|object| object.digest),
            stream,
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn check(&self) -> CheckReport {
        self.repository
            .check(CheckOptions::default(), &|_| ())
            .unwrap()
    }

    fn damage(&self) -> Vec<String> {
        self.check()
            .damage
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}

#[test]
fn a_sound_repository_has_no_damage() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.at("images")).unwrap();
    let object = fixture.objects[0];
    let link = crate::layout::object_link(&object);
    symlink(link, fixture.at(&format!("images/{object}"))).unwrap();
    fs::create_dir(fixture.at("images/refs")).unwrap();
    symlink(format!("../{object}"), fixture.at("images/refs/x")).unwrap();
    let size = fs::metadata(fixture.repository.object_at(&fixture.stream))
        .unwrap()
        .len();
    let report = CheckReport {
        objects: 3,
        bytes: 11 + size,
        streams: 2,
        refs: 2,
        images: 1,
        damage: vec![],
    };
    assert_eq!(fixture.check(), report);
    assert_eq!(fixture.repository.images().unwrap(), [object]);
    let roots = fixture.repository.image_roots().unwrap();
    assert_eq!(
        roots,
        [("x".to_owned(), StreamName::new(object.hex()).unwrap())]
    );
}

#[test]
fn progress_ends_where_the_report_does() {
    let fixture = Fixture::new();
    let seen = Mutex::new(Vec::new());
    let report = fixture
        .repository
        .check(CheckOptions::default(), &|progress| {
            seen.lock().unwrap().push(progress)
        })
        .unwrap();
    let last = seen.into_inner().unwrap().pop().unwrap();
    let expected = CheckProgress {
        directories: 256,
        objects: report.objects,
        bytes: report.bytes,
        streams: report.streams,
    };
    assert_eq!(last, expected);
}

#[test]
fn all_damage_is_reported_at_once() {
    let fixture = Fixture::new();
    let [first, second] = fixture.objects;
    let place = |digest: &VerityDigest| fixture.repository.object_at(digest);
    let prefix = &second.hex()[..2];
    fs::write(place(&first), b"FIRST").unwrap();
    fs::remove_file(place(&second)).unwrap();
    fs::write(fixture.at(&format!("objects/{prefix}/odd")), b"x").unwrap();
    fs::write(fixture.at("objects/stray"), b"x").unwrap();
    fs::create_dir(fixture.at("objects/XX")).unwrap();
    fs::write(fixture.at("streams/file"), b"x").unwrap();
    symlink("../../etc", fixture.at("streams/astray")).unwrap();
    symlink(
        crate::layout::object_link(&second),
        fixture.at("streams/dangling"),
    )
    .unwrap();
    symlink(
        crate::layout::object_link(&first),
        fixture.at("streams/nostream"),
    )
    .unwrap();
    symlink("../../gone", fixture.at("streams/refs/oci/gone")).unwrap();
    symlink("/gone", fixture.at("streams/refs/oci/astray")).unwrap();
    fs::write(fixture.at("streams/refs/oci/file"), b"x").unwrap();
    fs::create_dir(fixture.at("images")).unwrap();
    symlink(
        crate::layout::object_link(&first),
        fixture.at("images/name"),
    )
    .unwrap();
    fs::write(fixture.at("meta.json"), b"{}").unwrap();

    let link = crate::layout::object_link(&second);
    let found = crate::verity::digest(ALGORITHM, b"FIRST");
    let expected = BTreeSet::from([
        "meta.json: invalid META: missing field `version` at line 1 column 2".to_owned(),
        format!("object {first}: its digest is {found}"),
        format!("objects/{prefix}/odd: not an object's name"),
        "objects/stray: not an object's name".to_owned(),
        "objects/XX: not an object's name".to_owned(),
        "streams/file: not a symbolic link".to_owned(),
        "streams/astray: it leads to \"../../etc\"".to_owned(),
        format!("streams/dangling: it leads to {link:?}, which is missing"),
        format!(
            "streams/nostream: splitstream {first} is malformed: the header section lies at 0..32 \
             of 5 bytes"
        ),
        "streams/refs/oci/gone: it leads to \"../../gone\", which is missing".to_owned(),
        "streams/refs/oci/astray: it leads to \"/gone\"".to_owned(),
        "streams/refs/oci/file: not a symbolic link".to_owned(),
        "images/name: its name is not the digest it leads to".to_owned(),
        format!("STREAM: object {second} is missing"),
        format!("STREAM: \"other\" refers to stream {second}, which is missing"),
    ]);
    let meta = fixture.at("meta.json").display().to_string();
    let damage = fixture.damage();
    let found: BTreeSet<String> = damage
        .iter()
        .map(|text| {
            // Which of its two names a stream is examined under is the directory's choice.
            let text = text
                .replace("streams/one", "STREAM")
                .replace("streams/two", "STREAM");
            text.replace(&meta, "META")
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(damage.len(), expected.len());
}

#[test]
fn an_object_that_is_no_file_is_reported_once() {
    let fixture = Fixture::new();
    let [first, _] = fixture.objects;
    let place = fixture.repository.object_at(&first);
    fs::rename(&place, fixture.at("elsewhere")).unwrap();
    symlink(fixture.at("elsewhere"), &place).unwrap();
    assert_eq!(
        fixture.damage(),
        [format!("object {first}: not a regular file")]
    );
}

#[test]
fn a_stream_whose_size_is_wrong_is_reported() {
    let fixture = Fixture::new();
    for (size, reason) in [
        (4, "the stream is longer than its size of 4 bytes"),
        (6, "the stream has 5 bytes, its size says 6"),
    ] {
        let mut writer = fixture.repository.stream_writer(ContentType::BLOB).unwrap();
        writer.object(&fixture.objects[0], size).unwrap();
        let digest = writer.finish().unwrap().digest;
        let mut transaction = fixture.repository.transaction();
        transaction.link_stream(StreamName::new("wrong").unwrap(), digest);
        transaction.commit().unwrap();
        let expected = format!("streams/wrong: splitstream {digest} is malformed: {reason}");
        assert_eq!(fixture.damage(), [expected]);
    }
}

#[test]
fn without_content_only_the_structure_is_checked() {
    let fixture = Fixture::new();
    fs::write(fixture.repository.object_at(&fixture.objects[0]), b"FIRST").unwrap();
    let options = CheckOptions {
        content: false,
        ..CheckOptions::default()
    };
    let report = fixture.repository.check(options, &|_| ()).unwrap();
    assert!(report.is_clean(), "{:?}", report.damage);
    assert_eq!(report.objects, 3);
    assert_eq!(fixture.check().damage.len(), 1);
}
