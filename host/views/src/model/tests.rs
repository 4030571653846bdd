//! Cards from facts of one file and of many, sound and strange.

use lazaret_artifact::{Entry, EntryKind, Fact};

use super::*;
use crate::samples::{Bench, Sketch, entry, noise, path};

const TITLE: &str = "org.opencontainers.image.title";

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn names(of: &str) -> Value {
    Value::Digest(ContentDigest::sha256(of.as_bytes()))
}

fn fact(subject: Option<u32>, (key, value): (&str, Value)) -> Fact {
    Fact {
        subject,
        key: key.to_owned(),
        value,
    }
}

/// A blob of some size that something is said of.
fn file(size: usize, facts: &[(&str, Value)]) -> Sketch {
    let mut sketch = Sketch::new();
    sketch.bytes(&noise(size as u64, size), true);
    sketch.facts = facts.iter().cloned().map(|one| fact(None, one)).collect();
    sketch
}

fn cards(files: &[(&str, Sketch)]) -> Models {
    let bench = Bench::new();
    let titles: Vec<_> = files.iter().map(|(name, _)| [(TITLE, *name)]).collect();
    let blobs: Vec<_> = files
        .iter()
        .zip(&titles)
        .map(|((_, sketch), title)| (sketch, &title[..], true))
        .collect();
    models(&bench.repository, &bench.artifact(&blobs)).unwrap()
}

/// Paths of the files on a card.
fn paths(card: &ModelCard) -> Vec<String> {
    let path = |file: &ModelFile| file.path.as_ref().unwrap().to_string();
    card.files.iter().map(path).collect()
}

fn shard(size: usize, tensors: u64, of: &str) -> Sketch {
    file(
        size,
        &[
            ("model.format", text("safetensors")),
            ("model.tensors", Value::Unsigned(tensors)),
            ("model.parameters", Value::Unsigned(tensors * 10)),
            ("model.dtypes", text("F32:1,BF16:3")),
            ("model.tensor-names", names(of)),
        ],
    )
}

fn index(first: u64, second: u64) -> Sketch {
    file(
        70,
        &[
            ("model.format", text("safetensors-index")),
            ("model.shards", Value::Unsigned(2)),
            ("model.shard.a%20b.safetensors", Value::Unsigned(first)),
            ("model.shard-names.a%20b.safetensors", names("one")),
            ("model.shard.c.safetensors", Value::Unsigned(second)),
            ("model.shard-names.c.safetensors", names("two")),
        ],
    )
}

#[test]
fn one_file_is_one_card() {
    let found = cards(&[(
        "m.gguf",
        file(
            1000,
            &[
                ("model.format", text("gguf")),
                ("model.format-version", Value::Unsigned(3)),
                ("model.tensors", Value::Unsigned(12)),
                ("model.parameters", Value::Unsigned(1_000_000)),
                ("model.dtypes", text("Q4_K:8,F32:4")),
                ("model.architecture", text("llama")),
                ("model.name", text("Tiny")),
                ("model.quantization", text("Q4_K_M")),
                ("model.context-length", Value::Unsigned(2048)),
                ("model.embedding-length", Value::Unsigned(64)),
                ("model.tokenizer", text("gpt2")),
                ("model.chat-template-sha256", names("template")),
                ("model.licence", text("mit")),
                ("file.metadata.general.name", text("Tiny")),
            ],
        ),
    )]);
    let [card] = &*found.cards else {
        panic!("{found:?}")
    };
    assert_eq!(paths(card), ["m.gguf"]);
    let blob = card.files[0].blob;
    let want = ModelCard {
        files: vec![ModelFile {
            path: Some(path("m.gguf")),
            blob,
            size: 1000,
        }],
        format: Some("gguf".to_owned()),
        format_version: Some("3".to_owned()),
        name: Some("Tiny".to_owned()),
        architecture: Some("llama".to_owned()),
        licence: Some("mit".to_owned()),
        quantization: Some("Q4_K_M".to_owned()),
        context_length: Some(2048),
        embedding_length: Some(64),
        tokenizer: Some("gpt2".to_owned()),
        chat_template: Some(ContentDigest::sha256(b"template")),
        tensors: 12,
        parameters: 1_000_000,
        dtypes: vec![("Q4_K".to_owned(), 8), ("F32".to_owned(), 4)],
        verdict: None,
        fault: None,
        findings: 0,
        bytes: 1000,
        shards: None,
        described_by: Vec::new(),
        claimed: Claims::default(),
    };
    assert_eq!(*card, want);
}

#[test]
fn an_index_and_what_it_names_are_one_card() {
    let found = cards(&[
        ("d/a b.safetensors", shard(100, 2, "one")),
        ("d/c.safetensors", shard(200, 3, "two")),
        ("d/model.safetensors.index.json", index(2, 3)),
        ("c.safetensors", shard(300, 1, "two")),
    ]);
    let [sharded, single] = &*found.cards else {
        panic!("{found:?}")
    };
    assert_eq!(
        paths(sharded),
        [
            "d/model.safetensors.index.json",
            "d/a b.safetensors",
            "d/c.safetensors"
        ]
    );
    assert_eq!(sharded.format.as_deref(), Some("safetensors"));
    assert_eq!((sharded.tensors, sharded.parameters), (5, 50));
    assert_eq!(sharded.bytes, 370);
    let dtypes = vec![("BF16".to_owned(), 6), ("F32".to_owned(), 2)];
    assert_eq!(sharded.dtypes, dtypes);
    let shards = sharded.shards.as_ref().unwrap();
    assert_eq!((shards.expected, shards.there), (2, 2));
    assert!(shards.is_whole(), "{shards:?}");
    assert_eq!(paths(single), ["c.safetensors"]);
    assert_eq!(single.shards, None);
}

#[test]
fn shards_that_are_missing_or_other_than_promised_are_named() {
    let found = cards(&[
        ("model.safetensors.index.json", index(2, 3)),
        ("a b.safetensors", shard(100, 7, "one")),
    ]);
    let [card] = &*found.cards else {
        panic!("{found:?}")
    };
    let shards = card.shards.as_ref().unwrap();
    assert!(!shards.is_whole());
    assert_eq!((shards.expected, shards.there), (2, 1));
    assert_eq!(
        shards.contradictions,
        [
            "model.safetensors.index.json names a b.safetensors, which has 7 tensors, not 2",
            "model.safetensors.index.json names c.safetensors, which is not there",
        ]
    );
}

#[test]
fn numbered_files_are_one_card() {
    let split = |number: u64, tensors: u64| {
        file(
            100 + usize::try_from(number).unwrap(),
            &[
                ("model.format", text("gguf")),
                ("model.tensors", Value::Unsigned(tensors)),
                ("model.split-number", Value::Unsigned(number)),
                ("model.split-count", Value::Unsigned(3)),
                ("model.split-tensors", Value::Unsigned(10)),
            ],
        )
    };
    let found = cards(&[
        ("m-00001-of-00003.gguf", split(0, 0)),
        ("other-00001-of-00003.gguf", split(1, 4)),
        ("m-00002-of-00003.gguf", split(1, 4)),
        ("m-00003-of-00003.gguf", split(2, 6)),
        ("other-00002-of-00003.gguf", split(1, 4)),
    ]);
    let [first, other] = &*found.cards else {
        panic!("{found:?}")
    };
    assert_eq!(first.files.len(), 3);
    assert_eq!(first.tensors, 10);
    assert!(first.shards.as_ref().unwrap().is_whole());
    let shards = other.shards.as_ref().unwrap();
    assert_eq!((shards.expected, shards.there), (3, 2));
    assert_eq!(
        shards.contradictions,
        ["two files say that they are number 1"]
    );
}

#[test]
fn a_file_in_an_archive_has_a_card_and_one_that_failed_a_fault() {
    let bench = Bench::new();
    let mut archive = Sketch::new();
    archive.file("m/a.pt", &noise(1, 500)).file("m/b.pt", b"x");
    archive.facts = [
        (0, "model.format", text("pytorch")),
        (0, "model.format-version", text("zip 3")),
        (0, "model.pickle-verdict", text("dangerous")),
        (0, "model.fault", text("zip/no-end: no end")),
        (0, "model.pickle-finding", text("12 GLOBAL os system: no")),
        (0, "model.pickle-finding", text("20 REDUCE: no")),
        (0, "model.pickle-findings-omitted", Value::Unsigned(5)),
        (1, "import.fault", text("pytorch 0.1.0: zip/no-end")),
    ]
    .map(|(subject, key, value)| fact(Some(subject), (key, value)))
    .to_vec();
    let image = bench.image(&[&archive]);
    let found = models(&bench.repository, &image).unwrap();
    let [card] = &*found.cards else {
        panic!("{found:?}")
    };
    assert_eq!(paths(card), ["m/a.pt"]);
    assert_eq!(card.bytes, 500);
    assert_eq!(card.format_version.as_deref(), Some("zip 3"));
    assert_eq!(card.verdict, Some(Severity::Dangerous));
    assert_eq!(card.findings, 7);
    assert_eq!(card.fault.as_deref(), Some("zip/no-end: no end"));
    let [fault] = &*found.faults else {
        panic!("{found:?}")
    };
    assert_eq!(fault.path, Some(path("m/b.pt")));
    assert_eq!(fault.reason, "pytorch 0.1.0: zip/no-end");
}

#[test]
fn strange_facts_do_no_harm() {
    let huge = |name: &str| {
        let size = name.len();
        file(
            size,
            &[
                ("model.format", Value::Unsigned(7)),
                ("model.format", text("second")),
                ("model.format-version", Value::Boolean(true)),
                ("model.tensors", Value::Unsigned(u64::MAX)),
                ("model.parameters", Value::Unsigned(u64::MAX)),
                ("model.context-length", text("many")),
                ("model.embedding-length", Value::Signed(-1)),
                (
                    "model.dtypes",
                    text("a:18446744073709551615,a:1,:,b,c:x,:3"),
                ),
                ("model.architecture", text("")),
                ("model.pickle-verdict", text("splendid")),
                ("model.pickle-findings-omitted", Value::Unsigned(u64::MAX)),
                ("model.pickle-finding", Value::Bytes(vec![0xff])),
                ("model.split-count", Value::Unsigned(u64::MAX)),
                ("model.split-number", Value::Unsigned(u64::MAX)),
                ("model.chat-template-sha256", text("none")),
                ("model.", text("empty")),
                ("model", text("short")),
                ("import.fault", Value::Unsigned(1)),
                ("import.not-handed-on", Value::Unsigned(u64::MAX)),
                ("import.not-handed-on", text("some")),
            ],
        )
    };
    let found = cards(&[("m-1-of-2", huge("m")), ("m-2-of-2", huge("mm"))]);
    let [card] = &*found.cards else {
        panic!("{found:?}")
    };
    assert_eq!(card.format, None);
    assert_eq!((card.tensors, card.parameters), (u64::MAX, u64::MAX));
    assert_eq!(card.findings, u64::MAX);
    assert_eq!(card.verdict, Some(Severity::Dangerous));
    assert_eq!(card.architecture, None);
    let dtypes = vec![("a".to_owned(), u64::MAX), (String::new(), 6)];
    assert_eq!(card.dtypes, dtypes);
    assert_eq!(found.faults.len(), 2);
    assert_eq!(found.not_handed_on, u64::MAX);

    let mut lost = index(0, 0);
    lost.facts
        .push(fact(Some(7), ("model.shard.%ZZ", Value::Unsigned(1))));
    lost.entries.push(Entry {
        ..entry(EntryKind::Part, path("x"))
    });
    let found = cards(&[("i", lost)]);
    assert_eq!(found.cards[0].shards.as_ref().unwrap().there, 0);
    assert_eq!(found.cards[0].format.as_deref(), Some("safetensors"));
}

/// What `config.json` says, and nothing of a format.
fn description(size: usize, architecture: &str) -> Sketch {
    file(
        size,
        &[
            ("model.architecture", text(architecture)),
            ("model.context-length", Value::Unsigned(4096)),
        ],
    )
}

#[test]
fn a_file_beside_fills_in_what_the_weights_do_not_say() {
    let mut stated = shard(300, 1, "x");
    stated
        .facts
        .push(fact(None, ("model.architecture", text("own"))));
    let tokenizer = file(
        40,
        &[
            ("model.tokenizer", text("T")),
            ("model.chat-template-sha256", names("template")),
        ],
    );
    let found = cards(&[
        ("config.json", description(30, "root")),
        ("d/config.json", description(50, "Llama")),
        ("d/model.safetensors.index.json", index(2, 3)),
        ("d/a b.safetensors", shard(100, 2, "one")),
        ("d/c.safetensors", shard(200, 3, "two")),
        ("d/tokenizer_config.json", tokenizer),
        ("e/x.safetensors", stated),
        ("e/config.json", description(20, "other")),
        ("f/x.safetensors", shard(400, 1, "f")),
        ("g/config.json", description(21, "alone")),
    ]);
    let [sharded, stated, bare] = &*found.cards else {
        panic!("{found:?}")
    };
    let beside = |card: &ModelCard| -> Vec<String> {
        let path = |file: &ModelFile| file.path.as_ref().unwrap().to_string();
        card.described_by.iter().map(path).collect()
    };
    assert_eq!(
        beside(sharded),
        ["d/config.json", "d/tokenizer_config.json"]
    );
    assert_eq!(sharded.architecture.as_deref(), Some("Llama"));
    assert_eq!(sharded.context_length, Some(4096));
    assert_eq!(sharded.tokenizer.as_deref(), Some("T"));
    assert_eq!(
        sharded.chat_template,
        Some(ContentDigest::sha256(b"template"))
    );
    // They are no weights.
    assert_eq!((sharded.files.len(), sharded.bytes), (3, 370));
    assert_eq!(sharded.shards.as_ref().unwrap().there, 2);
    // What the weights say stands.
    assert_eq!(stated.architecture.as_deref(), Some("own"));
    assert_eq!(stated.context_length, Some(4096));
    assert_eq!(beside(stated), ["e/config.json"]);
    assert_eq!(bare.architecture, None);
    assert_eq!(beside(bare), [""; 0]);
}

#[test]
fn a_file_out_of_the_same_archive_comes_first() {
    let bench = Bench::new();
    let archive = |architecture: &str, seed: u64| {
        let mut archive = Sketch::new();
        archive
            .file("config.json", &noise(seed, 80))
            .file("model.safetensors", &noise(seed + 1, 500));
        archive.facts = vec![
            fact(Some(0), ("model.architecture", text(architecture))),
            fact(Some(1), ("model.format", text("safetensors"))),
        ];
        archive
    };
    let (one, two) = (archive("one", 1), archive("two", 3));
    let image = bench.artifact(&[(&one, &[], true), (&two, &[], true)]);
    let found = models(&bench.repository, &image).unwrap();
    let architectures: Vec<_> = found
        .cards
        .iter()
        .map(|card| card.architecture.as_deref().unwrap())
        .collect();
    assert_eq!(architectures, ["one", "two"]);
    assert_eq!(found.cards[1].described_by.len(), 2);
}

const CONFIG: (&str, &[u8]) = (
    "application/vnd.cncf.model.config.v1+json",
    br#"{"descriptor":{"name":"packed","family":"f","licenses":["mit"]},
        "config":{"architecture":"llama","format":"gguf","paramSize":"7b","precision":"f16"}}"#,
);

fn claimed(files: &[Sketch]) -> Models {
    let bench = Bench::new();
    let blobs: Vec<_> = files.iter().map(|file| (file, &[][..], true)).collect();
    models(&bench.repository, &bench.artifact_of(CONFIG, &blobs, &[])).unwrap()
}

#[test]
fn claims_stand_only_where_no_importer_says_anything() {
    let said = [
        ("model.format", text("gguf")),
        ("model.tensors", Value::Unsigned(1)),
        ("model.dtypes", text("F32:1")),
        ("model.name", text("own")),
    ];
    let found = claimed(&[file(9, &said)]);
    let [card] = &*found.cards else {
        panic!("{found:?}")
    };
    let owned = |text: &str| Some(text.to_owned());
    assert_eq!(card.name, owned("own"));
    assert_eq!((&card.architecture, &card.licence), (&None, &None));
    assert_eq!(
        card.claimed,
        Claims {
            family: owned("f"),
            licence: owned("mit"),
            architecture: owned("llama"),
            ..Claims::default()
        }
    );
    assert_eq!(found.claims, None);
}

#[test]
fn claims_are_not_shared_out_among_models() {
    let model = |size| file(size, &[("model.format", text("gguf"))]);
    for files in [vec![file(5, &[])], vec![model(6), model(7)]] {
        let found = claimed(&files);
        let claims = found.claims.unwrap();
        assert_eq!(claims.name.as_deref(), Some("packed"));
        assert_eq!(claims.parameters.as_deref(), Some("7b"));
        assert!(found.cards.iter().all(|card| card.claimed.is_empty()));
    }
}
