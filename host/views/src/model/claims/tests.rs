//! Documents of both kinds, and such as claim nothing.

use super::*;
use crate::samples::{Bench, Sketch};

const MODELPACK: &str = MODEL_CONFIGS[0];
const DOCKER: &str = MODEL_CONFIGS[2];

fn claims(media_type: &str, document: &str) -> Option<Claims> {
    let bench = Bench::new();
    let mut blob = Sketch::new();
    blob.bytes(b"weights", true);
    let config = (media_type, document.as_bytes());
    Claims::of(&bench.artifact_of(config, &[(&blob, &[], false)], &[]))
}

fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn modelpacks_document_is_read() {
    let document = r#"{
        "descriptor": {"createdAt": "2025-01-01T00:00:00Z", "name": "tiny-7b", "title": "Tiny",
            "family": "tiny", "version": "1.2", "licenses": ["Apache-2.0", "MIT"],
            "authors": ["a"]},
        "config": {"architecture": "transformer", "format": "safetensors", "paramSize": "7b",
            "precision": "bf16", "quantization": "awq", "capabilities": {"reasoning": true}},
        "modelfs": {"type": "layers", "diffIds": []}}"#;
    let expected = Claims {
        name: owned("tiny-7b"),
        family: owned("tiny"),
        version: owned("1.2"),
        licence: owned("Apache-2.0, MIT"),
        format: owned("safetensors"),
        architecture: owned("transformer"),
        parameters: owned("7b"),
        precision: owned("bf16"),
        quantization: owned("awq"),
    };
    for media_type in &MODEL_CONFIGS[..2] {
        assert_eq!(claims(media_type, document), Some(expected.clone()));
    }
    assert_eq!(claims("application/vnd.example+json", document), None);
}

#[test]
fn dockers_document_is_read() {
    let document = r#"{"config": {"format": "gguf", "quantization": "IQ2_XXS/Q4_K_M",
        "parameters": "361.82 M", "architecture": "llama", "size": "256.35 MiB",
        "gguf": {"general.name": "x"}}, "descriptor": {"created": "2025-01-01T00:00:00Z"},
        "rootfs": {"type": "rootfs", "diff_ids": []}}"#;
    let expected = Claims {
        format: owned("gguf"),
        quantization: owned("IQ2_XXS/Q4_K_M"),
        parameters: owned("361.82 M"),
        architecture: owned("llama"),
        ..Claims::default()
    };
    for media_type in &MODEL_CONFIGS[2..] {
        assert_eq!(claims(media_type, document), Some(expected.clone()));
    }
}

#[test]
fn what_cannot_be_read_claims_nothing() {
    for document in [
        "",
        "[]",
        "{}",
        "no",
        r#"{"config":{}}"#,
        r#"{"config":null,"descriptor":null}"#,
        r#"{"config":{"architecture":""},"descriptor":{"licenses":[]}}"#,
        r#"{"config":{"architecture":7}}"#,
        r#"{"config":[]}"#,
        r#"{"config":{"architecture":"a","architecture":"b"}}"#,
        r#"{"config":{"architecture":"a"}} x"#,
    ] {
        assert_eq!(claims(MODELPACK, document), None, "{document}");
        assert_eq!(claims(DOCKER, document), None, "{document}");
    }
}

#[test]
fn long_claims_are_cut() {
    let long = "é".repeat(3000);
    let licences = vec!["\"x\""; 100].join(",");
    let document =
        format!(r#"{{"descriptor":{{"title":"a{long}","licenses":[{licences}],"name":""}}}}"#);
    let claims = claims(MODELPACK, &document).unwrap();
    assert_eq!(claims.name, Some(format!("a{}…", "é".repeat(2047))));
    assert_eq!(claims.licence, Some(vec!["x"; 16].join(", ")));
}
