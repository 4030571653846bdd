//! Files that are refused: each with the rule it breaks and the bytes that do.

mod headers;
mod keys;
mod tensors;

use std::collections::BTreeSet;

use lazaret_plugin_gguf::{Rule, Span, replay};

use crate::file::*;

/// Name, bytes, rule, offset and length.
pub type Case = (&'static str, Vec<u8>, Rule, u64, u64);

fn patched(mut bytes: Vec<u8>, at: u64, patch: &[u8]) -> Vec<u8> {
    let at = at as usize;
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

fn cut(mut bytes: Vec<u8>, end: u64) -> Vec<u8> {
    bytes.truncate(end as usize);
    bytes
}

/// All of them.
pub fn cases() -> Vec<Case> {
    [headers::headers(), keys::keys(), tensors::tensors()].concat()
}

#[test]
fn each_rule_is_named_with_its_place() {
    let mut seen = BTreeSet::new();
    for (name, bytes, rule, offset, length) in cases() {
        let fault = refused(&bytes);
        assert_eq!(
            (fault.rule, fault.at),
            (rule, Span { offset, length }),
            "{name}"
        );
        seen.insert(rule);
        for seed in [1, 7] {
            assert_eq!(replay(&bytes, seed), Err(fault), "{name}");
        }
    }
    // An input that is shorter than it says is not one that a slice can be.
    let missing: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| !seen.contains(rule) && **rule != Rule::ShortInput)
        .collect();
    assert!(missing.is_empty(), "no file breaks {missing:?}");
}

#[test]
fn what_is_only_unknown_is_unsupported() {
    let unsupported: BTreeSet<_> = cases()
        .into_iter()
        .filter(|(_, bytes, ..)| refused(bytes).is_unsupported())
        .map(|(_, _, rule, ..)| rule)
        .collect();
    let expected = [
        Rule::VersionOne,
        Rule::VersionUnknown,
        Rule::ByteSwapped,
        Rule::TooManyKeys,
        Rule::TooManyTensors,
        Rule::NestedArray,
        Rule::AlignmentTooLarge,
        Rule::TypeGone,
        Rule::TypeUnknown,
    ];
    assert_eq!(unsupported, expected.into_iter().collect());
}

#[test]
fn reasons_are_short_and_all_different() {
    let reasons: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.reason()).collect();
    assert_eq!(reasons.len(), Rule::ALL.len());
    for reason in reasons {
        assert!(reason.len() < 80 && !reason.ends_with('.'), "{reason}");
    }
    let fault = refused(b"GGML\x03\0\0\0");
    assert_eq!(fault.to_string(), "file does not begin with GGUF at byte 0");
}
