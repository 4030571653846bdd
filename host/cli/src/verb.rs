//! The verbs, one file each: what they are called with, which library does it, how the answer is
//! printed.

mod bounds;
pub mod cat;
pub mod completions;
pub mod diff;
pub mod export;
pub mod facts;
pub mod fsck;
pub mod gc;
pub mod images;
pub mod info;
pub mod init;
pub mod inspect;
pub mod join;
pub mod ls;
pub mod man;
pub mod parts;
pub mod pull;
pub mod push;
pub mod referrers;
mod restage;
pub mod split;
pub mod tag;
pub mod untag;

use clap::Args;
use lazaret_artifact::{Platform, Value, record};
use lazaret_graph::{GraphError, Image, Name, load_platform};
use lazaret_store::Repository;

/// Words that make no sense together, which clap cannot tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misuse(pub &'static str);

/// Nothing is stored under a digest.
#[derive(Debug, thiserror::Error)]
#[error("nothing is stored under this digest")]
pub struct NoBlob;

/// A NAME on the command line.
fn parse_name(text: &str) -> anyhow::Result<Name> {
    Ok(text.parse()?)
}

/// Which image is meant where a NAME stands for an index.
#[derive(Debug, Args)]
struct Choice {
    /// Platform to choose where NAME is an index [default: this machine's]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
}

impl Choice {
    /// The image or artifact.
    fn load(&self, repository: &Repository, name: &Name) -> Result<Image, GraphError> {
        load_platform(repository, name, self.platform.as_ref())
    }
}

/// A value as JSON has it, without the name of its type.
fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Boolean(value) => (*value).into(),
        Value::Unsigned(value) => (*value).into(),
        Value::Signed(value) => (*value).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Digest(digest) => digest.to_string().into(),
        Value::Bytes(bytes) => record::raw::serialize(bytes, serde_json::value::Serializer)
            .expect("text and objects of text are JSON"),
    }
}

/// A value for people: text as it is.
fn shown(value: &Value) -> String {
    match plain(value) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}
