//! The importer of models' configurations over any bytes, taken for a model's and for a tokenizer's.
//!
//! 1. It does not panic.
//! 2. It says the same however its reads are cut up.
//! 3. What it refuses, it refuses at a place within the input.
//! 4. What it reads is JSON to `serde_json`, too, but for Python's words for numbers that are none, and
//!    numbers beyond a float's range; and each text and number that it states stands in it.
//! 5. Keys are the importer's own, texts are short.

use lazaret_plugin_model_config::{Fact, Kind, Value, replay};

/// Reads are cut up according to these; zero is not at all.
const SEEDS: [u64; 3] = [0, 1, 0x9e37_79b9_7f4a_7c15];

/// All that may be stated.
const KEYS: [&str; 6] = [
    "model.architecture",
    "model.context-length",
    "model.embedding-length",
    "model.quantization",
    "model.tokenizer",
    "model.chat-template-sha256",
];

/// Holds the importer to the invariants.
pub fn check(data: &[u8]) {
    for kind in [Kind::Model, Kind::Tokenizer] {
        let first = replay(data, kind, SEEDS[0]);
        for seed in &SEEDS[1..] {
            assert_eq!(replay(data, kind, *seed), first, "seed {seed}");
        }
        match &first {
            Ok(facts) => check_facts(data, facts),
            Err(fault) => {
                let end = fault.at.offset.checked_add(fault.at.length);
                assert!(end.is_some_and(|end| end <= data.len() as u64), "{fault:?}");
            }
        }
    }
}

fn check_facts(data: &[u8], facts: &[Fact]) {
    let document = match serde_json::from_slice::<serde_json::Value>(data) {
        Ok(document) => Some(document),
        Err(error) => {
            let is_python = data.windows(3).any(|word| matches!(word, b"NaN" | b"Inf"));
            let is_range = error.to_string().starts_with("number out of range");
            assert!(is_python || is_range, "{error}");
            None
        }
    };
    for Fact { key, value } in facts {
        assert!(KEYS.contains(key), "{key}");
        let stands = |is: &dyn Fn(&serde_json::Value) -> bool| {
            document.as_ref().is_none_or(|document| any(document, is))
        };
        match value {
            Value::Text(text) => {
                assert!(!text.is_empty() && text.len() <= 4096 + 64, "{key}");
                let is_cut = text.len() > 4096;
                assert!(is_cut || stands(&|value| value == text.as_str()), "{key}");
            }
            Value::Unsigned(number) => {
                assert!(stands(&|value| value.as_u64() == Some(*number)), "{key}");
            }
            Value::Sha256(_) => assert!(stands(&serde_json::Value::is_string), "{key}"),
        }
    }
}

/// Whether something in the document is so.
fn any(value: &serde_json::Value, is: &dyn Fn(&serde_json::Value) -> bool) -> bool {
    is(value)
        || match value {
            serde_json::Value::Array(items) => items.iter().any(|item| any(item, is)),
            serde_json::Value::Object(members) => members.values().any(|member| any(member, is)),
            _ => false,
        }
}

/// Files to begin with.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        r#"{"architectures":["LlamaForCausalLM"],"hidden_size":4096,"model_type":"llama",
            "max_position_embeddings":131072,"rope_scaling":{"factor":8.0},"eos":[1,2e5,-3]}"#,
        r#"{"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_positions":1024,"a":null,"b":true}"#,
        r#"{"architectures":["A"],"text_config":{"hidden_size":1,"n_ctx":2},
            "quantization_config":{"bits":4,"quant_method":"awq"}}"#,
        r#"{"model_type":"mamba2","time_step_limit":[0.0,Infinity,-Infinity,NaN]}"#,
        r#"{"tokenizer_class":"T\u00e9\ud83d\ude00","chat_template":"{{ x }}\n",
            "added_tokens_decoder":{"0":{"content":"<s>","special":true}}}"#,
        r#"{"model_type":"x","model_type":"y"}"#,
        r#"{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"#,
    ]
    .map(|seed| seed.as_bytes().to_vec())
    .to_vec()
}
