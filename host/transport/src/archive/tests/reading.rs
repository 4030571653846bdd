//! Archives that other programs write, and what is read from them.

use super::*;

#[test]
fn what_is_named_in_any_of_the_usual_ways_is_found() {
    let long = format!("blobs/sha512/{}", "a".repeat(128));
    let bytes = ended(&[
        member(b"blobs/", b'5', b""),
        member(b"./", b'5', b""),
        file("./oci-layout", VERSION),
        file("././index.json", EMPTY),
        member(b"././@LongLink", b'L', format!("{long}\0").as_bytes()),
        file(&long[..100], b"1"),
        extended(&[
            ("mtime", "1.5"),
            ("SCHILY.xattr.user.x", "two\nlines"),
            ("path", "./blobs/x"),
            ("size", "2"),
        ]),
        file("cut", b"22"),
        file("old", b"333"),
    ]);
    let archive = open_bytes(&bytes).unwrap();
    let mut found: Vec<(&str, u64)> = archive
        .members
        .iter()
        .map(|(name, member)| (&**name, member.size))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (&*long, 1),
            ("blobs/x", 2),
            ("index.json", 34),
            ("oci-layout", 30),
            ("old", 3)
        ]
    );
    for (name, want) in [(&*long, &b"1"[..]), ("blobs/x", b"22"), ("old", b"333")] {
        let at = usize::try_from(archive.members[name].offset).unwrap();
        assert_eq!(&bytes[at..at + want.len()], want);
    }
}

#[test]
fn a_size_that_no_header_has_room_for_comes_from_the_extended_one() {
    const SIZE: u64 = 9 << 30;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let mut out = File::create(&path).unwrap();
    out.write_all(&base()).unwrap();
    // As Go's archive/tar writes it: a zero where there is no room.
    out.write_all(&extended(&[("size", &SIZE.to_string())]))
        .unwrap();
    out.write_all(&file("big", b"")).unwrap();
    out.set_len(2048 + 1024 + 512 + SIZE).unwrap();
    let archive = open_path(&path).unwrap();
    let want = Member {
        offset: 2048 + 1024 + 512,
        size: SIZE,
    };
    assert_eq!(archive.members["big"], want);
}

/// A layout with an image, a sha512 blob and an artifact, and the archives `tar` makes of it.
#[test]
fn archives_of_gnu_tar_are_read_in_every_format() {
    let mut fixture = Fixture::new();
    let image = fixture.image("linux/s390x");
    let artifact = fixture.artifact("text");
    fixture.add(&image, Some("image"));
    fixture.add(&artifact, Some("artifact"));
    fs::create_dir(fixture.path("blobs/sha512")).unwrap();
    let digest = ContentDigest::from_bytes(DigestAlgorithm::Sha512, &[0; 64])
        .unwrap()
        .of_same_kind(b"hello");
    fs::write(fixture.blob_path(&digest), b"hello").unwrap();
    for format in ["v7", "oldgnu", "gnu", "ustar", "pax"] {
        if matches!(format, "v7" | "ustar") {
            // No room for a name of 141 bytes.
            let _ = fs::remove_file(fixture.blob_path(&digest));
        } else {
            fs::write(fixture.blob_path(&digest), b"hello").unwrap();
        }
        for what in [&["."][..], &["oci-layout", "index.json", "blobs"]] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("a.tar");
            let status = Command::new("tar")
                .args(["--format", format, "-cf", path.to_str().unwrap(), "-C"])
                .arg(fixture.directory.path())
                .args(what)
                .status()
                .unwrap();
            assert!(status.success());
            let name = format!("oci-archive:{}", path.display());
            let open = |name: &str| {
                let reference: Reference = name.parse().unwrap();
                Source::open(&reference, &RegistryOptions::default()).unwrap()
            };
            let source = open(&name);
            assert_eq!(source.tags().unwrap(), ["image", "artifact"]);
            for (tag, entry) in [("image", &image), ("artifact", &artifact)] {
                let source = open(&format!("{name}:{tag}"));
                let one = One::of(&source, None).unwrap();
                assert_eq!(one.digest(), entry["digest"].as_str().unwrap());
                let layer = &one.document.manifest.layers[0];
                let blob = source.open_blob(layer).unwrap();
                let region = blob.file_unverified().unwrap();
                let mut there = vec![0; usize::try_from(layer.size).unwrap()];
                region
                    .file
                    .read_exact_at(&mut there, region.offset)
                    .unwrap();
                let mut read = Vec::new();
                let mut blob = blob;
                blob.read_to_end(&mut read).unwrap();
                assert!(blob.is_verified());
                assert_eq!(read, there);
            }
            if !matches!(format, "v7" | "ustar") {
                let long = descriptor(&digest, 5);
                source.open_blob(&long).unwrap().finish().unwrap();
            }
        }
    }
}

fn descriptor(digest: &ContentDigest, size: u64) -> Descriptor {
    Descriptor {
        media_type: "a/b".parse().unwrap(),
        digest: *digest,
        size,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: std::collections::BTreeMap::new(),
    }
}

#[test]
fn blobs_of_an_archive_are_verified() {
    let good = ContentDigest::sha256(b"good");
    let absent = ContentDigest::sha256(b"absent");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let blob = file(&format!("blobs/sha256/{}", good.hex()), b"gold");
    // Something after it, so that a range that is too long would show.
    fs::write(&path, ended(&[base(), blob, file("z", &[b'!'; 600])])).unwrap();
    let source = Source::Archive(open_path(&path).unwrap());
    let error = source.open_blob(&descriptor(&good, 4)).unwrap().finish();
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "{good}: blob digest mismatch: expected {good}, found {}",
            ContentDigest::sha256(b"gold")
        )
    );
    let error = source.open_blob(&descriptor(&good, 5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{good}: blob size mismatch: expected 5, found 4")
    );
    let error = source.open_blob(&descriptor(&absent, 5)).unwrap_err();
    assert!(matches!(error, TransportError::MissingBlob { .. }));
    // A file that shrinks meanwhile.
    let honest = ContentDigest::sha256(b"gold");
    let member = file(&format!("blobs/sha256/{}", honest.hex()), b"gold");
    fs::write(&path, ended(&[base(), member])).unwrap();
    let source = Source::Archive(open_path(&path).unwrap());
    let blob = source.open_blob(&descriptor(&honest, 4)).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(2050)
        .unwrap();
    assert_eq!(
        blob.finish().unwrap_err().to_string(),
        format!("{honest}: blob size mismatch: expected 4, found 0")
    );
}

#[test]
fn an_archive_resolves_as_its_layout_does() {
    let mut fixture = Fixture::new();
    let image = fixture.image("linux/s390x");
    let index = fixture.index(std::slice::from_ref(&image));
    fixture.add(&index, Some("t"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar");
    let mut builder = tar::Builder::new(File::create(&path).unwrap());
    builder
        .append_dir_all("", fixture.directory.path())
        .unwrap();
    builder.finish().unwrap();
    let text = |entry: &Value| entry["digest"].as_str().unwrap().to_owned();
    for (suffix, root) in [
        (":t".to_owned(), &index),
        (String::new(), &index),
        (format!("@{}", text(&image)), &image),
        (format!(":t@{}", text(&index)), &index),
    ] {
        let name = format!("oci-archive:{}{suffix}", path.display());
        let reference: Reference = name.parse().unwrap();
        let source = Source::open(&reference, &RegistryOptions::default()).unwrap();
        let one = One::of(&source, None).unwrap();
        assert_eq!(one.root.digest.to_string(), text(root), "{suffix}");
        assert_eq!(one.digest(), text(&image));
        assert_eq!(source.registry(), None);
    }
    let reference: Reference = format!("oci-archive:{}:u", path.display()).parse().unwrap();
    let source = Source::open(&reference, &RegistryOptions::default()).unwrap();
    let error = One::of(&source, None).unwrap_err();
    assert_eq!(error.to_string(), "no tag \"u\"; there is t");
}
