//! Files larger than this machine, of which only what is read is there; and runs over them in the
//! sandbox that users have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use lazaret_artifact::{Entry, Fact};
use lazaret_builtins::BUILTINS;
use lazaret_engine::{
    Ended, Fault, Importer, Offer, Policy, Report, Run, Sandbox, SandboxOptions, Session,
    SessionError, Steer as _, Storage,
};

/// Stretches of bytes, and zeros between them.
#[derive(Debug, Clone, Default)]
pub struct Hollow {
    stretches: Vec<(u64, Arc<[u8]>)>,
    pub size: u64,
}

impl Hollow {
    pub fn push(&mut self, bytes: impl Into<Arc<[u8]>>) {
        let bytes = bytes.into();
        let start = self.size;
        self.size += bytes.len() as u64;
        self.stretches.push((start, bytes));
    }

    pub const fn zeros(&mut self, length: u64) {
        self.size += length;
    }

    fn read(&self, offset: u64, max: usize) -> Vec<u8> {
        let end = self.size.min(offset.saturating_add(max as u64));
        let mut bytes = vec![0; end.saturating_sub(offset) as usize];
        let first = self
            .stretches
            .partition_point(|(start, stretch)| start + stretch.len() as u64 <= offset);
        for (start, stretch) in &self.stretches[first..] {
            if *start >= end {
                break;
            }
            let from = offset.max(*start);
            let until = end.min(start + stretch.len() as u64);
            bytes[(from - offset) as usize..(until - offset) as usize]
                .copy_from_slice(&stretch[(from - start) as usize..(until - start) as usize]);
        }
        bytes
    }
}

/// What a run said.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub parts: u64,
    pub last: Option<Entry>,
    pub facts: Vec<Fact>,
    pub objects: u64,
    /// Bytes kept inline.
    pub inline: u64,
}

struct Reading {
    file: Hollow,
    position: u64,
    piece: Vec<u8>,
    record: Arc<Mutex<Record>>,
}

impl Reading {
    fn note(&self, write: impl FnOnce(&mut Record)) {
        write(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Session for Reading {
    fn position(&self) -> u64 {
        self.position
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.file.size - self.position)
    }

    fn peek(&mut self, max: usize) -> Result<&[u8], SessionError> {
        self.piece = self.file.read(self.position, max);
        Ok(&self.piece)
    }

    fn keep(&mut self, length: u64, storage: Storage) -> Result<u64, SessionError> {
        let kept = length.min(self.file.size - self.position);
        self.position += kept;
        self.note(|record| match storage {
            Storage::Object => record.objects += 1,
            Storage::Inline => record.inline += kept,
        });
        Ok(kept)
    }

    fn size(&mut self) -> Result<u64, SessionError> {
        Ok(self.file.size)
    }

    fn read_at(&mut self, offset: u64, max: usize) -> Result<Vec<u8>, SessionError> {
        Ok(self.file.read(offset, max))
    }

    fn entry(&mut self, entry: Entry) -> Result<(), SessionError> {
        self.note(|record| {
            record.parts += 1;
            record.last = Some(entry);
        });
        Ok(())
    }

    fn fact(&mut self, fact: Fact) -> Result<(), SessionError> {
        self.note(|record| record.facts.push(fact));
        Ok(())
    }

    fn derive(&mut self, _: &[u8]) -> Result<(), SessionError> {
        Err("no importer of these derives anything".into())
    }

    fn finish_derived(&mut self) -> Result<(), SessionError> {
        Err("no importer of these derives anything".into())
    }
}

/// What came of a run, and what it said up to there.
#[derive(Debug)]
pub struct Outcome {
    pub result: Result<Report, Fault>,
    pub record: Record,
}

impl Outcome {
    /// # Panics
    /// When the run failed.
    #[track_caller]
    pub fn report(&self) -> Report {
        match &self.result {
            Ok(report) => *report,
            Err(fault) => panic!("{fault:?}"),
        }
    }

    /// The fault's kind and reason.
    ///
    /// # Panics
    /// When the run did not fail.
    #[track_caller]
    pub fn fault(&self) -> (lazaret_engine::FaultKind, &str) {
        match &self.result {
            Ok(report) => panic!("{report:?}"),
            Err(fault) => (fault.kind, &fault.reason),
        }
    }
}

/// Runs a built-in importer over a file of its own type, in one piece or split into tensors.
pub fn run(name: &str, media_type: &str, file: Hollow, split: bool) -> Outcome {
    let importer = importer(name);
    let size = file.size;
    let offer = Offer {
        media_type: media_type.parse().expect("a media type"),
        artifact_type: None,
        config_media_type: None,
        size: Some(size),
        travelling_size: size,
        annotations: BTreeMap::new(),
        parameters: split
            .then(|| ("split".to_owned(), "tensors".to_owned()))
            .into_iter()
            .collect(),
        policy: Policy::STRICT,
        fact_namespaces: importer.fact_namespaces().to_vec(),
        fuel: None,
    };
    let record = Arc::new(Mutex::new(Record::default()));
    let session = Box::new(Reading {
        file,
        position: 0,
        piece: Vec::new(),
        record: Arc::clone(&record),
    });
    let start = std::time::Instant::now();
    let Run {
        session, result, ..
    } = importer.ingest(&offer, session);
    let kept = session.position();
    drop(session);
    let result = match result {
        Ok(report) => {
            assert_eq!(kept, size, "every byte is kept");
            #[expect(clippy::print_stdout, reason = "seen when asked for")]
            {
                println!("{name}: {size} bytes, {:?}, {report:?}", start.elapsed());
            }
            Ok(report)
        }
        Err(Ended::Fault(fault)) => Err(fault),
        Err(other) => panic!("{other:?}"),
    };
    let record = record
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    Outcome { result, record }
}

fn importer(name: &str) -> Arc<Importer> {
    static LOADED: OnceLock<BTreeMap<&str, Arc<Importer>>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let sandbox = Sandbox::new(SandboxOptions::default()).expect("wasmtime runs here");
        let sandbox = Arc::new(sandbox);
        let models = BUILTINS.iter().filter(|builtin| builtin.name != "tar");
        models
            .map(|builtin| {
                let importer =
                    Importer::load(Arc::clone(&sandbox), builtin.name, builtin.component);
                (builtin.name, Arc::new(importer.expect("it is an importer")))
            })
            .collect()
    });
    Arc::clone(&loaded[name])
}
