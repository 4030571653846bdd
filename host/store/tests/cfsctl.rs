//! The format against `cfsctl` 0.9, both ways.
#![expect(clippy::unwrap_used, reason = "a test may panic where it fails")]

mod tools;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use lazaret_artifact::{VerityAlgorithm, VerityDigest};
use lazaret_store::{
    Access, CheckOptions, Chunk, ContentType, Repository, StoredStream, StreamName, VerityPolicy,
};

const ALGORITHMS: [VerityAlgorithm; 2] = [VerityAlgorithm::Sha512, VerityAlgorithm::Sha256];

fn cfsctl(repository: &Path) -> Command {
    let mut command = Command::new("cfsctl");
    command.arg("--repo").arg(repository);
    command
}

/// Fails unless `cfsctl` finds the repository sound; returns what it says.
fn fsck(repository: &Path) -> String {
    let output = tools::run(cfsctl(repository).arg("fsck"));
    let text = String::from_utf8(output).unwrap();
    assert!(text.ends_with("status: ok\n"), "{text}");
    text
}

fn cat(repository: &Path, name: &str) -> Vec<u8> {
    tools::run(cfsctl(repository).args(["cat", name]))
}

fn assert_clean(repository: &Repository) {
    let report = repository.check(CheckOptions::default(), &|_| ()).unwrap();
    assert!(report.is_clean(), "{:?}", report.damage);
}

fn name(text: &str) -> StreamName {
    StreamName::new(text).unwrap()
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i ^ (i >> 8)) as u8).collect()
}

/// A stream of inline bytes and objects of several sizes; returns what it rebuilds.
fn write_stream(repository: &Repository, content_type: ContentType) -> (StoredStream, Vec<u8>) {
    let mut writer = repository.stream_writer(content_type).unwrap();
    let mut expected = Vec::new();
    for size in [1, 65, 4096, 100_000, 65] {
        let (header, body) = (pattern(512 + size % 7), pattern(size));
        let object = repository.put(&body).unwrap();
        writer.inline(&header).unwrap();
        writer.object(&object.digest, object.size).unwrap();
        expected.extend([header, body].concat());
    }
    (writer.finish().unwrap(), expected)
}

#[test]
fn settings_are_written_as_cfsctl_writes_them() {
    if !tools::is_installed("cfsctl") {
        return;
    }
    for algorithm in ALGORITHMS {
        let directory = tempfile::tempdir().unwrap();
        let ours = directory.path().join("ours");
        let theirs = directory.path().join("theirs");
        Repository::init(&ours, algorithm, VerityPolicy::Insecure).unwrap();
        let arguments = ["init", "--insecure", "--algorithm", algorithm.name()];
        tools::run(cfsctl(&theirs).args(arguments));
        let json = |path: &Path| fs::read_to_string(path.join("meta.json")).unwrap();
        assert_eq!(json(&ours), json(&theirs));
        // Each takes the other's for its own.
        Repository::init(&theirs, algorithm, VerityPolicy::Insecure).unwrap();
        tools::run(cfsctl(&ours).args(arguments));
    }
}

#[test]
fn what_we_write_cfsctl_checks_rebuilds_and_keeps() {
    if !tools::is_installed("cfsctl") {
        return;
    }
    for algorithm in ALGORITHMS {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository = Repository::init(&path, algorithm, VerityPolicy::Insecure).unwrap();
        let (layer, expected) = write_stream(&repository, ContentType::LAYER);
        let mut writer = repository.stream_writer(ContentType::RECORD).unwrap();
        writer.inline(b"refers to the other").unwrap();
        writer.add_stream_ref("z", &layer.digest).unwrap();
        writer.add_stream_ref("a:b", &layer.digest).unwrap();
        let record = writer.finish().unwrap();
        let empty = repository
            .stream_writer(ContentType::BLOB)
            .unwrap()
            .finish()
            .unwrap();
        let unused = repository.put(b"nobody refers to this").unwrap();
        let mut transaction = repository.transaction();
        transaction
            .link_stream(name("layer"), layer.digest)
            .link_stream(name("lazaret-record"), record.digest)
            .link_stream(name("empty"), empty.digest)
            .link_stream(name("forgotten"), empty.digest)
            .link_ref("lazaret", "record", name("lazaret-record"))
            .link_ref("oci", "empty", name("empty"));
        transaction.commit().unwrap();

        assert!(fsck(&path).contains("streams: 4/4 ok"));
        assert_eq!(cat(&path, "layer"), expected);
        assert_eq!(cat(&path, "refs/lazaret/record"), b"refers to the other");
        assert_eq!(cat(&path, "refs/oci/empty"), b"");

        // Its garbage collector understands what refers to what.
        drop(repository);
        tools::run(cfsctl(&path).arg("gc"));
        let repository = Repository::open(&path, Access::Write).unwrap();
        assert_eq!(repository.has_object(&unused.digest).unwrap(), None);
        assert_clean(&repository);
        let mut rebuilt = Vec::new();
        let mut reader = repository.open_stream(&layer.digest, None).unwrap();
        reader.rebuild(&mut rebuilt).unwrap();
        assert_eq!(rebuilt, expected);
        assert_eq!(repository.refs("lazaret").unwrap().len(), 1);
        fsck(&path);
    }
}

/// A tar file of files of several sizes, made by GNU tar.
fn tar(directory: &Path) -> Vec<u8> {
    let tree = directory.join("tree");
    fs::create_dir_all(tree.join("sub")).unwrap();
    for size in [0, 10, 64, 65, 5000, 300_000] {
        fs::write(tree.join(format!("sub/{size}")), pattern(size)).unwrap();
    }
    let mut command = Command::new("tar");
    command.arg("-C").arg(directory).args(["-cf", "-", "tree"]);
    tools::run(&mut command)
}

/// Has `cfsctl` import a layer.
fn import(repository: &Path, tar: &Path, digest: &str, reference: &str) {
    let mut command = cfsctl(repository);
    command.args(["oci", "import-layer", digest, reference]);
    tools::run(
        command
            .stdin(File::open(tar).unwrap())
            .stderr(Stdio::piped()),
    );
}

#[test]
fn what_cfsctl_writes_we_check_and_rebuild() {
    if !tools::is_installed("cfsctl") || !tools::is_installed("tar") {
        return;
    }
    for algorithm in ALGORITHMS {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let expected = tar(directory.path());
        let file = directory.path().join("layer.tar");
        fs::write(&file, &expected).unwrap();
        let digest = lazaret_artifact::ContentDigest::sha256(&expected).to_string();
        let arguments = ["init", "--insecure", "--algorithm", algorithm.name()];
        tools::run(cfsctl(&path).args(arguments));
        import(&path, &file, &digest, "space/layer");
        let tree = directory.path().join("tree");
        let mut command = cfsctl(&path);
        command.args(["create-image", "--no-propagate-usr-to-root"]);
        tools::run(command.arg(&tree).arg("image"));

        let repository = Repository::open(&path, Access::Read).unwrap();
        assert_clean(&repository);
        let stream = repository.resolve_ref("space", "layer").unwrap().unwrap();
        assert_eq!(stream.as_str(), format!("oci-layer-{digest}"));
        let object = repository.resolve_stream(&stream).unwrap().unwrap();
        let mut reader = repository
            .open_stream(&object, Some(ContentType::LAYER))
            .unwrap();
        assert_eq!(reader.total_size(), expected.len() as u64);
        let mut rebuilt = Vec::new();
        reader.rebuild(&mut rebuilt).unwrap();
        assert_eq!(rebuilt, expected);
        let usage = repository.usage().unwrap();
        assert_eq!((usage.streams, usage.refs, usage.images), (1, 1, 1));
        assert_eq!(repository.image_roots().unwrap().len(), 1);
        drop(repository);

        // The same chunks written by us are the same objects, and rebuild the same for it.
        let repository = Repository::open(&path, Access::Write).unwrap();
        let before = repository.usage().unwrap().objects;
        let mut writer = repository.stream_writer(ContentType::LAYER).unwrap();
        let mut reader = repository.open_stream(&object, None).unwrap();
        while let Some(chunk) = reader.next_chunk().unwrap() {
            match chunk {
                Chunk::Inline(bytes) => writer.inline(bytes).unwrap(),
                Chunk::Object(digest) => {
                    let data = repository.read_object(&digest, 1 << 20).unwrap();
                    let stored = repository.put(&data).unwrap();
                    assert_eq!(stored.digest, digest);
                    writer.object(&digest, stored.size).unwrap();
                }
            }
        }
        let ours = writer.finish().unwrap();
        assert!(repository.usage().unwrap().objects <= before + 1);
        let mut transaction = repository.transaction();
        transaction.link_stream(stream.clone(), ours.digest);
        transaction.commit().unwrap();
        drop(repository);
        assert_eq!(cat(&path, stream.as_str()), expected);
        fsck(&path);
        // It can parse our chunks as the tar file that they are.
        let dump = tools::run(cfsctl(&path).args(["oci", "layer", "--dumpfile", &digest]));
        assert!(String::from_utf8_lossy(&dump).contains("/tree/sub/300000"));
    }
}

/// Rewrites a header as composefs wrote it before its fields had a fixed order.
fn age(bytes: &[u8]) -> Vec<u8> {
    let mut old = bytes.to_vec();
    old[..16].copy_from_slice(&bytes[16..32]);
    old[16..18].copy_from_slice(&bytes[12..14]);
    old[18..30].copy_from_slice(&bytes[..12]);
    old[30..32].copy_from_slice(&bytes[14..16]);
    old
}

#[test]
fn both_read_the_header_of_older_versions() {
    if !tools::is_installed("cfsctl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let repository =
        Repository::init(path, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap();
    let (stream, expected) = write_stream(&repository, ContentType::BLOB);
    let bytes = repository.read_object(&stream.digest, 1 << 20).unwrap();
    let old: VerityDigest = repository.put(&age(&bytes)).unwrap().digest;
    let mut transaction = repository.transaction();
    transaction.link_stream(name("old"), old);
    transaction.commit().unwrap();
    assert_eq!(cat(path, "old"), expected);
    fsck(path);
    assert_clean(&repository);
    let mut rebuilt = Vec::new();
    let mut reader = repository
        .open_stream(&old, Some(ContentType::BLOB))
        .unwrap();
    reader.rebuild(&mut rebuilt).unwrap();
    assert_eq!(rebuilt, expected);
}

#[test]
fn damage_that_cfsctl_finds_we_find_too() {
    if !tools::is_installed("cfsctl") {
        return;
    }
    type Break = fn(&Repository, &Path);
    let break_it: [(&str, Break); 5] = [
        ("a changed object", |repository, _| {
            let object = repository.put(&pattern(4096)).unwrap().digest;
            let path = object_at(repository, &object);
            fs::write(path, pattern(4095)).unwrap();
        }),
        ("a missing object", |repository, _| {
            let object = repository.put(&pattern(4096)).unwrap().digest;
            fs::remove_file(object_at(repository, &object)).unwrap();
        }),
        ("an odd name", |repository, path| {
            let object = repository.put(&pattern(4096)).unwrap().digest;
            fs::write(
                path.join("objects").join(&object.hex()[..2]).join("odd"),
                b"",
            )
            .unwrap();
        }),
        ("a file among the streams", |_, path| {
            fs::write(path.join("streams/file"), b"").unwrap();
        }),
        ("a reference to nothing", |_, path| {
            std::os::unix::fs::symlink("../../gone", path.join("streams/refs/oci/gone")).unwrap();
        }),
    ];
    for (what, break_it) in break_it {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let repository =
            Repository::init(path, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap();
        let (stream, _) = write_stream(&repository, ContentType::BLOB);
        let mut transaction = repository.transaction();
        transaction
            .link_stream(name("stream"), stream.digest)
            .link_ref("oci", "tag", name("stream"));
        transaction.commit().unwrap();
        fsck(path);
        assert_clean(&repository);
        break_it(&repository, path);
        let theirs = cfsctl(path).arg("fsck").output().unwrap();
        assert!(!theirs.status.success(), "{what}");
        let ours = repository.check(CheckOptions::default(), &|_| ()).unwrap();
        assert_eq!(ours.damage.len(), 1, "{what}: {:?}", ours.damage);
    }
}

fn object_at(repository: &Repository, digest: &VerityDigest) -> std::path::PathBuf {
    let hex = digest.hex();
    repository
        .path()
        .join("objects")
        .join(&hex[..2])
        .join(&hex[2..])
}
