//! The parts in one content, with their files, their own names and their objects.

use std::sync::Arc;

use lazaret_artifact::record::Line;
use lazaret_artifact::{Entry, EntryKind, EntryPath, Extent, Value};
use lazaret_graph::find_record;
use lazaret_store::Repository;

use super::{Part, Place, lines};
use crate::content::Objects;
use crate::error::ViewError;

/// The attribute that has a part's own name where that cannot be a path.
const NAME: &str = "name";

/// The attribute that has the path of the file that a part lies in, where that is inside the content.
const FILE: &str = "file";

/// Hands over the parts in one content.
pub(super) fn of_place<E: From<ViewError>>(
    repository: &Repository,
    place: Arc<Place>,
    visit: &mut impl FnMut(Part) -> Result<(), E>,
) -> Result<(), E> {
    let Some(record) = find_record(repository, &place.content).map_err(ViewError::from)? else {
        return Ok(());
    };
    if record.summary.entries == 0 {
        return Ok(());
    }
    let mut reading = Reading::new(repository, place);
    for line in lines(repository, &reading.place, &record)? {
        if let Line::Entry(entry) = line?
            && entry.kind == EntryKind::Part
        {
            visit(reading.part(entry)?)?;
        }
    }
    Ok(())
}

struct Reading<'a> {
    repository: &'a Repository,
    place: Arc<Place>,
    own: Option<Arc<EntryPath>>,
    /// The file inside that the part before lay in: parts of one file come together.
    inside: Option<Arc<EntryPath>>,
    /// Looked up for the first part.
    objects: Option<Objects>,
}

impl<'a> Reading<'a> {
    fn new(repository: &'a Repository, place: Arc<Place>) -> Self {
        Self {
            repository,
            own: place.file.clone().map(Arc::new),
            place,
            inside: None,
            objects: None,
        }
    }

    fn part(&mut self, entry: Entry) -> Result<Part, ViewError> {
        let size = entry.content.iter().map(Extent::length);
        let size = size.fold(0, u64::saturating_add);
        let object = match &*entry.content {
            [Extent::Input { offset, length }] => self.objects()?.find(*offset, *length),
            _ => None,
        };
        let inside = file_of(&entry);
        let name = own_name(&entry);
        let mut attributes = entry.attributes;
        attributes.retain(|known| known.key != NAME && known.key != FILE);
        Ok(Part {
            place: Arc::clone(&self.place),
            file: match inside {
                Some(inside) => Some(self.shared(inside)),
                None => self.own.clone(),
            },
            name,
            extents: entry.content,
            size,
            object,
            attributes,
        })
    }

    fn shared(&mut self, inside: EntryPath) -> Arc<EntryPath> {
        match &self.inside {
            Some(known) if **known == inside => Arc::clone(known),
            _ => Arc::clone(self.inside.insert(Arc::new(inside))),
        }
    }

    fn objects(&mut self) -> Result<&Objects, ViewError> {
        match &mut self.objects {
            Some(objects) => Ok(objects),
            none => Ok(none.insert(Objects::of(self.repository, &self.place.stream)?)),
        }
    }
}

/// The name of a part as a path says it: what is behind the file that it lies in.
pub(super) fn own_name(entry: &Entry) -> String {
    let text = |key: &str| {
        let found = entry.attributes.iter().find(|known| known.key == key)?;
        match &found.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }
    };
    match text(NAME) {
        Some(name) => name.to_owned(),
        None => lossy(below(&entry.path, file_of(entry).as_ref())),
    }
}

/// The file inside the content that an entry lies in, by its attribute.
pub(super) fn file_of(entry: &Entry) -> Option<EntryPath> {
    let found = entry.attributes.iter().find(|known| known.key == FILE)?;
    match &found.value {
        Value::Text(text) => EntryPath::from_untrusted(text.as_bytes()).ok(),
        Value::Bytes(bytes) => EntryPath::from_untrusted(bytes).ok(),
        _ => None,
    }
}

/// The path from `file` on; all of it where it is somewhere else.
fn below<'a>(path: &'a EntryPath, file: Option<&EntryPath>) -> &'a [u8] {
    let path = path.as_bytes();
    file.and_then(|file| path.strip_prefix(file.as_bytes()))
        .and_then(|rest| rest.strip_prefix(b"/"))
        .unwrap_or(path)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
