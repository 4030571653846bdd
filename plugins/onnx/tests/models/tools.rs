//! Python's `onnx` package, which writes models and says what it sees in them.
//!
//! The interpreter is that of the environment variable `LAZARET_PYTHON`, else `python3`.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const SCRIPTS: [(&str, &str); 5] = [
    ("make.py", include_str!("make.py")),
    ("tensors.py", include_str!("tensors.py")),
    ("list.py", include_str!("list.py")),
    ("damage.py", include_str!("damage.py")),
    ("judge.py", include_str!("judge.py")),
];

/// A folder for one test, with the scripts and the models in it.
pub struct Bench {
    folder: TempDir,
    python: String,
}

impl Bench {
    /// None, with a word about it, if Python or a package is missing; in CI that is a failure.
    pub fn new() -> Option<Self> {
        let python = std::env::var("LAZARET_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        // What the models here need came with 1.23.
        let check = "import numpy, onnx; onnx.TensorProto.FLOAT6E3M2";
        let found = Command::new(&python).args(["-c", check]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
            assert!(!is_ci, "{python} with onnx 1.23 missing");
            eprintln!("skipped: {python} with the packages onnx 1.23 and numpy missing");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in SCRIPTS {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let bench = Self { folder, python };
        bench.run("make.py", &[PathBuf::from(".")]);
        Some(bench)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The models, by name.
    pub fn models(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.path()).unwrap();
        let mut models: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        models.retain(|path| path.extension().is_some_and(|suffix| suffix == "onnx"));
        models.sort();
        assert!(models.len() >= 9, "{models:?}");
        models
    }

    /// What a script prints.
    pub fn run(&self, script: &str, arguments: &[PathBuf]) -> String {
        let output = Command::new(&self.python)
            .arg(script)
            .args(arguments)
            .current_dir(self.path())
            .env("PYTHONUTF8", "1")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}
