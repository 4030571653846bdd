//! The ONNX importer over any bytes.
//!
//! 1. It does not panic.
//! 2. It says the same however its reads are cut up.
//! 3. The values of tensors lie within the input, one behind the other, and none is empty.
//! 4. The cuts of a sound model add up to its length; none is empty, and no two inline ones are
//!    neighbours.
//! 5. A fault lies within the input.
//! 6. Names of tensors are unique, and so are their paths, which are relative and clean; keys are
//!    printable, and values are no longer than the host takes.
//! 7. Values that are kept in their own width have the size that type and shape say.
//! 8. Locations lead downwards from the model's folder, and ranges are those of a file.

pub mod malformed;

use std::collections::HashSet;

use lazaret_plugin_onnx::{Data, Encoding, Part, Replay, Storage, Value, replay};

/// Reads are cut up according to these; zero is not at all.
const SEEDS: [u64; 3] = [0, 1, 0x9e37_79b9_7f4a_7c15];

/// Bytes of a value: what the host takes.
const VALUE_MAX: usize = 64 * 1024;

/// Holds the importer to the invariants.
pub fn check(data: &[u8]) {
    let first = replay(data, SEEDS[0]);
    for seed in &SEEDS[1..] {
        assert_eq!(replay(data, *seed), first, "seed {seed}");
    }
    let size = data.len() as u64;
    match &first {
        Ok(replay) => check_sound(replay, size),
        Err(fault) => {
            let end = fault.at.offset.checked_add(fault.at.length);
            assert!(end.is_some_and(|end| end <= size), "{fault:?}");
        }
    }
}

fn check_sound(replay: &Replay, size: u64) {
    let mut at = 0;
    let mut names = HashSet::new();
    let mut paths = HashSet::new();
    for part in &replay.parts {
        if let Some(span) = part.content() {
            assert!(
                span.length > 0 && span.offset >= at && span.end() <= size,
                "{part:?}"
            );
            at = span.end();
        }
        assert!(names.insert(part.name.clone()), "{part:?}");
        assert!(paths.insert(part.path().into_owned()), "{part:?}");
        check_part(part);
    }
    assert_eq!(replay.summary.tensors, replay.parts.len() as u64);

    assert_eq!(replay.cuts.iter().map(|cut| cut.length).sum::<u64>(), size);
    assert!(replay.cuts.iter().all(|cut| cut.length > 0));
    let inline = |storage: Storage| storage == Storage::Inline;
    let mut pairs = replay.cuts.windows(2);
    assert!(pairs.all(|pair| !(inline(pair[0].storage) && inline(pair[1].storage))));

    for fact in &replay.facts {
        let printable = fact.key.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(printable && (1..=128).contains(&fact.key.len()), "{fact:?}");
        check_value(&fact.value);
    }
}

fn check_part(part: &Part) {
    let path = part.path();
    assert!(path.len() <= 4095 && !path.contains('\0'), "{part:?}");
    for component in path.split('/') {
        let plain = !matches!(component, "" | "." | "..") && component.len() <= 255;
        assert!(plain, "{part:?}");
    }
    for (_, value) in part.attributes() {
        check_value(&value);
    }
    let elements: u128 = part.shape.iter().map(|&size| u128::from(size)).product();
    let bytes = (elements * u128::from(part.dtype.bits())).div_ceil(8);
    match &part.data {
        Data::Empty => assert_eq!(elements, 0, "{part:?}"),
        Data::Inside {
            encoding: Encoding::LittleEndian,
            span,
            ..
        } => assert_eq!(u128::from(span.length), bytes, "{part:?}"),
        Data::Inside { span, .. } => assert!(u128::from(span.length) * 8 >= elements, "{part:?}"),
        Data::External(external) => {
            assert_eq!(u128::from(external.length), bytes, "{part:?}");
            let end = external.offset.checked_add(external.length);
            assert!(end.is_some_and(|end| end <= i64::MAX as u64), "{part:?}");
            for component in external.location.split('/') {
                assert!(!matches!(component, "" | "." | ".."), "{part:?}");
            }
            assert!(!external.location.contains(['\\', '\0']), "{part:?}");
        }
    }
}

fn check_value(value: &Value) {
    if let Value::Text(text) = value {
        assert!(text.len() <= VALUE_MAX, "{} bytes", text.len());
    }
}

/// Models to begin with.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let raw = |name: &str, values: &[u8]| {
        [
            number(1, values.len() as u64),
            number(2, 2),
            bytes(8, name.as_bytes()),
            bytes(9, values),
        ]
        .concat()
    };
    let entry =
        |key: &str, value: &str| [bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat();
    let elsewhere = |name: &str, offset: &str| {
        [
            number(1, 4),
            number(2, 1),
            bytes(8, name.as_bytes()),
            bytes(13, &entry("location", "data/weights")),
            bytes(13, &entry("offset", offset)),
            bytes(13, &entry("length", "16")),
            number(14, 1),
        ]
        .concat()
    };
    let typed = [
        bytes(
            5,
            &[
                number(1, 2),
                number(2, 7),
                bytes(7, &[1, 0x80, 1]),
                bytes(8, b"i"),
            ]
            .concat(),
        ),
        bytes(
            5,
            &[
                number(1, 2),
                number(2, 1),
                bytes(4, &[0; 8]),
                bytes(8, b"f"),
            ]
            .concat(),
        ),
        bytes(
            5,
            &[
                number(1, 5),
                number(2, 22),
                bytes(5, &[1, 2, 3]),
                bytes(8, b"n"),
            ]
            .concat(),
        ),
        bytes(
            5,
            &[
                number(1, 2),
                number(2, 8),
                bytes(6, b"a"),
                bytes(6, b"bc"),
                bytes(8, b"s"),
            ]
            .concat(),
        ),
    ]
    .concat();
    let places = [number(1, 1), number(2, 7), bytes(9, &[0; 8])].concat();
    let sparse = [
        bytes(1, &raw("sparse", b"x")),
        bytes(2, &places),
        number(3, 4),
    ]
    .concat();
    let leaf = bytes(5, &raw("w", b"leaf"));
    let branch = [bytes(1, b"then_branch"), bytes(6, &leaf), number(20, 5)].concat();
    let constant = [bytes(1, b"value"), bytes(5, &raw("", b"c")), number(20, 4)].concat();
    let nodes = [
        bytes(1, &[bytes(4, b"If"), bytes(5, &branch)].concat()),
        bytes(
            1,
            &[
                bytes(4, b"Constant"),
                bytes(5, &constant),
                bytes(7, b"com.example"),
            ]
            .concat(),
        ),
    ]
    .concat();
    let nested = (0..30).fold(leaf.clone(), |graph, _| {
        let attribute = [bytes(1, b"g"), bytes(6, &graph)].concat();
        bytes(1, &bytes(5, &attribute))
    });
    let shape = bytes(
        1,
        &[number(1, 1), bytes(2, &bytes(1, &bytes(2, b"batch")))].concat(),
    );
    let input = bytes(11, &[bytes(1, b"x"), bytes(2, &shape)].concat());
    let set = |domain: &[u8]| bytes(8, &[bytes(1, domain), number(2, 17)].concat());
    let metadata = bytes(14, &entry("licence", "MIT"));
    let function = bytes(
        25,
        &[
            bytes(1, b"f"),
            bytes(7, &bytes(5, &constant)),
            bytes(11, &constant),
        ]
        .concat(),
    );
    vec![
        model(&[]),
        model(&bytes(5, &raw("a/../b", &[7; 5000]))),
        model(&typed),
        model(&[bytes(15, &sparse), nodes, leaf].concat()),
        model(
            &[
                bytes(5, &elsewhere("a", "0")),
                bytes(5, &elsewhere("b", "4096")),
            ]
            .concat(),
        ),
        model(&nested),
        [
            model(&input),
            bytes(2, b"producer"),
            set(b""),
            set(b"local"),
            metadata,
            function,
        ]
        .concat(),
    ]
}

fn model(graph: &[u8]) -> Vec<u8> {
    [number(1, 10), bytes(7, graph)].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [&varint(field << 3 | 2), &varint(value.len() as u64), value].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            bytes.push(low & 0x7f);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
