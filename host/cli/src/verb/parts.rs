//! `lazaret parts`

mod pattern;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use lazaret_artifact::{Attribute, ContentDigest, EntryPath, Extent, VerityDigest};
use lazaret_graph::Image;
use lazaret_store::{Access, Repository};
use lazaret_views::{Part, PartReader, Place, ViewError, each_part};
use serde::Serialize;

use crate::amount::{counted, size};
use crate::draw::Reading;
use crate::exit::Code;
use crate::global::Global;
use crate::output::{Output, columns, note};
use crate::table::{Align, Table};
use crate::verb::{Choice, parse_name, plain};
use pattern::matches;

/// List what importers found that is no file: the tensors of a model
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Parts {
    /// A tag, or @sha256:…
    name: String,

    /// Only those of such a name: * is anything, ? one character; without either, what contains it
    pattern: Option<String>,

    /// Only those of this type, in the format's own spelling
    #[arg(long, value_name = "TYPE")]
    dtype: Option<String>,

    /// Order: as they lie in the file, by name, or largest first
    #[arg(long, value_name = "offset|name|size", value_enum, default_value_t)]
    #[arg(hide_possible_values = true)]
    sort: Order,

    /// The other way round
    #[arg(long)]
    reverse: bool,

    /// With SHA-256 digests of their bytes, for which all of them are read
    #[arg(long)]
    digests: bool,

    #[command(flatten)]
    choice: Choice,
}

/// How parts are ordered.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Order {
    /// As they lie in the file.
    #[default]
    Offset,
    /// By name.
    Name,
    /// Largest first.
    Size,
}

const JSON: &str = "\
JSON, a line for each part: name, blob (digest as it travelled), file (path; absent where nobody
names it), offset (in the blob, decompressed; absent for a part without bytes of its own), size,
object (fs-verity digest of the object that holds it and nothing else), digest (of its bytes, with
--digests), and attributes (by key: dtype, shape, and what else the format has).";

impl Parts {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let repository = global.open(Access::Read)?;
        let doing = || format!("listing the parts of {name}");
        let image = self.choice.load(&repository, &name).with_context(doing)?;
        let mut rows = self
            .collect(&repository, &image, global.json)
            .with_context(doing)?;
        self.sort(&mut rows);
        let mut digests = self
            .digests
            .then(|| Digests::new(&repository, &rows, global))
            .transpose()
            .with_context(doing)?;
        let total = rows.iter().map(|row| row.size).fold(0, u64::saturating_add);
        let count = counted(rows.len() as u64, "part", "parts");
        let mut digest = |row: &Row| {
            let digests = digests.as_mut();
            digests.map(|digests| digests.of(row)).transpose()
        };
        let mut output = Output::new();
        if global.json {
            for row in rows {
                let sha256 = digest(&row).with_context(doing)?;
                output.json_line(&Line::of(&row, sha256))?;
            }
        } else {
            let table = table(rows, self.digests, &mut digest).with_context(doing)?;
            output.text(table.render())?;
        }
        output.finish()?;
        if !global.quiet && !global.json {
            note(format!("{count}, {}", size(total)));
        }
        Ok(Code::Done)
    }

    fn collect(
        &self,
        repository: &Repository,
        image: &Image,
        json: bool,
    ) -> Result<Vec<Row>, ViewError> {
        let mut rows = Vec::new();
        let mut words = Words::default();
        let mut place: Option<Arc<Place>> = None;
        let mut number = 0;
        each_part(repository, image, |part| {
            if place
                .as_ref()
                .is_some_and(|last| !Arc::ptr_eq(last, &part.place))
            {
                number += 1;
            }
            place = Some(Arc::clone(&part.place));
            if self.wants(&part) {
                let mut row = Row::of(part, number, json, &mut words);
                // What is not shown takes no memory.
                if !self.digests {
                    row.extents = Vec::new();
                }
                rows.push(row);
            }
            Ok::<_, ViewError>(())
        })?;
        Ok(rows)
    }

    fn wants(&self, part: &Part) -> bool {
        let pattern = self.pattern.as_deref();
        let dtype = self.dtype.as_deref();
        pattern.is_none_or(|pattern| matches(pattern, &part.name))
            && dtype.is_none_or(|wanted| {
                let known = part.text("dtype");
                known.is_some_and(|known| known.eq_ignore_ascii_case(wanted))
            })
    }

    fn sort(&self, rows: &mut [Row]) {
        let place = |row: &Row| (row.number, row.offset);
        match self.sort {
            Order::Offset => rows.sort_by_key(place),
            Order::Name => rows.sort_by(|a, b| a.name.cmp(&b.name).then(place(a).cmp(&place(b)))),
            Order::Size => rows.sort_by_key(|row| (Reverse(row.size), row.number, row.offset)),
        }
        if self.reverse {
            rows.reverse();
        }
    }
}

/// A part, as far as it is shown.
struct Row {
    name: String,
    size: u64,
    offset: Option<u64>,
    /// Of its place among places.
    number: u32,
    place: Arc<Place>,
    file: Option<Arc<EntryPath>>,
    dtype: Option<Arc<str>>,
    shape: Option<Arc<str>>,
    object: Option<VerityDigest>,
    extents: Vec<Extent>,
    attributes: Option<Arc<[Attribute]>>,
}

impl Row {
    fn of(part: Part, number: u32, with_attributes: bool, words: &mut Words) -> Self {
        Self {
            dtype: part.text("dtype").map(|text| words.text(text)),
            shape: part.text("shape").map(|text| words.text(text)),
            offset: part.offset(),
            name: part.name,
            size: part.size,
            number,
            place: part.place,
            file: part.file,
            object: part.object,
            extents: part.extents,
            attributes: with_attributes.then(|| words.attributes(part.attributes)),
        }
    }
}

/// What many parts have in common, once.
#[derive(Default)]
struct Words {
    texts: HashSet<Arc<str>>,
    attributes: HashMap<String, Arc<[Attribute]>>,
}

impl Words {
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&new));
        new
    }

    fn attributes(&mut self, attributes: Vec<Attribute>) -> Arc<[Attribute]> {
        let key = format!("{attributes:?}");
        let known = self.attributes.entry(key);
        Arc::clone(known.or_insert_with(|| attributes.into()))
    }
}

/// Computes digests while rows are shown.
struct Digests {
    reader: PartReader,
    reading: Reading,
    done: u64,
    total: u64,
}

impl Digests {
    fn new(repository: &Repository, rows: &[Row], global: &Global) -> Result<Self, ViewError> {
        let total = rows.iter().map(|row| row.size).fold(0, u64::saturating_add);
        let stretches = rows.iter().map(|row| (&*row.place, &*row.extents));
        Ok(Self {
            reader: PartReader::locate(repository, stretches)?,
            reading: Reading::new(global),
            done: 0,
            total,
        })
    }

    fn of(&mut self, row: &Row) -> Result<ContentDigest, ViewError> {
        let digest = self.reader.sha256(&row.place, &row.extents)?;
        self.done = self.done.saturating_add(row.size);
        self.reading.show(self.done, self.total);
        Ok(digest)
    }
}

/// What a cell says: nothing is a dash.
fn cell(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

/// The file is told where there are several.
fn table(
    rows: Vec<Row>,
    with_digests: bool,
    digest: &mut dyn FnMut(&Row) -> Result<Option<ContentDigest>, ViewError>,
) -> Result<Table, ViewError> {
    let files: HashSet<_> = rows
        .iter()
        .map(|row| (row.number, row.file.as_deref()))
        .collect();
    let with_files = files.len() > 1;
    let mut titles = vec![
        ("NAME", Align::Left),
        ("TYPE", Align::Left),
        ("SHAPE", Align::Left),
        ("SIZE", Align::Right),
    ];
    if with_files {
        titles.push(("FILE", Align::Left));
    }
    if with_digests {
        titles.push(("DIGEST", Align::Left));
    }
    let mut table = Table::with_columns(&titles);
    for row in rows {
        let sha256 = digest(&row)?;
        let mut cells = vec![
            row.name,
            cell(row.dtype.as_deref()),
            cell(row.shape.as_deref()),
            match row.offset {
                None if row.size == 0 => "-".to_owned(),
                _ => size(row.size),
            },
        ];
        if with_files {
            let short = || row.place.blob.short();
            cells.push(
                row.file
                    .as_ref()
                    .map_or_else(short, |file| file.to_string()),
            );
        }
        cells.extend(sha256.map(|digest| digest.to_string()));
        table.cells(&cells);
    }
    if with_files {
        table.fit(4, columns());
    }
    table.fit(0, columns());
    Ok(table)
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    blob: ContentDigest,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a EntryPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<ContentDigest>,
    attributes: BTreeMap<&'a str, serde_json::Value>,
}

impl<'a> Line<'a> {
    fn of(row: &'a Row, digest: Option<ContentDigest>) -> Self {
        let one = |known: &'a Attribute| (known.key.as_str(), plain(&known.value));
        Self {
            name: &row.name,
            blob: row.place.blob,
            file: row.file.as_deref(),
            offset: row.offset,
            size: row.size,
            object: row.object.map(|object| object.to_string()),
            digest,
            attributes: row
                .attributes
                .iter()
                .flat_map(|all| all.iter())
                .map(one)
                .collect(),
        }
    }
}
