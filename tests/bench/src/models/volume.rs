//! A filesystem that shares blocks between files: XFS in a file, mounted until this is dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

/// A mounted one.
pub struct Volume {
    path: PathBuf,
}

impl Volume {
    /// Makes one of so many bytes in the file `image`, and mounts it at `path`.
    ///
    /// # Errors
    /// When that is not permitted, or the programs for it are missing.
    pub fn xfs(image: &Path, path: PathBuf, bytes: u64) -> Result<Self> {
        File::create(image)?.set_len(bytes)?;
        std::fs::create_dir_all(&path)?;
        run(Command::new("mkfs.xfs")
            .args(["-q", "-m", "reflink=1"])
            .arg(image))?;
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(image)
            .arg(&path))?;
        Ok(Self { path })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", said.trim());
    Ok(())
}
