//! `lazaret facts`

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::{ContentDigest, EntryPath};
use lazaret_store::Access;
use lazaret_views::{About, FoundFact, each_fact};
use serde::Serialize;

use crate::exit::Code;
use crate::global::Global;
use crate::output::{Output, columns};
use crate::table::{Align, Table};
use crate::verb::{Choice, parse_name, plain, shown};

/// List what importers say of blobs: of a model its architecture, licence, dangers
///
/// An importer says what it read in the blob or in a file in it. The host does not verify it. What
/// starts with import. is the host's own word about the import.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Facts {
    /// A tag, or @sha256:…
    name: String,

    /// Only those with this key, or below it: model, model.pickle-verdict
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    #[command(flatten)]
    choice: Choice,
}

const JSON: &str = "\
JSON, a line for each fact: key, value (a string, number, boolean, digest, or bytes as
{\"base64\": …}), blob (digest as it travelled), file (path; absent where nobody names it), part (the
tensor or other entry it is about, unless it is about the file).";

impl Facts {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let repository = global.open(Access::Read)?;
        let doing = || format!("listing the facts of {name}");
        let image = self.choice.load(&repository, &name).with_context(doing)?;
        let mut output = Output::new();
        let mut found = Vec::new();
        each_fact(&repository, &image, |fact| {
            if !self.wants(&fact) {
                return Ok(());
            }
            match global.json {
                true => output.json_line(&Line::of(&fact))?,
                false => found.push(fact),
            }
            anyhow::Ok(())
        })
        .with_context(doing)?;
        if !global.json {
            output.text(table(found, columns()).render())?;
        }
        output.finish()?;
        Ok(Code::Done)
    }

    fn wants(&self, fact: &FoundFact) -> bool {
        self.key.as_ref().is_none_or(|wanted| {
            let below = fact.key.strip_prefix(wanted.as_str());
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// What they are about is told where it is not all the same, or is inside a blob.
fn table(found: Vec<FoundFact>, columns: Option<usize>) -> Table {
    let places: BTreeSet<*const About> =
        found.iter().map(|fact| Arc::as_ptr(&fact.about)).collect();
    let (key, value) = (("KEY", Align::Left), ("VALUE", Align::Left));
    let inside = |fact: &FoundFact| fact.about.file != fact.about.place.file;
    if places.len() < 2 && !found.iter().any(inside) {
        let mut table = Table::new([key, value]);
        for fact in found {
            table.row([fact.key, shown(&fact.value)]);
        }
        table.fit(1, columns);
        return table;
    }
    let mut table = Table::new([key, ("ABOUT", Align::Left), value]);
    for fact in found {
        let about = about(&fact.about);
        table.row([fact.key, about, shown(&fact.value)]);
    }
    table.fit(2, columns);
    table.fit(1, columns);
    table
}

fn about(about: &About) -> String {
    let file = match &about.file {
        Some(file) => file.to_string(),
        None => about.place.blob.short(),
    };
    match &about.entry {
        Some(entry) => format!("{file}: {entry}"),
        None => file,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    value: serde_json::Value,
    blob: ContentDigest,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a EntryPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn of(fact: &'a FoundFact) -> Self {
        Self {
            key: &fact.key,
            value: plain(&fact.value),
            blob: fact.about.place.blob,
            file: fact.about.file.as_ref(),
            part: fact.about.entry.as_deref(),
        }
    }
}
