//! Tensors as the program lists them, as they were written, and as Python reads them: all in one form,
//! to be compared.

use lazaret_layouts::models::{Format, Model};
use serde_json::Value;

use crate::berth::Berth;

/// A tensor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    pub size: u64,
    /// SHA-256 of its bytes.
    pub digest: String,
}

impl Listed {
    /// From a line of the program, which has what formats say among attributes, or of Python.
    pub fn of(line: &Value) -> Self {
        let attributes = line.get("attributes").unwrap_or(line);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let shape = match &attributes["shape"] {
            Value::String(text) => serde_json::from_str(text).unwrap(),
            value => value.clone(),
        };
        Self {
            name: text(&line["name"]),
            dtype: text(&attributes["dtype"]),
            shape: serde_json::from_value(shape).unwrap(),
            size: line["size"].as_u64().unwrap(),
            digest: text(&line["digest"]),
        }
    }
}

/// What went in, by name.
pub fn written(model: &Model, format: Format) -> Vec<Listed> {
    let mut listed: Vec<Listed> = model
        .tensors
        .iter()
        .map(|tensor| Listed {
            name: tensor.name.clone(),
            dtype: tensor.dtype.spelling(format).to_owned(),
            shape: tensor.shape.clone(),
            size: tensor.data.len() as u64,
            digest: tensor.digest(),
        })
        .collect();
    listed.sort();
    listed
}

/// `parts NAME --digests --json`, line by line.
#[track_caller]
pub fn lines(berth: &Berth, name: &str) -> Vec<Value> {
    let ran = berth.run(["parts", name, "--digests", "--json"]).expect(0);
    ran.json_lines()
}

/// What the program finds in one file of `name`, or in all that have no name, by name.
#[track_caller]
pub fn found(berth: &Berth, name: &str, file: Option<&str>) -> Vec<Listed> {
    let lines = lines(berth, name);
    let of_file = lines.iter().filter(|line| line["file"].as_str() == file);
    let mut listed: Vec<Listed> = of_file.map(Listed::of).collect();
    listed.sort();
    listed
}

/// `facts NAME --json`: the values under a key, of any file.
#[track_caller]
pub fn facts(berth: &Berth, name: &str, key: &str) -> Vec<Value> {
    let lines = berth.run(["facts", name, "--json"]).expect(0).json_lines();
    let wanted = lines.into_iter().filter(|line| line["key"] == key);
    wanted.map(|line| line["value"].clone()).collect()
}
