//! Files in a blob that other importers are asked about: an importer names an entry's media type, and
//! whoever claims that type sees the entry's bytes as a blob of its own.
//!
//! What it finds is filed under the file it was found in: its parts have the file's path before
//! theirs and count in the bytes of the whole blob, its facts are about the file's entry. Only parts
//! are taken over, no files: nothing can lie below a file. Where it fails, the file is left as it
//! is, and the fault is a fact about it.

mod places;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use lazaret_artifact::record::Line;
use lazaret_artifact::{Entry, EntryKind, EntryPath, Extent, Fact, MediaType, Value};
use lazaret_engine::{Ended, Offer, Policy, Run, SessionError};
use lazaret_store::Repository;
use serde::{Deserialize, Serialize};

use crate::candidates::{candidates, claimants};
use crate::cuts::{Cuts, TooManyCuts};
use crate::limits::{
    MAX_FOUND_BYTES, MAX_HANDED, MAX_HANDED_ENTRIES, MAX_INLINE_FILE, MAX_LINKS, MAX_NESTING,
    PROBE_HEAD,
};
use crate::lines::{LineSpool, Lines, Noted};
use crate::opened::Region;
use crate::options::Importers;
use crate::sheet::Sheet;
use places::{filed, resolve};

/// What says which file a part lies in.
const FILE: &str = "file";

/// What has a part's own name, where its path does not.
const NAME: &str = "name";

/// The host's own facts about a file.
const IMPORTER: &str = "import.importer";
const FAULT: &str = "import.fault";
/// And about the blob: of how many claimed files no importer was asked, because of a bound, or since
/// their bytes do not lie in one stretch.
const NOT_HANDED_ON: &str = "import.not-handed-on";

/// A file that waits for its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// The number of its entry.
    entry: u32,
    path: EntryPath,
    media_type: MediaType,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// What may be spent on all files of a blob together, however deep they lie.
#[derive(Debug)]
struct Purse {
    files: u64,
    entries: u64,
    fuel: u64,
    /// Of what is found, as it is recorded.
    bytes: u64,
}

/// A name that leads to another file's content.
struct Link {
    path: EntryPath,
    target: EntryPath,
    media_type: String,
}

/// What one blob's, or file's, importer names for others.
pub(crate) struct Handover {
    importers: Importers,
    repository: Repository,
    parameters: std::collections::BTreeMap<String, String>,
    purse: Arc<Mutex<Purse>>,
    depth: usize,
    waiting: VecDeque<Waiting>,
    /// Files that were given to somebody, with their types, and names that lead to others.
    given: HashSet<(EntryPath, String)>,
    links: Vec<Link>,
    /// What was found, until the importer's own lines are over.
    found: Option<LineSpool<Found>>,
    refused: u64,
    noted: Noted,
}

/// A line about a file, with the number of an entry of the blob's own, or counted from the first of
/// these lines.
#[derive(Serialize, Deserialize)]
enum Found {
    Own(Line),
    After(Line),
}

/// What an importer made of a file.
enum Outcome {
    Read {
        importer: String,
        lines: LineSpool<Line>,
        noted: Box<Noted>,
        cuts: Cuts,
    },
    Fault {
        told: String,
        is_limit: bool,
    },
    NotTaken,
    Bound,
}

impl Handover {
    /// For a blob of `size` bytes as it travels.
    pub(crate) fn new(
        importers: &Importers,
        repository: &Repository,
        parameters: &std::collections::BTreeMap<String, String>,
        size: u64,
    ) -> Self {
        let purse = Purse {
            files: MAX_HANDED,
            entries: MAX_HANDED_ENTRIES,
            fuel: importers.fuel().for_size(size),
            bytes: MAX_FOUND_BYTES,
        };
        Self {
            importers: importers.clone(),
            repository: repository.clone(),
            parameters: parameters.clone(),
            purse: Arc::new(Mutex::new(purse)),
            depth: 0,
            waiting: VecDeque::new(),
            given: HashSet::new(),
            links: Vec::new(),
            found: None,
            refused: 0,
            noted: Noted::default(),
        }
    }

    /// The same, for a file in it.
    fn below(&self) -> Self {
        Self {
            importers: self.importers.clone(),
            repository: self.repository.clone(),
            parameters: self.parameters.clone(),
            purse: Arc::clone(&self.purse),
            depth: self.depth + 1,
            waiting: VecDeque::new(),
            given: HashSet::new(),
            links: Vec::new(),
            found: None,
            refused: 0,
            noted: Noted::default(),
        }
    }

    /// Looks at an entry: a file of one stretch of input whose type somebody claims.
    pub(crate) fn note(&mut self, entry: &Entry, number: u64) {
        let Some(media_type) = &entry.media_type else {
            return;
        };
        let claimants = claimants(&self.importers, media_type);
        let is_claimed = !claimants.is_empty();
        let media_types = &mut self.noted.handed_on;
        if media_types.len() < MAX_HANDED as usize || media_types.contains_key(media_type.as_str())
        {
            media_types.insert(media_type.to_string(), claimants);
        }
        if !is_claimed {
            return;
        }
        match entry.kind {
            EntryKind::Regular if entry.content.iter().any(|part| part.length() > 0) => {}
            EntryKind::Hardlink | EntryKind::Symlink => {
                self.note_link(entry, media_type);
                return;
            }
            _ => return,
        }
        let ([Extent::Input { offset, length }], Ok(number)) =
            (&*entry.content, u32::try_from(number))
        else {
            self.refused += 1;
            return;
        };
        if self.waiting.len() as u64 >= MAX_HANDED {
            self.refused += 1;
            return;
        }
        self.waiting.push_back(Waiting {
            entry: number,
            path: entry.path.clone(),
            media_type: media_type.clone(),
            offset: *offset,
            length: *length,
        });
    }

    /// Takes note of another name for a file: it is to lead to one that was given to whoever claims it.
    fn note_link(&mut self, entry: &Entry, media_type: &MediaType) {
        let target = match &entry.link {
            Some(target) => Some(target.clone()),
            None => resolve(&entry.path, &entry.target),
        };
        match target {
            Some(target) if (self.links.len() as u64) < MAX_HANDED => self.links.push(Link {
                path: entry.path.clone(),
                target,
                media_type: media_type.to_string(),
            }),
            _ => self.refused += 1,
        }
    }

    /// How many names lead to something that was not given to whoever claims them.
    fn unread_links(&self) -> u64 {
        let targets: HashMap<&EntryPath, &EntryPath> = self
            .links
            .iter()
            .map(|link| (&link.path, &link.target))
            .collect();
        let is_unread = |link: &&Link| {
            let mut target = &link.target;
            for _ in 0..MAX_LINKS {
                if self
                    .given
                    .contains(&(target.clone(), link.media_type.clone()))
                {
                    return false;
                }
                match targets.get(target) {
                    Some(next) => target = next,
                    None => return true,
                }
            }
            true
        };
        self.links.iter().filter(is_unread).count() as u64
    }

    /// The file that is exactly the stretch that is cut now, if there is one. Those that were passed
    /// without being cut so are nobody's.
    pub(crate) fn take(&mut self, offset: u64, length: u64) -> Option<Waiting> {
        self.pass(offset);
        self.waiting
            .pop_front_if(|file| file.offset == offset && file.length == length)
    }

    /// The next small file that lies in a stretch that is kept inline now.
    pub(crate) fn take_within(&mut self, start: u64, end: u64) -> Option<Waiting> {
        self.pass(start);
        self.waiting.pop_front_if(|file| {
            let last = file.offset.saturating_add(file.length);
            last <= end && file.length <= MAX_INLINE_FILE
        })
    }

    fn pass(&mut self, offset: u64) {
        let passed = |file: &mut Waiting| file.offset < offset;
        while self.waiting.pop_front_if(passed).is_some() {
            self.refused += 1;
        }
    }

    /// Has the file at `region` read, and keeps what was found for later. Returns how it is to be
    /// cut.
    pub(crate) fn give(&mut self, file: &Waiting, region: &Region) -> Result<Cuts, SessionError> {
        let whole = Cuts::whole(file.length);
        self.given
            .insert((file.path.clone(), file.media_type.to_string()));
        if self.depth >= MAX_NESTING {
            self.refused += 1;
            return Ok(whole);
        }
        match self.ask(file, region)? {
            Outcome::Read {
                importer,
                lines,
                noted,
                cuts,
            } => {
                self.state(file, IMPORTER, importer)?;
                self.adopt(file, lines)?;
                self.noted.add_file(&file.path, *noted);
                Ok(cuts)
            }
            Outcome::Fault { told, is_limit } => {
                tracing::info!(file = %file.path, told, "left as it is");
                self.noted.add_fault(format!("{}: {told}", file.path));
                self.noted.is_limited |= is_limit;
                self.state(file, FAULT, told)?;
                Ok(whole)
            }
            Outcome::NotTaken => Ok(whole),
            Outcome::Bound => {
                self.refused += 1;
                Ok(whole)
            }
        }
    }

    fn ask(&self, file: &Waiting, region: &Region) -> Result<Outcome, SessionError> {
        let fuel = {
            let mut purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
            if purse.files == 0 || purse.entries == 0 || purse.fuel == 0 {
                return Ok(Outcome::Bound);
            }
            purse.files -= 1;
            purse.fuel
        };
        let mut offer = Offer {
            media_type: file.media_type.clone(),
            artifact_type: None,
            config_media_type: None,
            size: Some(file.length),
            travelling_size: file.length,
            annotations: std::collections::BTreeMap::new(),
            parameters: self.parameters.clone(),
            policy: Policy::STRICT,
            fact_namespaces: Vec::new(),
            fuel: Some(fuel),
        };
        let mut head = vec![0; PROBE_HEAD.min(usize::try_from(file.length).unwrap_or(PROBE_HEAD))];
        region.read_exact_at(&mut head, 0)?;
        for importer in candidates(&self.importers, &offer, &head)? {
            offer.fact_namespaces = importer.fact_namespaces().to_vec();
            let lines = Lines::spool(&self.repository);
            let sheet = Sheet::new(region.clone(), file.length, lines, self.below());
            let name = {
                let identity = importer.identity();
                format!("{} {}", identity.name, identity.version)
            };
            let Run {
                session,
                fuel: used,
                result,
            } = importer.ingest(&offer, Box::new(sheet));
            let mut sheet: Box<Sheet> = (session as Box<dyn std::any::Any>)
                .downcast()
                .expect("the engine gives back the session it was given");
            {
                let mut purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
                purse.fuel = purse.fuel.saturating_sub(used);
            }
            let outcome = match result {
                Ok(_) => {
                    sheet.hand_on()?;
                    let Sheet { lines, cuts, .. } = *sheet;
                    match lines.into_spool() {
                        (Some(lines), noted) => Outcome::Read {
                            importer: name,
                            lines,
                            noted: Box::new(noted),
                            cuts,
                        },
                        (None, _) => Outcome::NotTaken,
                    }
                }
                Err(Ended::Declined(_)) => Outcome::NotTaken,
                Err(Ended::Fault(fault)) => Outcome::Fault {
                    is_limit: fault.kind.is_limit(),
                    told: format!("{name}: {fault}"),
                },
                Err(Ended::Session(error)) if error.is::<TooManyCuts>() => Outcome::Fault {
                    told: format!("{name}: {error}"),
                    is_limit: false,
                },
                Err(Ended::Session(error)) => return Err(error),
            };
            let mut purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Outcome::NotTaken => {}
                Outcome::Read { ref noted, .. } if noted.entries > purse.entries => {
                    purse.entries = 0;
                    return Ok(Outcome::Bound);
                }
                outcome => {
                    if let Outcome::Read { noted, .. } = &outcome {
                        purse.entries -= noted.entries;
                    }
                    return Ok(outcome);
                }
            }
        }
        Ok(Outcome::NotTaken)
    }

    fn state(&mut self, file: &Waiting, key: &str, text: String) -> Result<(), SessionError> {
        self.defer(Found::Own(Line::Fact(Fact {
            subject: Some(file.entry),
            key: key.to_owned(),
            value: Value::Text(text),
        })))
    }

    /// Files what was found in a file under that file.
    fn adopt(&mut self, file: &Waiting, lines: LineSpool<Line>) -> Result<(), SessionError> {
        // Numbers of the file's entries count from its first; those that are no parts go.
        let first = self.noted.entries;
        let mut numbers: Vec<Option<u32>> = Vec::new();
        let mut is_cut_short = false;
        lines.read(&mut |line| match line {
            Line::Entry(entry) => {
                let has_room = self.has_room();
                is_cut_short |= !has_room;
                let kept = match entry.kind {
                    EntryKind::Part if has_room => filed(file, entry),
                    _ => None,
                };
                let number = u32::try_from(self.noted.entries).ok();
                numbers.push(number.filter(|_| kept.is_some()));
                match kept {
                    Some(entry) => {
                        self.noted.entries += 1;
                        self.defer(Found::After(Line::Entry(entry)))
                    }
                    None => Ok(()),
                }
            }
            Line::Fact(fact) => {
                let about = fact.subject.map(|number| number as usize);
                let found = match about {
                    None => Found::Own(Line::Fact(Fact {
                        subject: Some(file.entry),
                        ..fact
                    })),
                    Some(number) => match numbers.get(number).copied().flatten() {
                        Some(number) => Found::After(Line::Fact(Fact {
                            subject: Some(number),
                            ..fact
                        })),
                        None => return Ok(()),
                    },
                };
                self.defer(found)
            }
        })?;
        self.refused += u64::from(is_cut_short);
        tracing::debug!(file = %file.path, parts = self.noted.entries - first, "read");
        Ok(())
    }

    fn defer(&mut self, line: Found) -> Result<(), SessionError> {
        let repository = &self.repository;
        let found = self.found.get_or_insert_with(|| LineSpool::new(repository));
        let bytes = found.push(&line)?;
        let mut purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
        purse.bytes = purse.bytes.saturating_sub(bytes);
        Ok(())
    }

    /// Whether there is room for more of what is found.
    fn has_room(&self) -> bool {
        let purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
        purse.bytes > 0
    }

    /// All that was found goes behind what the blob's own importer said.
    pub(crate) fn finish(&mut self, lines: &mut Lines) -> Result<(), SessionError> {
        let base = u32::try_from(lines.noted.entries)?;
        if let Some(found) = self.found.take() {
            found.read(&mut |found| {
                lines.push(&match found {
                    Found::Own(line) => line,
                    Found::After(Line::Fact(fact)) => Line::Fact(Fact {
                        subject: fact.subject.map(|number| number.saturating_add(base)),
                        ..fact
                    }),
                    Found::After(line) => line,
                })
            })?;
        }
        self.refused += self.waiting.len() as u64 + self.unread_links();
        self.waiting.clear();
        if self.refused > 0 {
            lines.fact(Fact {
                subject: None,
                key: NOT_HANDED_ON.to_owned(),
                value: Value::Unsigned(self.refused),
            })?;
        }
        let Noted {
            severity,
            worst,
            files,
            handed_on,
            read,
            faults,
            told,
            is_limited,
            unread,
            ..
        } = std::mem::take(&mut self.noted);
        let noted = &mut lines.noted;
        noted.severity = noted.severity.max(severity);
        noted.worst = noted.worst.take().or(worst);
        noted.files.extend(files);
        noted.handed_on.extend(handed_on);
        noted.read += read;
        noted.add_faults(faults, told);
        noted.is_limited |= is_limited;
        noted.unread += unread + self.refused;
        Ok(())
    }
}

impl Sheet {
    /// Hands on what the importer named for others, once it is done.
    pub(crate) fn hand_on(&mut self) -> Result<(), SessionError> {
        if self.is_watched() {
            // Only what this importer reads of a file that may change is compared with what is kept.
            self.handover.refused += self.handover.waiting.len() as u64;
            self.handover.waiting.clear();
        }
        while let Some(file) = self.handover.waiting.pop_front() {
            let region = self.region().slice(file.offset);
            let cuts = self.handover.give(&file, &region)?;
            if !cuts.is_whole() {
                self.cuts.refine(file.offset, file.length, &cuts);
            }
        }
        self.handover.finish(&mut self.lines)
    }
}

#[cfg(test)]
mod tests;
