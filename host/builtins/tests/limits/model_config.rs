//! Configurations of every size: none is a fault, be it too large or hostile.

use crate::hollow::{Hollow, Outcome, run};

const MODEL: &str = "application/x-model-config+json";
const TOKENIZER: &str = "application/x-tokenizer-config+json";

/// What the importer holds.
const FILE_MAX: usize = 4 << 20;

fn read(media_type: &str, text: String) -> Outcome {
    let mut file = Hollow::default();
    file.push(text.into_bytes());
    let outcome = run("model-config", media_type, file, false);
    assert_eq!((outcome.record.parts, outcome.record.objects), (0, 1));
    // Of the 6,200,000,000 that a file of this size has.
    let fuel = outcome.report().fuel;
    assert!(fuel < 4_000_000_000, "{fuel}");
    outcome
}

#[test]
fn a_file_of_every_limit_fits() {
    let names: Vec<String> = (0..99_999)
        .map(|number| format!("\"\\u0061{number:023}\":0"))
        .collect();
    let mut text = format!("{{\"model_type\":\"x\",{}}}", names.join(","));
    assert!(text.len() < FILE_MAX);
    text.push_str(&" ".repeat(FILE_MAX - text.len()));
    assert_eq!(read(MODEL, text).record.facts.len(), 1);

    let (start, end) = ("{\"chat_template\":\"", "\"}");
    let escapes = "\\u00e9".repeat((FILE_MAX - start.len() - end.len()) / 6);
    assert_eq!(
        read(TOKENIZER, format!("{start}{escapes}{end}"))
            .record
            .facts
            .len(),
        1
    );
}

#[test]
fn what_is_more_is_passed_over() {
    let more = [
        format!("{{\"model_type\":\"x\"}}{}", " ".repeat(FILE_MAX)),
        format!(
            "{{\"model_type\":\"x\",\"a\":{}",
            "[".repeat(FILE_MAX - 100)
        ),
        "[".repeat(FILE_MAX),
        "\"".repeat(FILE_MAX),
    ];
    for text in more {
        assert_eq!(read(MODEL, text).record.facts, []);
    }
    let mut file = Hollow::default();
    file.zeros(100 << 30);
    let outcome = run("model-config", MODEL, file, false);
    assert!(outcome.report().fuel < 1_000_000, "{:?}", outcome.report());
}
