//! Model cards: what the facts about an artifact's files come to for one model.
//!
//! A model may be one file or many: what an index of shards names, what GGUF calls splits, or what
//! is called `…-00001-of-00003`. Each such family has one card with its files' counts summed. Files
//! beside them that describe a model fill in what its own do not say; what the artifact's config
//! document claims is kept apart. Facts are importers' words about strangers' files: what does not
//! parse is passed over, sums saturate.

mod card;
mod claims;
mod family;

use std::collections::HashMap;
use std::sync::Arc;

use lazaret_artifact::record::Severity;
use lazaret_artifact::shards::ShardFacts;
use lazaret_artifact::{ContentDigest, EntryPath, Value};
use lazaret_graph::Image;
use lazaret_store::Repository;

use crate::error::ViewError;
use crate::findings::{About, FoundFact, each_fact};

pub use claims::Claims;

/// What is known of one model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelCard {
    /// Its files, an index of shards first.
    pub files: Vec<ModelFile>,
    /// The format of its tensors' files: `safetensors`, `gguf`, `pytorch`, `onnx`.
    pub format: Option<String>,
    /// The version of that, as the format writes it.
    pub format_version: Option<String>,
    /// What it calls itself.
    pub name: Option<String>,
    /// The family of networks that it belongs to.
    pub architecture: Option<String>,
    /// Its licence, as it words it.
    pub licence: Option<String>,
    /// The mixture of tensor types it was quantised to.
    pub quantization: Option<String>,
    /// Tokens that it was made to look at together.
    pub context_length: Option<u64>,
    /// Numbers that stand for one token.
    pub embedding_length: Option<u64>,
    /// The kind of tokenizer.
    pub tokenizer: Option<String>,
    /// Digest of the template that turns a conversation into text.
    pub chat_template: Option<ContentDigest>,
    /// Tensors in all files.
    pub tensors: u64,
    /// Elements of these tensors.
    pub parameters: u64,
    /// How many tensors have each type, the most frequent first.
    pub dtypes: Vec<(String, u64)>,
    /// What importers think of its files, at worst; none where nobody judged.
    pub verdict: Option<Severity>,
    /// The rule that a file breaks which was looked into all the same, for what it could do.
    pub fault: Option<String>,
    /// Findings behind the verdict.
    pub findings: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Where it is one of several files, whether they are all there.
    pub shards: Option<Shards>,
    /// Files in the same directory that say something of it and are none of its own: what those do
    /// not say is from here.
    pub described_by: Vec<ModelFile>,
    /// What the artifact's config document claims of it and no importer says: only where it is the
    /// artifact's one model.
    pub claimed: Claims,
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// Its path; none for a blob that the artifact gives no name.
    pub path: Option<EntryPath>,
    /// The blob that it is, or is in, as that travelled.
    pub blob: ContentDigest,
    /// Its bytes.
    pub size: u64,
}

/// Whether the files of a model fit together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shards {
    /// Files that there should be.
    pub expected: u64,
    /// How many of these there are.
    pub there: u64,
    /// What is wrong, a sentence each.
    pub contradictions: Vec<String>,
}

impl Shards {
    /// Whether all are there and nothing contradicts them.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.expected == self.there && self.contradictions.is_empty()
    }
}

/// What facts say of models.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Models {
    /// A card for each, in the order of their first files.
    pub cards: Vec<ModelCard>,
    /// What the artifact's config document claims, where there is not one model that it is about.
    pub claims: Option<Claims>,
    /// Files whose importer failed, and why.
    pub faults: Vec<FileFault>,
    /// Files that are called models and were given to no importer, because a bound stopped it.
    pub not_handed_on: u64,
}

/// A file that looked like a model and could not be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// Its path; none for a blob that the artifact gives no name.
    pub path: Option<EntryPath>,
    /// The blob that it is, or is in, as that travelled.
    pub blob: ContentDigest,
    /// Importer and reason.
    pub reason: String,
}

/// Reads the cards of an image or artifact.
///
/// # Errors
/// The store's, and records that are damaged.
pub fn models(repository: &Repository, image: &Image) -> Result<Models, ViewError> {
    let mut seen = Seen::default();
    each_fact(repository, image, |fact| {
        seen.see(fact);
        Ok::<_, ViewError>(())
    })?;
    let files = seen.files;
    let families = family::families(&files);
    let mut cards: Vec<ModelCard> = families
        .iter()
        .map(|family| card::of_family(&files, family))
        .collect();
    let mut claims = Claims::of(image);
    if let [card] = &mut *cards
        && let Some(claims) = claims.take()
    {
        card.claimed = claims.beyond(card);
    }
    Ok(Models {
        cards,
        claims,
        faults: seen.faults,
        not_handed_on: seen.not_handed_on,
    })
}

/// What facts say of one file.
#[derive(Debug)]
struct FileFacts {
    about: Arc<About>,
    /// By key without the prefix `model.`; the first of each.
    facts: HashMap<String, Value>,
    verdict: Option<Severity>,
    findings: u64,
    shards: ShardFacts,
    /// Names of files, as keys have them.
    names: Vec<String>,
}

impl FileFacts {
    fn text(&self, key: &str) -> Option<&str> {
        match self.facts.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn unsigned(&self, key: &str) -> Option<u64> {
        match self.facts.get(key) {
            Some(Value::Unsigned(number)) => Some(*number),
            _ => None,
        }
    }

    fn path(&self) -> Option<&EntryPath> {
        self.about.file.as_ref()
    }
}

/// The facts of all files, as they come.
#[derive(Default)]
struct Seen {
    files: Vec<FileFacts>,
    places: HashMap<*const About, usize>,
    faults: Vec<FileFault>,
    not_handed_on: u64,
}

/// Says which files an index names.
const SHARD: &str = "shard.";

impl Seen {
    fn see(&mut self, fact: FoundFact) {
        let FoundFact { about, key, value } = fact;
        if about.entry.is_some() {
            return;
        }
        if key == "import.fault" {
            self.faults.push(FileFault {
                path: about.file.clone(),
                blob: about.place.blob,
                reason: match value {
                    Value::Text(reason) => reason,
                    _ => String::new(),
                },
            });
            return;
        }
        if let ("import.not-handed-on", Value::Unsigned(files)) = (key.as_str(), &value) {
            self.not_handed_on = self.not_handed_on.saturating_add(*files);
            return;
        }
        let Some(short) = key.strip_prefix("model.") else {
            return;
        };
        let place = Arc::as_ptr(&about);
        let at = *self.places.entry(place).or_insert_with(|| {
            self.files.push(FileFacts {
                about,
                facts: HashMap::new(),
                verdict: None,
                findings: 0,
                shards: ShardFacts::default(),
                names: Vec::new(),
            });
            self.files.len() - 1
        });
        let file = &mut self.files[at];
        file.shards.see(&key, &value);
        match (short, &value) {
            ("pickle-verdict", _) => {
                file.verdict = file.verdict.max(Some(Severity::said(&value)));
            }
            ("pickle-finding", _) => file.findings = file.findings.saturating_add(1),
            ("pickle-findings-omitted", Value::Unsigned(more)) => {
                file.findings = file.findings.saturating_add(*more);
            }
            _ if short.starts_with(SHARD) => file.names.push(short[SHARD.len()..].to_owned()),
            _ if short.starts_with("shard-names.") || short.starts_with("external.") => {}
            _ => {
                file.facts.entry(short.to_owned()).or_insert(value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
