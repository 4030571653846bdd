//! The `safetensors` crate as an oracle: nothing is accepted that it refuses, what both accept is
//! read alike, and what it accepts and lazaret refuses is on a list.

use lazaret_plugin_safetensors::{Replay, Rule};
use proptest::prelude::*;
use safetensors::SafeTensors;

use crate::file::{bytes, fact, file, read};

/// Rules that the crate does not have, and why lazaret does.
const STRICTER: [(Rule, &str); 10] = [
    (
        Rule::HeaderStart,
        "the README demands a brace; serde_json skips blanks before it",
    ),
    (
        Rule::HeaderPadding,
        "the README demands spaces; serde_json takes tabs and line ends, too",
    ),
    (
        Rule::DuplicateName,
        "the crate keeps the last tensor of a name; JSON readers differ",
    ),
    (
        Rule::DuplicateMetadata,
        "the crate keeps the last value of a key; JSON readers differ",
    ),
    (
        Rule::FieldUnknown,
        "serde ignores it; from the future, or a place to hide",
    ),
    (
        Rule::TensorNotObject,
        "serde takes a list of three in a struct's place; no other reader does",
    ),
    (
        Rule::DtypeNotString,
        "serde takes {\"F32\":null} for the variant; no other reader does",
    ),
    (
        Rule::MetadataNotObject,
        "serde takes null for no metadata; the README demands an object",
    ),
    (
        Rule::ShapeOverflow,
        "the crate multiplies in order, so that a zero first hides what overflows behind it; \
         NumPy refuses either",
    ),
    (
        Rule::RankTooLarge,
        "bounded at NumPy's 64 dimensions, as the shape is an attribute's value",
    ),
];

fn reasoned(rule: Rule) -> bool {
    STRICTER.iter().any(|(stricter, _)| *stricter == rule)
}

/// Compares what both say. Returns the rule if only lazaret refuses.
fn compare(bytes: &[u8]) -> Option<Rule> {
    let theirs = SafeTensors::read_metadata(bytes);
    match (read(bytes), theirs) {
        (Ok(ours), Ok((length, theirs))) => {
            agree(&ours, length as u64 + 8, &theirs);
            None
        }
        (Ok(_), Err(error)) => panic!("only the crate refuses: {error}"),
        (Err(fault), Ok(_)) => Some(fault.rule),
        (Err(_), Err(_)) => None,
    }
}

fn agree(ours: &Replay, data: u64, theirs: &safetensors::tensor::Metadata) {
    let infos = theirs.tensors();
    assert_eq!(ours.parts.len(), infos.len());
    for part in &ours.parts {
        let info = infos[&part.name];
        let (begin, end) = info.data_offsets;
        assert_eq!(part.dtype, serde_json::to_value(info.dtype).unwrap());
        assert_eq!(part.shape, serde_json::to_string(&info.shape).unwrap());
        assert_eq!(part.offset, data + begin as u64);
        assert_eq!(part.offset + part.length, data + end as u64);
    }
    for (key, value) in theirs.metadata().iter().flatten() {
        if value.len() <= 4096 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let stated = fact(&ours.facts, &format!("file.metadata.{key}"));
            assert_eq!(stated.as_ref(), Some(value));
        }
    }
}

#[test]
fn every_difference_on_the_list_is_one() {
    let tensor = r#""dtype":"U8","shape":[4],"data_offsets":[0,4]"#;
    let ones = vec!["1"; 65].join(",");
    for (header, data, rule) in [
        (" {}".to_owned(), 0, Rule::HeaderStart),
        ("{}\n".to_owned(), 0, Rule::HeaderPadding),
        (
            format!("{{{},{}}}", bytes("a", 0, 9), bytes("a", 0, 4)),
            4,
            Rule::DuplicateName,
        ),
        (
            r#"{"__metadata__":{"k":"1","k":"2"}}"#.to_owned(),
            0,
            Rule::DuplicateMetadata,
        ),
        (
            format!(r#"{{"a":{{{tensor},"x":[{{}}]}}}}"#),
            4,
            Rule::FieldUnknown,
        ),
        (
            r#"{"a":["U8",[4],[0,4]]}"#.to_owned(),
            4,
            Rule::TensorNotObject,
        ),
        (
            format!(
                r#"{{"a":{{{}}}}}"#,
                tensor.replace("\"U8\"", r#"{"U8":null}"#)
            ),
            4,
            Rule::DtypeNotString,
        ),
        (
            r#"{"__metadata__":null}"#.to_owned(),
            0,
            Rule::MetadataNotObject,
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}"#
                .to_owned(),
            0,
            Rule::ShapeOverflow,
        ),
        (
            format!(r#"{{"a":{{"dtype":"U8","shape":[{ones}],"data_offsets":[0,1]}}}}"#),
            1,
            Rule::RankTooLarge,
        ),
    ] {
        assert_eq!(compare(&file(&header, data)), Some(rule), "{header}");
        assert!(reasoned(rule), "{rule:?}");
    }
}

/// Pieces of headers: whole tokens, so that mutations are read further than their first byte.
const TOKENS: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "null",
    "true",
    "0",
    "1",
    "2",
    "4",
    "8",
    "-1",
    "4.0",
    "1e1",
    "04",
    "18446744073709551615",
    "18446744073709551616",
    "4294967296",
    "\"a\"",
    "\"b\"",
    "\"\\u0061\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"dtype\"",
    "\"shape\"",
    "\"data_offsets\"",
    "\"__metadata__\"",
    "\"x\"",
    "\"F4\"",
    "\"U8\"",
    "\"BF16\"",
    "\"f32\"",
    "\"F32\"",
    "\"é\"",
    "\"\t\"",
    "\"dtype\":\"U8\"",
    "\"shape\":[4]",
    "\"data_offsets\":[0,4]",
    "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}",
    "[\"U8\",[4],[0,4]]",
];

/// The header of three tensors and metadata, in tokens.
fn tokens() -> Vec<String> {
    let header = r#"{ "__metadata__" : { "format" : "pt" , "k" : "" } ,
        "b" : { "dtype" : "F32" , "shape" : [ 1 , 2 ] , "data_offsets" : [ 4 , 12 ] } ,
        "a" : { "dtype" : "U8" , "shape" : [ 4 ] , "data_offsets" : [ 0 , 4 ] } ,
        "c" : { "shape" : [ 4 ] , "data_offsets" : [ 12 , 14 ] , "dtype" : "F4" } ,
        "e" : { "dtype" : "F64" , "shape" : [ 0 , 8 ] , "data_offsets" : [ 4 , 4 ] } }"#;
    header.split_whitespace().map(str::to_owned).collect()
}

#[derive(Debug, Clone)]
enum Change {
    Replace(prop::sample::Index, usize),
    Insert(prop::sample::Index, usize),
    Remove(prop::sample::Index),
    Move(prop::sample::Index, prop::sample::Index, usize),
    Copy(prop::sample::Index, prop::sample::Index, usize),
    Byte(prop::sample::Index, u8),
    Data(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    let token = 0..TOKENS.len();
    prop_oneof![
        4 => (place(), token.clone()).prop_map(|(at, token)| Change::Replace(at, token)),
        2 => (place(), token).prop_map(|(at, token)| Change::Insert(at, token)),
        2 => place().prop_map(Change::Remove),
        1 => (place(), place(), 1..20_usize).prop_map(|(from, to, n)| Change::Move(from, to, n)),
        1 => (place(), place(), 1..20_usize).prop_map(|(from, to, n)| Change::Copy(from, to, n)),
        1 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => (0..20_usize).prop_map(Change::Data),
    ]
}

fn changed(changes: Vec<Change>) -> Vec<u8> {
    let mut tokens = tokens();
    let mut data = 14;
    let mut flips = Vec::new();
    for change in changes {
        if tokens.is_empty() {
            break;
        }
        let length = tokens.len();
        match change {
            Change::Replace(at, token) => TOKENS[token].clone_into(&mut tokens[at.index(length)]),
            Change::Insert(at, token) => tokens.insert(at.index(length), TOKENS[token].to_owned()),
            Change::Remove(at) => drop(tokens.remove(at.index(length))),
            Change::Move(from, to, count) => {
                let from = from.index(length);
                let moved: Vec<_> = tokens.drain(from..length.min(from + count)).collect();
                let to = to.index(tokens.len() + 1);
                tokens.splice(to..to, moved);
            }
            Change::Copy(from, to, count) => {
                let from = from.index(length);
                let copied = tokens[from..length.min(from + count)].to_vec();
                let to = to.index(length);
                tokens.splice(to..to, copied);
            }
            Change::Byte(at, byte) => flips.push((at, byte)),
            Change::Data(bytes) => data = bytes,
        }
    }
    let mut bytes = file(tokens.concat(), data);
    for (at, byte) in flips {
        let at = at.index(bytes.len());
        bytes[at] = byte;
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn mutated_files_are_judged_as_the_crate_judges_them(
        changes in prop::collection::vec(change(), 0..4),
    ) {
        let bytes = changed(changes);
        if let Some(rule) = compare(&bytes) {
            prop_assert!(reasoned(rule), "only lazaret refuses: {:?}", rule);
        }
    }
}
