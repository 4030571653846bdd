//! Images that real `cfsctl` writes, and images that nobody should write.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use lazaret_artifact::ContentDigest;
use lazaret_graph::gc::{self, GcOptions, GcPlan};
use lazaret_store::{Access, VerityPolicy};
use proptest::prelude::*;

use super::*;

/// Runs `cfsctl`; none where it is missing.
fn cfsctl(repository: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("cfsctl");
    command.arg("--repo").arg(repository).args(arguments);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            let wanted = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!wanted, "cfsctl is missing: {error}");
            return None;
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{arguments:?}\n{}",
        text(&output.stderr)
    );
    Some(text(&output.stdout))
}

/// A tree with files large and small, many in one directory, hard links, long names, attributes.
fn plant(at: &Path) {
    let write = |path: String, content: Vec<u8>| {
        std::fs::create_dir_all(at.join(&path).parent().unwrap()).unwrap();
        std::fs::write(at.join(path), content).unwrap();
    };
    for number in 0..500_usize {
        write(
            format!(
                "usr/many/{}",
                "n".repeat(number % 200 + 1) + &number.to_string()
            ),
            vec![number as u8; 65 + number % 7],
        );
        write(format!("usr/small/{number}"), vec![b's'; number % 64]);
    }
    for depth in 1..20 {
        write(
            format!("{}/file", "d/".repeat(depth)),
            vec![depth as u8; 5000 + depth],
        );
    }
    write("etc/same-1".to_owned(), vec![7; 100]);
    write("etc/same-2".to_owned(), vec![7; 100]);
    std::fs::hard_link(at.join("etc/same-1"), at.join("etc/linked")).unwrap();
    std::os::unix::fs::symlink("same-1", at.join("etc/symbolic")).unwrap();
    std::fs::create_dir(at.join("empty")).unwrap();
}

#[test]
fn the_objects_of_its_images_are_those_that_cfsctl_lists() {
    for algorithm in [VerityAlgorithm::Sha512, VerityAlgorithm::Sha256] {
        for version in ["0", "1", "2"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("repository");
            let repository = Repository::init(&path, algorithm, VerityPolicy::Insecure).unwrap();
            drop(repository);
            let root = directory.path().join("root");
            plant(&root);
            let arguments = [
                "--erofs-version",
                version,
                "create-image",
                "--no-propagate-usr-to-root",
                root.to_str().unwrap(),
                "planted",
            ];
            let Some(printed) = cfsctl(&path, &arguments) else {
                return;
            };
            let image = printed.trim().rsplit([':', ' ']).next().unwrap();
            let image = VerityDigest::from_hex(algorithm, image).unwrap();
            let listed = cfsctl(&path, &["image-objects", "refs/planted"]).unwrap();
            let listed: BTreeSet<VerityDigest> = listed
                .lines()
                .map(|line| {
                    let hex = line.trim().rsplit(':').next().unwrap().replace('/', "");
                    VerityDigest::from_hex(algorithm, &hex).unwrap()
                })
                .collect();
            let repository = Repository::open(&path, Access::Read).unwrap();
            let found = objects(&repository, &image).unwrap();
            assert!(found.len() > 400, "{} objects", found.len());
            assert!(
                found.iter().copied().eq(listed),
                "version {version}: {} objects",
                found.len()
            );
            for object in found {
                assert!(repository.has_object(&object).unwrap().is_some());
            }

            // Damage of any kind ends in an error or in objects, never in a panic.
            let bytes = repository.read_object(&image, MAX_IMAGE).unwrap();
            for at in (1024..bytes.len().min(16_384)).step_by(97) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0xff;
                let _ = collect(&damaged, algorithm);
            }
            for end in (0..bytes.len()).step_by(4093) {
                let _ = collect(&bytes[..end], algorithm);
            }
        }
    }
}

/// An OCI layout of an image with the files of `root`.
fn layout(root: &Path, at: &Path) {
    let blobs = at.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let add = |kind: &str, bytes: &[u8]| {
        let digest = ContentDigest::sha256(bytes);
        std::fs::write(blobs.join(digest.hex()), bytes).unwrap();
        let kind = format!("application/vnd.oci.image.{kind}");
        let size = bytes.len();
        format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{size}"#)
    };
    let tar = Command::new("tar")
        .args(["--format=gnu", "--owner=0", "--group=0", "-C"])
        .arg(root)
        .args(["-c", "."])
        .output()
        .unwrap();
    assert!(tar.status.success());
    let layer = add("layer.v1.tar", &tar.stdout);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{}},
            "rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        ContentDigest::sha256(&tar.stdout)
    );
    let config = add("config.v1+json", config.as_bytes());
    let manifest = format!(r#"{{"schemaVersion":2,"config":{config}}},"layers":[{layer}}}]}}"#);
    let manifest = add("manifest.v1+json", manifest.as_bytes());
    let name = r#""annotations":{"org.opencontainers.image.ref.name":"it"}"#;
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{manifest},{name}}}]}}"#);
    std::fs::write(at.join("index.json"), index).unwrap();
    std::fs::write(at.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

fn collect_garbage(path: &Path) -> GcPlan {
    let repository = Repository::open(path, Access::Write).unwrap();
    let options = GcOptions {
        image_objects: &objects,
        cancel: &AtomicBool::new(false),
    };
    let lock = repository.try_lock_exclusive().unwrap();
    gc::collect(&repository, &lock, &options, &|_| {}).unwrap()
}

#[test]
fn images_that_cfsctl_made_are_kept_and_go_with_what_they_belong_to() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let path = at("repository");
    drop(Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap());
    let (one, two) = (at("one"), at("two"));
    plant(&one);
    std::fs::create_dir(&two).unwrap();
    std::fs::write(two.join("only-here"), [3; 999]).unwrap();
    layout(&one, &at("layout"));
    let source = format!("oci:{}:it", at("layout").display());
    // Images under a name, of no name, and that a config refers to.
    let pull = ["oci", "pull", &source, "it"];
    if cfsctl(&path, &pull).is_none() {
        return;
    }
    let two = two.to_str().unwrap();
    cfsctl(
        &path,
        &["create-image", "--no-propagate-usr-to-root", two, "kept"],
    );
    let dead = cfsctl(
        &path,
        &[
            "create-image",
            "--no-propagate-usr-to-root",
            one.to_str().unwrap(),
        ],
    );
    let dead = dead.unwrap();
    let dead = dead.trim().rsplit([':', ' ']).next().unwrap();
    let repository = Repository::open(&path, Access::Read).unwrap();
    let images = repository.images().unwrap().len();
    drop(repository);
    assert!(images >= 3, "{images}");

    let went = collect_garbage(&path);
    let names: Vec<String> = went.images.iter().map(VerityDigest::hex).collect();
    assert_eq!(names, [dead]);
    assert!(went.streams.is_empty() && went.refs.is_empty(), "{went}");
    cfsctl(&path, &["fsck"]);
    cfsctl(&path, &["oci", "fsck"]);
    let kept = cfsctl(&path, &["image-objects", "refs/kept"]).unwrap();
    assert_eq!(kept.lines().count(), 1);
    // Its own collector agrees that nothing is left to do.
    let before = std::fs::read_dir(path.join("images")).unwrap().count();
    let objects = || {
        let repository = Repository::open(&path, Access::Read).unwrap();
        repository.usage().unwrap().objects
    };
    let count = objects();
    cfsctl(&path, &["gc"]);
    assert_eq!(objects(), count);
    assert_eq!(
        std::fs::read_dir(path.join("images")).unwrap().count(),
        before
    );

    cfsctl(&path, &["oci", "untag", "it"]);
    let went = collect_garbage(&path);
    assert_eq!(went.images.len(), images - 2);
    assert_eq!(went.kept.images, 1);
    // The image with a name, and its one file.
    assert_eq!(objects(), 2);
    cfsctl(&path, &["fsck"]);
}

/// An image of four blocks with a compact root directory at number 0.
fn image(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = vec![0; 4 * 4096];
    bytes[1024..1028].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[1024 + 12] = 12;
    bytes[1024 + 40] = 1;
    let root = 4096;
    bytes[root + 4..root + 6].copy_from_slice(&DIRECTORY.to_le_bytes());
    bytes[root + 8..root + 12].copy_from_slice(&4096_u32.to_le_bytes());
    bytes[root + 16] = 2;
    bytes[2 * 4096 + 8] = 12;
    change(&mut bytes);
    bytes
}

#[test]
fn what_nobody_should_write_is_refused() {
    type Change = fn(&mut [u8]);
    let collect = |change: Change| collect(&image(change), VerityAlgorithm::Sha256);
    assert_eq!(collect(|_| {}), Ok(vec![]));
    let outside = |what| ErofsFault::Outside { what };
    let table: [(Change, ErofsFault); 9] = [
        (|image| image[1024] = 0, ErofsFault::Magic),
        (|image| image[1024 + 12] = 9, ErofsFault::BlockSize(9)),
        (|image| image[1024 + 80] = 0x84, ErofsFault::Features(0x80)),
        (|image| image[1024 + 40] = 9, outside("an inode")),
        (|image| image[4096 + 16] = 9, outside("a directory")),
        (
            |image| image[4096] = 3 << 1,
            ErofsFault::Layout {
                inode: 0,
                layout: 3,
            },
        ),
        (
            |image| image[8192 + 8] = 13,
            ErofsFault::Entries { inode: 0 },
        ),
        (
            |image| image[4096 + 8..4096 + 12].copy_from_slice(&[0, 0, 0, 1]),
            ErofsFault::Overlap,
        ),
        (
            // Shared attributes beyond the area.
            |image| {
                image[4096 + 2] = 1;
                image[4096 + 32 + 4] = 200;
            },
            outside("an attribute"),
        ),
    ];
    for (change, expected) in table {
        assert_eq!(collect(change), Err(expected));
    }
    assert_eq!(
        super::collect(b"", VerityAlgorithm::Sha256),
        Err(ErofsFault::Magic)
    );
}

#[test]
fn inodes_that_share_one_directory_are_walked_once_for_every_byte() {
    // Each of many inodes is a directory of the same block, which lists them all.
    let bytes = image(|image| {
        let (inodes, block) = image[4096..].split_at_mut(4096);
        for at in (0..4096).step_by(32) {
            let root: Vec<u8> = inodes[..32].to_vec();
            inodes[at..at + 32].copy_from_slice(&root);
        }
        let count = 4096 / ENTRY_SIZE;
        for entry in 0..count {
            let at = entry * ENTRY_SIZE;
            block[at..at + 8].copy_from_slice(&(entry as u64 % 128).to_le_bytes());
            block[at + 8..at + 10].copy_from_slice(&((count * ENTRY_SIZE) as u16).to_le_bytes());
        }
    });
    assert_eq!(
        collect(&bytes, VerityAlgorithm::Sha256),
        Err(ErofsFault::Overlap)
    );
}

#[test]
fn shared_attributes_cost_what_they_take() {
    // Four references to attributes of 4004 bytes each, in an image of four blocks.
    let shared = |places: [u32; 4]| {
        let bytes = image(|image| {
            let inode = &mut image[4096..];
            inode[2] = 5;
            inode[32 + 4] = 4;
            for (number, place) in places.into_iter().enumerate() {
                let at = 32 + 12 + number * 4;
                inode[at..at + 4].copy_from_slice(&(place / 4).to_le_bytes());
            }
            for place in places.map(|place| place as usize) {
                image[place..place + 4].copy_from_slice(&[0, 0, 0xa0, 0x0f]);
            }
        });
        collect(&bytes, VerityAlgorithm::Sha256)
    };
    assert_eq!(shared([12_288; 4]), Ok(vec![]));
    assert_eq!(
        shared([12_288, 12_292, 12_296, 12_300]),
        Err(ErofsFault::Overlap)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        noise in proptest::collection::vec((0..16_384_usize, any::<u8>()), 0..64)
    ) {
        let bytes = image(|image| {
            for (at, byte) in &noise {
                if !(1024..1028).contains(at) {
                    image[*at] = *byte;
                }
            }
        });
        let _ = collect(&bytes, VerityAlgorithm::Sha512);
    }
}
