//! The facts of one content, each with what it is about.
//!
//! A record has numbers of entries for that. The entries are read a second time for them, since a
//! fact may come before or after millions of entries that nobody wants to hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use lazaret_artifact::record::Line;
use lazaret_artifact::{Entry, EntryKind, Extent, Fact};
use lazaret_graph::{Record, find_record};
use lazaret_store::Repository;

use super::parts::{file_of, own_name};
use super::{About, FoundFact, Place, lines};
use crate::error::ViewError;

/// Hands over the facts of one content.
pub(super) fn of_place<E: From<ViewError>>(
    repository: &Repository,
    place: Arc<Place>,
    visit: &mut impl FnMut(FoundFact) -> Result<(), E>,
) -> Result<(), E> {
    let Some(record) = find_record(repository, &place.content).map_err(ViewError::from)? else {
        return Ok(());
    };
    if record.summary.facts == 0 {
        return Ok(());
    }
    let mut facts: Vec<Fact> = Vec::new();
    for line in lines(repository, &place, &record)? {
        if let Line::Fact(fact) = line? {
            facts.push(fact);
        }
    }
    let subjects = subjects(repository, &place, &record, &facts)?;
    let whole = Arc::new(About {
        file: place.file.clone(),
        place,
        entry: None,
        size: record.summary.size,
    });
    for fact in facts {
        let subject = fact.subject.and_then(|number| subjects.get(&number));
        visit(FoundFact {
            // A number without an entry is no reason to keep what is said to ourselves.
            about: Arc::clone(subject.and_then(Option::as_ref).unwrap_or(&whole)),
            key: fact.key,
            value: fact.value,
        })?;
    }
    Ok(())
}

/// The entries that facts are about, by their numbers.
fn subjects(
    repository: &Repository,
    place: &Arc<Place>,
    record: &Record,
    facts: &[Fact],
) -> Result<BTreeMap<u32, Option<Arc<About>>>, ViewError> {
    let numbers = facts.iter().filter_map(|fact| fact.subject);
    let mut subjects: BTreeMap<u32, Option<Arc<About>>> =
        numbers.map(|number| (number, None)).collect();
    let Some((&last, _)) = subjects.last_key_value() else {
        return Ok(subjects);
    };
    let mut number: u32 = 0;
    for line in lines(repository, place, record)? {
        let Line::Entry(entry) = line? else { continue };
        if let Some(subject) = subjects.get_mut(&number) {
            *subject = Some(Arc::new(about(place, &entry)));
        }
        if number == last {
            break;
        }
        number += 1;
    }
    Ok(subjects)
}

fn about(place: &Arc<Place>, entry: &Entry) -> About {
    let size = entry.content.iter().map(Extent::length);
    let size = size.fold(0, u64::saturating_add);
    let (file, name) = match entry.kind {
        EntryKind::Part => {
            let file = file_of(entry).or_else(|| place.file.clone());
            (file, Some(own_name(entry)))
        }
        EntryKind::Regular => (Some(entry.path.clone()), None),
        _ => (place.file.clone(), Some(entry.path.to_string())),
    };
    About {
        place: Arc::clone(place),
        file,
        entry: name,
        size,
    }
}
