//! The importer as a component: the parser's plain types to the interface's, nothing else.

use lazaret_guest::claim::{annotations, is_split, verdict};
use lazaret_guest::log::{self, Level};
use lazaret_guest::{
    Access, Attribute, Batch, Blob, ByteRange, Cursor, Descriptor, Entry, EntryKind, Extent, Facts,
    Failure, Forward as _, Importer, Offer, Sink, Verdict, part_path,
};

use crate::checkpoint::{Part, read};
use crate::facts::{self, Fact, Value};
use crate::input::Input;
use crate::probe::{claims, is_contradicted, media_types};
use crate::split::cuts;

/// Findings of a refused file that are logged: the host counts lines.
const LOGGED_MAX: usize = 20;

struct PyTorch;

lazaret_guest::export_importer!(PyTorch);

impl Importer for PyTorch {
    fn describe() -> Descriptor {
        Descriptor {
            name: "pytorch".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            media_types: media_types().map(str::to_owned).collect(),
            needs: Access::RANDOM,
            fact_namespaces: vec!["model".to_owned(), "file".to_owned()],
        }
    }

    fn probe(offer: Offer, head: Vec<u8>) -> Verdict {
        let is_claimed = claims(&offer.media_type, annotations(&offer));
        verdict(is_claimed, is_contradicted(&head))
    }

    fn ingest(
        offer: Offer,
        cursor: &Cursor,
        blob: Option<&Blob>,
        sink: &Sink,
    ) -> Result<(), Failure> {
        let Some(blob) = blob else {
            return Err(lazaret_guest::unsupported("no random access to the blob"));
        };
        let checkpoint = match read(&mut Host(blob)) {
            Ok(checkpoint) => checkpoint,
            Err((fault, findings)) => {
                if let Some(facts) = facts::of_broken(&fault, &findings) {
                    state(facts, sink);
                    return Ok(());
                }
                for finding in findings.kept().iter().take(LOGGED_MAX) {
                    log::write(Level::Warn, &finding.to_string());
                }
                return Err(fault.into());
            }
        };
        let mut batch = Batch::new(sink);
        for part in &checkpoint.parts {
            batch.push(entry(part));
        }
        batch.finish();
        state(facts::of(&checkpoint), sink);
        if is_split(&offer) {
            cursor.cut_all(cuts(&checkpoint))?;
        }
        Ok(())
    }
}

fn state(facts: Vec<Fact>, sink: &Sink) {
    let mut stated = Facts::new(sink);
    for fact in facts {
        match fact.value {
            Value::Unsigned(number) => stated.unsigned(fact.key, Some(number)),
            Value::Text(text) => stated.text(fact.key, Some(&text)),
        }
    }
    stated.finish();
}

struct Host<'a>(&'a Blob);

impl Input for Host<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Vec<u8> {
        self.0.read_at(offset, max)
    }
}

fn entry(part: &Part) -> Entry {
    let path = part_path(&part.name);
    let mut attributes = Vec::new();
    let mut add = |key: &str, text: String| {
        attributes.push(Attribute {
            key: key.to_owned(),
            value: lazaret_guest::Value::Text(text),
        });
    };
    if path != part.name {
        add("name", part.name.clone());
    }
    add("dtype", part.dtype.name().to_owned());
    add("shape", list(&part.shape));
    if let Some(stride) = &part.stride {
        add("stride", list(stride));
    }
    add("storage", part.storage.clone());
    if !part.marks.is_empty() {
        add("marks", part.marks.join(","));
    }
    let content = if part.length == 0 {
        Vec::new()
    } else {
        vec![Extent::Input(ByteRange {
            offset: part.offset,
            length: part.length,
        })]
    };
    Entry {
        path: path.as_bytes().to_vec(),
        kind: EntryKind::Part,
        content,
        target: None,
        posix: None,
        media_type: None,
        attributes,
    }
}

/// As a JSON list.
fn list(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    format!("[{}]", numbers.join(","))
}
