//! Which files are handed on, and where what is found is filed.

use lazaret_artifact::record::ImporterIdentity;
use lazaret_artifact::{ContentDigest, VerityAlgorithm};
use lazaret_engine::{Report, Session, Steer};
use lazaret_store::VerityPolicy;

use super::places::text;
use super::*;

/// Says of every file that its first half is a part, and cuts there.
struct Halves(ImporterIdentity);

impl Steer for Halves {
    fn identity(&self) -> &ImporterIdentity {
        &self.0
    }

    fn ingest(&self, _offer: &Offer, mut session: Box<dyn Session>) -> Run {
        let size = session.size().unwrap();
        let half = Entry {
            content: vec![Extent::Input {
                offset: 0,
                length: size / 2,
            }],
            ..entry("half", EntryKind::Part, &[])
        };
        session.entry(half).unwrap();
        session
            .entry(entry("dropped", EntryKind::Regular, &[]))
            .unwrap();
        for subject in [None, Some(0), Some(1)] {
            let fact = Fact {
                subject,
                key: "x.about".to_owned(),
                value: Value::Boolean(true),
            };
            session.fact(fact).unwrap();
        }
        for _ in 0..2 {
            session
                .keep(size / 2, lazaret_engine::Storage::Object)
                .unwrap();
        }
        let result = Ok(Report::default());
        Run {
            session,
            fuel: 0,
            result,
        }
    }
}

fn entry(path: &str, kind: EntryKind, content: &[(u64, u64)]) -> Entry {
    let content = content.iter().map(|(offset, length)| Extent::Input {
        offset: *offset,
        length: *length,
    });
    Entry {
        path: EntryPath::from_untrusted(path.as_bytes()).unwrap(),
        kind,
        content: content.collect(),
        target: Vec::new(),
        link: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    }
}

fn repository() -> (tempfile::TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("repository");
    let repository =
        Repository::init(&path, VerityAlgorithm::Sha512, VerityPolicy::Insecure).unwrap();
    (directory, repository)
}

fn handover(repository: &Repository) -> Handover {
    let identity = ImporterIdentity {
        name: "halves".to_owned(),
        version: "1".to_owned(),
        digest: ContentDigest::sha256(b"halves"),
        wit: "0.1".to_owned(),
    };
    let importers = Importers::One(Arc::new(Halves(identity)));
    Handover::new(&importers, repository, &Default::default(), 1 << 20)
}

fn waiting(path: &str, offset: u64, length: u64) -> Waiting {
    Waiting {
        entry: 7,
        path: EntryPath::from_untrusted(path.as_bytes()).unwrap(),
        media_type: "application/x".parse().unwrap(),
        offset,
        length,
    }
}

#[test]
fn a_file_is_taken_where_it_lies_and_what_was_passed_is_counted() {
    let (_directory, repository) = repository();
    let mut handover = handover(&repository);
    for (offset, length) in [(10, 5), (20, 5), (30, 5), (40, 5), (50, 5)] {
        handover.waiting.push_back(waiting("f", offset, length));
    }
    assert!(handover.take(0, 10).is_none());
    assert!(handover.take(10, 5).is_some());
    // Cut in two: nobody's.
    assert!(handover.take(20, 3).is_none());
    assert!(handover.take(23, 2).is_none());
    assert_eq!(handover.refused, 1);
    // In the middle of what stays inline, and not when it goes on behind that.
    assert_eq!(handover.take_within(25, 40).unwrap().offset, 30);
    assert!(handover.take_within(35, 44).is_none());
    assert_eq!(handover.take_within(35, 45).unwrap().offset, 40);
    let mut lines = Lines::nowhere();
    handover.finish(&mut lines).unwrap();
    assert_eq!(lines.noted.unread, 2, "the one that was cut, and the last");
}

#[test]
fn what_is_found_is_filed_under_its_file_behind_all_other_entries() {
    let (directory, repository) = repository();
    let path = directory.path().join("file");
    std::fs::write(&path, vec![7; 100]).unwrap();
    let region = Region::of(&std::fs::File::open(&path).unwrap()).unwrap();
    let mut handover = handover(&repository);
    let cuts = handover.give(&waiting("a/b", 1000, 100), &region).unwrap();
    let lengths: Vec<u64> = cuts.segments().iter().map(|cut| cut.length).collect();
    assert_eq!(lengths, [50, 50]);

    let mut lines = Lines::spool(&repository);
    for name in ["a", "a/b", "c"] {
        lines.entry(entry(name, EntryKind::Regular, &[])).unwrap();
    }
    handover.finish(&mut lines).unwrap();
    assert_eq!((lines.noted.read, lines.noted.parts), (1, 1));
    let mut shown = Vec::new();
    let (spool, _) = lines.into_spool();
    spool
        .unwrap()
        .read(&mut |line| {
            shown.push(serde_json::to_string(&line).unwrap());
            Ok(())
        })
        .unwrap();
    assert_eq!(
        shown[3..],
        [
            r#"{"fact":{"subject":7,"key":"import.importer","value":{"text":"halves 1"}}}"#,
            r#"{"entry":{"path":"a/b/half","kind":"part","content":[{"input":{"offset":1000,"length":50}}],"attributes":[{"key":"file","value":{"text":"a/b"}}]}}"#,
            r#"{"fact":{"subject":7,"key":"x.about","value":{"boolean":true}}}"#,
            r#"{"fact":{"subject":3,"key":"x.about","value":{"boolean":true}}}"#,
        ]
    );
}

#[test]
fn a_part_whose_path_would_be_too_long_keeps_its_name() {
    let long = vec!["x".repeat(200); 20].join("/");
    let file = waiting(&long, 0, 1);
    let part = entry(&"y".repeat(200), EntryKind::Part, &[]);
    let filed = filed(&file, part.clone()).unwrap();
    let name = filed.path.name().unwrap();
    assert!(name.starts_with(b"%~") && name.len() == 18);
    let attribute = filed.attributes.iter().find(|found| found.key == NAME);
    assert_eq!(attribute.unwrap().value, text(part.path.as_bytes()));
}

impl Handover {
    /// Who is asked from now on; gives back who was before.
    pub(crate) fn ask_others(&mut self, importers: Importers) -> Importers {
        std::mem::replace(&mut self.importers, importers)
    }
}
