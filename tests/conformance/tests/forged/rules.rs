//! Core modules that break the rules of the canonical ABI.

use lazaret_conformance::{admit, offer};
use lazaret_engine::{Ended, FaultKind, Policy};

use crate::module::{CURSOR, Module, SINK, SOUND};
use crate::{description, load};

const INPUT: usize = 100;

#[test]
fn a_sound_module_passes() {
    let importer = load(&SOUND.component()).unwrap();
    let (result, record) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
    result.unwrap();
    assert_eq!(record.faults(Some(INPUT as u64)), [""; 0]);
    let reads =
        format!("(call $read {CURSOR} (i32.const 10) (i32.const 512)) (call $done (local.get 0))");
    let importer = load(
        &Module {
            ingest: reads.leak(),
            ..SOUND
        }
        .component(),
    )
    .unwrap();
    let (result, record) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
    result.unwrap();
    assert_eq!(record.cuts.len(), 2);
}

#[test]
fn descriptions_that_break_the_rules_are_traps() {
    for (what, module, expected, reason) in [
        (
            "beyond the memory",
            Module {
                describe: "i32.const -16",
                ..SOUND
            },
            FaultKind::Trap,
            "pointer out of bounds of memory",
        ),
        (
            "misaligned",
            Module {
                describe: "i32.const 17",
                ..SOUND
            },
            FaultKind::Trap,
            "return pointer not aligned",
        ),
        (
            "not UTF-8",
            Module {
                name: "\\ff\\fe",
                ..SOUND
            },
            FaultKind::Trap,
            "invalid utf-8 sequence of 1 bytes from index 0",
        ),
        (
            "empty name",
            Module { name: "", ..SOUND },
            FaultKind::Argument,
            "name and version must be short printable ASCII",
        ),
        (
            "endless list",
            Module {
                media_types: (80, u32::MAX),
                ..SOUND
            },
            FaultKind::Trap,
            "list pointer/length out of bounds of memory",
        ),
        (
            "list that wraps",
            Module {
                media_types: (80, 1 << 29),
                ..SOUND
            },
            FaultKind::Trap,
            "list pointer/length out of bounds of memory",
        ),
        (
            "list out of memory",
            Module {
                media_types: (1 << 18, 1),
                ..SOUND
            },
            FaultKind::Trap,
            "list pointer/length out of bounds of memory",
        ),
        (
            "list of all memory",
            Module {
                media_types: (0, 32_768),
                ..SOUND
            },
            FaultKind::Trap,
            "invalid utf-8 sequence of 1 bytes from index",
        ),
        (
            "a table that grows",
            Module {
                extra: "(table $t 1 funcref)",
                describe: "(loop
                    (drop (table.grow $t (ref.null func) (i32.const 1000)))
                    (br 0)) i32.const 16",
                ..SOUND
            },
            FaultKind::Table,
            "may have 20000",
        ),
        (
            "a table that has a limit",
            Module {
                extra: "(table $t 1 2 funcref)",
                describe: "(drop (table.grow $t (ref.null func) (i32.const 5))) i32.const 16",
                ..SOUND
            },
            FaultKind::Table,
            "Table maximum size exceeded",
        ),
        (
            "a handle that was never given",
            Module {
                describe: "(drop (call $position (i32.const 1))) i32.const 16",
                ..SOUND
            },
            FaultKind::Trap,
            "unknown handle index 1",
        ),
        (
            "a log line beyond the memory",
            Module {
                describe: "(call $log (i32.const 0) (i32.const 0) (i32.const -1)) i32.const 16",
                ..SOUND
            },
            FaultKind::Trap,
            "string pointer/length out of bounds of memory",
        ),
        (
            "a log level that is none",
            Module {
                describe: "(call $log (i32.const 9) (i32.const 0) (i32.const 1)) i32.const 16",
                ..SOUND
            },
            FaultKind::Trap,
            "unexpected discriminant: 9",
        ),
    ] {
        let source = description(what, &module.component());
        assert_eq!(source.kind, expected, "{what}: {source}");
        assert!(source.reason.contains(reason), "{what}: {source}");
    }
}

#[test]
fn a_verdict_that_is_none_is_a_trap() {
    let importer = load(
        &Module {
            probe: "i32.const 9",
            ..SOUND
        }
        .component(),
    )
    .unwrap();
    let fault = importer
        .probe(&offer(Policy::STRICT, INPUT), b"head")
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Trap);
}

#[test]
fn runs_that_break_the_rules_are_traps() {
    let emit = |at: &str, length: &str| -> &'static str {
        format!("(drop (call $emit {SINK} {at} {length})) (call $done (local.get 0))").leak()
    };
    let with_cursor = |call: &str| -> &'static str {
        format!(
            "{} (call $done (local.get 0))",
            call.replace("CURSOR", CURSOR)
        )
        .leak()
    };
    for (what, module, expected, reason) in [
        (
            "result beyond the memory",
            Module {
                ingest: "(drop (call $done (local.get 0))) i32.const -8",
                ..SOUND
            },
            FaultKind::Trap,
            "pointer out of bounds of memory",
        ),
        (
            "result that is none",
            Module {
                ingest: "(drop (call $done (local.get 0))) i32.const 80",
                ..SOUND
            },
            FaultKind::Trap,
            "invalid expected discriminant",
        ),
        (
            "entries beyond the memory",
            Module {
                ingest: emit("(i32.const 262140)", "(i32.const 1)"),
                ..SOUND
            },
            FaultKind::Trap,
            "list pointer/length out of bounds of memory",
        ),
        (
            "more entries than fit",
            Module {
                ingest: emit("(i32.const 512)", "(i32.const -1)"),
                ..SOUND
            },
            FaultKind::Trap,
            "list pointer/length out of bounds of memory",
        ),
        (
            "handles that are not given back",
            Module {
                ingest: "i32.const 256",
                ..SOUND
            },
            FaultKind::Trap,
            "borrow handles still remain at the end of the call",
        ),
        (
            "a cursor taken for a sink",
            Module {
                ingest: with_cursor("(drop (call $emit CURSOR (i32.const 512) (i32.const 0)))"),
                ..SOUND
            },
            FaultKind::Trap,
            "handle index 1 used with the wrong type",
        ),
        (
            "a cursor dropped twice",
            Module {
                ingest: with_cursor("(call $drop CURSOR) (call $drop CURSOR)"),
                ..SOUND
            },
            FaultKind::Trap,
            "unknown handle index 1",
        ),
        (
            "a cursor used after it was dropped",
            Module {
                ingest: with_cursor("(call $drop CURSOR) (drop (call $position CURSOR))"),
                ..SOUND
            },
            FaultKind::Trap,
            "unknown handle index 1",
        ),
        (
            "room beyond the memory",
            Module {
                realloc: "i32.const -64",
                ..SOUND
            },
            FaultKind::Trap,
            "realloc return: beyond end of memory",
        ),
        (
            "room that is misaligned",
            Module {
                realloc: "i32.const 65537",
                ..SOUND
            },
            FaultKind::Trap,
            "realloc return: result not aligned",
        ),
        (
            "room that never comes",
            Module {
                realloc: "(loop br 0) i32.const 65536",
                ..SOUND
            },
            FaultKind::Fuel,
            "all of its own fuel",
        ),
        (
            "a call while making room",
            Module {
                realloc: "(call $log (i32.const 0) (i32.const 64) (i32.const 1)) i32.const 65536",
                ..SOUND
            },
            FaultKind::Trap,
            "wasm trap: cannot leave component instance",
        ),
        (
            "an endless farewell",
            Module {
                post: "(loop br 0)",
                ..SOUND
            },
            FaultKind::Fuel,
            "all of its own fuel",
        ),
        (
            "a trap at the farewell",
            Module {
                post: "unreachable",
                ..SOUND
            },
            FaultKind::Trap,
            "wasm trap: wasm `unreachable` instruction executed",
        ),
    ] {
        let importer =
            load(&module.component()).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let (result, record) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
        match result {
            Err(Ended::Fault(fault)) => {
                assert_eq!(fault.kind, expected, "{what}: {fault}");
                assert!(fault.reason.contains(reason), "{what}: {fault}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(record.faults(None), [""; 0], "{what}");
    }
}

#[test]
fn a_component_with_flipped_bytes_does_no_harm() {
    let sound = SOUND.component();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        // xorshift64*, so that the same bytes are flipped every time.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    };
    let mut loaded = 0;
    for _ in 0..400 {
        let mut bytes = sound.clone();
        for _ in 0..1 + random(3) {
            let at = 8 + random(bytes.len() - 8);
            bytes[at] ^= 1 << random(8);
        }
        let Ok(importer) = load(&bytes) else { continue };
        loaded += 1;
        let (result, record) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
        let whole = result.is_ok().then_some(INPUT as u64);
        assert_eq!(record.faults(whole), [""; 0]);
    }
    // Names and bodies can be flipped and still make sense.
    assert!(loaded > 0);
}
