//! Every rule, broken: the rule and the exact place.

use std::collections::BTreeSet;

use lazaret_plugin_pytorch::{Rule, replay};

mod archives;
mod directories;
mod pickles;
mod tensors;

/// What is wrong, the file, the rule, and where: offset and length.
type Case = (&'static str, Vec<u8>, Rule, usize, usize);

#[track_caller]
fn check(cases: &[Case]) {
    for (what, bytes, rule, offset, length) in cases {
        match replay(bytes, 0) {
            Ok(checkpoint) => panic!("{what}: accepted, {:?}", checkpoint.findings.kept()),
            Err((fault, _)) => assert_eq!(
                (fault.rule, fault.at.offset, fault.at.length),
                (*rule, *offset as u64, *length as u64),
                "{what}"
            ),
        }
    }
}

#[test]
fn every_rule_has_a_case() {
    let cases = [
        archives::cases(),
        directories::cases(),
        pickles::cases(),
        tensors::cases(),
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
    let (fault, _) = replay(b"7z\xbc\xaf\x27\x1c", 0).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "7z archive under a checkpoint's name at byte 0"
    );
    assert!(fault.is_input_fault());
    assert!(!fault.is_unsupported());
    let (fault, _) = replay(b"PYTORCH1", 0).unwrap_err();
    assert!(fault.is_unsupported());
}
