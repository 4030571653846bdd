//! Indexes of shards.

use lazaret_plugin_safetensors::{Fault, Rule, Span};

use crate::file::{bytes, fact, file, lines, read, read_index};

#[test]
fn an_index_says_what_each_shard_holds() {
    let index = read_index(
        r#"
        {"metadata": {"total_size": 24, "mergekit_version": "0.0.4", "x": [1.5e3, null, {"a": true}]},
         "later": {"a": [[]]},
         "weight_map": {"b": "model-00002-of-00002.safetensors", "a": "model-00001-of-00002.safetensors",
          "c": "model-00001-of-00002.safetensors"}}
        "#,
    )
    .unwrap();
    assert_eq!((index.parts.len(), index.cuts.len()), (0, 0));
    let stated: Vec<_> = lines(&index.facts)
        .into_iter()
        .filter(|line| !line.starts_with("model.shard-names."))
        .collect();
    assert_eq!(
        stated,
        [
            "model.format=safetensors-index",
            "model.shards=2",
            "model.total-size=24",
            "model.shard.model-00001-of-00002.safetensors=2",
            "model.shard.model-00002-of-00002.safetensors=1",
        ]
    );
    // What the shards say of themselves.
    let first = file(
        format!("{{{},{}}}", bytes("c", 0, 8), bytes("a", 8, 16)),
        16,
    );
    let second = file(format!("{{{}}}", bytes("b", 0, 8)), 8);
    for (shard, name) in [(first, "00001"), (second, "00002")] {
        let shard = read(&shard).unwrap();
        let key = format!("model.shard-names.model-{name}-of-00002.safetensors");
        let names = fact(&shard.facts, "model.tensor-names");
        assert!(names.is_some());
        assert_eq!(fact(&index.facts, &key), names);
    }
}

#[test]
fn the_total_size_may_be_missing_or_a_whole_decimal() {
    for (text, expected) in [
        (r#"{"weight_map":{}}"#, None),
        (r#"{"weight_map":{},"metadata":{}}"#, None),
        (
            r#"{"metadata":{"total_size":0},"weight_map":{}}"#,
            Some("0"),
        ),
        (
            r#"{"metadata":{"total_size":7.0},"weight_map":{}}"#,
            Some("7"),
        ),
        (
            r#"{"metadata":{"total_size":18446744073709551615.00},"weight_map":{}}"#,
            Some("18446744073709551615"),
        ),
    ] {
        let index = read_index(text).unwrap();
        assert_eq!(fact(&index.facts, "model.total-size").as_deref(), expected);
    }
}

#[test]
fn a_long_file_name_is_cut_in_the_key() {
    let name = "x".repeat(200) + ".safetensors";
    let index = read_index(&format!(r#"{{"weight_map":{{"a":"{name}"}}}}"#)).unwrap();
    assert!(index.facts.iter().all(|fact| fact.key.len() <= 128));
    assert!(index.facts[2].key.starts_with("model.shard.xxx"));
    assert!(index.facts[2].key.contains("%~"));
}

fn refused(text: &str, rule: Rule, offset: u64, length: u64) {
    let at = Span { offset, length };
    assert_eq!(read_index(text), Err(Fault { rule, at }), "{text}");
}

#[test]
fn a_shard_is_a_plain_file_name() {
    for name in [
        "",
        ".",
        "..",
        "../model.safetensors",
        "/etc/model.safetensors",
        "a/b.safetensors",
        "a\\\\b.safetensors",
        "c:b.safetensors",
        "a\\u0000.safetensors",
        "a\\n.safetensors",
        "a\\u0085.safetensors",
    ] {
        let text = format!(r#"{{"weight_map":{{"a":"{name}"}}}}"#);
        refused(&text, Rule::ShardName, 19, name.len() as u64 + 2);
    }
    let long = "x".repeat(244) + ".safetensors";
    let text = format!(r#"{{"weight_map":{{"a":"{long}"}}}}"#);
    refused(&text, Rule::ShardName, 19, 258);
    for name in [
        "pytorch_model.bin",
        "model.safetensors.bin",
        "model.SAFETENSORS",
    ] {
        let text = format!(r#"{{"weight_map":{{"a":"{name}"}}}}"#);
        refused(&text, Rule::ShardSuffix, 19, name.len() as u64 + 2);
    }
}

#[test]
fn every_other_rule() {
    for (text, rule, offset, length) in [
        ("", Rule::JsonTruncated, 0, 0),
        ("[]", Rule::IndexNotObject, 0, 1),
        ("\u{feff}{}", Rule::IndexNotObject, 0, 1),
        ("{}", Rule::WeightMapMissing, 0, 2),
        (r#"{"metadata":{}}"#, Rule::WeightMapMissing, 0, 15),
        (r#"{"weight_map":[]}"#, Rule::WeightMapNotObject, 14, 1),
        (r#"{"weight_map":{"a":1}}"#, Rule::ShardNotString, 19, 1),
        (r#"{"weight_map":{"a":["b"]}}"#, Rule::ShardNotString, 19, 1),
        (r#"{"metadata":null}"#, Rule::MetadataNotObject, 12, 1),
        (r#"{"metadata":{"total_size":"1"}}"#, Rule::TotalSize, 26, 1),
        (r#"{"metadata":{"total_size":-1}}"#, Rule::TotalSize, 26, 2),
        (r#"{"metadata":{"total_size":1.5}}"#, Rule::TotalSize, 26, 3),
        (r#"{"metadata":{"total_size":1e3}}"#, Rule::TotalSize, 26, 3),
        (r#"{"metadata":{"total_size":1.}}"#, Rule::JsonSyntax, 28, 1),
        (r#"{"metadata":{"total_size":01}}"#, Rule::JsonSyntax, 27, 1),
        (
            r#"{"metadata":{"total_size":18446744073709551616}}"#,
            Rule::TotalSize,
            26,
            20,
        ),
        (r#"{"weight_map":{}} {}"#, Rule::IndexTrailing, 18, 1),
        (
            r#"{"weight_map":{},"weight_map":{}}"#,
            Rule::DuplicateField,
            17,
            12,
        ),
        (
            r#"{"weight_map":{"a":"a.safetensors","a":"a.safetensors"}}"#,
            Rule::DuplicateName,
            35,
            3,
        ),
        (r#"{"metadata":{"a":1,"a":1}}"#, Rule::DuplicateField, 19, 3),
        (r#"{"x":[{"a":1,"a":1}]}"#, Rule::DuplicateField, 13, 3),
        (r#"{"x":tru}"#, Rule::JsonSyntax, 8, 1),
        (r#"{"x":nan}"#, Rule::JsonSyntax, 6, 1),
        (r#"{"x":-}"#, Rule::JsonSyntax, 6, 1),
        (r#"{"x":1e}"#, Rule::JsonSyntax, 7, 1),
        (r#"{"x":[1,]}"#, Rule::JsonSyntax, 8, 1),
        (r#"{"x":"#, Rule::JsonTruncated, 5, 0),
    ] {
        refused(text, rule, offset, length);
    }
    let deep = |depth: usize| {
        format!(
            r#"{{"x":{}{},"weight_map":{{}}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(read_index(&deep(16)).is_ok());
    refused(&deep(17), Rule::TooDeep, 21, 1);
    refused(&deep(100_000), Rule::TooDeep, 21, 1);
}

#[test]
fn shards_without_number_are_refused() {
    let map = |count: usize| {
        let shards: Vec<_> = (0..count)
            .map(|number| format!(r#""{number}":"{number}.safetensors""#))
            .collect();
        format!(r#"{{"weight_map":{{{}}}}}"#, shards.join(","))
    };
    assert!(read_index(&map(10_000)).is_ok());
    let fault = read_index(&map(10_001)).unwrap_err();
    assert_eq!(fault.rule, Rule::TooManyShards);
    assert!(fault.is_unsupported());
}
