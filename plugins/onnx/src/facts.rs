//! What is stated of a whole model. The keys are described in `docs/importers.md`.

use crate::summary::Summary;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Printable ASCII, at most 128 bytes.
    pub key: String,
    /// Its value.
    pub value: Value,
}

/// What a fact or an attribute says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Unsigned(u64),
    /// Text.
    Text(String),
}

/// Metadata keys that say what other formats say too.
const LICENCES: [&str; 3] = ["license", "licence", "License"];

/// Of a model.
#[must_use]
pub fn of(summary: &Summary) -> Vec<Fact> {
    let mut facts = Facts(Vec::new());
    facts.text("model.format", Some("onnx".to_owned()));
    facts.unsigned("model.format-version", summary.ir_version);
    facts.unsigned("model.tensors", summary.tensors);
    let parameters = u64::try_from(summary.parameters).unwrap_or(u64::MAX);
    facts.unsigned("model.parameters", parameters);
    facts.text("model.dtypes", Some(dtypes(summary)));
    let producer = summary.producer_name.stated();
    let name = summary.graph_name.stated();
    facts.text(
        "model.architecture",
        producer.clone().or_else(|| name.clone()),
    );
    facts.text("model.name", name);
    let version = summary.producer_version.stated();
    facts.text(
        "model.producer",
        match (producer, version) {
            (Some(producer), Some(version)) => Some(format!("{producer} {version}")),
            (producer, version) => producer.or(version),
        },
    );
    facts.text("model.domain", summary.domain.stated());
    if let Some(version) = summary.model_version {
        facts.unsigned("model.version", version);
    }
    facts.text("model.description", summary.description.stated());
    let opsets = summary.opsets.iter();
    let opsets = opsets.map(|(domain, version)| format!("{domain}:{version}"));
    facts.list("model.opsets", &opsets.collect::<Vec<_>>().join(","));
    facts.unsigned("model.inputs", summary.inputs);
    facts.unsigned("model.outputs", summary.outputs);
    facts.unsigned("model.nodes", summary.nodes);
    facts.list("model.node-domains", &summary.domains.stated());
    facts.list("model.operators", &summary.operators.stated());
    facts.unsigned("model.subgraphs", summary.subgraphs);
    facts.unsigned("model.functions", summary.functions);
    let mut licences = LICENCES.iter().filter_map(|key| {
        let mut entries = summary.metadata.iter();
        entries.find(|(known, _)| known == key)?.1.stated()
    });
    facts.text("model.licence", licences.next());
    for (location, tensors) in &summary.external {
        let key = lazaret_guest::facts::key("model.external.", location);
        facts.unsigned(&key, *tensors);
    }
    if !summary.external.is_empty() {
        let bytes = u64::try_from(summary.external_bytes).unwrap_or(u64::MAX);
        facts.unsigned("model.external-bytes", bytes);
    }
    for (key, value) in &summary.metadata {
        let text = value.stated().unwrap_or_default();
        facts.0.push(Fact {
            key: lazaret_guest::metadata_key(key),
            value: Value::Text(text),
        });
    }
    if summary.metadata_omitted > 0 {
        facts.unsigned("file.metadata-omitted", summary.metadata_omitted);
    }
    facts.0
}

struct Facts(Vec<Fact>);

impl Facts {
    /// Adds a list of names from the file, cut if it is long.
    fn list(&mut self, key: &str, list: &str) {
        self.text(key, Some(lazaret_guest::facts::cut(list).into_owned()));
    }

    /// Adds a text, if there is one and it is not empty.
    fn text(&mut self, key: &str, text: Option<String>) {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return;
        };
        self.0.push(Fact {
            key: key.to_owned(),
            value: Value::Text(text),
        });
    }

    fn unsigned(&mut self, key: &str, number: u64) {
        self.0.push(Fact {
            key: key.to_owned(),
            value: Value::Unsigned(number),
        });
    }
}

/// `FLOAT:201,INT64:13`: the most frequent first.
fn dtypes(summary: &Summary) -> String {
    let mut counts: Vec<_> = summary.dtypes.iter().collect();
    counts.sort_by_key(|&(dtype, count)| (std::cmp::Reverse(*count), dtype.name()));
    let texts = counts
        .iter()
        .map(|(dtype, count)| format!("{}:{count}", dtype.name()));
    texts.collect::<Vec<_>>().join(",")
}
