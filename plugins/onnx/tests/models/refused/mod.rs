//! Models that are refused: by which rule, and where.

mod external;
mod messages;
mod tensors;
mod wire;

use std::collections::BTreeSet;

use lazaret_plugin_onnx::limits::{LOCATIONS_MAX, METADATA_MAX, OPSETS_MAX};
use lazaret_plugin_onnx::{Rule, replay};

use crate::write::{Message, external, initializer, model, new};

/// What is wrong, the model, the rule, and the offset and length of the place.
pub type Case = (&'static str, Message, Rule, u64, u64);

pub fn cases() -> Vec<Case> {
    [
        wire::cases(),
        messages::cases(),
        tensors::cases(),
        external::cases(),
    ]
    .concat()
}

#[test]
fn what_breaks_a_rule_is_refused_there() {
    let mut wrong = String::new();
    for (what, model, rule, offset, length) in cases() {
        for seed in [0, 1, 7] {
            let found = match replay(&model.0, seed) {
                Ok(replay) => format!("{:?}", replay.summary),
                Err(fault) => format!("{:?} {} {}", fault.rule, fault.at.offset, fault.at.length),
            };
            let expected = format!("{rule:?} {offset} {length}");
            if found != expected {
                wrong += &format!("{what}: {found} instead of {expected}\n{:02x?}\n", model.0);
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Rules that no small model can break, with what does.
const ELSEWHERE: [(Rule, &str); 7] = [
    (Rule::ShortInput, "the host's fault: sound.rs"),
    (Rule::TooManyFields, "fifty million fields"),
    (Rule::TooMuchTypedData, "two gigabytes of varints"),
    (
        Rule::TooManyTensors,
        "two hundred thousand tensors: sound.rs",
    ),
    (Rule::TooManyLocations, "below"),
    (Rule::TooManyMetadata, "below"),
    (Rule::TooManyOpsets, "below"),
];

#[test]
fn every_rule_has_a_case() {
    let mut rules: BTreeSet<Rule> = cases().iter().map(|case| case.2).collect();
    rules.extend(ELSEWHERE.map(|(rule, _)| rule));
    let missing: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| !rules.contains(rule))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn numbers_of_things_are_bounded() {
    let rule = |model: Message| replay(&model.0, 0).map(|_| ()).map_err(|fault| fault.rule);
    let opsets = |count: usize| {
        let graph = initializer(crate::write::bytes("a", b"x"));
        (0..count).fold(graph, |model, number| {
            model.message(8, new().bytes(1, number.to_string()))
        })
    };
    assert_eq!(rule(opsets(OPSETS_MAX)), Ok(()));
    assert_eq!(rule(opsets(OPSETS_MAX + 1)), Err(Rule::TooManyOpsets));
    let metadata = |count: usize| {
        (0..count).fold(model(new()), |model, number| {
            model.message(14, new().bytes(1, number.to_string()))
        })
    };
    assert_eq!(rule(metadata(METADATA_MAX)), Ok(()));
    assert_eq!(rule(metadata(METADATA_MAX + 1)), Err(Rule::TooManyMetadata));
    let locations = |count: usize| {
        let graph = (0..count).fold(new(), |graph, number| {
            let name = number.to_string();
            graph.message(5, external(&name, 1, &[("location", &name)]))
        });
        model(graph)
    };
    assert_eq!(rule(locations(LOCATIONS_MAX)), Ok(()));
    assert_eq!(
        rule(locations(LOCATIONS_MAX + 1)),
        Err(Rule::TooManyLocations)
    );
}
