//! The importer as a component: plain types to the interface's, nothing else.

use std::convert::Infallible;

use lazaret_guest::claim::{annotations, verdict};
use lazaret_guest::log::{self, Level};
use lazaret_guest::{
    Access, Blob, Cursor, Descriptor, Digest, Facts, Failure, Importer, Offer, Sink, Verdict,
    declined, unsupported,
};

use crate::error::Stop;
use crate::facts::{self, Fact, Value};
use crate::input::{Input, whole};
use crate::probe::{declared, is_contradicted, media_types};

struct ModelConfig;

lazaret_guest::export_importer!(ModelConfig);

impl Importer for ModelConfig {
    fn describe() -> Descriptor {
        Descriptor {
            name: "model-config".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            media_types: media_types().map(str::to_owned).collect(),
            // Not forward, which would keep inline what is read.
            needs: Access::RANDOM,
            fact_namespaces: vec!["model".to_owned()],
        }
    }

    fn probe(offer: Offer, head: Vec<u8>) -> Verdict {
        let is_claimed = declared(&offer.media_type, annotations(&offer)).is_some();
        verdict(is_claimed, is_claimed && is_contradicted(&head))
    }

    fn ingest(
        offer: Offer,
        _cursor: &Cursor,
        blob: Option<&Blob>,
        sink: &Sink,
    ) -> Result<(), Failure> {
        let Some(blob) = blob else {
            return Err(unsupported("random access is needed"));
        };
        let Some(kind) = declared(&offer.media_type, annotations(&offer)) else {
            return Err(declined("not a configuration of a model"));
        };
        let read = whole(&mut Host(blob)).map_err(Stop::into_fault);
        match read.and_then(|bytes| facts::of_file(&bytes, kind)) {
            Ok(stated) => state(sink, stated),
            // A file of this name may be any program's: never a fault. Not declined either, which
            // leaves no record, so that every pull would fetch and read the file again.
            Err(fault) => log::write(Level::Debug, &fault.to_string()),
        }
        Ok(())
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
