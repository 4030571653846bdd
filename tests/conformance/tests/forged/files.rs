//! Files that are no importers.

use lazaret_conformance::Guest;
use lazaret_engine::error::LoadFault;

use crate::{component, refusal};

#[test]
fn what_is_no_component_is_told_apart() {
    let valid = Guest::ConsumesNothing.component();
    let mut config = wasmtime::Config::new();
    config.gc_support(false);
    let engine = wasmtime::Engine::new(&config).unwrap();
    let precompiled = engine.precompile_component(valid).unwrap();
    let module = component("(module)");
    let precompiled_module = engine.precompile_module(&module).unwrap();
    assert!(matches!(refusal(b""), LoadFault::NotWasm));
    assert!(matches!(refusal(b"\0asm"), LoadFault::CoreModule));
    assert!(matches!(refusal(b"#!/bin/sh\n"), LoadFault::NotWasm));
    assert!(matches!(refusal(b"(component)"), LoadFault::Text));
    assert!(matches!(refusal(b"\n\t(module)"), LoadFault::Text));
    assert!(matches!(
        refusal(b";; a comment\n(component)"),
        LoadFault::Text
    ));
    assert!(matches!(
        refusal(b"(; a comment ;) (component)"),
        LoadFault::Text
    ));
    assert!(matches!(refusal(&module), LoadFault::CoreModule));
    assert!(matches!(refusal(&precompiled), LoadFault::Precompiled));
    assert!(matches!(
        refusal(&precompiled_module),
        LoadFault::Precompiled
    ));
    let mut large = valid.to_vec();
    large.resize((64 << 20) + 1, 0);
    assert!(matches!(refusal(&large), LoadFault::Invalid(reason) if reason.contains("67108865")));
}

#[test]
fn a_truncated_component_is_refused() {
    let valid = Guest::ConsumesNothing.component();
    for length in (8..valid.len()).step_by(valid.len() / 50) {
        let reason = refusal(&valid[..length]);
        // What ends between two sections is a component, but lacks the exports.
        let expected = matches!(reason, LoadFault::Invalid(_) | LoadFault::World(_));
        assert!(expected, "{length}: {reason}");
    }
}

#[test]
fn what_it_may_not_import_is_refused_by_name() {
    for (import, named) in [
        (
            r#"(import "wasi:clocks/monotonic-clock@0.2.0"
                (instance (export "now" (func (result u64)))))"#,
            "wasi:clocks/monotonic-clock@0.2.0",
        ),
        (
            r#"(import "lazaret:importer/log@0.1.0" (instance (export "shout" (func))))"#,
            "lazaret:importer/log@0.1.0",
        ),
        (
            r#"(import "lazaret:importer/input@0.2.0"
                (instance (export "cursor" (type (sub resource)))))"#,
            "lazaret:importer/input@0.2.0",
        ),
        (
            r#"(import "getenv" (func (param "name" string)))"#,
            "getenv",
        ),
        (r#"(import "code" (core module))"#, "code"),
    ] {
        let LoadFault::World(reason) = refusal(&component(&format!("(component {import})"))) else {
            panic!("{import}");
        };
        assert!(reason.contains(named), "{reason}");
    }
    let reason = refusal(&component(r#"(component (import "other" (component)))"#));
    assert!(matches!(reason, LoadFault::Invalid(_)), "{reason}");
}

#[test]
fn what_it_must_export_is_missed() {
    let describing = r#"(component
        (core module $m (func (export "f") (result i32) i32.const 0))
        (core instance $i (instantiate $m))
        (func $f (result bool) (canon lift (core func $i "f")))
        (instance $plugin (export "describe" (func $f)))
        (export "lazaret:importer/plugin@0.1.0" (instance $plugin)))"#;
    for text in ["(component)", describing] {
        let reason = refusal(&component(text));
        assert!(matches!(reason, LoadFault::World(_)), "{reason}");
    }
}

#[test]
fn proposals_that_are_off_are_refused() {
    for module in [
        "(memory i64 1)",
        "(memory 1 1 shared)",
        "(memory 1) (memory 1)",
        "(type (struct))",
        "(tag)",
        "(func $f return_call $f)",
        "(func (param v128 v128 v128) (result v128)
            local.get 0 local.get 1 local.get 2 f32x4.relaxed_madd)",
        "(func (param i64 i64 i64 i64) (result i64 i64)
            local.get 0 local.get 1 local.get 2 local.get 3 i64.add128)",
        "(memory 1 (pagesize 1))",
    ] {
        let reason = refusal(&component(&format!("(component (core module {module}))")));
        assert!(
            matches!(reason, LoadFault::Invalid(_)),
            "{module}: {reason}"
        );
    }
    for text in [
        "(component (type (future)))",
        "(component (type (stream u8)))",
        "(component (import \"f\" (func async)))",
    ] {
        let reason = refusal(&component(text));
        assert!(matches!(reason, LoadFault::Invalid(_)), "{text}: {reason}");
    }
}

#[test]
fn names_in_a_component_reach_no_terminal() {
    let text = r#"(component
        (core module $m (import "\1b[2J" "\0a\1b[31m" (func)))
        (core instance (instantiate $m)))"#;
    let message = refusal(&component(text)).to_string();
    assert!(message.contains("[2J"), "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
}
