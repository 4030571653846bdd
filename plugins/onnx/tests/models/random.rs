//! Random models and random damage.

use lazaret_plugin_onnx::{Part, Replay, replay};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::write::{self, *};

/// A tensor that is sound, and where its values are.
fn tensor() -> impl Strategy<Value = Message> {
    let name = "[a-z./]{1,8}";
    prop_oneof![
        (name, vec(any::<u8>(), 0..6000)).prop_map(|(name, values)| write::bytes(&name, &values)),
        (name, vec(any::<u32>(), 0..50)).prop_map(|(name, values)| {
            let packed: Vec<u8> = values
                .iter()
                .flat_map(|&value| varint(value.into()))
                .collect();
            head(&name, 7, &[values.len() as u64]).bytes(7, packed)
        }),
        (name, vec("[a-z]{0,9}", 1..5)).prop_map(|(name, values)| {
            let tensor = head(&name, 8, &[values.len() as u64]);
            values
                .iter()
                .fold(tensor, |tensor, value| tensor.bytes(6, value))
        }),
        (name, 0..1000_u64, 0..5_u64).prop_map(|(name, size, page)| {
            let offset = (page * 4096).to_string();
            external(&name, size, &[("location", "w"), ("offset", &offset)])
        }),
    ]
}

fn graph() -> impl Strategy<Value = Message> {
    let leaf = vec(tensor(), 0..6).prop_map(|tensors| {
        tensors
            .into_iter()
            .fold(new(), |graph, tensor| graph.message(5, tensor))
    });
    leaf.prop_recursive(4, 12, 3, |inner| {
        (inner.clone(), vec(inner, 1..3)).prop_map(|(graph, branches)| {
            let attribute = new().bytes(1, "branches");
            let attribute = branches
                .into_iter()
                .fold(attribute, |attribute, branch| attribute.message(11, branch));
            graph.message(1, node("Switch", attribute))
        })
    })
}

fn check(replay: &Replay, size: u64) {
    let mut at = 0;
    for span in replay.parts.iter().filter_map(Part::content) {
        assert!(
            span.length > 0 && span.offset >= at && span.end() <= size,
            "{span:?}"
        );
        at = span.end();
    }
    assert_eq!(replay.cuts.iter().map(|cut| cut.length).sum::<u64>(), size);
    assert!(replay.cuts.iter().all(|cut| cut.length > 0));
}

proptest! {
    #[test]
    fn what_is_said_does_not_depend_on_pieces(graph in graph(), seed in 1..u64::MAX) {
        let model = model(graph);
        let whole = replay(&model.0, 0);
        prop_assert_eq!(&replay(&model.0, seed), &whole);
        if let Ok(whole) = whole {
            check(&whole, model.0.len() as u64);
        }
    }

    #[test]
    fn damage_is_survived(
        graph in graph(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
        seed in 1..u64::MAX,
    ) {
        let mut bytes = model(graph).0;
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if seed % 4 == 0 {
            bytes.truncate(end.index(bytes.len()));
        }
        let whole = replay(&bytes, 0);
        prop_assert_eq!(&replay(&bytes, seed), &whole);
        match whole {
            Ok(whole) => check(&whole, bytes.len() as u64),
            Err(fault) => prop_assert!(fault.at.end() <= bytes.len() as u64, "{:?}", fault),
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        let _ = replay(&bytes, 0);
    }
}
