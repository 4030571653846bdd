//! What holds for every file, random ones included.

use lazaret_plugin_gguf::{Dtype, Fault, Replay, Storage, replay};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::file::*;

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<u32>().prop_map(u32_value),
        "[a-zé ]{0,40}".prop_map(|text| string(&text)),
        vec(any::<u8>(), 0..200).prop_map(|bytes| array(0, bytes.len() as u64, &bytes)),
        vec("[a-z]{0,9}", 0..90)
            .prop_map(|texts| { strings(&texts.iter().map(String::as_str).collect::<Vec<_>>()) }),
        any::<bool>().prop_map(|flag| value(7, &[flag.into()])),
        any::<f64>().prop_map(|number| value(12, &number.to_le_bytes())),
        (4000..5000_usize).prop_map(|length| string(&"é".repeat(length))),
    ]
}

fn any_file() -> impl Strategy<Value = File> {
    let tensor = (0..43_u32, 0..3_u64, vec(0..5_u64, 0..4));
    let values = vec(any_value(), 0..8);
    (
        2..4_u32,
        0..8_u32,
        values,
        vec(tensor, 0..12),
        any::<bool>(),
    )
        .prop_map(|(version, shift, values, tensors, padded)| {
            let mut file = File::new().aligned(1 << shift);
            for (number, value) in values.iter().enumerate() {
                file = file.key(&format!("key.{number}"), value);
            }
            for (number, (dtype, blocks, others)) in tensors.into_iter().enumerate() {
                let Ok(known) = Dtype::from_number(dtype) else {
                    continue;
                };
                let first = blocks * known.block_elements();
                let dimensions = [vec![first], others].concat();
                file = file.tensor(&format!("blk.{number}"), dtype, &dimensions);
            }
            file.version = version;
            file.padded = padded;
            file
        })
}

fn hold(bytes: &[u8], seed: u64) -> Result<Replay, Fault> {
    let whole = replay(bytes, 0);
    let pieces = replay(bytes, seed);
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!(whole.model, pieces.model);
            assert_eq!(whole.facts, pieces.facts);
            assert_eq!(whole.cuts, pieces.cuts);
        }
        _ => assert_eq!(whole, pieces),
    }
    let length = bytes.len() as u64;
    match &whole {
        Ok(replay) => {
            let mut end = replay.model.index;
            for tensor in &replay.model.tensors {
                assert!(tensor.offset >= end && tensor.offset - end < length);
                end = tensor.offset + tensor.length;
            }
            assert!(end <= length);
            assert_eq!(
                replay.cuts.iter().map(|cut| cut.length).sum::<u64>(),
                length
            );
            assert!(replay.cuts.iter().all(|cut| cut.length > 0));
            assert!(replay.cuts.windows(2).all(|pair| {
                pair[0].storage == Storage::Object || pair[1].storage == Storage::Object
            }));
        }
        Err(fault) => assert!(fault.at.offset + fault.at.length <= length, "{fault:?}"),
    }
    whole
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn sound_files_are_read_alike_in_any_pieces(file in any_file(), seed in 1_u64..) {
        let replay = hold(&file.bytes(), seed).unwrap();
        prop_assert_eq!(replay.model.tensors.len(), file.tensors.len());
        for (tensor, described) in replay.model.tensors.iter().zip(&file.tensors) {
            prop_assert_eq!(tensor.dimensions(), &described.dimensions[..]);
            prop_assert_eq!(tensor.length, described.data.len() as u64);
        }
    }

    #[test]
    fn broken_files_are_refused_or_read_alike(
        file in any_file(),
        seed in 1_u64..,
        changes in vec((any::<Index>(), any::<u8>()), 1..5),
        end in any::<Option<Index>>(),
    ) {
        let mut bytes = file.bytes();
        let index = file.index().len();
        for (place, byte) in changes {
            bytes[place.index(index)] = byte;
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        let _ = hold(&bytes, seed);
    }
}
