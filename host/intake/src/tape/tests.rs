//! However a blob is cut, and whatever files in it are handed on: what is recorded is what came.

use std::any::Any;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Mutex;

use crossbeam_channel::unbounded;
use lazaret_artifact::record::{ImporterIdentity, Line};
use lazaret_artifact::{
    ContentDigest, DigestAlgorithm, EntryKind, EntryPath, Extent, VerityAlgorithm,
};
use lazaret_engine::{
    Builtin, Ended, Fault, FaultKind, Offer, Registry, Report, Run, SandboxOptions, Steer,
};
use lazaret_graph::StreamContent;
use lazaret_store::{Chunk, ContentType, VerityPolicy};
use proptest::prelude::*;

use super::*;
use crate::limits::{CHUNK_SIZE, MAX_INLINE_FILE};
use crate::objects::Pool;
use crate::options::Importers;
use crate::sheet::Sheet;

/// Files of a blob; the number of each is in its type, the last type is that of a file in a file.
const FILES: usize = 6;
const TYPES: [&str; FILES + 1] = [
    "application/x-0",
    "application/x-1",
    "application/x-2",
    "application/x-3",
    "application/x-4",
    "application/x-5",
    "application/x-inner",
];

type Keep = (u64, Storage);

/// What is done with a blob.
#[derive(Debug, Clone)]
struct Plan {
    size: usize,
    seed: u32,
    source: Source,
    is_spooled: bool,
    how: How,
    keeps: Vec<Keep>,
    files: Vec<Planned>,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Steered,
    Whole,
    Cuts,
}

/// How its bytes come.
#[derive(Debug, Clone)]
enum Source {
    /// In chunks of these sizes, over and over.
    Feed(Vec<usize>),
    File,
    /// A file that can become an object.
    Clone,
}

/// A file in it.
#[derive(Debug, Clone)]
struct Planned {
    place: Place,
    /// Announced before this keep, which may be too late.
    when: usize,
    cuts: Vec<Keep>,
    /// The cut that is a file again.
    inner: Option<usize>,
    ending: Ending,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// Exactly what this keep is.
    Keep(usize),
    /// In it, or from it into what follows.
    Within(usize, u64, u64),
    Anywhere(u64, u64),
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Read,
    Fault,
    Declined,
}

fn length() -> impl Strategy<Value = u64> {
    prop_oneof![
        12 => 0..300_u64,
        9 => 0..6000_u64,
        3 => MAX_INLINE_FILE - 1..MAX_INLINE_FILE + 2,
        2 => SMALL_OBJECT - 1..SMALL_OBJECT + 2,
        1 => Just(u64::MAX),
    ]
}

fn keeps() -> impl Strategy<Value = Vec<Keep>> {
    let storage = prop_oneof![Just(Storage::Inline), Just(Storage::Object)];
    // The engine lets no object of no bytes through.
    let keep = (length(), storage).prop_map(|(length, storage)| match storage {
        Storage::Inline => (length, storage),
        Storage::Object => (length.max(1), storage),
    });
    prop::collection::vec(keep, 0..8)
}

fn planned() -> impl Strategy<Value = Planned> {
    let place = prop_oneof![
        3 => (0..8_usize).prop_map(Place::Keep),
        3 => (0..8_usize, 0..300_u64, length())
            .prop_map(|(keep, offset, length)| Place::Within(keep, offset, length)),
        1 => (length(), length()).prop_map(|(offset, length)| Place::Anywhere(offset, length)),
    ];
    let ending = prop_oneof![
        4 => Just(Ending::Read),
        1 => Just(Ending::Fault),
        1 => Just(Ending::Declined),
    ];
    let inner = prop::option::of(0..4_usize);
    // Most come in time.
    let when = prop_oneof![2 => Just(0_usize), 1 => 0..9_usize];
    (place, when, keeps(), inner, ending).prop_map(|(place, when, cuts, inner, ending)| Planned {
        place,
        when,
        cuts,
        inner,
        ending,
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    // As much as is kept, with something behind it, or whatever.
    let size = prop_oneof![
        3 => (0..300_usize).prop_map(|behind| (true, behind)),
        1 => (0..8000_usize).prop_map(|size| (false, size)),
        1 => (60_000..200_000_usize).prop_map(|size| (false, size)),
    ];
    let source = prop_oneof![
        2 => prop::collection::vec(1..CHUNK_SIZE, 1..4).prop_map(Source::Feed),
        1 => prop::collection::vec(1..700_usize, 1..4).prop_map(Source::Feed),
        1 => Just(Source::File),
        1 => Just(Source::Clone),
    ];
    let how = prop_oneof![
        6 => Just(How::Steered),
        1 => Just(How::Whole),
        1 => Just(How::Cuts),
    ];
    let files = prop::collection::vec(planned(), 0..=FILES);
    let is_spooled = prop::bool::weighted(0.2);
    let in_order = prop::bool::weighted(0.8);
    let given = (source, is_spooled, how);
    (size, any::<u32>(), given, keeps(), files, in_order).prop_map(
        |((is_all, size), seed, (source, is_spooled, how), keeps, files, in_order)| {
            let kept = keeps.iter().map(|(length, _)| *length);
            let kept: u64 = kept.filter(|length| *length < u64::MAX).sum();
            let size = size
                + if is_all {
                    usize::try_from(kept).unwrap()
                } else {
                    0
                };
            let mut plan = Plan {
                size,
                seed,
                source,
                is_spooled,
                how,
                keeps,
                files,
            };
            if in_order {
                let mut files = std::mem::take(&mut plan.files);
                files.sort_by_key(|file| plan.place(file));
                plan.files = files;
            }
            plan
        },
    )
}

impl Plan {
    fn input(&self) -> Vec<u8> {
        let mut state = self.seed | 1;
        let bytes = (0..self.size).map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        });
        bytes.collect()
    }

    /// Where a file is said to be.
    fn place(&self, file: &Planned) -> (u64, u64) {
        let start = |keep: usize| {
            let before = &self.keeps[..keep.min(self.keeps.len())];
            before
                .iter()
                .fold(0, |sum: u64, (length, _)| sum.saturating_add(*length))
        };
        match file.place {
            Place::Keep(keep) => {
                let keep = keep % self.keeps.len().max(1);
                let length = self.keeps.get(keep).map_or(7, |(length, _)| *length);
                (start(keep), length)
            }
            Place::Within(keep, offset, length) => (start(keep).saturating_add(offset), length),
            Place::Anywhere(offset, length) => (offset, length),
        }
    }
}

/// Cuts each file as planned.
struct Cutter {
    identity: ImporterIdentity,
    plans: Vec<Planned>,
    /// Has files found, which who cuts has not.
    registry: Importers,
    /// What was shown of which file.
    seen: Mutex<Vec<(usize, Vec<u8>)>>,
}

impl Cutter {
    fn new(plans: &[Planned]) -> Self {
        let builtin = Builtin {
            name: "never loaded",
            component: b"",
            media_types: &TYPES,
        };
        Self {
            identity: ImporterIdentity {
                name: "cutter".to_owned(),
                version: "1".to_owned(),
                digest: ContentDigest::sha256(b"cutter"),
                wit: "0.1".to_owned(),
            },
            plans: plans.to_vec(),
            registry: Importers::Registry(Arc::new(Registry::new(
                SandboxOptions::default(),
                &[builtin],
            ))),
            seen: Mutex::default(),
        }
    }
}

impl Steer for Cutter {
    fn identity(&self) -> &ImporterIdentity {
        &self.identity
    }

    fn ingest(&self, offer: &Offer, session: Box<dyn Session>) -> Run {
        let mut sheet: Box<Sheet> = (session as Box<dyn Any>).downcast().unwrap();
        let mut types = TYPES.iter();
        let number = types
            .position(|known| *known == offer.media_type.as_str())
            .unwrap();
        let size = sheet.size().unwrap();
        assert_eq!(offer.size, Some(size));
        let bytes = sheet.read_at(0, usize::MAX).unwrap();
        self.seen.lock().unwrap().push((number, bytes));
        sheet
            .entry(entry("part", EntryKind::Part, (0, size), None))
            .unwrap();
        let mut result = Ok(Report::default());
        if let Some(plan) = self.plans.get(number) {
            let ends = plan.cuts.iter().scan(0, |end: &mut u64, (length, _)| {
                let start = *end;
                *end = end.saturating_add(*length);
                Some((start, (*length).min(size.saturating_sub(start))))
            });
            let cut = plan
                .inner
                .and_then(|inner| ends.collect::<Vec<_>>().get(inner).copied());
            if let Some((offset, length)) = cut.filter(|(offset, _)| *offset < size) {
                let one = sheet.handover.ask_others(self.registry.clone());
                let inner = entry("in", EntryKind::Regular, (offset, length), Some(FILES));
                sheet.entry(inner).unwrap();
                sheet.handover.ask_others(one);
            }
            for (length, storage) in &plan.cuts {
                sheet.keep(*length, *storage).unwrap();
            }
            match plan.ending {
                Ending::Read => {}
                Ending::Fault => {
                    let fault = Fault::new(FaultKind::Malformed, "planned");
                    result = Err(Ended::Fault(fault));
                }
                Ending::Declined => result = Err(Ended::Declined("planned".to_owned())),
            }
        } else {
            sheet.keep(size / 3, Storage::Inline).unwrap();
            sheet.keep((size / 3).max(1), Storage::Object).unwrap();
        }
        Run {
            session: sheet,
            fuel: 0,
            result,
        }
    }
}

fn entry(path: &str, kind: EntryKind, at: (u64, u64), number: Option<usize>) -> Entry {
    Entry {
        path: EntryPath::from_untrusted(path.as_bytes()).unwrap(),
        kind,
        content: vec![Extent::Input {
            offset: at.0,
            length: at.1,
        }],
        target: Vec::new(),
        link: None,
        posix: None,
        media_type: number.map(|number| TYPES[number].parse().unwrap()),
        attributes: Vec::new(),
    }
}

/// A repository with everything that a tape needs.
struct Bench {
    directory: tempfile::TempDir,
    repository: Repository,
    pool: Pool,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository =
            Repository::init(&path, VerityAlgorithm::Sha256, VerityPolicy::Insecure).unwrap();
        let pool = Pool::start(&repository, 2).unwrap();
        Self {
            directory,
            repository,
            pool,
        }
    }

    fn tape(&self, input: &[u8], source: &Source) -> Tape {
        let size = input.len() as u64;
        let mut clone = None;
        let pieces = match source {
            Source::Feed(sizes) => {
                let (sender, receiver) = unbounded();
                let mut sizes = sizes.iter().cycle();
                let mut left = input;
                while !left.is_empty() {
                    let (chunk, behind) = left.split_at((*sizes.next().unwrap()).min(left.len()));
                    sender.send(Bytes::copy_from_slice(chunk)).unwrap();
                    left = behind;
                }
                Pieces::feed(receiver, Arc::new(AtomicBool::new(true)))
            }
            Source::File => {
                let path = self.directory.path().join("blob");
                std::fs::write(&path, input).unwrap();
                Pieces::file(Region::of(&File::open(&path).unwrap()).unwrap(), size)
            }
            Source::Clone => {
                let mut spool = self.repository.spool().unwrap();
                spool.write(input).unwrap();
                let file = spool.finish().unwrap();
                let pieces = Pieces::file(Region::of(file.file()).unwrap(), size);
                clone = Some(Box::new(file));
                pieces
            }
        };
        let recorder = Recorder::new(
            &self.repository,
            self.pool.counter(),
            ContentType::BLOB,
            DigestAlgorithm::Sha256,
        );
        let cancel = Arc::new(AtomicBool::new(false));
        Tape::new(
            &self.repository,
            pieces,
            Some(size),
            clone,
            recorder.unwrap(),
            cancel,
        )
    }

    /// What the recorder made of it is the input, and there is nothing else.
    fn check(&self, recorder: Recorder, input: &[u8]) {
        let recorded = recorder.finish().unwrap();
        assert_eq!(recorded.digest, ContentDigest::sha256(input));
        assert_eq!(recorded.size, input.len() as u64);
        let mut rebuilt = Vec::new();
        let mut content = StreamContent::open(&self.repository, &recorded.stream).unwrap();
        content.read_to_end(&mut rebuilt).unwrap();
        assert!(rebuilt == input, "the stream rebuilds something else");

        let mut objects = HashSet::from([recorded.stream]);
        let mut chunks = self.repository.open_stream(&recorded.stream, None).unwrap();
        while let Some(chunk) = chunks.next_chunk().unwrap() {
            if let Chunk::Object(digest) = chunk {
                objects.insert(digest);
            }
        }
        let usage = self.repository.usage().unwrap();
        assert_eq!(usage.objects, objects.len() as u64);
        assert_eq!((usage.streams, usage.refs), (0, 0));
    }
}

/// Files of a directory that are no objects.
fn others(directory: &Path) -> BTreeSet<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "objects" => {}
            true => found.extend(others(&entry.path())),
            false => {
                found.insert(entry.path());
            }
        }
    }
    found
}

/// Names the files whose time has come, as an importer would.
fn announce(tape: &mut Tape, cutter: &Cutter, plan: &Plan, is_now: impl Fn(usize) -> bool) {
    for (number, file) in plan.files.iter().enumerate() {
        if !is_now(file.when) {
            continue;
        }
        let handover = tape.handover.as_mut().unwrap();
        let one = handover.ask_others(cutter.registry.clone());
        let path = format!("f{number}");
        let entry = entry(&path, EntryKind::Regular, plan.place(file), Some(number));
        tape.entry(entry).unwrap();
        tape.handover.as_mut().unwrap().ask_others(one);
    }
}

/// Runs a plan as an importer that keeps bytes in order would.
fn steer(tape: &mut Tape, cutter: &Cutter, plan: &Plan, input: &[u8]) {
    let size = input.len() as u64;
    for (number, (length, storage)) in plan.keeps.iter().enumerate() {
        announce(tape, cutter, plan, |when| when == number);
        let before = tape.position();
        let kept = tape.keep(*length, *storage).unwrap();
        assert_eq!(kept, (*length).min(size - before));
        assert_eq!(tape.position(), before + kept);
        assert_eq!(tape.remaining(), Some(size - before - kept));
        let ahead = &input[usize::try_from(before + kept).unwrap()..];
        assert_eq!(tape.peek(9).unwrap(), &ahead[..ahead.len().min(9)]);
    }
    announce(tape, cutter, plan, |when| when >= plan.keeps.len());
    let left = size - tape.position();
    assert_eq!(tape.keep(u64::MAX, Storage::Object).unwrap(), left);
    assert_eq!(tape.peek(1).unwrap(), b"");
}

/// What was shown is what lies there, and every file was asked about or is counted.
fn check_files(cutter: &Cutter, plan: &Plan, input: &[u8], lines: Lines) {
    let within = |(offset, length): (u64, u64)| {
        let end = offset.checked_add(length)?;
        let range = usize::try_from(offset).ok()?..usize::try_from(end).ok()?;
        input.get(range)
    };
    let seen = cutter.seen.lock().unwrap();
    for (number, bytes) in seen.iter().filter(|(number, _)| *number < FILES) {
        let shown = within(plan.place(&plan.files[*number]));
        assert!(shown == Some(bytes), "file {number} was another");
    }
    let asked = seen.iter().filter(|(number, _)| *number < FILES).count() as u64;
    let total = plan.files.len() as u64;
    let there = plan
        .files
        .iter()
        // What has no bytes is nobody's.
        .filter(|file| plan.place(file).1 > 0 && within(plan.place(file)).is_some());
    let accounted = asked + lines.noted.unread;
    assert!(accounted <= total && accounted >= there.count() as u64);

    let (spool, _) = lines.into_spool();
    let parts = |line| {
        let Line::Entry(part) = line else {
            return Ok(());
        };
        let path = std::str::from_utf8(part.path.as_bytes()).unwrap();
        let Some((file, inner)) = path.split_once('/') else {
            return Ok(());
        };
        assert_eq!(
            (part.kind, inner.ends_with("part")),
            (EntryKind::Part, true)
        );
        let number: usize = file[1..].parse().unwrap();
        let (offset, length) = plan.place(&plan.files[number]);
        let [
            Extent::Input {
                offset: from,
                length: size,
            },
        ] = part.content[..]
        else {
            panic!("{part:?}");
        };
        assert!(from >= offset && from - offset + size <= length);
        assert!(inner != "part" || (from, size) == (offset, length));
        Ok(())
    };
    spool.unwrap().read(&mut { parts }).unwrap();
}

/// Does what is planned, and compares.
fn run(plan: &Plan) {
    let bench = Bench::new();
    let before = others(bench.repository.path());
    let input = plan.input();
    let mut tape = bench.tape(&input, &plan.source);
    if plan.is_spooled {
        assert_eq!(tape.spool().unwrap().1, input.len() as u64);
    }
    let cutter = Arc::new(Cutter::new(&plan.files));
    let importers = Importers::One(Arc::clone(&cutter) as Arc<dyn Steer>);
    match plan.how {
        How::Steered => {
            let parameters = Default::default();
            let handover = Handover::new(&importers, &bench.repository, &parameters, 1 << 20);
            tape.begin(Lines::spool(&bench.repository), Some(handover));
            steer(&mut tape, &cutter, plan, &input);
        }
        How::Whole => tape.keep_whole().unwrap(),
        How::Cuts => {
            let mut cuts = Cuts::default();
            for (length, storage) in &plan.keeps {
                // As a sheet notes them, of a file that had twice the bytes.
                let length = (*length).min(2 * plan.size as u64);
                cuts.push(length, *storage).unwrap();
            }
            tape.keep_cuts(&cuts).unwrap();
        }
    }
    let (recorder, lines) = tape.into_parts().unwrap();
    bench.check(recorder, &input);
    if matches!(plan.how, How::Steered) {
        check_files(&cutter, plan, &input, lines);
    }
    assert_eq!(others(bench.repository.path()), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_recorded_is_what_came(plan in plan()) {
        run(&plan);
    }

    #[test]
    fn what_is_given_up_is_hashed_to_its_end(
        size in 0..50_000_usize,
        keeps in keeps(),
        chunk in 1..20_000_usize,
    ) {
        let plan = Plan {
            size,
            seed: 1,
            source: Source::Feed(vec![chunk]),
            is_spooled: false,
            how: How::Steered,
            keeps,
            files: Vec::new(),
        };
        let bench = Bench::new();
        let input = plan.input();
        let mut tape = bench.tape(&input, &plan.source);
        for (length, storage) in &plan.keeps {
            tape.keep(*length, *storage).unwrap();
        }
        prop_assert!(tape.drain());
        prop_assert_eq!(tape.into_recorder().into_digest(), ContentDigest::sha256(&input));
    }
}

/// What chance seldom comes to: files that are streamed, and become an object or several.
#[test]
fn a_large_file_is_kept_whole_or_as_whoever_reads_it_cuts_it() {
    let large = SMALL_OBJECT + 1;
    let cuts = vec![(5, Storage::Inline), (SMALL_OBJECT, Storage::Object)];
    for (cuts, ending) in [
        (Vec::new(), Ending::Read),
        (vec![(large, Storage::Object)], Ending::Read),
        (cuts.clone(), Ending::Read),
        (cuts, Ending::Fault),
    ] {
        let file = Planned {
            place: Place::Keep(1),
            when: 0,
            cuts,
            inner: Some(1),
            ending,
        };
        run(&Plan {
            size: usize::try_from(large).unwrap() + 20,
            seed: 7,
            source: Source::Feed(vec![CHUNK_SIZE]),
            is_spooled: false,
            how: How::Steered,
            keeps: vec![(10, Storage::Inline), (large, Storage::Object)],
            files: vec![file],
        });
    }
}

#[test]
fn a_blob_that_is_cut_off_and_one_nobody_waits_for_end_the_run() {
    let bench = Bench::new();
    let (sender, receiver) = unbounded();
    sender.send(Bytes::from_static(b"begin")).unwrap();
    drop(sender);
    let mut tape = bench.tape(b"", &Source::Feed(vec![1]));
    tape.pieces = Pieces::feed(receiver, Arc::new(AtomicBool::new(false)));
    assert_eq!(tape.keep(2, Storage::Inline).unwrap(), 2);
    let error = tape.keep(9, Storage::Object).unwrap_err();
    assert!(error.is::<crate::pieces::CutOff>(), "{error}");
    assert!(!tape.drain());

    let mut tape = bench.tape(b"abc", &Source::File);
    tape.cancel.store(true, Ordering::Relaxed);
    let error = tape.keep(1, Storage::Inline).unwrap_err();
    let Ok(error) = error.downcast::<Recording>() else {
        panic!("another error");
    };
    let BlobFault::Host(error) = error.0 else {
        panic!("another fault");
    };
    assert!(matches!(*error, IntakeError::Interrupted));
    // Objects may have been stored before a run ends so; nothing was to be kept here.
    assert_eq!(bench.repository.usage().unwrap().objects, 0);
}
