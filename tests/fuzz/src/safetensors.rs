//! The safetensors importer over any bytes, taken for a file and for an index of shards.
//!
//! 1. It does not panic.
//! 2. It says the same however its reads are cut up.
//! 3. The tensors of a sound file follow each other without a gap, from the end of the header to the
//!    end of the file.
//! 4. The cuts of a sound file add up to its length; none is empty, and no two inline ones are
//!    neighbours.
//! 5. A fault lies within the input.
//! 6. Paths are relative and clean, and no two tensors have the same; keys are printable.
//! 7. The header and the index are JSON to `serde_json`, too, with the same number of tensors; but
//!    what an index does not use may be a number beyond a float's range.
//! 8. A shard that an index names is a plain file name.

pub mod malformed;

use std::collections::HashSet;

use lazaret_plugin_safetensors::{Fact, Kind, Replay, Storage, Value, replay};

/// Reads are cut up according to these; zero is not at all.
const SEEDS: [u64; 3] = [0, 1, 0x9e37_79b9_7f4a_7c15];

/// Holds the importer to the invariants.
pub fn check(data: &[u8]) {
    for kind in [Kind::File, Kind::Index] {
        let first = replay(data, kind, SEEDS[0]);
        for seed in &SEEDS[1..] {
            assert_eq!(replay(data, kind, *seed), first, "seed {seed}");
        }
        match (&first, kind) {
            (Ok(replay), Kind::File) => check_file(data, replay),
            (Ok(replay), Kind::Index) => check_index(data, replay),
            (Err(fault), _) => {
                let end = fault.at.offset.checked_add(fault.at.length);
                assert!(end.is_some_and(|end| end <= data.len() as u64), "{fault:?}");
            }
        }
    }
}

fn check_file(data: &[u8], replay: &Replay) {
    let length: [u8; 8] = data[..8].try_into().expect("eight bytes");
    let length = usize::try_from(u64::from_le_bytes(length)).expect("it is within the file");
    let header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&data[8..8 + length]).expect("an object");
    let described = header.keys().filter(|key| *key != "__metadata__").count();
    assert_eq!(described, replay.parts.len());

    let mut next = 8 + length as u64;
    let mut paths = HashSet::new();
    for part in &replay.parts {
        assert_eq!(part.offset, next, "{part:?}");
        next += part.length;
        assert!(
            part.path.len() <= 4095 && !part.path.contains('\0'),
            "{part:?}"
        );
        for component in part.path.split('/') {
            let plain = !matches!(component, "" | "." | "..") && component.len() <= 255;
            assert!(plain, "{part:?}");
        }
        assert!(paths.insert(&part.path), "{part:?}");
    }
    assert_eq!(next, data.len() as u64);

    let sum: u64 = replay.cuts.iter().map(|cut| cut.length).sum();
    assert_eq!(sum, data.len() as u64);
    assert!(replay.cuts.iter().all(|cut| cut.length > 0));
    assert!(
        !replay
            .cuts
            .windows(2)
            .any(|pair| { pair.iter().all(|cut| cut.storage == Storage::Inline) })
    );
    check_facts(&replay.facts);
}

fn check_index(data: &[u8], replay: &Replay) {
    let index: serde_json::Value = match serde_json::from_slice(data) {
        Ok(index) => index,
        Err(error) => {
            assert!(
                error.to_string().starts_with("number out of range"),
                "{error}"
            );
            return;
        }
    };
    let map = index["weight_map"].as_object().expect("a weight map");
    for file in map.values() {
        let file = file.as_str().expect("a name");
        assert!(file.ends_with(".safetensors"), "{file:?}");
        assert!(!file.contains(['/', '\\', '\0']), "{file:?}");
    }
    assert!(replay.parts.is_empty() && replay.cuts.is_empty());
    let counts = replay.facts.iter().filter_map(|fact| match fact.value {
        Value::Unsigned(count) if fact.key.starts_with("model.shard.") => Some(count),
        _ => None,
    });
    assert_eq!(counts.sum::<u64>(), map.len() as u64);
    check_facts(&replay.facts);
}

fn check_facts(facts: &[Fact]) {
    for fact in facts {
        let key = fact.key.as_bytes();
        assert!(
            key.len() <= 128 && key.iter().all(u8::is_ascii_graphic),
            "{fact:?}"
        );
        assert!(
            key.starts_with(b"model.") || key.starts_with(b"file."),
            "{fact:?}"
        );
        if let Value::Text(text) = &fact.value {
            assert!(text.len() <= 4096 + 64, "{}", fact.key);
        }
    }
}

/// Files and indexes to begin with.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let file = |header: &str, data: usize| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 7);
        bytes
    };
    let long = "x".repeat(5000);
    let header = r#"{"__metadata__":{"format":"pt","modelspec.title":"\ud83d\ude00"},
        "b":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},
        "a/../\u0000":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
        "c":{"shape":[4],"data_offsets":[12,14],"dtype":"F4"},
        "e":{"dtype":"F64","shape":[0,18446744073709551615],"data_offsets":[4,4]}}   "#;
    vec![
        file("{}", 0),
        file(header, 14),
        file(
            r#"{"big":{"dtype":"BF16","shape":[64,64],"data_offsets":[1,8193]},"":{"dtype":"I8","shape":[],"data_offsets":[0,1]}}"#,
            8193,
        ),
        file(&format!(r#"{{"__metadata__":{{"{long}":"é{long}"}}}}"#), 0),
        file(
            r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
            1,
        ),
        br#"{"metadata":{"total_size":24.0,"x":[1.5e3,null,{"a":true}]},"weight_map":
            {"b":"model-00002-of-00002.safetensors","a":"model-00001-of-00002.safetensors"}}
        "#
        .to_vec(),
        br#"{"weight_map":{"a":"../a.safetensors"}}"#.to_vec(),
    ]
}
