//! One input for each way in which files and indexes are known to be broken or bent.

use lazaret_plugin_safetensors::{Kind, Rule};

/// What it is taken for, the bytes, and the rule that they break.
pub type Case = (Kind, Vec<u8>, Rule);

fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 7);
    bytes
}

/// Files of one tensor of four bytes unless the header says otherwise, and indexes.
#[must_use]
pub fn malformed() -> Vec<Case> {
    let mut cases = Vec::new();
    for (header, data, rule) in [
        (" {}", 0, Rule::HeaderStart),
        ("[]", 0, Rule::HeaderStart),
        ("{}\n", 0, Rule::HeaderPadding),
        ("{}\0", 0, Rule::HeaderPadding),
        (r#"{"a":1}"#, 0, Rule::TensorNotObject),
        (r#"{"a":{}}"#, 0, Rule::FieldMissing),
        (r#"{"__metadata__":{"a":1}}"#, 0, Rule::MetadataNotString),
        (r#"{"__metadata__":[]}"#, 0, Rule::MetadataNotObject),
        (
            r#"{"__metadata__":{"a":"","a":""}}"#,
            0,
            Rule::DuplicateMetadata,
        ),
        (r#"{"\ud800":1}"#, 0, Rule::JsonSurrogate),
        (r#"{"a":{"dtype":"F99"}}"#, 0, Rule::DtypeUnknown),
        (r#"{"a":{"shape":[-1]}}"#, 0, Rule::Number),
        (r#"{"a":{"shape":[1e3]}}"#, 0, Rule::Number),
        (
            r#"{"a":{"shape":[18446744073709551616]}}"#,
            0,
            Rule::NumberRange,
        ),
        (r#"{"a":{"data_offsets":[0]}}"#, 0, Rule::OffsetsNotPair),
    ] {
        cases.push((Kind::File, file(header, data), rule));
    }
    let tensor = |name: &str, dtype: &str, shape: &str, offsets: &str| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    let four = |name: &str, offsets: &str| tensor(name, "U8", "[4]", offsets);
    let wrap = "[4294967296,4294967296]";
    for (tensors, data, rule) in [
        (vec![four("a", "[1,5]")], 5, Rule::Hole),
        (vec![four("a", "[0,4]"), four("b", "[5,9]")], 9, Rule::Hole),
        (
            vec![four("a", "[0,4]"), four("b", "[2,6]")],
            6,
            Rule::Overlap,
        ),
        (
            vec![four("a", "[0,4]"), four("b", "[0,4]")],
            4,
            Rule::Overlap,
        ),
        (vec![four("a", "[0,4]")], 3, Rule::TensorBeyondEnd),
        (vec![four("a", "[0,4]")], 5, Rule::TrailingData),
        (vec![four("a", "[4,0]")], 4, Rule::OffsetsReversed),
        (vec![four("a", "[0,3]")], 3, Rule::SizeMismatch),
        (
            vec![four("a", "[0,4]"), four("a", "[4,8]")],
            8,
            Rule::DuplicateName,
        ),
        (
            vec![tensor("a", "F4", "[3]", "[0,1]")],
            1,
            Rule::PartialByte,
        ),
        (
            vec![tensor("a", "F64", wrap, "[0,0]")],
            0,
            Rule::ShapeOverflow,
        ),
    ] {
        let header = format!("{{{}}}", tensors.join(","));
        cases.push((Kind::File, file(&header, data), rule));
    }
    let mut long = file("{}", 0);
    long[..8].copy_from_slice(&100_000_001_u64.to_le_bytes());
    cases.push((Kind::File, long, Rule::HeaderTooLarge));
    cases.push((
        Kind::File,
        b"\x10\0\0\0\0\0\0\0{}".to_vec(),
        Rule::TruncatedHeader,
    ));
    cases.push((Kind::File, b"\x02\0\0".to_vec(), Rule::TruncatedLength));
    for (shard, rule) in [
        ("../a.safetensors", Rule::ShardName),
        ("/a.safetensors", Rule::ShardName),
        (r"..\\a.safetensors", Rule::ShardName),
        ("c:a.safetensors", Rule::ShardName),
        (r"a\u0000.safetensors", Rule::ShardName),
        ("a.bin", Rule::ShardSuffix),
    ] {
        let index = format!(r#"{{"weight_map":{{"a":"{shard}"}}}}"#);
        cases.push((Kind::Index, index.into_bytes(), rule));
    }
    let twice = br#"{"weight_map":{"a":"b.safetensors","a":"b.safetensors"}}"#;
    cases.push((Kind::Index, twice.to_vec(), Rule::DuplicateName));
    cases
}
