//! What importers found in an image or artifact beside files: parts (tensors, partitions,
//! certificates) and facts. All of it is the importers' word, as their records have it; offsets and
//! sizes lie inside the content, which the host saw to when it was recorded.

use std::collections::BTreeMap;

use lazaret_artifact::record::Line;
use lazaret_artifact::{ContentDigest, Entry, EntryKind, EntryPath, Extent, Value};
use lazaret_graph::{Image, Layer, RecordReader, find_record};
use lazaret_store::Repository;

use crate::error::ViewError;

/// The attribute that has a part's own name where that cannot be a path.
const NAME: &str = "name";

/// The layer or blob that something was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its diff_id, or the digest of an artifact's blob.
    pub content: ContentDigest,
    /// The file that the artifact says it is.
    pub file: Option<EntryPath>,
}

/// A named stretch of a blob that is not a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it was found.
    pub place: Place,
    /// Its name, as the format has it; not necessarily a path, and not escaped.
    pub name: String,
    /// Where it begins in the content; none for a part without bytes in it.
    pub offset: Option<u64>,
    /// Its bytes.
    pub size: u64,
    /// What else is known of it, by key.
    pub attributes: BTreeMap<String, Value>,
}

impl Part {
    /// An attribute that is text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.attributes.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// A statement about a blob, or about something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFact {
    /// Where it was found.
    pub place: Place,
    /// The entry it is about; none for the blob as a whole.
    pub subject: Option<EntryPath>,
    /// Its dotted name.
    pub key: String,
    /// What is said.
    pub value: Value,
}

/// Every part, in the order of the blobs and of their content.
///
/// # Errors
/// The store's, and records that are damaged.
pub fn parts(repository: &Repository, image: &Image) -> Result<Vec<Part>, ViewError> {
    let mut found = Vec::new();
    for layer in &image.layers {
        let place = place_of(layer);
        each_line(repository, layer, &mut |line| {
            if let Line::Entry(entry) = line
                && entry.kind == EntryKind::Part
            {
                found.push(part(&place, entry));
            }
        })?;
    }
    Ok(found)
}

/// Every fact, in the order of the blobs and as it was stated.
///
/// # Errors
/// The store's, and records that are damaged.
pub fn facts(repository: &Repository, image: &Image) -> Result<Vec<FoundFact>, ViewError> {
    let mut found = Vec::new();
    for layer in &image.layers {
        let place = place_of(layer);
        let first = found.len();
        let mut subjects = BTreeMap::new();
        each_line(repository, layer, &mut |line| {
            if let Line::Fact(fact) = line {
                if let Some(subject) = fact.subject {
                    subjects.insert(found.len(), subject);
                }
                found.push(FoundFact {
                    place: place.clone(),
                    subject: None,
                    key: fact.key,
                    value: fact.value,
                });
            }
        })?;
        if !subjects.is_empty() {
            name_subjects(repository, layer, &subjects, &mut found[first..], first)?;
        }
    }
    Ok(found)
}

/// Puts the paths in place of the numbers of entries: a second reading, since a fact may come
/// before or after millions of entries that nobody wants to hold.
fn name_subjects(
    repository: &Repository,
    layer: &Layer,
    subjects: &BTreeMap<usize, u32>,
    found: &mut [FoundFact],
    first: usize,
) -> Result<(), ViewError> {
    let mut of_entry: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, subject) in subjects {
        of_entry.entry(*subject).or_default().push(at - first);
    }
    let mut number: u32 = 0;
    each_line(repository, layer, &mut |line| {
        if let Line::Entry(entry) = line {
            for at in of_entry.get(&number).into_iter().flatten() {
                found[*at].subject = Some(entry.path.clone());
            }
            number = number.saturating_add(1);
        }
    })
}

fn place_of(layer: &Layer) -> Place {
    Place {
        content: layer.key,
        file: layer.descriptor.file_path().and_then(Result::ok),
    }
}

/// Every line of a layer's record; none where there is no record.
fn each_line(
    repository: &Repository,
    layer: &Layer,
    visit: &mut dyn FnMut(Line),
) -> Result<(), ViewError> {
    let Some(record) = find_record(repository, &layer.key)? else {
        return Ok(());
    };
    for line in RecordReader::open(repository, &layer.key, &record.stream)? {
        visit(line?);
    }
    Ok(())
}

fn part(place: &Place, entry: Entry) -> Part {
    let offset = entry.content.iter().find_map(|extent| match extent {
        Extent::Input { offset, .. } => Some(*offset),
        _ => None,
    });
    let size = entry.size();
    let mut attributes: BTreeMap<String, Value> = entry
        .attributes
        .into_iter()
        .map(|attribute| (attribute.key, attribute.value))
        .collect();
    let name = match attributes.remove(NAME) {
        Some(Value::Text(name)) => name,
        _ => String::from_utf8_lossy(entry.path.as_bytes()).into_owned(),
    };
    Part {
        place: place.clone(),
        name,
        offset,
        size,
        attributes,
    }
}

#[cfg(test)]
mod tests {
    use lazaret_artifact::{Attribute, Fact};

    use super::*;
    use crate::samples::{Bench, Sketch, entry, path};

    fn attribute(key: &str, text: &str) -> Attribute {
        Attribute {
            key: key.to_owned(),
            value: Value::Text(text.to_owned()),
        }
    }

    fn fact(subject: Option<u32>, key: &str, value: Value) -> Fact {
        Fact {
            subject,
            key: key.to_owned(),
            value,
        }
    }

    #[test]
    fn parts_and_facts_come_with_their_places() {
        let bench = Bench::new();
        let mut model = Sketch::new();
        let content = model.bytes(&[7; 300], true);
        model.entries.push(Entry {
            content: vec![content],
            attributes: vec![attribute("dtype", "F32"), attribute("shape", "[75]")],
            ..entry(EntryKind::Part, path("layers/0"))
        });
        model.entries.push(Entry {
            attributes: vec![attribute("name", "../odd")],
            ..entry(EntryKind::Part, path("escaped"))
        });
        model.facts = vec![
            fact(None, "model.format", Value::Text("x".to_owned())),
            fact(Some(1), "model.odd", Value::Boolean(true)),
        ];
        let title = [("org.opencontainers.image.title", "a/model.bin")];
        let image = bench.artifact(&[(&model, &title, true)]);

        let found = parts(&bench.repository, &image).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|part| (&*part.name, part.offset, part.size, part.text("dtype")))
            .collect();
        assert_eq!(
            shown,
            [
                ("layers/0", Some(0), 300, Some("F32")),
                ("../odd", None, 0, None)
            ]
        );
        assert_eq!(found[0].place.file, Some(path("a/model.bin")));
        assert_eq!(found[1].attributes.len(), 0);

        let found = facts(&bench.repository, &image).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|fact| (&*fact.key, fact.subject.clone()))
            .collect();
        assert_eq!(
            shown,
            [("model.format", None), ("model.odd", Some(path("escaped")))]
        );
    }

    #[test]
    fn what_nobody_took_apart_has_nothing() {
        let bench = Bench::new();
        let mut whole = Sketch::new();
        whole.bytes(b"whole", true);
        let image = bench.artifact(&[(&whole, &[], false)]);
        assert_eq!(parts(&bench.repository, &image).unwrap(), []);
        assert_eq!(facts(&bench.repository, &image).unwrap(), []);
    }
}
