//! Models in several files: whether an index and the files it names say the same.
//!
//! An importer states of an index which files it names, with the number of tensors and a digest of
//! their names for each (`model.shard.<file>`, `model.shard-names.<file>`), and of a file how many
//! tensors it has and the same digest (`model.tensors`, `model.tensor-names`). Neither sees the
//! other; here they are compared.

use std::collections::BTreeMap;

use crate::digest::ContentDigest;
use crate::entry::Value;
use crate::path::EntryPath;
use crate::text::escape;

const TENSORS: &str = "model.tensors";
const NAMES: &str = "model.tensor-names";
const SHARD: &str = "model.shard.";
const SHARD_NAMES: &str = "model.shard-names.";

/// Where a key was too long, it was cut, and a digest follows this.
const CUT: &str = "%~";

/// Files that one index may name: importers have a lower limit, records of others may not.
const MAX_SHARDS: usize = 100_000;

/// What the facts of one file say of shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShardFacts {
    tensors: Option<u64>,
    names: Option<ContentDigest>,
    shards: BTreeMap<String, Expected>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Expected {
    tensors: Option<u64>,
    names: Option<ContentDigest>,
}

impl ShardFacts {
    /// Takes note of a fact about the file.
    pub fn see(&mut self, key: &str, value: &Value) {
        match (key, value) {
            (TENSORS, Value::Unsigned(tensors)) => self.tensors = Some(*tensors),
            (NAMES, Value::Digest(names)) => self.names = Some(*names),
            (_, Value::Unsigned(tensors)) => {
                if let Some(shard) = self.shard(key, SHARD) {
                    shard.tensors = Some(*tensors);
                }
            }
            (_, Value::Digest(names)) => {
                if let Some(shard) = self.shard(key, SHARD_NAMES) {
                    shard.names = Some(*names);
                }
            }
            _ => {}
        }
    }

    /// Whether it is an index.
    #[must_use]
    pub fn is_index(&self) -> bool {
        !self.shards.is_empty()
    }

    /// How many files it names.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Whether nothing was said that matters here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn shard(&mut self, key: &str, prefix: &str) -> Option<&mut Expected> {
        let file = key.strip_prefix(prefix)?;
        if !self.shards.contains_key(file) && self.shards.len() >= MAX_SHARDS {
            return None;
        }
        Some(self.shards.entry(file.to_owned()).or_default())
    }
}

/// Compares every index with the files beside it, in the same directory. One sentence for each
/// contradiction; none if there is nothing to complain of.
#[must_use]
pub fn check(files: &[(EntryPath, ShardFacts)]) -> Vec<String> {
    let by_path: BTreeMap<&[u8], &ShardFacts> = files
        .iter()
        .map(|(path, facts)| (path.as_bytes(), facts))
        .collect();
    let mut found = Vec::new();
    for (index, facts) in files {
        let directory = index.parent().unwrap_or_default();
        for (file, expected) in &facts.shards {
            let contradiction = match unescape(file) {
                Some(name) => {
                    let path = directory.join(&name);
                    let shard = path.ok().and_then(|path| by_path.get(path.as_bytes()));
                    contradiction(expected, shard.copied())
                }
                None => Some("has too long a name to be compared".to_owned()),
            };
            if let Some(contradiction) = contradiction {
                let shown = unescape(file).map_or_else(|| file.clone(), |name| escape(&name));
                found.push(format!("{index} names {shown}, which {contradiction}"));
            }
        }
    }
    found
}

fn contradiction(expected: &Expected, shard: Option<&ShardFacts>) -> Option<String> {
    let Some(shard) = shard else {
        return Some("is not there".to_owned());
    };
    let Some(tensors) = shard.tensors else {
        return Some("could not be read as a file of tensors".to_owned());
    };
    if let Some(expected) = expected.tensors.filter(|expected| *expected != tensors) {
        return Some(format!("has {tensors} tensors, not {expected}"));
    }
    if expected.names.is_some() && expected.names != shard.names {
        return Some("has tensors of other names".to_owned());
    }
    None
}

/// The name behind a key: `%XX` stands for a byte. None for one that was cut.
fn unescape(key: &str) -> Option<Vec<u8>> {
    if key.contains(CUT) {
        return None;
    }
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = behind;
            continue;
        }
        let hex = std::str::from_utf8(behind.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        rest = &behind[2..];
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(facts: &[(&str, Value)]) -> ShardFacts {
        let mut seen = ShardFacts::default();
        for (key, value) in facts {
            seen.see(key, value);
        }
        seen
    }

    fn names(of: &str) -> Value {
        Value::Digest(ContentDigest::sha256(of.as_bytes()))
    }

    fn shard(tensors: u64, of: &str) -> ShardFacts {
        let tensors = Value::Unsigned(tensors);
        facts(&[(TENSORS, tensors), (NAMES, names(of))])
    }

    fn path(text: &str) -> EntryPath {
        EntryPath::from_untrusted(text.as_bytes()).unwrap()
    }

    fn index() -> ShardFacts {
        facts(&[
            ("model.shards", Value::Unsigned(2)),
            ("model.shard.a%20b", Value::Unsigned(2)),
            ("model.shard-names.a%20b", names("one")),
            ("model.shard.c", Value::Unsigned(3)),
            ("model.shard-names.c", names("two")),
        ])
    }

    #[test]
    fn what_agrees_is_not_mentioned() {
        let files = [
            (path("d/index.json"), index()),
            (path("d/a b"), shard(2, "one")),
            (path("d/c"), shard(3, "two")),
            (path("d/not-named"), shard(3, "three")),
        ];
        assert_eq!(check(&files), Vec::<String>::new());
        assert!(files[0].1.is_index() && !files[1].1.is_index());
        assert_eq!(files[0].1.shards(), 2);
        assert!(ShardFacts::default().is_empty());
    }

    #[test]
    fn each_contradiction_is_a_sentence() {
        let files = [
            (path("index.json"), index()),
            (path("a b"), shard(1, "one")),
            (path("d/c"), shard(3, "two")),
        ];
        assert_eq!(
            check(&files),
            [
                "index.json names a b, which has 1 tensors, not 2",
                "index.json names c, which is not there",
            ]
        );
        let files = [
            (path("index.json"), index()),
            (path("a b"), shard(2, "other")),
            (path("c"), ShardFacts::default()),
        ];
        assert_eq!(
            check(&files),
            [
                "index.json names a b, which has tensors of other names",
                "index.json names c, which could not be read as a file of tensors",
            ]
        );
        let cut = facts(&[("model.shard.x%~0123456789abcdef", Value::Unsigned(1))]);
        assert_eq!(
            check(&[(path("i"), cut)]),
            ["i names x%~0123456789abcdef, which has too long a name to be compared"]
        );
    }

    #[test]
    fn names_are_not_followed_out_of_their_directory() {
        let index = facts(&[("model.shard...%2F..%2Fa", Value::Unsigned(1))]);
        let files = [(path("d/e/i"), index), (path("a"), shard(1, "x"))];
        assert_eq!(check(&files), ["d/e/i names ../../a, which is not there"]);
    }
}
