//! Files of Python's `gguf`, read as Python reads them; and broken ones, where each disagreement has
//! a reason.
//!
//! The interpreter is that of the environment variable `LAZARET_PYTHON`, else `python3`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use lazaret_plugin_gguf::{Fault, Replay, Rule, Statement, replay};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::file::{File, u32_value};
use crate::refused;

/// A folder for one test, with Python beside it.
struct Bench {
    folder: TempDir,
    python: String,
}

impl Bench {
    /// None, with a word about it, if Python or its package is missing; in CI that is a failure.
    fn new() -> Option<Self> {
        let python = std::env::var("LAZARET_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let import = Command::new(&python).args(["-c", "import gguf"]).output();
        if !import.is_ok_and(|output| output.status.success()) {
            assert!(
                std::env::var_os("CI").is_none_or(|ci| ci != "true"),
                "Python's gguf missing"
            );
            eprintln!("skipped: Python's gguf missing");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        std::fs::write(folder.path().join("make.py"), include_str!("make.py")).unwrap();
        std::fs::write(folder.path().join("list.py"), include_str!("list.py")).unwrap();
        Some(Self { folder, python })
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.python)
            .args(arguments)
            .current_dir(self.files())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn make(&self) {
        self.run(&["../make.py"]);
    }

    /// What Python reads, by file.
    fn list(&self) -> BTreeMap<String, Value> {
        let listed = self.run(&["../list.py", "."]);
        let rows = listed.lines().map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            (row["file"].as_str().unwrap().to_owned(), row)
        });
        rows.collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// As `list.py` describes it, without the metadata.
fn tensors(replay: &Replay, bytes: &[u8]) -> Value {
    let tensors = replay.model.tensors.iter().map(|tensor| {
        let (start, end) = (tensor.offset, tensor.offset + tensor.length);
        let data = &bytes[start as usize..end as usize];
        let shape: Value = serde_json::from_str(&tensor.shape_text()).unwrap();
        json!({
            "name": *tensor.name,
            "dtype": tensor.dtype.name(),
            "dimensions": tensor.dimensions(),
            "shape": shape,
            "elements": tensor.elements(),
            "offset": tensor.offset,
            "length": tensor.length,
            "sha256": hex(&Sha256::digest(data)),
            "whole": true,
        })
    });
    tensors.collect()
}

fn read(path: &Path) -> (Vec<u8>, Result<Replay, Fault>) {
    let bytes = std::fs::read(path).unwrap();
    let replay = replay(&bytes, 0);
    (bytes, replay)
}

#[test]
fn files_of_python_are_read_as_by_python() {
    let Some(bench) = Bench::new() else {
        return;
    };
    bench.make();
    let mut compared = 0;
    for (name, listed) in bench.list() {
        if matches!(&*name, "big-endian.gguf" | "nested.gguf" | "q8_1.gguf") {
            continue;
        }
        let (bytes, replay) = read(&bench.files().join(&name));
        let replay = replay.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(replay.model.version, listed["version"], "{name}");
        assert_eq!(replay.model.alignment, listed["alignment"], "{name}");
        assert_eq!(tensors(&replay, &bytes), listed["tensors"], "{name}");
        for (key, value) in listed["fields"].as_object().unwrap() {
            let key = format!("file.metadata.{key}");
            let fact = replay.facts.iter().find(|fact| fact.key == key).unwrap();
            let Statement::Text(text) = &fact.value else {
                panic!("{key} is no text");
            };
            let value = value.as_str().unwrap();
            match text.split_once("… [cut") {
                None => assert_eq!(text, value, "{name}: {key}"),
                Some((start, _)) => assert!(value.starts_with(start), "{name}: {key}"),
            }
        }
        compared += replay.model.tensors.len();
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn a_split_model_says_which_file_it_is() {
    let Some(bench) = Bench::new() else {
        return;
    };
    bench.make();
    for number in 0..3_u64 {
        let name = format!("shard-0000{}-of-00003.gguf", number + 1);
        let card = read(&bench.files().join(name)).1.unwrap().model.card;
        assert_eq!(
            (card.split_no, card.split_count, card.split_tensors),
            (Some(number), Some(3), Some(5))
        );
    }
}

#[test]
fn what_python_writes_and_lazaret_refuses() {
    let Some(bench) = Bench::new() else {
        return;
    };
    bench.make();
    let listed = bench.list();
    for (name, rule) in [
        // Python reads both byte orders.
        ("big-endian.gguf", Rule::ByteSwapped),
        // Python writes and flattens lists in lists; the reference refuses them.
        ("nested.gguf", Rule::NestedArray),
        // Python gives blocks of Q8_1 40 bytes, as they had before 2024; the reference has 36. So
        // what it writes has a hole behind every such tensor.
        ("q8_1.gguf", Rule::Offset),
    ] {
        assert!(listed[name].get("error").is_none(), "{name}");
        let fault = read(&bench.files().join(name)).1.unwrap_err();
        assert_eq!(fault.rule, rule, "{name}");
    }
}

/// Rules that Python does not know, and why Lazaret does. Python reads such a file.
const STRICTER: [(Rule, &str); 11] = [
    (
        Rule::BoolValue,
        "the specification calls such a file invalid; readers take it for true, or for its number",
    ),
    (Rule::Dimensions, "the reference takes four at most"),
    (Rule::EmptyKey, "the reference refuses it"),
    (Rule::EmptyName, "nothing can ask for it, and it is no path"),
    (
        Rule::KeyText,
        "the reference looks a key up to its first NUL: it finds another one than Python",
    ),
    (
        Rule::NameLength,
        "the reference keeps 63 bytes: another name than Python's",
    ),
    (
        Rule::NameText,
        "the reference ends a name at its first NUL: another one than Python's",
    ),
    (
        Rule::NestedArray,
        "the reference refuses it; Python makes one list of all",
    ),
    (
        Rule::Offset,
        "the reference wants each tensor where the one before it ends; Python lets them overlap, and has sums that wrap",
    ),
    (
        Rule::StringBeyondEnd,
        "Python returns what is there of a string, if nothing is read after it",
    ),
    (
        Rule::TrailingData,
        "readers ignore it: a place to hide another file, a zip archive first of all",
    ),
];

/// Why Python fails at a file that Lazaret reads: what its error says, and the reason.
const LAXER: [(&str, &str); 3] = [
    (
        "Duplicate GGUF.version",
        "Python keeps the header among the keys; there is no such rule",
    ),
    (
        "is not a valid GGMLQuantizationType",
        "Q2_0 is in the reference and not yet in Python's package",
    ),
    (
        "IndexError: tuple index out of range",
        "Python asks for the last of no dimensions; the reference takes a single element",
    ),
];

/// Sound files that Python fails at, as Lazaret does not.
fn sound_only_here() -> Vec<(&'static str, Vec<u8>)> {
    const BF16: u32 = 30;
    const Q2_0: u32 = 42;
    vec![
        (
            "key of the header",
            File::new().key("GGUF.version", &u32_value(3)).bytes(),
        ),
        ("new type", File::new().tensor("a", Q2_0, &[64]).bytes()),
        ("no dimensions", File::new().tensor("a", BF16, &[]).bytes()),
    ]
}

/// `data` with one to three changes in its first `index` bytes, or cut off.
fn mutated(data: &[u8], index: usize, number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).unwrap()
    };
    let mut data = data.to_vec();
    if below(12) == 0 {
        data.truncate(below(data.len()));
        return data;
    }
    if below(12) == 0 {
        data.extend(vec![0; below(100)]);
        return data;
    }
    for _ in 0..=below(3) {
        let at = below(index);
        data[at] = match below(4) {
            0 => data[at] ^ 1 << below(8),
            1 => data[at].wrapping_add(1),
            2 => [0, 1, 2, 4, 8, 9, 0x7f, 0x80, 0xff][below(9)],
            _ => data[below(index)],
        };
    }
    data
}

#[test]
fn broken_files_are_refused_as_by_python_or_for_a_reason() {
    const MUTATIONS: u64 = 1500;
    let Some(bench) = Bench::new() else {
        return;
    };
    bench.make();
    let small = read(&bench.files().join("small.gguf"));
    let plain = read(&bench.files().join("plain.gguf"));
    for entry in std::fs::read_dir(bench.files()).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (number, case) in refused::cases().into_iter().enumerate() {
        let path = bench.files().join(format!("case-{number:03} {}", case.0));
        std::fs::write(path, case.1).unwrap();
    }
    for (name, (bytes, replay)) in [("small", small), ("plain", plain)] {
        let index = usize::try_from(replay.unwrap().model.index).unwrap();
        for number in 0..MUTATIONS {
            let path = bench.files().join(format!("{name}-{number:04}"));
            std::fs::write(path, mutated(&bytes, index, number)).unwrap();
        }
    }
    for (name, bytes) in sound_only_here() {
        std::fs::write(bench.files().join(name), bytes).unwrap();
    }
    let mut unexplained = Vec::new();
    let mut agreed = 0;
    let mut seen = BTreeSet::new();
    for (name, listed) in bench.list() {
        let (bytes, replay) = read(&bench.files().join(&name));
        let theirs = listed.get("error").map(|error| error.as_str().unwrap());
        match (&replay, theirs) {
            (Err(_), Some(_)) => agreed += 1,
            (Ok(replay), None) => {
                let ours = tensors(replay, &bytes);
                let (ours, theirs) = (
                    ours.as_array().unwrap(),
                    listed["tensors"].as_array().unwrap(),
                );
                // Python's blocks of it are larger: see the test above.
                let alike = ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(ours, theirs)| {
                        ours == theirs || ours["dtype"] == "Q8_1" && ours["name"] == theirs["name"]
                    });
                if alike {
                    agreed += 1;
                } else {
                    unexplained.push(format!("{name}: {ours:?}\n  {theirs:?}"));
                }
            }
            (Err(fault), None) => {
                if STRICTER.iter().any(|(rule, _)| *rule == fault.rule) {
                    seen.insert(fault.rule.reason());
                } else {
                    unexplained.push(format!("{name}: refused here only: {fault}"));
                }
            }
            (Ok(_), Some(error)) => match LAXER.iter().find(|(text, _)| error.contains(text)) {
                Some((text, _)) => drop(seen.insert(text)),
                None => unexplained.push(format!("{name}: refused there only: {error}")),
            },
        }
    }
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    let expected: BTreeSet<_> = STRICTER
        .iter()
        .map(|(rule, _)| rule.reason())
        .chain(LAXER.iter().map(|(text, _)| *text))
        .collect();
    assert_eq!(seen, expected, "a disagreement is over");
    assert!(agreed > 2000, "{agreed}");
}
