//! The importer as a component: plain types to the interface's, nothing else.

use std::borrow::Cow;
use std::convert::Infallible;

use lazaret_guest::claim::{annotations, is_split, verdict};
use lazaret_guest::{
    Access, Attribute, Batch, Blob, ByteRange, Cursor, Descriptor, Digest, Entry, EntryKind,
    Extent, Facts, Failure, Forward as _, Importer, Offer, Sink, Verdict, declined, part_path,
    unsupported,
};

use crate::error::Stop;
use crate::facts::{self, Fact, Value};
use crate::input::Input;
use crate::model::Tensor;
use crate::probe::{Kind, declared, is_contradicted, media_types};
use crate::split::cuts;
use crate::{header, shards};

struct Safetensors;

lazaret_guest::export_importer!(Safetensors);

impl Importer for Safetensors {
    fn describe() -> Descriptor {
        Descriptor {
            name: "safetensors".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            media_types: media_types().map(str::to_owned).collect(),
            needs: Access::RANDOM,
            fact_namespaces: ["model", "file"].map(str::to_owned).to_vec(),
        }
    }

    fn probe(offer: Offer, head: Vec<u8>) -> Verdict {
        let kind = kind(&offer);
        let is_contradicted = kind.is_some_and(|kind| is_contradicted(kind, &head));
        verdict(kind.is_some(), is_contradicted)
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
        let mut host = Host(blob);
        match kind(&offer) {
            Some(Kind::File) => file(&mut host, cursor, sink, is_split(&offer)),
            Some(Kind::Index) => {
                let index = shards::read(&mut host).map_err(Stop::into_fault)?;
                state(sink, facts::of_index(&index));
                Ok(())
            }
            None => Err(declined("neither a safetensors file nor a shard index")),
        }
    }
}

fn kind(offer: &Offer) -> Option<Kind> {
    declared(&offer.media_type, annotations(offer))
}

fn file(host: &mut Host<'_>, cursor: &Cursor, sink: &Sink, split: bool) -> Result<(), Failure> {
    let model = header::read(host).map_err(Stop::into_fault)?;
    let mut batch = Batch::new(sink);
    for tensor in model.tensors() {
        batch.push(part(&tensor));
    }
    batch.finish();
    state(sink, facts::of_model(&model));
    if split {
        cursor.cut_all(cuts(&model))
    } else {
        Ok(())
    }
}

fn part(tensor: &Tensor<'_>) -> Entry {
    let path = part_path(tensor.name);
    let attribute = |key: &str, value: String| Attribute {
        key: key.to_owned(),
        value: lazaret_guest::Value::Text(value),
    };
    let mut attributes = vec![
        attribute("dtype", tensor.dtype.name().to_owned()),
        attribute("shape", tensor.shape_text()),
    ];
    if matches!(path, Cow::Owned(_)) {
        attributes.push(attribute("name", tensor.name.to_owned()));
    }
    let content = (tensor.length > 0).then_some(Extent::Input(ByteRange {
        offset: tensor.offset,
        length: tensor.length,
    }));
    Entry {
        path: path.into_owned().into_bytes(),
        kind: EntryKind::Part,
        content: content.into_iter().collect(),
        target: None,
        posix: None,
        media_type: None,
        attributes,
    }
}

fn state(sink: &Sink, facts: Vec<Fact>) {
    let mut batch = Facts::new(sink);
    for fact in facts {
        batch.push(fact.key, fact.value.into());
    }
    batch.finish();
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

impl From<Value> for lazaret_guest::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Unsigned(number) => Self::Unsigned(number),
            Value::Text(text) => Self::Text(text),
            Value::Sha256(value) => Self::Digest(Digest {
                algorithm: "sha256".to_owned(),
                value: value.to_vec(),
            }),
        }
    }
}
