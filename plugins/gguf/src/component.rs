//! The importer as a component: the parser's plain types to the interface's, nothing else.

use std::convert::Infallible;

use lazaret_guest::claim::{annotations, is_split, verdict};
use lazaret_guest::{
    Access, Attribute, Batch, Blob, ByteRange, Cursor, Descriptor, Entry, EntryKind, Extent, Facts,
    Failure, Forward as _, Importer, Offer, Sink, Value, Verdict, part_path, unsupported,
};

use crate::error::Stop;
use crate::facts::{Statement, facts};
use crate::input::Input;
use crate::model::{Model, Tensor};
use crate::probe::{claims, is_contradicted, media_types};
use crate::read::read;
use crate::split::cuts;

struct Gguf;

lazaret_guest::export_importer!(Gguf);

impl Importer for Gguf {
    fn describe() -> Descriptor {
        Descriptor {
            name: "gguf".to_owned(),
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
            return Err(unsupported("the file's index needs random access"));
        };
        let model = read(&mut Host(blob)).map_err(Stop::into_fault)?;
        state(&model, sink);
        let mut batch = Batch::new(sink);
        for tensor in &model.tensors {
            batch.push(part(tensor));
        }
        batch.finish();
        if is_split(&offer) {
            cursor.cut_all(cuts(&model))
        } else {
            Ok(())
        }
    }
}

struct Host<'a>(&'a Blob);

impl Input for Host<'_> {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Infallible> {
        Ok(self.0.read_at(offset, max))
    }
}

fn state(model: &Model, sink: &Sink) {
    let mut batch = Facts::new(sink);
    for fact in facts(model) {
        match fact.value {
            Statement::Text(text) => batch.push(fact.key, Value::Text(text)),
            Statement::Unsigned(number) => batch.push(fact.key, Value::Unsigned(number)),
            Statement::Sha256(digest) => batch.sha256(fact.key, Some(digest)),
        }
    }
    batch.finish();
}

fn part(tensor: &Tensor) -> Entry {
    let text = |key: &str, value: String| Attribute {
        key: key.to_owned(),
        value: Value::Text(value),
    };
    let path = part_path(&tensor.name);
    let mut attributes = vec![
        text("dtype", tensor.dtype.name().to_owned()),
        text("shape", tensor.shape_text()),
    ];
    if *path != *tensor.name {
        attributes.push(text("name", tensor.name.to_string()));
    }
    let range = ByteRange {
        offset: tensor.offset,
        length: tensor.length,
    };
    Entry {
        path: path.into_owned().into_bytes(),
        kind: EntryKind::Part,
        content: (tensor.length > 0)
            .then_some(Extent::Input(range))
            .into_iter()
            .collect(),
        target: None,
        posix: None,
        media_type: None,
        attributes,
    }
}
