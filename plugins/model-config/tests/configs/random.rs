//! Random documents, with `serde_json` for a second opinion.

use std::collections::BTreeMap;

use lazaret_plugin_model_config::{Kind, Model, Tokenizer, replay};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "architectures",
            "model_type",
            "hidden_size",
            "n_embd",
            "n_ctx",
            "n_positions",
            "max_position_embeddings",
            "quantization_config",
            "quant_method",
            "text_config",
            "tokenizer_class",
            "chat_template",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(names(), inner, 0..6).prop_map(object),
        ]
    })
}

fn object(members: BTreeMap<String, Value>) -> Value {
    Value::Object(members.into_iter().collect())
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
}

fn first(values: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| values[name].as_u64())
}

/// What `serde_json` finds.
fn model(document: &Value) -> Option<Model> {
    if document.get("architectures").is_none() && document.get("model_type").is_none() {
        return None;
    }
    let lengths = |values: &Value| {
        (
            first(
                values,
                &[
                    "max_position_embeddings",
                    "n_positions",
                    "n_ctx",
                    "max_sequence_length",
                ],
            ),
            first(values, &["hidden_size", "n_embd", "d_model"]),
        )
    };
    let (own, inner) = (lengths(document), lengths(&document["text_config"]));
    Some(Model {
        architecture: text(&document["architectures"][0]).or(text(&document["model_type"])),
        context_length: own.0.or(inner.0),
        embedding_length: own.1.or(inner.1),
        quantization: text(&document["quantization_config"]["quant_method"]),
    })
}

proptest! {
    #[test]
    fn sound_documents_are_read_as_others_read_them(
        members in btree_map(names(), values(), 0..10),
        is_pretty: bool,
    ) {
        let document = object(members);
        let written = match is_pretty {
            true => serde_json::to_vec_pretty(&document).unwrap(),
            false => serde_json::to_vec(&document).unwrap(),
        };
        // What a float's text means is its reader's business.
        let known: Value = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(Model::read(&written).ok(), model(&known));
        let tokenizer = Tokenizer::read(&written).ok();
        let is_tokenizer =
            known.get("tokenizer_class").is_some() || known.get("chat_template").is_some();
        prop_assert_eq!(tokenizer.is_some(), is_tokenizer);
        if let Some(tokenizer) = tokenizer {
            prop_assert_eq!(tokenizer.class, text(&known["tokenizer_class"]));
            prop_assert_eq!(
                tokenizer.chat_template.is_some(),
                text(&known["chat_template"]).is_some()
            );
        }
    }

    #[test]
    fn pieces_make_no_difference(members in btree_map(names(), values(), 0..10), seed: u64) {
        let written = serde_json::to_vec(&object(members)).unwrap();
        for kind in [Kind::Model, Kind::Tokenizer] {
            prop_assert_eq!(replay(&written, kind, seed), replay(&written, kind, 0));
        }
    }

    #[test]
    fn what_is_read_is_json(text in r#"[{}\[\]",:0-9eE.\\u\-a"NIty ]{0,24}"#) {
        let file = format!(r#"{{"model_type":"","x":{text}}}"#);
        if Model::read(file.as_bytes()).is_ok() && !file.contains(['N', 'I']) {
            let known = serde_json::from_str::<Value>(&file);
            let is_sound = match &known {
                Ok(_) => true,
                Err(error) => error.to_string().starts_with("number out of range"),
            };
            prop_assert!(is_sound, "{file}: {known:?}");
        }
    }
}
