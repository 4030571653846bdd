//! Files as models have them, and what is stated of each.

use lazaret_plugin_model_config::{Fact, Kind, Value, replay};
use sha2::{Digest as _, Sha256};

/// What is stated, a fact a line.
fn stated(kind: Kind, file: &str) -> Vec<String> {
    let facts = replay(file.as_bytes(), kind, 0).unwrap();
    for seed in [1, 7] {
        assert_eq!(replay(file.as_bytes(), kind, seed).unwrap(), facts);
    }
    let line = |Fact { key, value }: Fact| match value {
        Value::Unsigned(number) => format!("{key} {number}"),
        Value::Text(text) => format!("{key} {text}"),
        Value::Sha256(_) => format!("{key} …"),
    };
    facts.into_iter().map(line).collect()
}

fn check(kind: Kind, cases: &[(&str, &[&str])]) {
    for (file, expected) in cases {
        assert_eq!(stated(kind, file), *expected, "{file}");
    }
}

#[test]
fn published_models_say_what_they_are() {
    check(
        Kind::Model,
        &[
            (
                // Llama 3.1 8B.
                r#"{
  "architectures": ["LlamaForCausalLM"],
  "attention_bias": false,
  "bos_token_id": 128000,
  "eos_token_id": [128001, 128008, 128009],
  "hidden_size": 4096,
  "max_position_embeddings": 131072,
  "model_type": "llama",
  "pretraining_tp": 1,
  "rms_norm_eps": 1e-05,
  "rope_scaling": {"factor": 8.0, "rope_type": "llama3", "hidden_size": 1},
  "rope_theta": 500000.0,
  "torch_dtype": "bfloat16"
}
"#,
                &[
                    "model.architecture LlamaForCausalLM",
                    "model.context-length 131072",
                    "model.embedding-length 4096",
                ],
            ),
            (
                // GPT-2.
                r#"{"n_ctx": 1023, "n_embd": 768, "n_positions": 1024, "model_type": "gpt2",
                    "architectures": ["GPT2LMHeadModel"]}"#,
                &[
                    "model.architecture GPT2LMHeadModel",
                    "model.context-length 1024",
                    "model.embedding-length 768",
                ],
            ),
            (
                // Gemma 3: text and images.
                r#"{"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
                    "text_config": {"hidden_size": 2560, "max_position_embeddings": 131072,
                        "quant_method": "none"},
                    "vision_config": {"hidden_size": 1152}}"#,
                &[
                    "model.architecture Gemma3ForConditionalGeneration",
                    "model.context-length 131072",
                    "model.embedding-length 2560",
                ],
            ),
            (
                r#"{"model_type": "llama", "d_model": 8, "max_sequence_length": 16,
                    "quantization_config": {"bits": 4, "quant_method": "gptq", "damp": 0.1}}"#,
                &[
                    "model.architecture llama",
                    "model.context-length 16",
                    "model.embedding-length 8",
                    "model.quantization gptq",
                ],
            ),
            (
                // Mamba 2, as Python writes what JSON has no word for.
                r#"{"model_type": "mamba2", "time_step_limit": [0.0, Infinity], "a": [-Infinity, NaN]}"#,
                &["model.architecture mamba2"],
            ),
        ],
    );
}

#[test]
fn members_of_other_types_say_nothing() {
    check(
        Kind::Model,
        &[
            (r#"{"architectures":[]}"#, &[]),
            (
                r#"{"architectures":[""],"model_type":"bert"}"#,
                &["model.architecture bert"],
            ),
            (r#"{"architectures":"A","model_type":7}"#, &[]),
            (r#"{"architectures":[["A"],"B"]}"#, &[]),
            (r#"{"architectures":["A","B"]}"#, &["model.architecture A"]),
            (
                r#"{"model_type":"x","hidden_size":[1],"n_embd":-1,"d_model":64.0,"n_ctx":1e3,
                    "n_positions":18446744073709551616,"max_sequence_length":18446744073709551615}"#,
                &[
                    "model.architecture x",
                    "model.context-length 18446744073709551615",
                ],
            ),
            (
                r#"{"model_type":"x","quantization_config":"gptq","text_config":null}"#,
                &["model.architecture x"],
            ),
            (
                r#"{"model_type":"x","quantization_config":{"quant_method":null}}"#,
                &["model.architecture x"],
            ),
            (
                r#"{"model_typ\u0065":"\ud83d\ude00\n\"/"}"#,
                &["model.architecture 😀\n\"/"],
            ),
        ],
    );
    check(
        Kind::Tokenizer,
        &[
            (r#"{"tokenizer_class":null}"#, &[]),
            (
                r#"{"chat_template":[{"name":"default","template":"x"}],"tokenizer_class":"T"}"#,
                &["model.tokenizer T"],
            ),
        ],
    );
}

#[test]
fn a_template_is_known_by_the_digest_of_its_text() {
    let file = r#"{"added_tokens_decoder": {"0": {"content": "<s>", "special": true}},
        "chat_template": "{{ '\u00e9\n' }}é", "tokenizer_class": "LlamaTokenizerFast"}"#;
    let digest = Sha256::digest("{{ 'é\n' }}é".as_bytes()).into();
    assert_eq!(
        replay(file.as_bytes(), Kind::Tokenizer, 0).unwrap(),
        [
            Fact {
                key: "model.tokenizer",
                value: Value::Text("LlamaTokenizerFast".to_owned()),
            },
            Fact {
                key: "model.chat-template-sha256",
                value: Value::Sha256(digest),
            },
        ]
    );
}

#[test]
fn long_texts_are_cut() {
    let file = format!(r#"{{"model_type":"{}"}}"#, "x".repeat(5000));
    let [line] = &*stated(Kind::Model, &file) else {
        panic!("one fact");
    };
    assert!(line.ends_with("xxx… [cut: 5000 bytes in all]") && line.len() < 4200);
}
