//! Which files are one model.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use lazaret_artifact::EntryPath;

use super::FileFacts;

/// The files of one model, by their numbers.
pub(super) struct Family {
    /// The file that names the others.
    pub(super) index: Option<usize>,
    /// The files with tensors, in the order of the artifact.
    pub(super) members: Vec<usize>,
    /// How many of them there should be, where that is known.
    pub(super) expected: Option<u64>,
}

/// What files that have no tensors say of the model beside them.
const DESCRIBING: [&str; 6] = [
    "architecture",
    "context-length",
    "embedding-length",
    "quantization",
    "tokenizer",
    "chat-template-sha256",
];

impl Family {
    /// Files in the directory of the first that describe a model and are none, by their numbers:
    /// those out of the same blob before others.
    pub(super) fn beside(&self, files: &[FileFacts]) -> Vec<usize> {
        let mut own = self.index.iter().chain(&self.members);
        let Some(first) = own.next().map(|&at| &files[at]) else {
            return Vec::new();
        };
        let directory = directory(first);
        let mut beside: Vec<usize> = (0..files.len())
            .filter(|&at| is_description(&files[at]) && self::directory(&files[at]) == directory)
            .collect();
        beside.sort_by_key(|&at| files[at].about.place.blob != first.about.place.blob);
        beside
    }
}

fn is_description(file: &FileFacts) -> bool {
    let says = |key: &&str| file.facts.contains_key(*key);
    !file.facts.contains_key("format") && DESCRIBING.iter().any(says)
}

fn directory(file: &FileFacts) -> EntryPath {
    file.path().and_then(EntryPath::parent).unwrap_or_default()
}

/// Every file that is of a model's format, in families.
pub(super) fn families(files: &[FileFacts]) -> Vec<Family> {
    let (indexes, members): (Vec<usize>, Vec<usize>) = (0..files.len())
        .filter(|&at| files[at].facts.contains_key("format"))
        .partition(|&at| files[at].shards.is_index() || is_index(&files[at]));
    let mut families = Vec::new();
    let mut named = vec![false; files.len()];
    let beside = by_name(files, &members);
    for index in indexes {
        let directory = directory(&files[index]);
        let names = files[index].names.iter();
        let mut own: Vec<usize> = names
            .filter_map(|name| beside.get(&(directory.clone(), name.clone())).copied())
            .collect();
        own.sort_unstable();
        own.dedup();
        for &at in &own {
            named[at] = true;
        }
        families.push(Family {
            index: Some(index),
            expected: Some(files[index].names.len() as u64),
            members: own,
        });
    }
    let mut numbered: BTreeMap<(Vec<u8>, u64), usize> = BTreeMap::new();
    for at in members {
        if named[at] {
            continue;
        }
        let alone = |expected| Family {
            index: None,
            members: vec![at],
            expected,
        };
        let Some(series) = series(&files[at]) else {
            families.push(alone(None));
            continue;
        };
        let expected = Some(series.1);
        match numbered.get(&series) {
            Some(&family) => families[family].members.push(at),
            None => {
                numbered.insert(series, families.len());
                families.push(alone(expected));
            }
        }
    }
    families.sort_by_key(|family| {
        let first = family.members.first().copied();
        family.index.into_iter().chain(first).min()
    });
    families
}

fn is_index(file: &FileFacts) -> bool {
    file.text("format")
        .is_some_and(|format| format.ends_with("-index"))
}

/// Files by directory and name, the name as keys of facts spell it. Names that are too long for a
/// key are not found.
fn by_name(files: &[FileFacts], members: &[usize]) -> HashMap<(EntryPath, String), usize> {
    let mut found = HashMap::new();
    for &at in members {
        if let Some(path) = files[at].path()
            && let (Some(directory), Some(name)) = (path.parent(), path.name())
        {
            found.entry((directory, spelled(name))).or_insert(at);
        }
    }
    found
}

/// As importers write names into keys: `%XX` for `%` and for all that is not graphic ASCII.
fn spelled(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name {
        match byte {
            b'%' => text.push_str("%25"),
            byte if byte.is_ascii_graphic() => text.push(char::from(*byte)),
            byte => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// What the names of the files of one series have in common, and how many files it has.
fn series(file: &FileFacts) -> Option<(Vec<u8>, u64)> {
    let stated = file.unsigned("split-count").filter(|count| *count > 1);
    let path = file.path().map(EntryPath::as_bytes).unwrap_or_default();
    match (numbers(path), stated) {
        (Some((common, count)), None) => Some((common, count)),
        (Some((common, _)), Some(count)) => Some((common, count)),
        (None, Some(count)) => {
            // Named some other way: those in one directory belong together.
            Some((directory(file).as_bytes().to_vec(), count))
        }
        (None, None) => None,
    }
}

/// `model-00002-of-00007.gguf`: all but the first number, and the second.
fn numbers(path: &[u8]) -> Option<(Vec<u8>, u64)> {
    const OF: &[u8] = b"-of-";
    let at = path.windows(OF.len()).rposition(|window| window == OF)?;
    let (before, behind) = (&path[..at], &path[at + OF.len()..]);
    let digits = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let prefix = before[..at - digits].strip_suffix(b"-")?;
    let length = behind
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let count: u64 = std::str::from_utf8(&behind[..length]).ok()?.parse().ok()?;
    (digits > 0 && count > 1).then(|| ([prefix, b"/", &behind[length..]].concat(), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_found() {
        let common = |text: &str| Some((text.as_bytes().to_vec(), 7));
        for (path, want) in [
            ("a/model-00002-of-00007.gguf", common("a/model/.gguf")),
            ("x-1-of-7", common("x/")),
            ("x-of-y-1-of-7.z", common("x-of-y/.z")),
            ("model-of-00007.gguf", None),
            ("1-of-7", None),
            ("x-1-of-1.gguf", None),
            ("x-1-of-.gguf", None),
            ("x-1-of-99999999999999999999", None),
            ("model.gguf", None),
            ("", None),
        ] {
            assert_eq!(numbers(path.as_bytes()), want, "{path}");
        }
    }
}
