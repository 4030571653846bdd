//! What files say of themselves, here and there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lazaret_artifact::{EntryPath, Value};
use lazaret_graph::Image;
use lazaret_store::Repository;

use super::MetadataChange;
use crate::error::ViewError;
use crate::findings::{About, each_fact};

/// What is compared: facts about models, and the metadata that files carry.
const COMPARED: [&str; 2] = ["model.", "file.metadata."];

/// Follows from the names of tensors, which are compared one by one.
const DERIVED: &str = "model.tensor-names";

/// Depends on how a model is spread over files, and says nothing when several files are compared
/// with one.
const OF_ONE_FILE: [&str; 5] = [
    "model.dtypes",
    "model.format-version",
    "model.shard",
    "model.split-",
    "model.total-size",
];

/// Counts of which several files have each a share.
const SUMMED: [&str; 2] = ["model.tensors", "model.parameters"];

type Says = BTreeMap<String, Vec<Value>>;

/// A file, and what it says.
struct File {
    path: Option<EntryPath>,
    says: Says,
}

impl File {
    /// Whether it holds no tensors and names files that do.
    fn is_index(&self) -> bool {
        let format = self.says.get("model.format");
        matches!(format.map(Vec::as_slice), Some([Value::Text(format)]) if format.ends_with("-index"))
    }
}

/// Everything that is not said alike.
pub(super) fn compare(
    repository: &Repository,
    before: &Image,
    after: &Image,
) -> Result<Vec<MetadataChange>, ViewError> {
    let mut before = files(repository, before)?;
    let mut after = files(repository, after)?;
    let mut changes = Vec::new();
    let mut compare = |before: &File, after: &File| {
        changes_of(after.path.as_ref(), &before.says, &after.says, &mut changes);
    };
    for (b, a) in pairs(&mut before, &mut after, &|file| Some(file.path.clone())) {
        compare(&b, &a);
    }
    let name = |file: &File| file.path.as_ref()?.name().map(<[u8]>::to_vec);
    for (b, a) in pairs(&mut before, &mut after, &name) {
        compare(&b, &a);
    }
    before.retain(|file| !file.is_index());
    after.retain(|file| !file.is_index());
    match (&*before, &*after) {
        ([], _) | (_, []) => {}
        ([before], [after]) => compare(before, after),
        (before, after) => changes_of(None, &together(before), &together(after), &mut changes),
    }
    changes.sort_by(|a, b| (&a.file, &a.key).cmp(&(&b.file, &b.key)));
    Ok(changes)
}

fn files(repository: &Repository, image: &Image) -> Result<Vec<File>, ViewError> {
    let mut files: Vec<File> = Vec::new();
    let mut known: HashMap<*const About, (usize, Arc<About>)> = HashMap::new();
    each_fact(repository, image, |fact| {
        let is_compared = COMPARED.iter().any(|prefix| fact.key.starts_with(prefix));
        if !is_compared || fact.key == DERIVED || fact.about.entry.is_some() {
            return Ok(());
        }
        let about = fact.about;
        let (at, _) = known.entry(Arc::as_ptr(&about)).or_insert_with(|| {
            files.push(File {
                path: about.file.clone(),
                says: Says::new(),
            });
            (files.len() - 1, about)
        });
        let says = &mut files[*at].says;
        says.entry(fact.key).or_default().push(fact.value);
        Ok::<_, ViewError>(())
    })?;
    Ok(files)
}

/// Takes out of both sides the files that are the only ones with the same key there.
fn pairs<K: Ord>(
    before: &mut Vec<File>,
    after: &mut Vec<File>,
    key: &dyn Fn(&File) -> Option<K>,
) -> Vec<(File, File)> {
    let mut found: BTreeMap<K, (usize, usize)> = BTreeMap::new();
    for file in before.iter() {
        if let Some(key) = key(file) {
            found.entry(key).or_default().0 += 1;
        }
    }
    for file in after.iter() {
        if let Some(key) = key(file) {
            found.entry(key).or_default().1 += 1;
        }
    }
    let unique = |file: &File| {
        let key = key(file)?;
        (found.get(&key) == Some(&(1, 1))).then_some(key)
    };
    let take = |files: &mut Vec<File>| {
        let mut taken = BTreeMap::new();
        for file in std::mem::take(files) {
            match unique(&file) {
                Some(key) => {
                    taken.insert(key, file);
                }
                None => files.push(file),
            }
        }
        taken
    };
    let before = take(before);
    let after = take(after);
    before.into_values().zip(after.into_values()).collect()
}

/// What several files say: what they have in common once, counts summed.
fn together(files: &[File]) -> Says {
    let mut all = Says::new();
    for (key, values) in files.iter().flat_map(|file| &file.says) {
        if OF_ONE_FILE.iter().any(|prefix| key.starts_with(prefix)) {
            continue;
        }
        let known = all.entry(key.clone()).or_default();
        match (
            SUMMED.contains(&key.as_str()),
            known.as_slice(),
            values.as_slice(),
        ) {
            (true, [Value::Unsigned(sum)], [Value::Unsigned(more)]) => {
                *known = vec![Value::Unsigned(sum.saturating_add(*more))];
            }
            _ => {
                for value in values {
                    if !known.contains(value) {
                        known.push(value.clone());
                    }
                }
            }
        }
    }
    all
}

fn changes_of(
    file: Option<&EntryPath>,
    before: &Says,
    after: &Says,
    changes: &mut Vec<MetadataChange>,
) {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (was, is) = (before.get(key), after.get(key));
        if was != is {
            changes.push(MetadataChange {
                file: file.cloned(),
                key: key.clone(),
                before: was.cloned().unwrap_or_default(),
                after: is.cloned().unwrap_or_default(),
            });
        }
    }
}
