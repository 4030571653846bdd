//! Components that are sound importers and bring other instances along.

use std::fmt::Write as _;

use lazaret_conformance::Guest;
use lazaret_engine::FaultKind;

use crate::{component, description, load};

/// A nested component of its own, put behind a component that is otherwise sound, and started with
/// it.
fn with_luggage(luggage: &str) -> Vec<u8> {
    let mut bytes = Guest::ConsumesNothing.component().to_vec();
    let index = nested_components(&bytes);
    let luggage = component(&format!("(component {luggage})"));
    section(&mut bytes, COMPONENT, &luggage);
    // One instance: instantiate component `index` with no arguments.
    let instance = [1, 0, index, 0];
    section(&mut bytes, INSTANCE, &instance);
    bytes
}

/// Ids of sections in the component binary format.
const COMPONENT: u8 = 4;
const INSTANCE: u8 = 5;

fn section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    bytes.push(id);
    let mut length = content.len();
    while length > 0x7f {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
}

fn nested_components(bytes: &[u8]) -> u8 {
    let mut count = 0;
    let mut at = 8;
    while at < bytes.len() {
        count += u8::from(bytes[at] == COMPONENT);
        at += 1;
        let mut length = 0;
        for shift in (0..).step_by(7) {
            length |= usize::from(bytes[at] & 0x7f) << shift;
            at += 1;
            if bytes[at - 1] & 0x80 == 0 {
                break;
            }
        }
        at += length;
    }
    count
}

#[test]
fn what_many_parts_take_is_added_up() {
    let instances = |module: &str, count: usize| {
        let mut text = format!("(core module $m {module})");
        for _ in 0..count {
            let _ = write!(text, "(core instance (instantiate $m))");
        }
        with_luggage(&text)
    };
    load(&instances("", 1)).unwrap();
    load(&instances("(memory 300)", 1)).unwrap();
    for (what, bytes, expected, reason) in [
        (
            "a large memory",
            instances("(memory 1000)", 1),
            FaultKind::Memory,
            "may have 33554432",
        ),
        (
            "the largest memory",
            instances("(memory 65536)", 1),
            FaultKind::Memory,
            "may have 33554432",
        ),
        (
            "two memories",
            instances("(memory 300)", 2),
            FaultKind::Memory,
            "may have 33554432",
        ),
        (
            "many memories",
            instances("(memory 1)", 4),
            FaultKind::Memory,
            "resource limit exceeded: memory count too high",
        ),
        (
            "many instances",
            instances("", 40),
            FaultKind::Memory,
            "resource limit exceeded: instance count too high",
        ),
        (
            "a large table",
            instances("(table 30000 funcref)", 1),
            FaultKind::Table,
            "may have 20000",
        ),
        (
            "two tables",
            instances("(table 15000 funcref)", 2),
            FaultKind::Table,
            "may have 20000",
        ),
        (
            "many tables",
            instances("(table 1 funcref)", 9),
            FaultKind::Table,
            "resource limit exceeded: table count too high",
        ),
        (
            "an endless start",
            instances("(func $f (loop br 0)) (start $f)", 1),
            FaultKind::Fuel,
            "all of its own fuel",
        ),
        (
            "a trap at the start",
            instances("(func $f unreachable) (start $f)", 1),
            FaultKind::Trap,
            "wasm trap: wasm `unreachable` instruction executed",
        ),
        (
            "a segment beyond the memory",
            instances("(memory 1) (data (i32.const 65530) \"too long\")", 1),
            FaultKind::Trap,
            "wasm trap: out of bounds memory access",
        ),
    ] {
        let source = description(what, &bytes);
        assert_eq!(source.kind, expected, "{what}: {source}");
        assert!(source.reason.contains(reason), "{what}: {source}");
    }
}
