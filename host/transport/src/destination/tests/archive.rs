//! What is particular to archives.

use super::*;

#[test]
fn archives_of_the_same_content_are_the_same_and_have_each_blob_once() {
    let (fixture, ..) = fixture();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = directory.path().join(name);
        let to = destination(&format!("oci-archive:{}", path.display()));
        for tag in ["index", "artifact"] {
            send(&fixture.open(Some(tag), None).unwrap(), &to, Some(tag));
        }
        to.finish().unwrap();
        fs::read(path).unwrap()
    };
    assert_eq!(write("one"), write("two"));
    let output = Command::new("tar")
        .args(["-tvf"])
        .arg(directory.path().join("one"))
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((fields[0], fields[1]), ("-rw-r--r--", "0/0"));
        assert_eq!((fields[3], fields[4]), ("1970-01-01", "00:00"));
        names.push(fields[5]);
    }
    // The layer that both images have, two configs and manifests, the index; the artifact's three;
    // the layout's own two.
    assert_eq!(names.len(), 1 + 4 + 1 + 3 + 2);
    assert_eq!((names[0], names[10]), ("oci-layout", "index.json"));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 11);
}

#[test]
fn a_name_that_no_header_has_room_for_is_written_and_read_by_others() {
    let digest = ContentDigest::from_bytes(DigestAlgorithm::Sha512, &[0; 64])
        .unwrap()
        .of_same_kind(b"hello");
    let blob = Descriptor {
        digest,
        ..described("a/b", b"hello")
    };
    let directory = tempfile::tempdir().unwrap();
    for name in both(directory.path()) {
        let to = destination(&name);
        put(&to, &blob, b"hello");
        to.finish().unwrap();
        source(&name).open_blob(&blob).unwrap().finish().unwrap();
    }
    let output = Command::new("tar")
        .arg("-xOf")
        .arg(directory.path().join("a.tar"))
        .arg(format!("blobs/sha512/{}", digest.hex()))
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"hello");
}

#[test]
fn a_panic_in_the_middle_of_a_member_leaves_no_trace() {
    struct Panics;
    impl BlobSource for Panics {
        fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
            panic!("in a test");
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let [_, name] = both(directory.path());
    let to = destination(&name);
    let blob = described("a/b", b"hello");
    let panicked = std::thread::scope(|scope| {
        let thread = scope.spawn(|| to.put_blob(&blob, &Panics, &|_| {}));
        thread.join().is_err()
    });
    assert!(panicked);
    put(&to, &blob, b"hello");
    to.finish().unwrap();
    source(&name).open_blob(&blob).unwrap().finish().unwrap();
}
