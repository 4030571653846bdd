//! The GGUF importer over any bytes.
//!
//! 1. It does not panic.
//! 2. It says the same however its reads are cut up, and reads nothing twice.
//! 3. Tensors of a sound file lie within it, behind its index, in order and without overlaps, each
//!    aligned; what lies between them and behind them is less than the alignment.
//! 4. Sizes are those of elements and blocks; names are unique, short, and hold no NUL.
//! 5. The cuts of a sound file add up to its length; none is empty, no two inline ones are
//!    neighbours, and each tensor lies in one of them.
//! 6. Facts' keys and values are such as the host takes.
//! 7. A fault lies within the input.

pub mod malformed;

use std::collections::HashSet;

use lazaret_plugin_gguf::limits::READ_MAX;
use lazaret_plugin_gguf::{Dtype, Fact, Model, Segment, Statement, Storage, replay};

/// Reads are cut up according to these; zero is not at all.
const SEEDS: [u64; 2] = [1, 0x9e37_79b9_7f4a_7c15];

/// Holds the importer to the invariants.
///
/// # Panics
/// When one of them does not hold.
pub fn check(data: &[u8]) {
    let first = replay(data, 0);
    for seed in SEEDS {
        match (&first, replay(data, seed)) {
            (Ok(first), Ok(other)) => {
                assert_eq!(first.model, other.model, "seed {seed}");
                assert_eq!(first.facts, other.facts, "seed {seed}");
                assert_eq!(first.cuts, other.cuts, "seed {seed}");
            }
            (first, other) => assert_eq!(*first, other, "seed {seed}"),
        }
    }
    let length = data.len() as u64;
    match first {
        Ok(replay) => {
            assert_eq!(replay.model.size, length);
            assert_eq!(replay.reads, replay.model.index.div_ceil(READ_MAX.into()));
            check_tensors(&replay.model);
            check_cuts(&replay.cuts, &replay.model);
            replay.facts.iter().for_each(check_fact);
        }
        Err(fault) => assert!(fault.at.offset + fault.at.length <= length, "{fault:?}"),
    }
}

fn check_tensors(model: &Model) {
    let alignment = u64::from(model.alignment);
    let mut names = HashSet::new();
    let mut end = model.index;
    let mut data = None;
    for tensor in &model.tensors {
        let data = *data.get_or_insert(tensor.offset);
        assert!(tensor.offset >= end && tensor.offset - end < alignment);
        assert!(tensor.offset.is_multiple_of(alignment) && data >= model.index);
        end = tensor.offset.checked_add(tensor.length).expect("an end");
        let blocks = tensor.elements() / tensor.dtype.block_elements();
        assert_eq!(tensor.length, blocks * tensor.dtype.block_bytes());
        assert!((1..64).contains(&tensor.name.len()) && !tensor.name.contains('\0'));
        assert!(names.insert(&tensor.name), "{} comes twice", tensor.name);
    }
    assert!(end <= model.size && model.size - end < alignment);
}

fn check_cuts(cuts: &[Segment], model: &Model) {
    assert!(cuts.iter().all(|cut| cut.length > 0));
    let inline = |cut: &Segment| cut.storage == Storage::Inline;
    assert!(
        cuts.windows(2)
            .all(|pair| !(inline(&pair[0]) && inline(&pair[1])))
    );
    let mut ends = cuts.iter().scan(0, |end, cut| {
        *end += cut.length;
        Some((*end - cut.length, *end))
    });
    let mut cut = (0, 0);
    for tensor in model.tensors.iter().filter(|tensor| tensor.length > 0) {
        while cut.1 <= tensor.offset {
            cut = ends.next().expect("the cuts add up to the length");
        }
        assert!(cut.0 <= tensor.offset && tensor.offset + tensor.length <= cut.1);
    }
    let sum: u64 = cuts.iter().map(|cut| cut.length).sum();
    assert_eq!(sum, model.size);
}

fn check_fact(fact: &Fact) {
    let printable = fact.key.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(printable && fact.key.len() <= 128, "{}", fact.key);
    if let Statement::Text(text) = &fact.value {
        assert!(
            text.len() <= 64 * 1024,
            "{}: {} bytes",
            fact.key,
            text.len()
        );
    }
}

/// Sound files to begin with, and a few that are not.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let string = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let number = |number: u32| number.to_le_bytes().to_vec();
    let text = |text| [number(8), string(text)].concat();
    let array = |kind, count: u64, bytes: Vec<u8>| {
        [number(9), number(kind), count.to_le_bytes().to_vec(), bytes].concat()
    };
    let tokens = array(8, 70, string("tok").repeat(70));
    let keys = vec![
        ("general.architecture", text("llama")),
        ("llama.context_length", [number(4), number(4096)].concat()),
        ("general.file_type", [number(4), number(15)].concat()),
        (
            "tokenizer.chat_template",
            text("{% for message in messages %}"),
        ),
        ("tokenizer.ggml.tokens", tokens),
        ("a", array(7, 3, vec![0, 1, 1])),
        ("b", array(2, 2, vec![1, 2, 3, 4])),
        ("c", [number(7), vec![1]].concat()),
    ];
    let aligned = vec![("general.alignment", [number(4), number(8)].concat())];
    let few: Vec<_> = Dtype::all().take(3).collect();
    vec![
        file(3, 32, &keys, &[]),
        file(3, 32, &keys, &few),
        file(2, 8, &aligned, &Dtype::all().collect::<Vec<_>>()),
        file(3, 32, &[], &few),
        file(1, 32, &keys, &few),
        file(0x0300_0000, 32, &keys, &few),
    ]
}

/// Two blocks, or rows, of each type.
fn file(version: u32, alignment: usize, keys: &[(&str, Vec<u8>)], types: &[Dtype]) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    file.extend(version.to_le_bytes());
    file.extend((types.len() as u64).to_le_bytes());
    file.extend((keys.len() as u64).to_le_bytes());
    for (key, value) in keys {
        file.extend((key.len() as u64).to_le_bytes());
        file.extend(key.as_bytes());
        file.extend(value);
    }
    let mut data = Vec::new();
    for dtype in types {
        let name = dtype.name();
        file.extend((name.len() as u64).to_le_bytes());
        file.extend(name.as_bytes());
        file.extend(2_u32.to_le_bytes());
        file.extend(dtype.block_elements().to_le_bytes());
        file.extend(2_u64.to_le_bytes());
        file.extend(dtype.number().to_le_bytes());
        file.extend((data.len() as u64).to_le_bytes());
        let bytes = usize::try_from(2 * dtype.block_bytes()).expect("a few blocks");
        data.resize(data.len() + bytes, 0x5a);
        data.resize(data.len().next_multiple_of(alignment), 0);
    }
    file.resize(file.len().next_multiple_of(alignment), 0);
    file.extend(data);
    file
}
