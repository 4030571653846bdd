//! One input for each way in which files are known to be broken or bent.

use lazaret_plugin_gguf::Rule;

/// The bytes, and the rule that they break.
pub type Case = (Vec<u8>, Rule);

const U32: u32 = 4;
const STRING: u32 = 8;
const ARRAY: u32 = 9;
const I8: u32 = 24;

fn text(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

fn key(name: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [
        text(name.as_bytes()),
        kind.to_le_bytes().to_vec(),
        value.to_vec(),
    ]
    .concat()
}

fn array(kind: u32, count: u64, elements: &[u8]) -> Vec<u8> {
    let head = [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    key("k", ARRAY, &[&head, elements].concat())
}

fn tensor(name: &str, dimensions: &[u64], dtype: u32, offset: u64) -> Vec<u8> {
    let mut bytes = text(name.as_bytes());
    bytes.extend((dimensions.len() as u32).to_le_bytes());
    bytes.extend(dimensions.iter().flat_map(|size| size.to_le_bytes()));
    bytes.extend(dtype.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

/// With two blocks of data behind the index.
fn file(version: u32, keys: &[Vec<u8>], tensors: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    file.extend(version.to_le_bytes());
    file.extend((tensors.len() as u64).to_le_bytes());
    file.extend((keys.len() as u64).to_le_bytes());
    file.extend(keys.concat());
    file.extend(tensors.concat());
    file.resize(file.len().next_multiple_of(32) + 64, 0);
    file
}

/// All of them.
#[must_use]
pub fn malformed() -> Vec<Case> {
    let one = |name| tensor(name, &[32], I8, 0);
    let alignment = |value: u32| key("general.alignment", U32, &value.to_le_bytes());
    let long = "n".repeat(64);
    let mut cases = vec![
        (b"GGML\x03\0\0\0".to_vec(), Rule::Magic),
        (file(0, &[], &[]), Rule::VersionZero),
        (file(1, &[], &[]), Rule::VersionOne),
        (file(4, &[], &[]), Rule::VersionUnknown),
        (file(0x0300_0000, &[], &[]), Rule::ByteSwapped),
        (b"GGUF\x03\0\0\0\0".to_vec(), Rule::TruncatedHeader),
    ];
    for (at, count, rule) in [
        (8, u64::MAX, Rule::NegativeCount),
        (16, u64::MAX, Rule::NegativeCount),
        (8, 1 << 62, Rule::CountBeyondEnd),
        (16, 1 << 62, Rule::CountBeyondEnd),
    ] {
        let mut bytes = file(3, &[], &[]);
        bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
        cases.push((bytes, rule));
    }
    for (keys, rule) in [
        (vec![alignment(0)], Rule::AlignmentValue),
        (vec![alignment(33)], Rule::AlignmentValue),
        (vec![alignment(0x8000_0000)], Rule::AlignmentTooLarge),
        (
            vec![key("general.alignment", 10, &32_u64.to_le_bytes())],
            Rule::AlignmentType,
        ),
        (vec![alignment(32), alignment(32)], Rule::DuplicateKey),
        (vec![key("", U32, &[0; 4])], Rule::EmptyKey),
        (vec![key("k", 13, &[0; 4])], Rule::ValueType),
        (vec![key("k", 7, &[2])], Rule::BoolValue),
        (
            vec![key("k", STRING, &u64::MAX.to_le_bytes())],
            Rule::StringLength,
        ),
        (
            vec![key("k", STRING, &(1_u64 << 29).to_le_bytes())],
            Rule::StringBeyondEnd,
        ),
        (vec![array(10, 1 << 61, &[])], Rule::ArrayLength),
        (vec![array(10, 1 << 29, &[])], Rule::ArrayBeyondEnd),
        (vec![array(ARRAY, 1, &[0; 12])], Rule::NestedArray),
    ] {
        cases.push((file(3, &keys, &[one("a")]), rule));
    }
    for (tensors, rule) in [
        (vec![tensor("a", &[32], I8, 32)], Rule::Offset),
        (vec![one("a"), tensor("b", &[32], I8, 0)], Rule::Offset),
        (
            vec![one("a"), tensor("a", &[32], I8, 32)],
            Rule::DuplicateName,
        ),
        (vec![one("")], Rule::EmptyName),
        (vec![one(&long)], Rule::NameLength),
        (vec![one("a\0b")], Rule::NameText),
        (vec![tensor("a", &[1; 5], I8, 0)], Rule::Dimensions),
        (
            vec![tensor("a", &[u64::MAX], I8, 0)],
            Rule::NegativeDimension,
        ),
        (
            vec![tensor("a", &[1 << 32, 1 << 32], I8, 0)],
            Rule::ElementsOverflow,
        ),
        (vec![tensor("a", &[1 << 62], 28, 0)], Rule::SizeOverflow),
        (vec![tensor("a", &[33], 2, 0)], Rule::PartialBlock),
        (vec![tensor("a", &[32], 4, 0)], Rule::TypeGone),
        (vec![tensor("a", &[32], 31, 0)], Rule::TypeGone),
        (vec![tensor("a", &[32], 99, 0)], Rule::TypeUnknown),
        (vec![tensor("a", &[1 << 20], I8, 0)], Rule::TensorBeyondEnd),
    ] {
        cases.push((file(3, &[], &tensors), rule));
    }
    let mut behind = file(3, &[], &[one("a")]);
    behind.resize(behind.len() + 64, 1);
    cases.push((behind, Rule::TrailingData));
    cases
}
