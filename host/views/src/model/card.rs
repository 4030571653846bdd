//! One card from the facts of a family of files.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use lazaret_artifact::shards::{self, ShardFacts};
use lazaret_artifact::{ContentDigest, EntryPath, Value};

use super::family::Family;
use super::{Claims, FileFacts, ModelCard, ModelFile, Shards};

/// The card of these of the files.
pub(super) fn of_family(files: &[FileFacts], family: &Family) -> ModelCard {
    let members: Vec<&FileFacts> = family.members.iter().map(|&at| &files[at]).collect();
    let index = family.index.map(|at| &files[at]);
    // Where files say different things, the first counts: GGUF's own order, and an index knows best.
    let all: Vec<&FileFacts> = index.into_iter().chain(members.iter().copied()).collect();
    let beside: Vec<&FileFacts> = family.beside(files).iter().map(|&at| &files[at]).collect();
    let says: Vec<&FileFacts> = all.iter().chain(&beside).copied().collect();
    let text = |key: &str| {
        let mut texts = says.iter().filter_map(|file| file.text(key));
        texts.find(|text| !text.is_empty()).map(str::to_owned)
    };
    let number = |key: &str| says.iter().find_map(|file| file.unsigned(key));
    let sum = |key: &str| {
        let numbers = members.iter().filter_map(|file| file.unsigned(key));
        numbers.fold(0, u64::saturating_add)
    };
    let add = |sum: u64, number: u64| sum.saturating_add(number);
    ModelCard {
        format: members
            .iter()
            .find_map(|file| file.text("format"))
            .map(str::to_owned)
            .or_else(|| text("format").map(|format| format.trim_end_matches("-index").to_owned())),
        format_version: text("format-version")
            .or_else(|| number("format-version").map(|version| version.to_string())),
        name: text("name"),
        architecture: text("architecture"),
        licence: text("licence"),
        quantization: text("quantization"),
        context_length: number("context-length"),
        embedding_length: number("embedding-length"),
        tokenizer: text("tokenizer"),
        chat_template: says.iter().find_map(|file| template(file)),
        tensors: sum("tensors"),
        parameters: sum("parameters"),
        dtypes: dtypes(&members),
        verdict: all.iter().filter_map(|file| file.verdict).max(),
        fault: text("fault"),
        findings: all.iter().map(|file| file.findings).fold(0, add),
        bytes: all.iter().map(|file| file.about.size).fold(0, add),
        shards: shards_of(index, &members, family.expected),
        files: all.iter().map(|file| model_file(file)).collect(),
        described_by: beside.iter().map(|file| model_file(file)).collect(),
        claimed: Claims::default(),
    }
}

fn model_file(file: &FileFacts) -> ModelFile {
    ModelFile {
        path: file.about.file.clone(),
        blob: file.about.place.blob,
        size: file.about.size,
    }
}

fn template(file: &FileFacts) -> Option<ContentDigest> {
    match file.facts.get("chat-template-sha256") {
        Some(Value::Digest(digest)) => Some(*digest),
        _ => None,
    }
}

/// `BF16:201,F32:13` of all files together.
fn dtypes(members: &[&FileFacts]) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for file in members {
        for pair in file.text("dtypes").unwrap_or_default().split(',') {
            if let Some((dtype, count)) = pair.rsplit_once(':')
                && let Ok(number) = count.parse::<u64>()
            {
                let sum = counts.entry(dtype).or_default();
                *sum = sum.saturating_add(number);
            }
        }
    }
    let mut counts: Vec<(String, u64)> = counts
        .into_iter()
        .map(|(dtype, count)| (dtype.to_owned(), count))
        .collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

/// Whether the files that should be there are, and agree.
fn shards_of(
    index: Option<&FileFacts>,
    members: &[&FileFacts],
    expected: Option<u64>,
) -> Option<Shards> {
    let there = members.len() as u64;
    let mut contradictions = Vec::new();
    if let Some(index) = index {
        let files: Vec<(EntryPath, ShardFacts)> = std::iter::once(&index)
            .chain(members)
            .map(|file| {
                let path = file.path().cloned().unwrap_or_default();
                (path, file.shards.clone())
            })
            .collect();
        contradictions = shards::check(&files);
    } else {
        contradictions.extend(splits(members, expected?));
    }
    Some(Shards {
        expected: expected?,
        there,
        contradictions,
    })
}

/// What GGUF says in each file of how many there are.
fn splits(members: &[&FileFacts], expected: u64) -> Vec<String> {
    let mut found = Vec::new();
    let mut numbers: Vec<u64> = members
        .iter()
        .filter_map(|file| file.unsigned("split-number"))
        .collect();
    numbers.sort_unstable();
    if let Some(twice) = numbers.windows(2).find(|pair| pair[0] == pair[1]) {
        found.push(format!("two files say that they are number {}", twice[0]));
    }
    if let Some(beyond) = numbers.last().filter(|number| **number >= expected) {
        found.push(format!(
            "a file says that it is number {beyond} of {expected}"
        ));
    }
    let stated = members
        .iter()
        .find_map(|file| file.unsigned("split-tensors"));
    if let Some(stated) = stated
        && members.len() as u64 == expected
    {
        let tensors = members.iter().filter_map(|file| file.unsigned("tensors"));
        let tensors = tensors.fold(0, u64::saturating_add);
        if tensors != stated {
            found.push(format!("the files have {tensors} tensors, not {stated}"));
        }
    }
    found
}
