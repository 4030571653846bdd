//! Filesystems for tests that need one with certain abilities: a file, mounted through a loop
//! device. Needs root and loop devices; a test without them says so and does nothing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bytes of the file; `mkfs.xfs` wants 300 MB at least. Sparse.
const SIZE: u64 = 320 << 20;

/// A mounted filesystem, taken down when dropped.
pub(crate) struct Mount {
    directory: tempfile::TempDir,
    mounted: PathBuf,
}

impl Mount {
    /// An XFS with reflinks, or none with a message.
    pub(crate) fn xfs(wanted_for: &str) -> Option<Self> {
        Self::make(wanted_for, &["mkfs.xfs", "-q", "-m", "reflink=1"])
    }

    /// An ext4 with fs-verity, or none with a message.
    pub(crate) fn ext4_with_verity(wanted_for: &str) -> Option<Self> {
        Self::make(
            wanted_for,
            &["mkfs.ext4", "-q", "-O", "verity", "-b", "4096"],
        )
    }

    fn make(wanted_for: &str, make: &[&str]) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let image = directory.path().join("image");
        let mounted = directory.path().join("mounted");
        std::fs::create_dir(&mounted).unwrap();
        File::create(&image).unwrap().set_len(SIZE).unwrap();
        let done = run(Command::new(make[0]).args(&make[1..]).arg(&image))
            && run(Command::new("mount")
                .args(["-o", "loop"])
                .args([&image, &mounted]));
        if !done {
            skipped(wanted_for);
            return None;
        }
        Some(Self { directory, mounted })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.mounted
    }

    /// Bytes in use, everything on the disk.
    pub(crate) fn used(&self) -> u64 {
        let file = File::open(&self.mounted).unwrap();
        rustix::fs::syncfs(&file).unwrap();
        let status = rustix::fs::fstatvfs(&file).unwrap();
        (status.f_blocks - status.f_bfree) * status.f_frsize
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // The loop device goes with the mount.
        if !run(Command::new("umount").arg(&self.mounted)) {
            run(Command::new("umount").arg("-l").arg(&self.mounted));
        }
        let _ = self.directory.path();
    }
}

pub(crate) fn skipped(wanted_for: &str) {
    eprintln!("skipped: no {wanted_for} here (a kernel with it, root and loop devices are needed)");
}

fn run(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
