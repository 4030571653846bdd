//! Indexes of every size.

use lazaret_engine::FaultKind;

use crate::hollow::{Hollow, Outcome, run};

const FILE: &str = "application/x-gguf";

const I8: u32 = 24;

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn string_key(name: &str, value: &str) -> Vec<u8> {
    [text(name), 8_u32.to_le_bytes().to_vec(), text(value)].concat()
}

/// A file with these keys and `tensors` tensors of `bytes` bytes, a multiple of 32.
fn file(keys: &[Vec<u8>], tensors: u64, bytes: u64, name: impl Fn(u64) -> String) -> Hollow {
    let mut index = b"GGUF\x03\0\0\0".to_vec();
    index.extend(tensors.to_le_bytes());
    index.extend((keys.len() as u64).to_le_bytes());
    index.extend(keys.concat());
    for number in 0..tensors {
        index.extend(text(&name(number)));
        index.extend(4_u32.to_le_bytes());
        for dimension in [bytes, 1, 1, 1] {
            index.extend(dimension.to_le_bytes());
        }
        index.extend(I8.to_le_bytes());
        index.extend((number * bytes.next_multiple_of(32)).to_le_bytes());
    }
    let mut file = Hollow::default();
    file.zeros(0);
    file.push(index);
    let start = file.size.next_multiple_of(32) - file.size;
    file.zeros(start + tensors * bytes.next_multiple_of(32));
    file
}

fn both(file: &Hollow) -> [Outcome; 2] {
    [false, true].map(|split| run("gguf", FILE, file.clone(), split))
}

#[test]
fn a_file_of_every_limit_fits() {
    // All keys that are remembered with values of the longest that is stated, and as many others as
    // there may be; names as long as they may be; padding behind every tensor.
    let keys: Vec<_> = (0..65_536)
        .map(|number| {
            let value = if number < 1000 { 5000 } else { 1 };
            string_key(&format!("key.{number:0>100}"), &"v".repeat(value))
        })
        .collect();
    let file = file(&keys, 200_000, 4097, |number| format!("{number:0>63}"));
    let [whole, split] = both(&file);
    assert_eq!((whole.report().entries, whole.record.objects), (200_000, 1));
    assert_eq!(split.record.objects, 200_001);
}

#[test]
fn keys_as_long_as_they_may_be_fit() {
    let keys: Vec<_> = (0..1100)
        .map(|number| string_key(&format!("{number:0>65535}"), "v"))
        .collect();
    let file = file(&keys, 1, 32, |_| "t".to_owned());
    for outcome in both(&file) {
        assert_eq!(outcome.report().entries, 1);
    }
}

#[test]
fn a_hundred_megabytes_of_tokens_are_read() {
    let count = 4_000_000_u64;
    let mut elements = Vec::new();
    for number in 0..count {
        elements.extend(text(&format!("token{number:0>12}")));
    }
    let mut key = text("tokenizer.ggml.tokens");
    key.extend(9_u32.to_le_bytes());
    key.extend(8_u32.to_le_bytes());
    key.extend(count.to_le_bytes());
    key.extend(elements);
    let file = file(&[key], 1, 32, |_| "t".to_owned());
    assert!(file.size > 100_000_000);
    let [whole, _] = both(&file);
    assert_eq!(whole.report().entries, 1);
}

#[test]
fn what_is_too_much_is_named() {
    let many = file(&[], 200_001, 32, |number| number.to_string());
    for outcome in both(&many) {
        assert_eq!(
            outcome.fault(),
            (FaultKind::Unsupported, "too many tensors")
        );
    }
    let keys = vec![string_key("k", ""); 65_537];
    for outcome in both(&file(&keys, 0, 0, |_| String::new())) {
        assert_eq!(outcome.fault(), (FaultKind::Unsupported, "too many keys"));
    }
}

#[test]
fn a_file_of_a_hundred_gigabytes_is_split() {
    let file = file(&[], 4, 25 << 30, |number| format!("t{number}"));
    let [whole, split] = both(&file);
    assert_eq!((whole.record.objects, split.record.objects), (1, 4));
}
