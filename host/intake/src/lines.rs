//! What importers say, on its way to the record, and what of it matters at once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Cursor, Read, Seek as _};

use lazaret_artifact::record::{Line, Severity};
use lazaret_artifact::shards::ShardFacts;
use lazaret_artifact::{ContentDigest, Entry, EntryKind, EntryPath, Fact};
use lazaret_engine::SessionError;
use lazaret_graph::RecordWriter;
use lazaret_store::{Repository, Spool};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::{FAULTS_TOLD, LINES_IN_MEMORY};

/// The fact by which importers of formats that can carry programs give their verdict.
const VERDICT: &str = "model.pickle-verdict";

/// What the record of a blob tells of it beside its entries and facts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    /// The worst verdict.
    pub(crate) severity: Option<Severity>,
    /// The file in it that has the worst, where it is one in it.
    pub(crate) worst: Option<EntryPath>,
    /// What is said of shards about the blob itself.
    pub(crate) own: ShardFacts,
    /// And about files in it.
    pub(crate) files: Vec<(EntryPath, ShardFacts)>,
    /// For each media type that entries have, who claims it.
    pub(crate) handed_on: BTreeMap<String, Vec<ContentDigest>>,
    /// Files in it that an importer read.
    pub(crate) read: u64,
    /// Files in it that an importer failed on.
    pub(crate) faults: u64,
    /// The first of these faults, with the files.
    pub(crate) told: Vec<String>,
    /// Whether another type or name of it would have it read by another importer.
    pub(crate) is_disputed: bool,
    /// Whether importers came to a limit of the operator's, so that another pull may come further.
    pub(crate) is_limited: bool,
    /// Files in it that an importer claims and none was asked about.
    pub(crate) unread: u64,
    /// Parts in it, those of its files included.
    pub(crate) parts: u64,
    pub(crate) entries: u64,
    pub(crate) facts: u64,
}

impl Noted {
    /// Takes note of a line. `file` is what a fact about an entry is about, where that matters.
    fn see(&mut self, line: &Line) {
        match line {
            Line::Entry(entry) => {
                self.entries += 1;
                self.parts += u64::from(entry.kind == EntryKind::Part);
            }
            Line::Fact(fact) => {
                self.facts += 1;
                self.judge(fact);
                if fact.subject.is_none() {
                    self.own.see(&fact.key, &fact.value);
                }
            }
        }
    }

    fn judge(&mut self, fact: &Fact) {
        if fact.key != VERDICT {
            return;
        }
        self.severity = self.severity.max(Some(Severity::said(&fact.value)));
    }

    /// Notes that an importer failed on a file.
    pub(crate) fn add_fault(&mut self, told: String) {
        self.add_faults(1, vec![told]);
    }

    /// Notes that importers failed on so many files, of which some are told.
    pub(crate) fn add_faults(&mut self, faults: u64, told: Vec<String>) {
        self.faults += faults;
        let room = FAULTS_TOLD.saturating_sub(self.told.len());
        self.told.extend(told.into_iter().take(room));
    }

    /// Takes over what was noted of a file in the blob. Its lines are counted when they are recorded.
    pub(crate) fn add_file(&mut self, path: &EntryPath, file: Self) {
        self.read += 1 + file.read;
        self.add_faults(file.faults, file.told);
        self.unread += file.unread;
        if file.severity > self.severity {
            self.severity = file.severity;
            self.worst = Some(path.clone());
        }
        self.is_limited |= file.is_limited;
        for (media_type, claimants) in file.handed_on {
            self.handed_on.insert(media_type, claimants);
        }
        if !file.own.is_empty() {
            self.files.push((path.clone(), file.own));
        }
    }
}

/// Takes entries and facts.
pub(crate) struct Lines {
    to: To,
    pub(crate) noted: Noted,
}

enum To {
    /// Nobody has begun to speak.
    Nowhere,
    /// The record.
    Record(Box<RecordWriter>),
    /// Until it is known what they are about.
    Spool(LineSpool<Line>),
}

impl Lines {
    pub(crate) fn nowhere() -> Self {
        Self::new(To::Nowhere)
    }

    pub(crate) fn record(record: RecordWriter) -> Self {
        Self::new(To::Record(Box::new(record)))
    }

    pub(crate) fn spool(repository: &Repository) -> Self {
        Self::new(To::Spool(LineSpool::new(repository)))
    }

    fn new(to: To) -> Self {
        Self {
            to,
            noted: Noted::default(),
        }
    }

    pub(crate) fn push(&mut self, line: &Line) -> Result<(), SessionError> {
        self.noted.see(line);
        match &mut self.to {
            To::Nowhere => {}
            To::Record(record) => record.line(line)?,
            To::Spool(spool) => {
                spool.push(line)?;
            }
        }
        Ok(())
    }

    pub(crate) fn entry(&mut self, entry: Entry) -> Result<(), SessionError> {
        self.push(&Line::Entry(entry))
    }

    pub(crate) fn fact(&mut self, fact: Fact) -> Result<(), SessionError> {
        self.push(&Line::Fact(fact))
    }

    /// The record, if they went to one; else it is made by `begin` and they go there now.
    pub(crate) fn into_record<E: From<SessionError>>(
        self,
        begin: impl FnOnce() -> Result<RecordWriter, E>,
    ) -> Result<(RecordWriter, Noted), E> {
        let record = match self.to {
            To::Record(record) => *record,
            To::Nowhere => begin()?,
            To::Spool(spool) => {
                let mut record = begin()?;
                spool.read(&mut |line| Ok(record.line(&line)?))?;
                record
            }
        };
        Ok((record, self.noted))
    }

    /// The lines, if they were spooled, and what was noted of them.
    pub(crate) fn into_spool(self) -> (Option<LineSpool<Line>>, Noted) {
        match self.to {
            To::Spool(spool) => (Some(spool), self.noted),
            _ => (None, self.noted),
        }
    }
}

/// Lines that wait, in memory while they are few, else in a file of the repository.
pub(crate) struct LineSpool<T> {
    repository: Repository,
    buffer: Vec<u8>,
    file: Option<Spool>,
    lines: std::marker::PhantomData<fn(T) -> T>,
}

impl<T: Serialize + DeserializeOwned> LineSpool<T> {
    pub(crate) fn new(repository: &Repository) -> Self {
        Self {
            repository: repository.clone(),
            buffer: Vec::new(),
            file: None,
            lines: std::marker::PhantomData,
        }
    }

    /// Adds a line, and says how long it is.
    pub(crate) fn push(&mut self, line: &T) -> Result<u64, SessionError> {
        let before = self.buffer.len();
        serde_json::to_writer(&mut self.buffer, line)?;
        self.buffer.push(b'\n');
        let length = (self.buffer.len() - before) as u64;
        if self.buffer.len() >= LINES_IN_MEMORY {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(self.repository.spool()?),
            };
            file.write(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(length)
    }

    /// Gives back every line, in order.
    pub(crate) fn read(
        self,
        take: &mut dyn FnMut(T) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        let kept = match self.file {
            None => return lines(&mut Cursor::new(self.buffer), take),
            Some(file) => file.finish()?,
        };
        let mut file = kept.file();
        file.rewind()?;
        lines(
            &mut BufReader::new(file.chain(Cursor::new(self.buffer))),
            take,
        )
    }
}

fn lines<T: DeserializeOwned>(
    from: &mut dyn BufRead,
    take: &mut dyn FnMut(T) -> Result<(), SessionError>,
) -> Result<(), SessionError> {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        take(serde_json::from_slice(&line)?)?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lazaret_artifact::{Value, VerityAlgorithm};
    use lazaret_store::VerityPolicy;

    use super::*;

    #[test]
    fn waiting_lines_come_back_in_order_however_many() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap();
        for count in [0_usize, 1, 100_000] {
            let mut spool = LineSpool::<(usize, String)>::new(&repository);
            for number in 0..count {
                spool.push(&(number, format!("line\n{number}"))).unwrap();
            }
            assert_eq!(spool.file.is_some(), count > 1, "{count}");
            let mut next = 0;
            spool
                .read(&mut |(number, text)| {
                    assert_eq!((number, text), (next, format!("line\n{next}")));
                    next += 1;
                    Ok(())
                })
                .unwrap();
            assert_eq!(next, count);
        }
        assert_eq!(repository.usage().unwrap().objects, 0);
    }

    #[test]
    fn a_verdict_is_the_worst_and_an_unknown_one_is_no_good_one() {
        let verdict = |text: &str| {
            Line::Fact(Fact {
                subject: None,
                key: VERDICT.to_owned(),
                value: Value::Text(text.to_owned()),
            })
        };
        let mut lines = Lines::nowhere();
        for (said, worst) in [
            ("clean", Severity::Clean),
            ("suspicious", Severity::Suspicious),
            ("clean", Severity::Suspicious),
            ("harmless, trust me", Severity::Dangerous),
        ] {
            lines.push(&verdict(said)).unwrap();
            assert_eq!(lines.noted.severity, Some(worst));
        }
        assert_eq!(lines.noted.facts, 4);
    }

    #[test]
    fn faults_are_all_counted_and_some_are_told() {
        let mut noted = Noted::default();
        for number in 0..20 {
            noted.add_fault(format!("fault {number}"));
        }
        assert_eq!((noted.faults, noted.told.len()), (20, FAULTS_TOLD));
        let mut outer = Noted::default();
        outer.add_fault("first".to_owned());
        outer.add_file(&EntryPath::from_untrusted(b"a").unwrap(), noted);
        assert_eq!((outer.faults, outer.told.len()), (21, FAULTS_TOLD));
        assert_eq!(outer.told[..2], ["first", "fault 0"]);
    }
}
