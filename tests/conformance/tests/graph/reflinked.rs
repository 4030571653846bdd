//! Blobs that share their blocks with the layout they came from. As root only: this mounts a
//! filesystem that can.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lazaret_graph::names::Stream;
use lazaret_intake::{PullOptions, Pulled};
use lazaret_layouts::Compression;

use crate::berth::{Berth, keep, parse};
use crate::layout::{Layout, OWN, archive, digest_of};

/// Bytes of the filesystem: the least that mkfs.xfs accepts, and all of it a hole.
const SIZE: u64 = 300 << 20;

/// XFS in a file, mounted until this is dropped.
struct Mount {
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Mount {
    /// `None` where that is not possible.
    fn new() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let image = directory.path().join("image");
        let path = directory.path().join("mount");
        fs::create_dir(&path).expect("a directory");
        let file = fs::File::create(&image).expect("a file");
        file.set_len(SIZE).expect("a file");
        for command in [
            Command::new("mkfs.xfs").arg("-q").arg(&image),
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(&image)
                .arg(&path),
        ] {
            match command.output() {
                Ok(output) if output.status.success() => {}
                Ok(output) => {
                    let said = String::from_utf8_lossy(&output.stderr).into_owned();
                    println!("skipped: {command:?}: {said}");
                    return None;
                }
                Err(error) => {
                    // In continuous integration a missing program is a fault.
                    assert!(
                        std::env::var_os("CI").is_none_or(|value| value != "true"),
                        "{command:?}: {error}"
                    );
                    println!("skipped: {command:?}: {error}");
                    return None;
                }
            }
        }
        Some(Self {
            path,
            _directory: directory,
        })
    }

    /// Bytes in use.
    fn used(&self) -> u64 {
        let file = fs::File::open(&self.path).expect("the mount");
        rustix::fs::syncfs(&file).expect("synced");
        let filesystem = rustix::fs::statvfs(&self.path).expect("a filesystem");
        (filesystem.f_blocks - filesystem.f_bfree) * filesystem.f_frsize
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let umount = Command::new("umount")
            .arg("--lazy")
            .arg(&self.path)
            .status();
        drop(umount);
    }
}

fn model() -> Vec<u8> {
    (0..20_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect()
}

/// An artifact of one large blob and a small one.
fn artifact(directory: &Path) -> (Layout, String) {
    let mut layout = Layout::new(directory.to_owned());
    let large = layout.blob("application/x-model", &model());
    let small = layout.blob("application/x-card", b"smaller than a block");
    let digest = digest_of(&large).to_owned();
    let root = layout.artifact("application/x", &[large, small], None);
    layout.enter(Some("model"), &root);
    (layout, digest)
}

fn counts(pulled: &Pulled) -> [u64; 3] {
    pulled.distinct_layers().fold([0; 3], |sum, layer| {
        let objects = layer.objects;
        [
            sum[0] + objects.written,
            sum[1] + objects.reflinked,
            sum[2] + objects.present,
        ]
    })
}

#[test]
fn a_blob_on_the_same_filesystem_takes_no_room() {
    let Some(mount) = Mount::new() else { return };
    let (layout, digest) = artifact(&mount.path.join("layout"));
    let berth = Berth::at(&mount.path.join("repository"));
    let before = mount.used();
    let pulled = berth.take(&layout, "", &PullOptions::default());
    let more = mount.used() - before;
    assert_eq!(counts(&pulled), [1, 1, 0]);
    let large = pulled.manifests[0].layers[0].objects;
    assert_eq!(large.reflinked_bytes, 20_000_000);
    assert!(more < 5_000_000, "{more} bytes more are in use");

    // The source is free to change.
    let path = layout.blob_path(&digest);
    fs::write(&path, vec![0; 20_000_000]).expect("a blob");
    assert!(berth.rebuilt(Stream::Layer(parse(&digest))) == model());
    berth.assert_sound();

    // A blob that is not what it says is refused as ever.
    let other = Berth::at(&mount.path.join("other"));
    let parts = ["blob digest mismatch", &digest];
    other.refuse(&layout, "", &PullOptions::default(), &parts);
    assert!(other.names().is_empty());

    // What is there is not cloned: an artifact of another manifest.
    fs::write(&path, model()).expect("a blob");
    let mut again = Layout::new(mount.path.join("again"));
    let blob = again.blob("application/x-other-type", &model());
    let root = again.artifact("application/x", &[blob], None);
    again.enter(Some("again"), &root);
    let link = format!("streams/oci-layer-{digest}");
    fs::remove_file(berth.repository.path().join(link)).expect("a name");
    let pulled = berth.take(&again, "", &PullOptions::default());
    assert_eq!(counts(&pulled), [0, 0, 1]);
    berth.assert_sound();
}

#[test]
fn from_another_filesystem_it_is_copied() {
    let Some(mount) = Mount::new() else { return };
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let (layout, _) = artifact(elsewhere.path());
    let berth = Berth::at(&mount.path.join("repository"));
    let pulled = berth.take(&layout, "", &PullOptions::default());
    assert_eq!(counts(&pulled), [2, 0, 0]);
    berth.assert_sound();
}

#[test]
fn kept_bytes_are_cloned_and_layers_are_not() {
    let Some(mount) = Mount::new() else { return };
    let mut layout = Layout::new(mount.path.join("layout"));
    let archives = [archive(1), archive(2)];
    let image = layout.image(
        OWN,
        &[
            (&archives[0], Compression::Gzip),
            (&archives[1], Compression::None),
        ],
    );
    layout.enter(Some("image"), &image);
    for later in [false, true] {
        let berth = Berth::at(&mount.path.join(format!("repository-{later}")));
        if later {
            berth.take(&layout, "", &PullOptions::default());
        }
        let pulled = berth.take(&layout, "", &keep());
        let layers = &pulled.manifests[0].layers;
        assert!(layers.iter().all(|layer| layer.reused == later));
        let reflinked = layers.iter().map(|layer| layer.objects.reflinked);
        assert_eq!(reflinked.collect::<Vec<_>>(), [1, 0], "{later}");
        let bytes = fs::read(layout.blob_path(&layers[0].digest.to_string())).expect("a blob");
        assert!(berth.rebuilt(Stream::Blob(layers[0].digest)) == bytes);
        berth.assert_sound();
    }
}
