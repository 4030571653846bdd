//! What is stated of a whole file. The keys are described in `docs/importers.md`.

use std::collections::BTreeMap;

use lazaret_guest::facts::cut;
use lazaret_guest::metadata_key;

use crate::checkpoint::{Checkpoint, Format, Scalar};
use crate::error::Fault;
use crate::pickle::finding::{Findings, Level};
use crate::tensor::Dtype;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Printable ASCII, at most 128 bytes.
    pub key: String,
    /// Its value.
    pub value: Value,
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Unsigned(u64),
    /// Text.
    Text(String),
}

/// Of a file.
#[must_use]
pub fn of(checkpoint: &Checkpoint) -> Vec<Fact> {
    let mut parameters: u64 = 0;
    let mut dtypes: BTreeMap<Dtype, u64> = BTreeMap::new();
    for part in &checkpoint.parts {
        parameters = parameters.saturating_add(part.elements());
        *dtypes.entry(part.dtype).or_default() += 1;
    }
    let mut facts = vec![text("model.format", "pytorch")];
    let version = match (checkpoint.format, &checkpoint.version) {
        (Format::Zip, Some(version)) => Some(format!("zip {version}")),
        (Format::Zip, None) => Some("zip".to_owned()),
        (Format::Legacy, Some(version)) => Some(format!("legacy {version}")),
        (Format::Legacy, None) => Some("legacy".to_owned()),
        (Format::Pickle, _) => Some("bare pickle".to_owned()),
    };
    facts.extend(version.map(|version| text("model.format-version", &version)));
    facts.push(unsigned("model.tensors", checkpoint.parts.len() as u64));
    facts.push(unsigned("model.parameters", parameters));
    if !dtypes.is_empty() {
        facts.push(text("model.dtypes", &counts(dtypes)));
    }
    let order = checkpoint.is_big_endian.map(|is_big| {
        let order = if is_big { "big" } else { "little" };
        text("model.byte-order", order)
    });
    facts.extend(order);
    judge(&checkpoint.findings, &mut facts);
    for (key, value) in &checkpoint.metadata {
        let value = match value {
            Scalar::Text(text) => cut(text).into_owned(),
            Scalar::Int(number) => number.to_string(),
            Scalar::Bool(value) => value.to_string(),
        };
        facts.push(text(&metadata_key(key), &value));
    }
    facts
}

/// Of a file that breaks a rule behind something dangerous: an unpickler runs that before it comes to
/// the fault. Breaking the rest is how such files get past scanners, so the verdict must stand. None
/// if nothing dangerous was found.
#[must_use]
pub fn of_broken(fault: &Fault, findings: &Findings) -> Option<Vec<Fact>> {
    if findings.worst() < Level::Dangerous {
        return None;
    }
    let mut facts = vec![
        text("model.format", "pytorch"),
        text("model.fault", &fault.to_string()),
    ];
    judge(findings, &mut facts);
    Some(facts)
}

fn judge(findings: &Findings, facts: &mut Vec<Fact>) {
    facts.push(text("model.pickle-verdict", findings.worst().verdict()));
    for finding in findings.kept() {
        facts.push(text("model.pickle-finding", &finding.to_string()));
    }
    if findings.omitted() > 0 {
        facts.push(unsigned(
            "model.pickle-findings-omitted",
            findings.omitted(),
        ));
    }
}

/// `bfloat16:201,float32:13`: the most frequent first.
fn counts(dtypes: BTreeMap<Dtype, u64>) -> String {
    let mut counts: Vec<_> = dtypes.into_iter().collect();
    counts.sort_by_key(|&(dtype, count)| (std::cmp::Reverse(count), dtype.name()));
    let texts = counts
        .iter()
        .map(|(dtype, count)| format!("{}:{count}", dtype.name()));
    texts.collect::<Vec<_>>().join(",")
}

fn text(key: &str, value: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Value::Text(value.to_owned()),
    }
}

fn unsigned(key: &str, value: u64) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Value::Unsigned(value),
    }
}
