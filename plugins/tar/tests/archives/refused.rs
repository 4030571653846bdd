//! Every rule, broken: the rule and the exact place.

use std::collections::BTreeSet;

use lazaret_plugin_tar::Rule;

use crate::archive::*;

mod extensions;
mod fields;
mod framing;
mod layers;
mod members;
mod records;
mod sparse;

/// What is wrong, the archive, the rule, and where: offset and length.
type Case = (&'static str, Vec<u8>, Rule, u64, u64);

#[track_caller]
fn check(cases: &[Case]) {
    for (what, bytes, rule, offset, length) in cases {
        match read(bytes).ending {
            Ok(ending) => panic!("{what}: accepted, {ending:?}"),
            Err(fault) => assert_eq!(
                (fault.rule, fault.at.offset, fault.at.length),
                (*rule, *offset, *length),
                "{what}"
            ),
        }
    }
}

fn new() -> Archive {
    Archive::new()
}

fn file(name: &str) -> Head {
    Head::ustar(b'0', name, 0)
}

fn one(head: Head) -> Vec<u8> {
    new().head(head).end()
}

/// Bytes of a record.
fn length(key: &str, value: &[u8]) -> u64 {
    pax_records(&[(key, value)]).len() as u64
}

/// One `x` header and a file.
fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    new().pax(records).file("a", "").end()
}

/// Data of an `x` header, and a file.
fn pax_raw(data: &[u8]) -> Vec<u8> {
    new()
        .member(Head::ustar(b'x', "pax", 0), data)
        .file("a", "")
        .end()
}

#[test]
fn every_rule_has_a_case() {
    let cases = [
        framing::cases(),
        fields::cases(),
        members::cases(),
        extensions::cases(),
        records::cases(),
        sparse::cases(),
        layers::cases(),
    ];
    let broken: BTreeSet<_> = cases.iter().flatten().map(|case| case.2).collect();
    let missing: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| !broken.contains(rule))
        .collect();
    assert_eq!(missing, [] as [&Rule; 0]);
}

#[test]
fn reasons_are_one_line_and_all_different() {
    let reasons: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.reason()).collect();
    assert_eq!(reasons.len(), Rule::ALL.len());
    for reason in reasons {
        assert!(!reason.ends_with('.') && !reason.contains('\n'), "{reason}");
    }
    let fault = read(b"x").ending.unwrap_err();
    assert_eq!(fault.to_string(), "input ends within a header at byte 0");
    assert!(fault.is_input_fault());
    assert!(!fault.is_unsupported());
    assert!(
        read(&one(file("a").set(KIND, b"X")))
            .ending
            .unwrap_err()
            .is_unsupported()
    );
}
