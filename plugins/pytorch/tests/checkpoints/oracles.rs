//! Files that Python and torch wrote, and streams that Python reads.
//!
//! `torch.save` itself is too large to be here: Python's `pickle` writes what it would write, over
//! stand-ins of torch's classes, and `zipfile` the archive. Files that torch did write come in
//! packages (`lpips`: before zip, `pesto-pitch`: zip), which are read when they are installed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use lazaret_plugin_pytorch::{Checkpoint, Format, Level, opcodes, replay};
use tempfile::TempDir;

use crate::sound::read;

const SCRIPTS: [(&str, &str); 4] = [
    ("save.py", include_str!("save.py")),
    ("genops.py", include_str!("genops.py")),
    ("unpickle.py", include_str!("unpickle.py")),
    ("unzip.py", include_str!("unzip.py")),
];

/// A folder for one test, with the scripts in it.
pub struct Bench(TempDir);

impl Bench {
    /// None, with a word about it, without Python; in CI that is a failure.
    pub fn new() -> Option<Self> {
        if Command::new("python3").arg("--version").output().is_err() {
            assert!(
                std::env::var_os("CI").is_none_or(|ci| ci != "true"),
                "python3 missing"
            );
            eprintln!("skipped: python3 missing");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in SCRIPTS {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Some(Self(folder))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn python(&self, arguments: &[&str]) -> String {
        let output = Command::new("python3")
            .args(arguments)
            .current_dir(self.0.path())
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Files in a folder of their own, numbered.
    pub fn write(&self, folder: &str, files: &[Vec<u8>]) {
        std::fs::create_dir(self.path(folder)).unwrap();
        for (number, file) in files.iter().enumerate() {
            std::fs::write(self.path(folder).join(format!("{number:06}")), file).unwrap();
        }
    }
}

/// One line a tensor: name, type, shape, stride, checksum of its bytes.
fn lines(file: &[u8], checkpoint: &Checkpoint) -> Vec<String> {
    let line = |part: &lazaret_plugin_pytorch::Part| {
        let bytes = &file[part.offset as usize..][..part.length as usize];
        let list = |numbers: &[u64]| {
            let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
            numbers.join(",")
        };
        format!(
            "{}\t{}\t{}\t{}\t{:08x}",
            part.name,
            part.dtype.name(),
            list(&part.shape),
            part.stride.as_deref().map_or("-".to_owned(), list),
            crc32fast::hash(bytes)
        )
    };
    checkpoint.parts.iter().map(line).collect()
}

#[test]
fn files_that_python_writes_agree_tensor_for_tensor() {
    let Some(bench) = Bench::new() else {
        return;
    };
    for protocol in ["0", "1", "2", "3", "4", "5"] {
        for format in ["zip", "legacy"] {
            let listed = bench.python(&["save.py", format, protocol, "file"]);
            let file = std::fs::read(bench.path("file")).unwrap();
            let checkpoint = read(&file);
            let ours = lines(&file, &checkpoint);
            assert_eq!(
                ours,
                listed.lines().collect::<Vec<_>>(),
                "{format}, protocol {protocol}"
            );
            assert!(ours.len() > 30);
            let expected = if format == "zip" {
                Format::Zip
            } else {
                Format::Legacy
            };
            assert_eq!(checkpoint.format, expected);
            assert_eq!(
                checkpoint.findings.kept(),
                [],
                "{format}, protocol {protocol}"
            );
        }
    }
}

#[test]
fn archives_are_listed_as_zipfile_does() {
    let Some(bench) = Bench::new() else {
        return;
    };
    let mut files = crate::chunks::files();
    files.truncate(2);
    bench.python(&["save.py", "zip", "2", "file"]);
    files.push(std::fs::read(bench.path("file")).unwrap());
    bench.write("zips", &files);
    let listed = bench.python(&["unzip.py", "zips"]);
    let mut ours = String::new();
    for file in &files {
        let mut input = lazaret_plugin_pytorch::Replay::new(file, 0);
        let archive = lazaret_plugin_pytorch::zip::Archive::read(&mut input).unwrap();
        for member in archive.members() {
            writeln!(
                ours,
                "{} {} {} {:08x}",
                archive.name(member),
                member.data,
                member.size,
                member.checksum
            )
            .unwrap();
        }
    }
    assert_eq!(ours, listed);
}

/// Where the packages of the tests' Python are, some of which bring files torch wrote.
fn packages() -> Option<PathBuf> {
    let python = std::env::var_os("LAZARET_PYTHON")?;
    Some(Path::new(&python).parent()?.parent()?.join("lib"))
}

/// Files below a folder of these endings.
fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "pt" || end == "pth" || end == "ckpt")
        {
            found.push(path);
        }
    }
}

/// Python has files of the same ending that are lists of folders.
fn is_checkpoint(path: &Path) -> bool {
    let file = std::fs::read(path).unwrap();
    file.starts_with(b"PK") || file.starts_with(b"\x80")
}

#[test]
fn files_that_torch_wrote_are_read() {
    let mut found = Vec::new();
    if let Some(folder) = packages() {
        find(&folder, &mut found);
    }
    found.retain(|path| is_checkpoint(path));
    found.sort();
    if found.is_empty() {
        eprintln!("skipped: no package with files that torch wrote (lpips, pesto-pitch)");
        return;
    }
    for path in found {
        let file = std::fs::read(&path).unwrap();
        let checkpoint = match replay(&file, 0) {
            Ok(checkpoint) => checkpoint,
            Err((fault, _)) => {
                assert!(fault.is_unsupported(), "{}: {fault}", path.display());
                continue;
            }
        };
        // One was saved with its configuration, whose classes (omegaconf's) torch refuses, too, unless
        // it is told to trust the file.
        let is_configured = path.ends_with("mir-1k_g7.ckpt");
        let expected = if is_configured {
            Level::Suspicious
        } else {
            Level::Note
        };
        assert_eq!(
            checkpoint.findings.worst(),
            expected,
            "{}: {:?}",
            path.display(),
            checkpoint.findings.kept()
        );
        assert!(!checkpoint.parts.is_empty());
        // Every storage is some tensor's, to its last byte.
        let stored: u64 = checkpoint.storages.iter().map(|(_, bytes)| bytes).sum();
        let listed: u64 = checkpoint.parts.iter().map(|part| part.length).sum();
        assert_eq!(stored, listed, "{}", path.display());
        println!("{}: {} tensors", path.display(), checkpoint.parts.len());
    }
}

/// What our reader makes of a pickle, in the words of `genops.py`.
pub fn trace(pickle: &[u8]) -> String {
    match opcodes(pickle, 0) {
        Ok(opcodes) => opcodes
            .iter()
            .fold(String::new(), |mut line, (offset, opcode)| {
                write!(line, "{offset} {},", opcode.name()).unwrap();
                line
            }),
        Err(_) => "error".to_owned(),
    }
}
