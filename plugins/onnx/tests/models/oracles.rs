//! Models written by the `onnx` package, and the same damaged, read as protobuf and that package
//! read them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lazaret_plugin_onnx::{Data, DataType, Encoding, Field, Part, Replay, Rule, replay};
use sha2::{Digest as _, Sha256};

use crate::tools::Bench;

/// Rules that are broken by models which protobuf reads and whose tensors the package's checker takes
/// (or does not look at), and why they are rules all the same.
const STRICTER: [(Rule, &str); 33] = [
    (Rule::VarintRange, "protobuf drops the bits above the 64th"),
    (Rule::TagRange, "protobuf takes a tag of five bytes and drops bits above the 32nd"),
    (Rule::WireType, "protobuf takes the field for an unknown one and passes over it"),
    (Rule::FieldTwice, "protobuf lets the last win, or merges"),
    (Rule::AlternativeTwice, "protobuf lets the last win"),
    (Rule::NumberRange, "protobuf drops the bits above the 32nd"),
    (Rule::Group, "protobuf passes over groups that it does not know"),
    (Rule::NotUtf8, "protobuf does not look at texts of proto2"),
    (Rule::TextTooLong, "the package has no limits"),
    (Rule::MissingGraph, "an empty model for protobuf"),
    (Rule::MissingIrVersion, "only the checker of whole models looks"),
    (Rule::IrVersion, "only the checker of whole models looks"),
    (Rule::OpsetTwice, "the package takes the last"),
    (Rule::MetadataTwice, "the package keeps both"),
    (Rule::AttributeType, "protobuf takes an unknown type for none"),
    (Rule::AttributeContent, "only the checker of whole models looks"),
    (Rule::AttributeName, "only the checker of whole models looks"),
    (Rule::EmptyName, "only the checker of whole models looks"),
    (Rule::NameTwice, "the package keeps both"),
    (Rule::NegativeDimension, "of a sparse tensor, which is looked at only as a whole"),
    (Rule::SizeRange, "the package takes dimensions of zero first"),
    (Rule::Segment, "the package fails only when it reads the values"),
    (Rule::DataTwice, "a field of nothing beside another is none for the package"),
    (Rule::DataScattered, "protobuf joins what belongs to one field"),
    (Rule::RawSize, "the checker takes what is too long"),
    (Rule::TypedCount, "the checker takes what is too long"),
    (Rule::DataLocation, "protobuf takes an unknown location for none"),
    (Rule::SparseShape, "looked at only as a whole"),
    (Rule::SparseIndices, "looked at only as a whole"),
    (Rule::ExternalUnused, "the package does not look at it"),
    (Rule::ExternalSize, "the package fails only when it reads the values"),
    (Rule::ExternalKeyUnknown, "the package warns"),
    (Rule::ExternalKeyTwice, "the package takes the last"),
];

/// More of these, of tensors in other files, which the package looks at only when it opens them.
const EXTERNAL: [Rule; 6] = [
    Rule::ExternalNumber,
    Rule::ExternalRange,
    Rule::ExternalOverlap,
    Rule::ExternalWithData,
    Rule::LocationMissing,
    Rule::ExternalString,
];

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<_> = values.into_iter().map(|value| value.to_string()).collect();
    texts.join(",")
}

/// A varint at the beginning of some bytes, and the rest.
fn varint(bytes: &[u8]) -> (u64, &[u8]) {
    let end = bytes.iter().position(|&byte| byte < 0x80).unwrap() + 1;
    let value = bytes[..end].iter().rev().fold(0_u64, |value, &byte| {
        value << 7 | u64::from(byte & 0x7f)
    });
    (value, &bytes[end..])
}

/// As protobuf hands them out: numbers with sign, but for `uint64_data`, and of 32 bits in
/// `int32_data`.
fn numbers(field: Field, mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let (value, rest) = varint(bytes);
        texts.push(match field {
            Field::Uint64 => value.to_string(),
            Field::Int32 => (value as i32).to_string(),
            _ => (value as i64).to_string(),
        });
        bytes = rest;
    }
    texts
}

/// The values in a run of fields.
fn fields(field: Field, mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let (tag, rest) = varint(bytes);
        let (length, rest) = match tag & 7 {
            0 => (rest.len() - varint(rest).1.len(), rest),
            1 => (8, rest),
            5 => (4, rest),
            _ => {
                let (length, rest) = varint(rest);
                (length as usize, rest)
            }
        };
        let (value, rest) = rest.split_at(length);
        match field {
            Field::String => texts.push(hex(value)),
            Field::Float | Field::Double => texts.extend(value.iter().map(u8::to_string)),
            _ => texts.extend(numbers(field, value)),
        }
        bytes = rest;
    }
    texts
}

/// As `tensors.py` prints it.
fn line(part: &Part, model: &[u8]) -> String {
    let values = match &part.data {
        Data::Empty => "empty".to_owned(),
        Data::External(external) => format!("external {} {}", external.location, external.offset),
        Data::Inside {
            field,
            encoding,
            span,
        } => {
            let bytes = &model[span.offset as usize..span.end() as usize];
            match (field, encoding) {
                (Field::Raw, _) => format!("raw_data {}", hex(Sha256::digest(bytes))),
                (field, Encoding::LittleEndian) => format!("{} {}", field.name(), list(bytes)),
                (field, Encoding::Varints) => {
                    format!("{} {}", field.name(), list(numbers(*field, bytes)))
                }
                (field, Encoding::Fields) => {
                    format!("{} {}", field.name(), list(fields(*field, bytes)))
                }
            }
        }
    };
    format!(
        "{} {} {} [{}] {values}",
        hex(&part.name),
        part.role.name(),
        part.dtype.name(),
        list(&part.shape),
    )
}

/// As `tensors.py` prints a model, its tensors sorted.
fn lines(replay: &Replay, model: &[u8]) -> Vec<String> {
    let mut lines: Vec<_> = replay.parts.iter().map(|part| line(part, model)).collect();
    let summary = &replay.summary;
    let opsets = summary.opsets.iter();
    lines.push(format!(
        "model {} {} {} {} {} {} {} {}",
        summary.ir_version,
        summary.producer_name.text,
        summary.graph_name.text,
        list(opsets.map(|(domain, version)| format!("{domain}:{version}"))),
        summary.inputs,
        summary.outputs,
        summary.functions,
        summary.operators.stated(),
    ));
    lines.sort();
    lines
}

fn sorted<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn models_of_the_onnx_package_are_read_as_by_it() {
    let Some(bench) = Bench::new() else { return };
    let models = bench.models();
    let listed = bench.run("list.py", &models);
    let mut seen = BTreeMap::new();
    for (path, theirs) in models.iter().zip(listed.split("file ").skip(1)) {
        let model = std::fs::read(path).unwrap();
        let replay = replay(&model, 0).unwrap_or_else(|fault| panic!("{path:?}: {fault:?}"));
        let theirs = sorted(theirs.lines().skip(1));
        assert_eq!(lines(&replay, &model), theirs, "{path:?}");
        for part in &replay.parts {
            *seen.entry(part.dtype).or_insert(0) += 1;
            if let Data::External(external) = &part.data {
                let file = std::fs::metadata(bench.path().join(&external.location)).unwrap();
                assert!(external.offset + external.length <= file.len(), "{part:?}");
            }
        }
    }
    assert!(DataType::ALL.iter().all(|dtype| seen[dtype] >= 4), "{seen:?}");
}

#[test]
fn damaged_models_are_refused_or_read_as_by_protobuf() {
    let Some(bench) = Bench::new() else { return };
    let mut models = bench.models();
    // Three hundred kilobytes of it are values, which nobody looks at.
    models.retain(|path| !path.ends_with("many.onnx"));
    let file = bench.path().join("damaged");
    let arguments: Vec<_> = [file.clone()].into_iter().chain(models).collect();
    let judged = bench.run("judge.py", &arguments);
    let damaged = std::fs::read(file).unwrap();
    let mut rest = &damaged[..];
    let (mut agreed, mut both_refused) = (0, 0);
    let mut stricter: BTreeMap<Rule, usize> = BTreeMap::new();
    let mut wrong = String::new();
    for verdict in judged.split("verdict ").skip(1) {
        let (length, after) = rest.split_at(8);
        let length = u64::from_le_bytes(length.try_into().unwrap());
        let (model, after) = after.split_at(length as usize);
        rest = after;
        let (verdict, theirs) = verdict.split_once('\n').unwrap();
        match (verdict, replay(model, 0)) {
            ("sound", Ok(replay)) => {
                let (ours, theirs) = (lines(&replay, model), sorted(theirs.lines()));
                if ours != theirs {
                    writeln!(wrong, "differs: {ours:?}\n{theirs:?}\n{}", hex(model)).unwrap();
                }
                agreed += 1;
            }
            ("sound", Err(fault)) => *stricter.entry(fault.rule).or_default() += 1,
            (verdict, Ok(_)) => writeln!(wrong, "accepted: {verdict} {}", hex(model)).unwrap(),
            (_, Err(_)) => both_refused += 1,
        }
    }
    assert!(rest.is_empty());
    for (rule, times) in &stricter {
        let named = STRICTER.iter().any(|(named, _)| named == rule);
        let rule_name = rule.reason();
        if !named && !EXTERNAL.contains(rule) && !rule_name.starts_with("location") {
            writeln!(wrong, "refused {times} times, only here: {rule:?}").unwrap();
        }
    }
    println!("read alike {agreed}, refused by both {both_refused}, only here {stricter:?}");
    assert!(wrong.is_empty(), "{wrong}");
    assert!(agreed > 500 && both_refused > 500, "{agreed} {both_refused}");
}
