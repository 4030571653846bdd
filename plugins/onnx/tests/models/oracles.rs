//! Models written by the `onnx` package, and the same damaged, read as protobuf and that package
//! read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use lazaret_plugin_onnx::{Data, DataType, Encoding, Field, Part, Replay, Rule, replay};
use sha2::{Digest as _, Sha256};

use crate::tools::Bench;

/// Rules that are broken by models which protobuf reads and whose tensors the package's checker takes
/// (or does not look at), and why they are rules all the same.
const STRICTER: &[(Rule, &str)] = &[
    (Rule::VarintRange, "protobuf drops the bits above the 64th"),
    (
        Rule::Group,
        "protobuf passes over a whole group that it does not know",
    ),
    (
        Rule::WireType,
        "protobuf takes the field for an unknown one and passes over it",
    ),
    (Rule::FieldTwice, "protobuf lets the last win, or merges"),
    (Rule::AlternativeTwice, "protobuf lets the last win"),
    (Rule::NumberRange, "protobuf drops the bits above the 32nd"),
    (Rule::NotUtf8, "protobuf does not look at texts of proto2"),
    (Rule::TextTooLong, "there are no limits"),
    (
        Rule::MissingGraph,
        "an empty model for protobuf; looked at only in whole models",
    ),
    (Rule::MissingIrVersion, "looked at only in whole models"),
    (Rule::IrVersion, "looked at only in whole models"),
    (Rule::OpsetTwice, "the last wins"),
    (Rule::MetadataTwice, "both are kept"),
    (
        Rule::AttributeType,
        "protobuf takes an unknown type for none",
    ),
    (Rule::AttributeContent, "looked at only in whole models"),
    (Rule::AttributeName, "looked at only in whole models"),
    (Rule::EmptyName, "looked at only in whole models"),
    (Rule::NameTwice, "both are kept"),
    (
        Rule::DataTypeMissing,
        "not looked at if the values are elsewhere",
    ),
    (
        Rule::NegativeDimension,
        "of a sparse tensor, not looked at with its values",
    ),
    (
        Rule::SizeRange,
        "the dimensions of an external tensor are not looked at",
    ),
    (Rule::Segment, "noticed only when values are read"),
    (
        Rule::DataScattered,
        "protobuf joins what belongs to one field",
    ),
    (Rule::RawSize, "more than the tensor has is ignored"),
    (Rule::TypedCount, "more than the tensor has is ignored"),
    (Rule::StringRaw, "raw data of no bytes is none"),
    (
        Rule::DataLocation,
        "protobuf takes an unknown location for none",
    ),
    (Rule::SparseShape, "looked at only in whole sparse tensors"),
    (
        Rule::SparseIndices,
        "looked at only in whole sparse tensors",
    ),
    (Rule::ExternalUnused, "ignored"),
    (
        Rule::ExternalWithData,
        "its own data is ignored when the model is loaded",
    ),
    (Rule::ExternalString, "noticed only when values are read"),
    (Rule::ExternalKeyUnknown, "ignored with a warning"),
    (Rule::ExternalKeyTwice, "the last wins"),
    (
        Rule::ExternalNumber,
        "blanks, signs and underscores are taken; noticed only when opened",
    ),
    (Rule::ExternalRange, "noticed only when opened"),
    (Rule::ExternalSize, "noticed only when values are read"),
    (Rule::ExternalOverlap, "each tensor is read for itself"),
    (Rule::ExternalChecksum, "nobody checks it"),
    (Rule::LocationEmpty, "noticed only when opened"),
    (Rule::LocationNul, "noticed only when opened"),
    (
        Rule::LocationParent,
        "noticed only when opened, and then only what leads out in the end",
    ),
    (Rule::LocationAbsolute, "noticed only when opened"),
    (Rule::LocationDrive, "a name like any other on Linux"),
    (Rule::LocationBackslash, "a name like any other on Linux"),
    (Rule::LocationComponent, "taken for the same file"),
    (
        Rule::LocationMemory,
        "a name like any other for all but ONNX Runtime",
    ),
    (Rule::LocationTooLong, "noticed only when opened"),
];

/// What the package's checker says of models that are taken here, and why they are.
const LAXER: [(&str, &str); 3] = [
    (
        "TypeError",
        "a text that is not UTF-8, and that nothing depends on",
    ),
    (
        "FLOAT6 int32_data values must use only bits 0-5",
        "values are not looked at",
    ),
    (
        "non-zero padding bits in its packed FLOAT6",
        "values are not looked at",
    ),
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
    let value = bytes[..end]
        .iter()
        .rev()
        .fold(0_u64, |value, &byte| value << 7 | u64::from(byte & 0x7f));
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
        Data::External(external) => {
            format!("external {} {}", hex(&external.location), external.offset)
        }
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
    let opsets = list(opsets.map(|(domain, version)| format!("{domain}:{version}")));
    lines.push(format!(
        "model {} {} {} {} {} {} {} {}",
        summary.ir_version,
        hex(&summary.producer_name.text),
        hex(&summary.graph_name.text),
        hex(opsets),
        hex(summary.operators.stated()),
        summary.inputs,
        summary.outputs,
        summary.functions,
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
    assert!(
        DataType::ALL.iter().all(|dtype| seen[dtype] >= 4),
        "{seen:?}"
    );
}

/// What came of some models.
#[derive(Debug, Default)]
struct Comparison {
    /// Read alike.
    agreed: usize,
    /// Refused by both.
    refused: usize,
    /// Refused by the package alone, by its words.
    laxer: BTreeMap<String, usize>,
    /// Refused here alone, by rule.
    stricter: BTreeMap<Rule, usize>,
    /// Read, and not alike.
    wrong: String,
}

/// Compares what is said here and there of models, each behind its length.
fn compare(judged: &str, mut models: &[u8]) -> Comparison {
    let mut comparison = Comparison::default();
    for verdict in judged.split("verdict ").skip(1) {
        let (length, after) = models.split_at(8);
        let length = u64::from_le_bytes(length.try_into().unwrap());
        let (model, after) = after.split_at(length as usize);
        models = after;
        let (verdict, theirs) = verdict.split_once('\n').unwrap();
        match (verdict, replay(model, 0)) {
            ("sound", Ok(replay)) => {
                let (ours, theirs) = (lines(&replay, model), sorted(theirs.lines()));
                if ours != theirs {
                    let only = |some: &[String], others: &[String]| -> Vec<String> {
                        let only = some.iter().filter(|line| !others.contains(line));
                        only.cloned().collect()
                    };
                    let (here, there) = (only(&ours, &theirs), only(&theirs, &ours));
                    let wrong = &mut comparison.wrong;
                    writeln!(wrong, "here {here:?}\nthere {there:?}\n{}", hex(model)).unwrap();
                }
                comparison.agreed += 1;
            }
            ("sound", Err(fault)) => *comparison.stricter.entry(fault.rule).or_default() += 1,
            (verdict, Ok(_)) => *comparison.laxer.entry(verdict.to_owned()).or_default() += 1,
            (_, Err(_)) => comparison.refused += 1,
        }
    }
    assert!(models.is_empty());
    comparison
}

fn is_listed(rule: Rule) -> bool {
    STRICTER.iter().any(|(listed, _)| *listed == rule)
}

#[test]
fn damaged_models_are_refused_or_read_as_by_protobuf() {
    let Some(bench) = Bench::new() else { return };
    let mut models = bench.models();
    // Three hundred kilobytes of it are values, which nobody looks at.
    models.retain(|path| !path.ends_with("many.onnx"));
    let file = bench.path().join("damaged");
    let arguments: Vec<_> = [file.clone()].into_iter().chain(models).collect();
    bench.run("damage.py", &arguments);
    let judged = bench.run("judge.py", std::slice::from_ref(&file));
    let comparison = compare(&judged, &std::fs::read(file).unwrap());
    println!("{comparison:?}");
    assert!(comparison.wrong.is_empty(), "{}", comparison.wrong);
    for rule in comparison.stricter.keys() {
        assert!(is_listed(*rule), "refused only here: {rule:?}");
    }
    for verdict in comparison.laxer.keys() {
        let is_listed = LAXER.iter().any(|(said, _)| verdict.contains(said));
        assert!(is_listed, "taken only here: {verdict}");
    }
    assert!(comparison.agreed > 500 && comparison.refused > 500);
}

#[test]
fn what_only_lazaret_refuses_is_listed() {
    let Some(bench) = Bench::new() else { return };
    let file = bench.path().join("cases");
    let mut framed = Vec::new();
    let cases = crate::refused::cases();
    for (_, model, ..) in &cases {
        framed.extend((model.0.len() as u64).to_le_bytes());
        framed.extend(&model.0);
    }
    std::fs::write(&file, &framed).unwrap();
    let judged = bench.run("judge.py", std::slice::from_ref(&file));
    let comparison = compare(&judged, &framed);
    println!("{comparison:?}");
    assert_eq!((comparison.agreed, comparison.laxer.len()), (0, 0));
    let found: Vec<Rule> = comparison.stricter.into_keys().collect();
    let listed: BTreeSet<Rule> = STRICTER.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(found, listed.into_iter().collect::<Vec<_>>());
}
