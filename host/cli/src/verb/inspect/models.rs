//! Model cards in `inspect`: what importers say of the models in an image or artifact.

use std::fmt::Write as _;

use lazaret_artifact::record::Severity;
use lazaret_artifact::{ContentDigest, EntryPath};
use lazaret_graph::Name;
use lazaret_views::{FileFault, ModelCard, ModelFile, Models, Shards};
use serde::Serialize;

use super::card::Card;
use super::claims::{self, ClaimsDocument, or_claimed};
use crate::amount::{counted, large, size};
use crate::output::clean;

/// Cards that are shown; a directory of checkpoints has hundreds.
const MAX_CARDS: usize = 8;

/// Files, faults and contradictions of which each has a line; the rest is counted.
const MAX_LINES: usize = 8;

/// Types of tensors that are listed; a mixture has five or six.
const MAX_DTYPES: usize = 8;

/// For people.
pub fn text(models: &Models, name: &Name) -> String {
    let mut text = String::new();
    let number = models.cards.len();
    for (at, card) in models.cards.iter().take(MAX_CARDS).enumerate() {
        let title = match number {
            1 => "Model".to_owned(),
            _ => format!("Model {} of {number}", at + 1),
        };
        let _ = write!(text, "\n{title}\n{}", of(card, name).render());
    }
    if number > MAX_CARDS {
        let more = counted((number - MAX_CARDS) as u64, "model", "models");
        let _ = write!(text, "\nand {more} more, which --json shows\n");
    }
    if let Some(claims) = &models.claims {
        let _ = write!(
            text,
            "\nClaimed by the artifact's config\n{}",
            claims::card(claims).render()
        );
    }
    if !models.faults.is_empty() || models.not_handed_on > 0 {
        let _ = writeln!(text, "\nNot read");
        for fault in models.faults.iter().take(MAX_LINES) {
            let reason = clean(&fault.reason);
            let _ = writeln!(
                text,
                "  {}: {reason}",
                path(fault.path.as_ref(), fault.blob)
            );
        }
        if let Some(more) = models.faults.len().checked_sub(MAX_LINES + 1) {
            let _ = writeln!(text, "  and {} more", more + 1);
        }
        if models.not_handed_on > 0 {
            let files = counted(models.not_handed_on, "file", "files");
            let _ = writeln!(
                text,
                "  {files} beyond what importers are given of one blob"
            );
        }
    }
    text
}

fn of(model: &ModelCard, name: &Name) -> Card {
    let mut card = Card::indented();
    let mut line = |title: &str, value: Option<String>| {
        if let Some(value) = value {
            card.line(title, value);
        }
    };
    let claimed = &model.claimed;
    line("name", or_claimed(model.name.clone(), &claimed.name));
    line("family", or_claimed(None, &claimed.family));
    line("version", or_claimed(None, &claimed.version));
    let format = or_claimed(model.format.clone(), &claimed.format);
    let format = format.unwrap_or_else(|| "unknown".to_owned());
    line(
        "format",
        Some(match &model.format_version {
            Some(version) => format!("{format} {version}"),
            None => format,
        }),
    );
    line(
        "architecture",
        or_claimed(model.architecture.clone(), &claimed.architecture),
    );
    let parameters = (model.tensors > 0).then(|| {
        let tensors = counted(model.tensors, "tensor", "tensors");
        format!("{} in {tensors}{}", large(model.parameters), dtypes(model))
    });
    line("parameters", or_claimed(parameters, &claimed.parameters));
    line("precision", or_claimed(None, &claimed.precision));
    line(
        "quantised",
        or_claimed(model.quantization.clone(), &claimed.quantization),
    );
    line(
        "context",
        model
            .context_length
            .map(|length| format!("{length} tokens")),
    );
    line(
        "embeddings",
        model.embedding_length.map(|length| length.to_string()),
    );
    line("tokenizer", model.tokenizer.clone());
    line(
        "chat template",
        model.chat_template.map(|digest| digest.to_string()),
    );
    line(
        "licence",
        or_claimed(model.licence.clone(), &claimed.licence),
    );
    line(
        "verdict",
        model.verdict.map(|verdict| judged(model, verdict, name)),
    );
    line("broken", model.fault.clone());
    line(
        "size",
        Some(format!("{}{}", size(model.bytes), in_files(model))),
    );
    for file in model.files.iter().take(MAX_LINES) {
        let known = path(file.path.as_ref(), file.blob);
        line("file", Some(format!("{known}, {}", size(file.size))));
    }
    if let Some(more) = model.files.len().checked_sub(MAX_LINES + 1) {
        line("", Some(format!("and {} more", more + 1)));
    }
    for file in model.described_by.iter().take(MAX_LINES) {
        line("described by", Some(path(file.path.as_ref(), file.blob)));
    }
    if let Some(shards) = &model.shards {
        line("shards", Some(complete(shards)));
        for contradiction in shards.contradictions.iter().take(MAX_LINES) {
            line("", Some(contradiction.clone()));
        }
        if let Some(more) = shards.contradictions.len().checked_sub(MAX_LINES + 1) {
            line("", Some(format!("and {} more", more + 1)));
        }
    }
    card
}

fn dtypes(model: &ModelCard) -> String {
    let shown = model.dtypes.iter().take(MAX_DTYPES);
    let mut list: Vec<String> = shown
        .map(|(dtype, count)| format!("{dtype} {count}"))
        .collect();
    match &*list {
        [] => return String::new(),
        // The number is that of the tensors.
        [_] if model.dtypes.len() == 1 => return format!(", {}", model.dtypes[0].0),
        _ => {}
    }
    match model.dtypes.len().saturating_sub(MAX_DTYPES) {
        0 => {}
        more => list.push(format!("{more} more")),
    }
    format!(": {}", list.join(", "))
}

fn judged(model: &ModelCard, verdict: Severity, name: &Name) -> String {
    match model.findings {
        0 => verdict.to_string(),
        number => format!(
            "{verdict}: {}; `lazaret facts {name} --key model.pickle-finding` shows them",
            counted(number, "finding", "findings")
        ),
    }
}

fn in_files(model: &ModelCard) -> String {
    match model.files.len() {
        0 | 1 => String::new(),
        number => format!(" in {number} files"),
    }
}

fn complete(shards: &Shards) -> String {
    let count = match (shards.there, shards.expected) {
        (there, expected) if there == expected => format!("all {expected} there"),
        (there, expected) => format!("{there} of {expected} there"),
    };
    match shards.contradictions.len() {
        0 => count,
        _ => format!("{count}, contradictory:"),
    }
}

fn path(path: Option<&EntryPath>, blob: ContentDigest) -> String {
    path.map_or_else(|| blob.short(), EntryPath::to_string)
}

/// For programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'a str>,
    tensors: u64,
    parameters: u64,
    dtypes: Vec<Dtype<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokenizer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_template: Option<ContentDigest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
    findings: u64,
    size: u64,
    files: Vec<FileDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<ShardsDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    described_by: Vec<FileDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<ClaimsDocument<'a>>,
}

#[derive(Serialize)]
struct Dtype<'a> {
    dtype: &'a str,
    tensors: u64,
}

#[derive(Serialize)]
struct FileDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a EntryPath>,
    blob: ContentDigest,
    size: u64,
}

#[derive(Serialize)]
struct ShardsDocument<'a> {
    expected: u64,
    there: u64,
    contradictions: &'a [String],
}

/// A file whose importer failed.
#[derive(Serialize)]
pub struct FaultDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a EntryPath>,
    blob: ContentDigest,
    reason: &'a str,
}

impl<'a> ModelDocument<'a> {
    /// One of them.
    pub fn of(model: &'a ModelCard) -> Self {
        let file = |file: &'a ModelFile| FileDocument {
            file: file.path.as_ref(),
            blob: file.blob,
            size: file.size,
        };
        let dtype = |(dtype, tensors): &'a (String, u64)| Dtype {
            dtype,
            tensors: *tensors,
        };
        Self {
            name: model.name.as_deref(),
            format: model.format.as_deref(),
            format_version: model.format_version.as_deref(),
            architecture: model.architecture.as_deref(),
            tensors: model.tensors,
            parameters: model.parameters,
            dtypes: model.dtypes.iter().map(dtype).collect(),
            quantization: model.quantization.as_deref(),
            context_length: model.context_length,
            embedding_length: model.embedding_length,
            tokenizer: model.tokenizer.as_deref(),
            chat_template: model.chat_template,
            licence: model.licence.as_deref(),
            verdict: model.verdict,
            fault: model.fault.as_deref(),
            findings: model.findings,
            size: model.bytes,
            files: model.files.iter().map(file).collect(),
            shards: model.shards.as_ref().map(|shards| ShardsDocument {
                expected: shards.expected,
                there: shards.there,
                contradictions: &shards.contradictions,
            }),
            described_by: model.described_by.iter().map(file).collect(),
            claimed: (!model.claimed.is_empty()).then(|| ClaimsDocument::of(&model.claimed)),
        }
    }
}

impl<'a> FaultDocument<'a> {
    /// One of them.
    pub fn of(fault: &'a FileFault) -> Self {
        Self {
            file: fault.path.as_ref(),
            blob: fault.blob,
            reason: &fault.reason,
        }
    }
}

#[cfg(test)]
mod tests;
