//! A place of one's own for a test: a directory with a repository in it, and the program to use on
//! it, in surroundings that depend on nothing outside but the compiled importers.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program::{Ran, binary};

/// A directory of its own.
pub struct Berth {
    directory: TempDir,
    repository: PathBuf,
}

impl Berth {
    /// With no repository yet; the first pull makes one.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let repository = directory.path().join("repo");
        Self {
            directory,
            repository,
        }
    }

    /// With a repository that does without fs-verity.
    pub fn with(algorithm: &str) -> Self {
        let berth = Self::new();
        berth
            .run(["init", "--insecure", "--algorithm", algorithm])
            .expect(0);
        berth
    }

    /// The same directory with another repository in it.
    pub fn with_repository(mut self, path: PathBuf) -> Self {
        self.repository = path;
        self
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where the repository is.
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// The program, to be given arguments.
    pub fn lazaret(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .env("HOME", self.directory.path())
            // Compiling an importer takes longer than most tests.
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("LAZARET_REPO", &self.repository)
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(self.lazaret().args(arguments))
    }

    /// A pull of what `source` names, without `oci:`.
    pub fn pull(&self, source: &str) -> Ran {
        self.run(["pull", &format!("oci:{source}")])
    }

    /// Asserts that a deep check finds nothing at all, not even something worth knowing.
    #[track_caller]
    pub fn assert_sound(&self) {
        let ran = self.run(["fsck", "--deep", "--json"]).expect(0);
        let document = ran.json();
        assert_eq!(document["damaged"], false);
        assert_eq!(
            document["findings"],
            serde_json::json!([]),
            "{}",
            ran.stderr
        );
    }

    /// Asserts that a deep check finds no damage and nothing to warn of. What a crash leaves may be
    /// worth knowing: a record can have a name before its layer has.
    #[track_caller]
    pub fn assert_undamaged(&self) {
        let document = self.run(["fsck", "--deep", "--json"]).expect(0).json();
        assert_eq!(document["damaged"], false);
        for finding in document["findings"].as_array().unwrap() {
            assert_eq!(finding["severity"], "information", "{finding}");
        }
    }

    /// Every name there is, and what it leads to; and that all of them are links.
    #[track_caller]
    pub fn names(&self) -> BTreeMap<PathBuf, PathBuf> {
        let mut names = BTreeMap::new();
        for folder in ["streams", "images"] {
            gather(&self.repository, &self.repository.join(folder), &mut names);
        }
        names
    }

    /// Tags and what they name, as `images` lists them.
    #[track_caller]
    pub fn tags(&self) -> BTreeMap<String, String> {
        let rows = self.run(["images", "--json"]).expect(0).json_lines();
        let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.iter()
            .map(|row| (text(row, "name"), text(row, "digest")))
            .collect()
    }
}

#[track_caller]
fn gather(root: &Path, folder: &Path, names: &mut BTreeMap<PathBuf, PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            gather(root, &path, names);
        } else {
            assert!(kind.is_symlink(), "{} is no link", path.display());
            let target = fs::read_link(&path).unwrap();
            names.insert(path.strip_prefix(root).unwrap().to_owned(), target);
        }
    }
}
