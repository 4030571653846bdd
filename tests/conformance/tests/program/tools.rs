//! Outside programs, and what the machine permits. A test that lacks one says so and passes; in
//! continuous integration (`CI=true`) a missing program fails it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::program::Ran;

/// The program, unless it is missing.
pub fn tool(name: &str) -> Option<Command> {
    let found = find(name);
    if found.is_none() {
        skip(name);
    }
    found.map(Command::new)
}

fn skip(name: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{name} is missing"
    );
    println!("skipped: {name} missing");
}

/// In `PATH`, or where cargo installs programs.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo/bin")));
    folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Runs a program that must succeed.
#[track_caller]
pub fn succeed(command: &mut Command) -> Ran {
    let ran = Ran::of(command.stdin(Stdio::null()));
    assert!(
        ran.code == Some(0),
        "{command:?}: {:?}\n{}",
        ran.code,
        ran.stderr
    );
    ran
}

/// Whether this is root; says so if not.
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: not root");
    }
    root
}

/// A filesystem in memory, mounted until this is dropped.
pub struct Mount {
    path: PathBuf,
}

impl Mount {
    /// With mount(8)'s options. `None` where mounting is not permitted, as in most containers.
    pub fn tmpfs(path: PathBuf, options: &str) -> Option<Self> {
        let arguments = ["-t", "tmpfs", "-o", options, "lazaret-test"];
        Self::make(path, arguments.map(Into::into).to_vec())
    }

    /// What is at `from`, read-only at another place.
    pub fn read_only(from: &Path, path: PathBuf) -> Option<Self> {
        let mount = Self::make(path, vec!["--bind".into(), from.into()])?;
        mount.change("bind,ro");
        Some(mount)
    }

    fn make(path: PathBuf, arguments: Vec<PathBuf>) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let ran = Ran::of(Command::new("mount").args(arguments).arg(&path));
        if ran.code != Some(0) {
            println!("skipped: no mounting here: {}", ran.stderr);
            return None;
        }
        Some(Self { path })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Changes its options.
    #[track_caller]
    pub fn change(&self, options: &str) {
        let options = format!("remount,{options}");
        succeed(Command::new("mount").args(["-o", &options]).arg(&self.path));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(&self.path)
            .status();
    }
}
