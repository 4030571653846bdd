//! The importer as a component: plain types to the interface's, nothing else.

use std::convert::Infallible;

use lazaret_guest::claim::{annotations, is_split, verdict};
use lazaret_guest::{
    Access, Attribute, Batch, Blob, ByteRange, Cursor, Descriptor, Entry, EntryKind, Extent, Facts,
    Failure, Forward as _, Importer, Offer, Sink, Verdict, unsupported,
};

use crate::error::{Span, Stop};
use crate::facts::{self, Value};
use crate::input::Input;
use crate::model::parse;
use crate::part::Part;
use crate::probe::{claims, is_contradicted, media_types};
use crate::split::cuts;

struct Onnx;

lazaret_guest::export_importer!(Onnx);

impl Importer for Onnx {
    fn describe() -> Descriptor {
        Descriptor {
            name: "onnx".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            media_types: media_types().map(str::to_owned).collect(),
            needs: Access::RANDOM,
            fact_namespaces: ["model", "file"].map(str::to_owned).to_vec(),
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
            return Err(unsupported("random access is needed"));
        };
        let mut host = Host {
            blob,
            size: blob.size(),
        };
        let size = host.size;
        let is_split = is_split(&offer);
        let mut values: Vec<Span> = Vec::new();
        let mut batch = Batch::new(sink);
        let summary = parse(&mut host, |part| {
            if is_split {
                values.extend(part.content());
            }
            batch.push(entry(&part));
        });
        let summary = summary.map_err(Stop::into_fault)?;
        batch.finish();
        let mut facts = Facts::new(sink);
        for fact in facts::of(&summary) {
            facts.push(fact.key, fact.value.into());
        }
        facts.finish();
        if is_split {
            cursor.cut_all(cuts(values, size))
        } else {
            Ok(())
        }
    }
}

fn entry(part: &Part) -> Entry {
    let content = part
        .content()
        .map(|Span { offset, length }| Extent::Input(ByteRange { offset, length }));
    let attributes = part.attributes().into_iter();
    Entry {
        path: part.path().into_owned().into_bytes(),
        kind: EntryKind::Part,
        content: content.into_iter().collect(),
        target: None,
        posix: None,
        media_type: None,
        attributes: attributes
            .map(|(key, value)| Attribute {
                key: key.to_owned(),
                value: value.into(),
            })
            .collect(),
    }
}

struct Host<'a> {
    blob: &'a Blob,
    /// Asked for once, as each call costs.
    size: u64,
}

impl Input for Host<'_> {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Infallible> {
        Ok(self.blob.read_at(offset, max))
    }
}

impl From<Value> for lazaret_guest::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Unsigned(number) => Self::Unsigned(number),
            Value::Text(text) => Self::Text(text),
        }
    }
}
