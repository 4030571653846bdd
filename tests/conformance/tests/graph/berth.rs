//! A repository of one's own, and all the importers there are to fill it with.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use lazaret_artifact::{ContentDigest, VerityAlgorithm};
use lazaret_engine::{Registry, SandboxOptions};
use lazaret_graph::FsckOptions;
use lazaret_graph::names::Stream;
use lazaret_intake::{Event, Importers, IntakeError, PullOptions, Pulled, pull};
use lazaret_store::{Access, Repository, VerityPolicy};
use lazaret_transport::Selection;

use crate::layout::Layout;

/// A directory with a repository in it.
pub struct Berth {
    directory: tempfile::TempDir,
    pub repository: Repository,
    /// What the last pull told.
    pub events: Mutex<Vec<Event>>,
}

impl Berth {
    pub fn new() -> Self {
        Self::with(VerityAlgorithm::Sha512)
    }

    pub fn with(algorithm: VerityAlgorithm) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let repository = repository(&directory.path().join("repository"), algorithm);
        Self {
            directory,
            repository,
            events: Mutex::default(),
        }
    }

    /// In a directory of somebody else's.
    pub fn at(path: &Path) -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            repository: repository(path, VerityAlgorithm::Sha512),
            events: Mutex::default(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn pull(
        &self,
        layout: &Layout,
        name: &str,
        options: &PullOptions,
    ) -> Result<Pulled, IntakeError> {
        let reference = format!("oci:{}{name}", layout.path().display());
        self.fetch(&reference, options)
    }

    /// Pulls from anywhere.
    pub fn fetch(&self, reference: &str, options: &PullOptions) -> Result<Pulled, IntakeError> {
        self.events.lock().expect("no test panicked").clear();
        pull(
            &self.repository,
            &reference.parse().expect("a source"),
            &Importers::Registry(importers()),
            options,
            &|event| self.events.lock().expect("no test panicked").push(event),
        )
    }

    /// A pull that must succeed.
    #[track_caller]
    pub fn take(&self, layout: &Layout, name: &str, options: &PullOptions) -> Pulled {
        match self.pull(layout, name, options) {
            Ok(pulled) => pulled,
            Err(error) => panic!("{}", chain(&error)),
        }
    }

    /// A pull that must fail, and say all of `parts`.
    #[track_caller]
    pub fn refuse(
        &self,
        layout: &Layout,
        name: &str,
        options: &PullOptions,
        parts: &[&str],
    ) -> IntakeError {
        let error = self.pull(layout, name, options).expect_err("it is no good");
        let text = chain(&error);
        for part in parts {
            assert!(text.contains(part), "no {part:?} in {text:?}");
        }
        error
    }

    /// Everything that has a name, and what it leads to.
    pub fn names(&self) -> BTreeMap<PathBuf, PathBuf> {
        let mut names = BTreeMap::new();
        gather(&self.repository.path().join("streams"), &mut names);
        names
    }

    /// Asserts that a deep check finds no damage.
    #[track_caller]
    pub fn assert_sound(&self) {
        let options = FsckOptions {
            deep: true,
            ..Default::default()
        };
        let report = lazaret_graph::fsck(&self.repository, options, &|_| {}).expect("a check");
        assert!(!report.is_damaged(), "{:?}", report.findings);
    }

    /// What a stream rebuilds.
    #[track_caller]
    pub fn rebuilt(&self, stream: Stream) -> Vec<u8> {
        let found = self.repository.resolve_stream(&stream.name());
        let found = found.expect("a sound name").expect("a name");
        let mut bytes = Vec::new();
        self.repository
            .open_stream(&found, None)
            .and_then(|mut reader| reader.rebuild(&mut bytes))
            .expect("it rebuilds");
        bytes
    }

    /// Whether a stream has its name.
    pub fn has(&self, stream: Stream) -> bool {
        let found = self.repository.resolve_stream(&stream.name());
        found.expect("a sound name").is_some()
    }

    /// The names of the tags there are.
    pub fn tags(&self) -> Vec<String> {
        let rows = lazaret_graph::list(&self.repository).expect("a list");
        rows.into_iter().map(|row| row.tag).collect()
    }
}

fn repository(path: &Path, algorithm: VerityAlgorithm) -> Repository {
    Repository::init(path, algorithm, VerityPolicy::Insecure).expect("a repository");
    Repository::open(path, Access::Write).expect("the repository")
}

/// Compiled once.
fn importers() -> Arc<Registry> {
    static IMPORTERS: OnceLock<Arc<Registry>> = OnceLock::new();
    Arc::clone(IMPORTERS.get_or_init(|| {
        let options = SandboxOptions {
            cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("graph-code")),
            ..SandboxOptions::default()
        };
        Arc::new(Registry::new(options, lazaret_builtins::BUILTINS))
    }))
}

/// Options that take everything of an index.
pub fn all() -> PullOptions {
    PullOptions {
        selection: Selection::All,
        ..PullOptions::default()
    }
}

/// Options that take what refers to it, too.
pub fn referrers() -> PullOptions {
    PullOptions {
        referrers: true,
        ..PullOptions::default()
    }
}

/// Options that keep what is compressed.
pub fn keep() -> PullOptions {
    PullOptions {
        keep_compressed: true,
        ..PullOptions::default()
    }
}

/// A digest out of text.
#[track_caller]
pub fn parse(digest: &str) -> ContentDigest {
    digest.parse().expect("a digest")
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

fn gather(directory: &Path, names: &mut BTreeMap<PathBuf, PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("an entry").path();
        match fs::read_link(&path) {
            Ok(target) => {
                names.insert(path, target);
            }
            Err(_) => gather(&path, names),
        }
    }
}
