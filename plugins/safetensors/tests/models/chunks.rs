//! Random files: what is said depends on the bytes alone, and lies within them.

use lazaret_plugin_safetensors::{Kind, Replay, Storage, replay};
use proptest::prelude::*;

use crate::file::{file, read};

/// Tensors of a random sound file: names, types and shapes, in the order of their bytes.
fn tensors() -> impl Strategy<Value = Vec<(String, &'static str, Vec<u64>)>> {
    let name = prop_oneof![
        "[a-z]{1,8}(\\.[a-z0-9]{1,6}){0,4}",
        "[a-z/.%\u{0}-\u{20}é😀\"\\\\]{0,12}",
    ];
    let dtype = prop::sample::select(vec!["U8", "BF16", "F32", "I64", "F6_E2M3", "F4"]);
    let shape = prop::collection::vec(0..12_u64, 0..4);
    let tensor = (name, dtype, shape).prop_map(|(name, dtype, mut shape)| {
        if dtype.starts_with("F4") || dtype.starts_with("F6") {
            shape.push(8);
        }
        (name, dtype, shape)
    });
    prop::collection::vec(tensor, 0..20).prop_map(|mut tensors| {
        tensors.sort();
        tensors.dedup_by(|left, right| left.0 == right.0);
        tensors
    })
}

fn bits(dtype: &str) -> u64 {
    match dtype {
        "U8" => 8,
        "BF16" => 16,
        "F32" => 32,
        "I64" => 64,
        "F4" => 4,
        _ => 6,
    }
}

/// The file, and where each tensor's bytes lie in its data.
fn write(tensors: &[(String, &'static str, Vec<u64>)], padding: usize) -> (Vec<u8>, Vec<u64>) {
    let mut header = serde_json::Map::new();
    let mut begin = 0;
    let mut begins = Vec::new();
    for (name, dtype, shape) in tensors {
        let end = begin + shape.iter().product::<u64>() * bits(dtype) / 8;
        let description =
            serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [begin, end]});
        header.insert(name.clone(), description);
        begins.push(begin);
        begin = end;
    }
    let mut text = serde_json::Value::Object(header).to_string();
    text += &" ".repeat(padding);
    (file(text, usize::try_from(begin).unwrap()), begins)
}

/// What holds for everything that is accepted.
fn holds(bytes: &[u8], replay: &Replay) {
    let mut next = None;
    for part in &replay.parts {
        let start = *next.get_or_insert(part.offset);
        assert_eq!(part.offset, start, "tensors follow each other");
        next = Some(part.offset + part.length);
        assert!(!part.path.is_empty() && !part.path.contains('\0'));
        for component in part.path.split('/') {
            assert!(!matches!(component, "" | "." | "..") && component.len() <= 255);
        }
    }
    assert!(next.is_none_or(|end| end == bytes.len() as u64));
    let sum: u64 = replay.cuts.iter().map(|cut| cut.length).sum();
    assert_eq!(sum, bytes.len() as u64);
    assert!(replay.cuts.iter().all(|cut| cut.length > 0));
    let inline = |storage| storage == Storage::Inline;
    let mut pairs = replay.cuts.windows(2);
    assert!(pairs.all(|pair| !(inline(pair[0].storage) && inline(pair[1].storage))));
}

proptest! {
    #[test]
    fn sound_files_are_read_alike_in_any_pieces(
        tensors in tensors(),
        padding in 0..9_usize,
        seed in 1..u64::MAX,
    ) {
        let (bytes, begins) = write(&tensors, padding);
        let whole = read(&bytes).unwrap();
        holds(&bytes, &whole);
        prop_assert_eq!(&replay(&bytes, Kind::File, seed).unwrap(), &whole);

        let data = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap());
        prop_assert_eq!(whole.parts.len(), tensors.len());
        for ((name, dtype, shape), begin) in tensors.iter().zip(begins) {
            let part = whole.parts.iter().find(|part| part.name == *name).unwrap();
            prop_assert_eq!(part.dtype, *dtype);
            prop_assert_eq!(&part.shape, &serde_json::to_string(shape).unwrap());
            prop_assert_eq!(part.offset, data + begin);
        }
        let mut paths: Vec<_> = whole.parts.iter().map(|part| &part.path).collect();
        paths.sort();
        paths.dedup();
        prop_assert_eq!(paths.len(), tensors.len());
    }

    #[test]
    fn damaged_files_are_judged_alike_in_any_pieces(
        tensors in tensors(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..4),
        seed in 1..u64::MAX,
    ) {
        let (mut bytes, _) = write(&tensors, 3);
        for (at, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes[at] = b"{}[]\",:\\ 0189-eu"[usize::from(byte) % 16],
                2 => bytes.truncate(at),
                _ => bytes.insert(at, byte),
            }
        }
        let whole = read(&bytes);
        prop_assert_eq!(&replay(&bytes, Kind::File, seed), &whole);
        match &whole {
            Ok(replay) => holds(&bytes, replay),
            Err(fault) => {
                prop_assert!(fault.at.offset + fault.at.length <= bytes.len() as u64, "{:?}", fault);
            }
        }
    }

    #[test]
    fn indexes_are_judged_alike_in_any_pieces(
        map in prop::collection::btree_map("[a-z.]{1,9}", "[a-c]\\.safetensors", 0..9),
        change in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        seed in 1..u64::MAX,
    ) {
        let index = serde_json::json!({"metadata": {"total_size": 5, "x": [1.5, null]}, "weight_map": map});
        let mut bytes = index.to_string().into_bytes();
        if let Some((at, byte)) = change {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = replay(&bytes, Kind::Index, 0);
        prop_assert_eq!(&replay(&bytes, Kind::Index, seed), &whole);
        prop_assert!(change.is_some() || whole.is_ok());
    }
}
