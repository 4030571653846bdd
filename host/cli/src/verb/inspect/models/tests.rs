//! What people are shown of models.

use lazaret_views::Claims;

use super::*;

fn file(name: &str, size: u64) -> ModelFile {
    ModelFile {
        path: Some(EntryPath::from_untrusted(name.as_bytes()).unwrap()),
        blob: ContentDigest::sha256(name.as_bytes()),
        size,
    }
}

#[test]
fn a_card_says_what_is_known_and_no_more() {
    let name: Name = "demo".parse().unwrap();
    let mut models = Models::default();
    assert_eq!(text(&models, &name), "");
    models.cards.push(ModelCard {
        format: Some("safetensors".to_owned()),
        tensors: 2,
        parameters: 1500,
        dtypes: vec![("BF16".to_owned(), 2)],
        bytes: 3100,
        files: vec![file("model.safetensors", 3100)],
        ..ModelCard::default()
    });
    assert_eq!(
        text(&models, &name),
        "\nModel\n  \
         format      safetensors\n  \
         parameters  1500 in 2 tensors, BF16\n  \
         size        3.0 KiB\n  \
         file        model.safetensors, 3.0 KiB\n"
    );
    models.cards.push(ModelCard {
        name: Some("x\n\u{1b}[31my".to_owned()),
        format: Some("pytorch".to_owned()),
        format_version: Some("zip 3".to_owned()),
        tensors: 3,
        parameters: 7_241_732_096,
        dtypes: vec![("float16".to_owned(), 2), ("int8".to_owned(), 1)],
        verdict: Some(Severity::Dangerous),
        findings: 2,
        bytes: 0,
        files: vec![file("a", 1), file("b", 2)],
        shards: Some(Shards {
            expected: 3,
            there: 2,
            contradictions: vec!["i names c, which is not there".to_owned()],
        }),
        ..ModelCard::default()
    });
    models.faults.push(FileFault {
        path: None,
        blob: ContentDigest::sha256(b"x"),
        reason: "gguf 0.1.0: no\u{7}".to_owned(),
    });
    models.not_handed_on = 3;
    let shown = text(&models, &name);
    let second = shown.split_once("Model 2 of 2\n").unwrap().1;
    assert_eq!(
        second,
        "  name        x\\n\\u{1b}[31my\n  \
         format      pytorch zip 3\n  \
         parameters  7.2 billion in 3 tensors: float16 2, int8 1\n  \
         verdict     dangerous: 2 findings; `lazaret facts demo --key model.pickle-finding` \
         shows them\n  \
         size        0 B in 2 files\n  \
         file        a, 1 B\n  \
         file        b, 2 B\n  \
         shards      2 of 3 there, contradictory:\n              \
         i names c, which is not there\n\
         \n\
         Not read\n  \
         sha256:2d711642b726: gguf 0.1.0: no\\u{7}\n  \
         3 files beyond what importers are given of one blob\n"
    );
}

#[test]
fn very_many_are_counted() {
    let name: Name = "demo".parse().unwrap();
    let models = Models {
        cards: vec![ModelCard::default(); 20],
        ..Models::default()
    };
    let shown = text(&models, &name);
    assert_eq!(shown.matches("\nModel ").count(), MAX_CARDS);
    assert!(
        shown.ends_with("\nand 12 models more, which --json shows\n"),
        "{shown}"
    );
}

#[test]
fn what_is_claimed_is_told_apart() {
    let name: Name = "demo".parse().unwrap();
    let claims = Claims {
        name: Some("Tiny\n".to_owned()),
        family: Some("tiny".to_owned()),
        version: Some("2".to_owned()),
        licence: Some("mit".to_owned()),
        format: Some("gguf".to_owned()),
        architecture: Some("llama".to_owned()),
        parameters: Some("7b".to_owned()),
        precision: Some("bf16".to_owned()),
        quantization: Some("awq".to_owned()),
    };
    let mut models = Models {
        cards: vec![ModelCard {
            format: Some("safetensors".to_owned()),
            context_length: Some(4096),
            bytes: 3100,
            files: vec![file("model.safetensors", 3100)],
            described_by: vec![file("config.json", 9)],
            claimed: Claims {
                architecture: Some("llama".to_owned()),
                version: Some("2".to_owned()),
                parameters: Some("7b".to_owned()),
                ..Claims::default()
            },
            ..ModelCard::default()
        }],
        ..Models::default()
    };
    assert_eq!(
        text(&models, &name),
        "\nModel\n  \
         version       2 (from the artifact's config)\n  \
         format        safetensors\n  \
         architecture  llama (from the artifact's config)\n  \
         parameters    7b (from the artifact's config)\n  \
         context       4096 tokens\n  \
         size          3.0 KiB\n  \
         file          model.safetensors, 3.0 KiB\n  \
         described by  config.json\n"
    );
    models.cards.clear();
    models.claims = Some(claims);
    assert_eq!(
        text(&models, &name),
        "\nClaimed by the artifact's config\n  \
         name          Tiny\\n\n  \
         family        tiny\n  \
         version       2\n  \
         format        gguf\n  \
         architecture  llama\n  \
         parameters    7b\n  \
         precision     bf16\n  \
         quantised     awq\n  \
         licence       mit\n"
    );
}
