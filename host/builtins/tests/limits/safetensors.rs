//! Headers and indexes of every size.

use std::fmt::Write as _;

use lazaret_engine::FaultKind;

use crate::hollow::{Hollow, Outcome, run};

const FILE: &str = "application/x-safetensors";
const INDEX: &str = "application/x-safetensors-index+json";

/// The format's own cap.
const HEADER_MAX: usize = 100_000_000;

/// Tensors of so many bytes each, with a name made of their number.
fn header(count: u64, shape: &str, bytes: u64, name: impl Fn(u64) -> String) -> String {
    let mut text = String::from("{");
    for number in 0..count {
        let (begin, end) = (number * bytes, (number + 1) * bytes);
        let name = name(number);
        write!(
            text,
            r#""{name}":{{"dtype":"U8","shape":{shape},"data_offsets":[{begin},{end}]}},"#
        )
        .expect("a string takes any text");
    }
    if count > 0 {
        text.pop();
    }
    text.push('}');
    text
}

fn file(text: String, data: u64) -> Hollow {
    let mut file = Hollow::default();
    file.push((text.len() as u64).to_le_bytes());
    file.push(text.into_bytes());
    file.zeros(data);
    file
}

fn both(file: &Hollow) -> [Outcome; 2] {
    [false, true].map(|split| run("safetensors", FILE, file.clone(), split))
}

#[test]
fn ten_thousand_tensors_are_cheap() {
    let name = |number| format!("model.layers.{}.mlp.experts.{number}.weight", number / 100);
    let file = file(header(10_000, "[64,64]", 4096, name), 10_000 * 4096);
    let [whole, split] = both(&file);
    assert_eq!((whole.record.parts, whole.record.objects), (10_000, 1));
    assert_eq!((split.record.parts, split.record.objects), (10_000, 10_001));
    // Of the 2,000,000,000 that any file has, and 1000 for each of its bytes.
    assert!(whole.report().fuel < 500_000_000, "{:?}", whole.report());
    assert!(split.report().fuel < 800_000_000, "{:?}", split.report());
}

#[test]
fn a_file_of_every_limit_fits() {
    // Names of 16 MiB and a million dimensions in all, and metadata before and behind them.
    let mut text = header(200_000, "[1,2,2,2,512]", 4096, |number| {
        format!("{number:083}")
    });
    let long = "v".repeat(5000);
    let mut metadata = String::from(r#"{"__metadata__":{"#);
    for number in 0..3000 {
        let key = "k".repeat(2000);
        write!(metadata, r#""{key}{number}":"{long}","#).expect("a string takes any text");
    }
    metadata.pop();
    metadata.push_str("},");
    text.replace_range(..1, &metadata);
    let file = file(text, 200_000 * 4096);
    let [whole, split] = both(&file);
    assert_eq!(whole.report().entries, 200_000);
    assert_eq!(split.record.objects, 200_001);
}

#[test]
fn metadata_behind_the_tensors_fits_or_is_named() {
    let mut text = header(200_000, "[1,2,2,2,512]", 4096, |number| {
        format!("{number:083}")
    });
    text.pop();
    text.push_str(r#","__metadata__":{"#);
    for number in 0..4000 {
        let key = "k".repeat(4000);
        write!(text, r#""{key}{number}":"","#).expect("a string takes any text");
    }
    text.pop();
    text.push_str("}}");
    let [whole, _] = both(&file(text, 200_000 * 4096));
    assert_eq!(
        whole.fault(),
        (FaultKind::Unsupported, "names are too large together")
    );
}

#[test]
fn a_header_of_a_hundred_megabytes_is_read() {
    let mut padded = String::from("{}");
    padded.push_str(&" ".repeat(HEADER_MAX - 2));
    let long = format!(
        r#"{{"__metadata__":{{"x":"{}"}}}}"#,
        "é".repeat((HEADER_MAX - 30) / 2)
    );
    for text in [padded, long] {
        for outcome in both(&file(text, 0)) {
            assert_eq!(outcome.report().entries, 0);
        }
    }
    let one_more = " ".repeat(HEADER_MAX + 1);
    for outcome in both(&file(one_more, 0)) {
        assert_eq!(outcome.fault().0, FaultKind::Malformed);
    }
}

#[test]
fn what_is_too_much_is_named() {
    let name = |number: u64| number.to_string();
    let long = |number: u64| format!("{number:0>16000}");
    let deep = format!("[{}1]", "1,".repeat(63));
    let too_deep = format!("[{}1]", "1,".repeat(64));
    for (text, bytes, reason) in [
        (
            header(200_001, "[0]", 0, name),
            0,
            "too many tensors or keys",
        ),
        (
            header(1100, "[0]", 0, long),
            0,
            "names are too large together",
        ),
        (
            header(20_000, &deep, 1, name),
            20_000,
            "tensors have too many dimensions together",
        ),
        (
            header(1, &too_deep, 1, name),
            1,
            "tensor has too many dimensions",
        ),
    ] {
        for outcome in both(&file(text.clone(), bytes)) {
            assert_eq!(outcome.fault(), (FaultKind::Unsupported, reason));
        }
    }
}

#[test]
fn a_file_of_a_hundred_gigabytes_is_split() {
    let name = |number| format!("t{number}");
    let each = 25_u64 << 30;
    let shape = format!("[{each}]");
    let file = file(header(4, &shape, each, name), 4 * each);
    let [whole, split] = both(&file);
    assert_eq!(whole.record.objects, 1);
    assert_eq!(split.record.objects, 4);
    let last = split.record.last.expect("four tensors");
    assert_eq!(
        last.content,
        [lazaret_artifact::Extent::Input {
            offset: file.size - each,
            length: each,
        }]
    );
}

fn index(names: u64, name: impl Fn(u64) -> String, shards: u64) -> Hollow {
    let mut text = String::from(r#"{"metadata":{"total_size":1},"weight_map":{"#);
    for number in 0..names {
        let (name, shard) = (name(number), number % shards);
        let pad = "s".repeat(200);
        write!(text, r#""{name}":"{pad}-{shard}.safetensors","#).expect("a string takes any text");
    }
    text.pop();
    text.push_str("}}");
    let mut file = Hollow::default();
    file.push(text.into_bytes());
    file
}

#[test]
fn an_index_of_every_limit_fits() {
    let file = index(200_000, |number| format!("{number:083}"), 10_000);
    let outcome = run("safetensors", INDEX, file, false);
    assert!(outcome.report().facts > 20_000);
    let file = index(10_001, |number| number.to_string(), 10_001);
    let outcome = run("safetensors", INDEX, file, false);
    assert_eq!(
        outcome.fault(),
        (FaultKind::Unsupported, "index names too many shards")
    );
}

/// Names of open objects are held: those within each other share the room for them.
#[test]
fn names_within_names_do_not_add_up() {
    let mut text = String::from("{");
    for level in 0..6 {
        for number in 0..1000 {
            write!(text, r#""{level}{number:0>15000}":0,"#).expect("a string takes any text");
        }
        text.push_str(r#""in":{"#);
    }
    text.push_str(&"}".repeat(7));
    let mut file = Hollow::default();
    file.push(text.into_bytes());
    let outcome = run("safetensors", INDEX, file, false);
    assert_eq!(
        outcome.fault(),
        (FaultKind::Unsupported, "names are too large together")
    );
}

#[test]
fn nesting_ends_before_the_stack() {
    for depth in [14, 5000] {
        let mut file = Hollow::default();
        let text = format!(
            r#"{{"weight_map":{{}},"x":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        );
        file.push(text.into_bytes());
        let outcome = run("safetensors", INDEX, file, false);
        if depth == 14 {
            assert_eq!(outcome.report().entries, 0);
        } else {
            assert_eq!(outcome.fault().0, FaultKind::Unsupported);
        }
    }
}
