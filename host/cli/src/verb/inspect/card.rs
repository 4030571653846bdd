//! What `inspect` shows people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lazaret_artifact::Tag;
use lazaret_artifact::record::Verdict;
use lazaret_graph::Image;
use lazaret_graph::referrers::ReferrerRow;

use super::{Layer, referrers_line, total_size};
use crate::amount::{counted, size};
use crate::output::clean;
use crate::table::{Align, Table};

/// An image or artifact.
pub fn of_image(
    image: &Image,
    layers: &[Layer],
    models: &str,
    referrers: &[ReferrerRow],
) -> String {
    let manifest = &image.manifest;
    let mut card = Card::new();
    card.line("Digest", manifest.digest);
    card.line("Media type", &manifest.media_type);
    if let Some(config) = &image.config {
        card.line("Platform", &config.platform);
        if let Some(created) = &config.created {
            card.line("Created", created);
        }
    } else {
        let kind = manifest
            .artifact_type
            .as_ref()
            .unwrap_or(&manifest.config.media_type);
        card.line("Artifact type", kind);
    }
    let config_size = size(image.config_bytes.len() as u64);
    card.line(
        "Config",
        format!("{}, {config_size}", manifest.config.digest),
    );
    if let Some(subject) = &manifest.subject {
        card.line("Refers to", subject.digest);
    }
    card.line("Size", size(total_size(image, layers)));
    if let Some(line) = referrers_line(referrers) {
        card.line("Referrers", line);
    }
    card.tags(&image.tags);
    let mut text = card.render();
    annotations(&mut text, "", &manifest.annotations);
    text.push_str(models);
    let noun = match image.config {
        Some(_) => "Layer",
        None => "Blob",
    };
    for (number, (layer, import)) in image.layers.iter().zip(layers).enumerate() {
        let descriptor = &layer.descriptor;
        let mut card = Card::indented();
        card.line("digest", descriptor.digest);
        if layer.key != descriptor.digest {
            card.line("diff_id", layer.key);
        }
        card.line("media type", &descriptor.media_type);
        match descriptor.file_path() {
            Some(Ok(path)) => card.line("file", path),
            Some(Err(error)) => card.line("file", format!("none: {error}")),
            None => {}
        }
        // Ollama's fields.
        if let Some(name) = &descriptor.name {
            card.line("name", name);
        }
        if let Some(from) = &descriptor.from {
            card.line("from", from);
        }
        card.line(
            "size",
            match import.content_size == descriptor.size {
                true => size(descriptor.size),
                false => {
                    format!(
                        "{} travelled, {} stored",
                        size(descriptor.size),
                        size(import.content_size)
                    )
                }
            },
        );
        if import.kept_compressed {
            card.line("kept", "as it travelled, too");
        }
        if let Some(holds) = &import.holds {
            card.line("holds", format!("{}, {}", holds.content, size(holds.size)));
        }
        import_lines(&mut card, import);
        let _ = write!(
            text,
            "\n{noun} {} of {}\n{}",
            number + 1,
            layers.len(),
            card.render()
        );
        annotations(&mut text, "  ", &descriptor.annotations);
    }
    text
}

fn import_lines(card: &mut Card, import: &Layer) {
    let Some(record) = &import.record else {
        card.line(
            "importer",
            "unknown: no import record, not verified by lazaret",
        );
        return;
    };
    let summary = &record.summary;
    match &record.header.importer {
        Some(importer) => {
            card.line(
                "importer",
                format!("{} {}", importer.name, importer.version),
            );
            card.line("", importer.digest);
        }
        None => card.line("importer", "none"),
    }
    if !record.header.parameters.is_empty() {
        let parameters = record.header.parameters.iter();
        let list: Vec<String> = parameters
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        card.line("parameters", list.join(", "));
    }
    if let Some(severity) = summary.severity {
        card.line("verdict", severity);
    }
    match &summary.verdict {
        Verdict::Imported => {
            let facts = match summary.facts {
                0 => String::new(),
                facts => format!(", {}", counted(facts, "fact", "facts")),
            };
            let entries = counted(summary.entries, "entry", "entries");
            card.line(
                "found",
                format!("{entries}{facts}, for {} fuel", summary.fuel),
            );
        }
        Verdict::Opaque => card.line("found", "nothing: kept whole"),
        Verdict::Faulted(reason) => card.line("found", format!("nothing: kept whole: {reason}")),
    }
}

/// Annotations, if there are any, below a title.
pub fn annotations(text: &mut String, indent: &str, annotations: &BTreeMap<String, String>) {
    if annotations.is_empty() {
        return;
    }
    let title = match indent {
        "" => "\nAnnotations",
        _ => "  annotations",
    };
    let _ = writeln!(text, "{title}");
    for (key, value) in annotations {
        let _ = writeln!(text, "  {indent}{}: {}", clean(key), clean(value));
    }
}

/// Titles and values, below each other.
pub struct Card {
    table: Table,
    indent: &'static str,
}

impl Card {
    /// At the margin.
    pub fn new() -> Self {
        Self {
            table: Table::headless([Align::Left, Align::Left]),
            indent: "",
        }
    }

    /// Below a title.
    pub fn indented() -> Self {
        Self {
            indent: "  ",
            ..Self::new()
        }
    }

    /// A title and its value.
    pub fn line(&mut self, title: &str, value: impl ToString) {
        self.table
            .row([format!("{}{title}", self.indent), value.to_string()]);
    }

    /// Those of an image or index.
    pub fn tags(&mut self, tags: &[Tag]) {
        let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        self.line(
            "Tags",
            match tags.is_empty() {
                true => "none".to_owned(),
                false => tags.join(", "),
            },
        );
    }

    /// The lines.
    pub fn render(&self) -> String {
        self.table.render()
    }
}
