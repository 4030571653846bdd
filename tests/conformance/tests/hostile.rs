//! Every hostile importer gets exactly the fault it must get, within its budget, and whatever it
//! does, what the session was told is a beginning of the input in order.
//!
//! [`expectation`] matches on every guest there is, so that one without an expectation does not
//! compile; each guest is a test of its own name.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its functions too"
)]

use std::time::{Duration, Instant};

use lazaret_artifact::Value;
use lazaret_conformance::{Guest, Ward, admit, for_each_guest, offer, ward};
use lazaret_engine::{Ended, EngineError, FaultKind, Importer, Policy, Probe, Report, Storage};

/// No run may take longer, by a wide margin: most take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What must come of a guest.
enum Expect {
    /// It is not even loaded.
    Load(FaultKind),
    /// It is loaded, and its probe fails.
    Probe(FaultKind),
    /// Its run ends in a fault, under either policy.
    Fault(FaultKind),
    /// Its run ends in a fault under the strict policy, and passes as a container layer.
    StrictFault(FaultKind),
    /// Its run ends in a fault, for which it needs an input of this size, or another budget.
    FaultIn(Ward, usize, FaultKind),
    /// It says the blob is not its own.
    Declined,
    /// Its run succeeds and did no harm.
    Harmless,
    /// The same, but it needs another budget.
    HarmlessIn(Ward),
}

fn expectation(guest: Guest) -> Expect {
    use Expect::{
        Declined, Fault, FaultIn, Harmless, HarmlessIn, Load, Probe as InProbe, StrictFault,
    };
    match guest {
        Guest::EndlessLoop
        | Guest::PeekLoop
        | Guest::PositionLoop
        | Guest::RandomReadLoop
        | Guest::ReadPastEnd
        | Guest::SkipNothing
        | Guest::SplicePastEnd
        | Guest::FactValueFlood
        | Guest::LiteralFlood
        | Guest::XattrFlood => Fault(FaultKind::Fuel),
        Guest::Dust => FaultIn(Ward::Small, 64 << 10, FaultKind::Fuel),
        Guest::EndlessLoopInDescribe | Guest::LogFloodInDescribe => Load(FaultKind::Fuel),
        Guest::EndlessLoopInProbe | Guest::LogFloodInProbe => InProbe(FaultKind::Fuel),
        Guest::Stall => FaultIn(Ward::Fuelled, 0, FaultKind::Stalled),

        Guest::Trap | Guest::Panic | Guest::Recursion | Guest::ForgedHandle => {
            Fault(FaultKind::Trap)
        }
        Guest::TrapInDescribe => Load(FaultKind::Trap),
        Guest::TrapInProbe => InProbe(FaultKind::Trap),

        Guest::MemoryBomb | Guest::MemoryAllAtOnce => Fault(FaultKind::Memory),
        Guest::HandleLeak => Fault(FaultKind::Handles),

        Guest::DeriveUndeclared
        | Guest::DerivedEmpty
        | Guest::DerivedInputUndeclared
        | Guest::DerivedLeak
        | Guest::DerivedUnfinished
        | Guest::DeviceWithoutNumbers
        | Guest::FactAboutNothing
        | Guest::FactFalseDigest
        | Guest::ModeOutOfRange => match guest {
            // Refused as a device before anybody looks at its numbers.
            Guest::DeviceWithoutNumbers => StrictFault(FaultKind::Policy),
            _ => Fault(FaultKind::Argument),
        },
        Guest::DescribeControlCharacters
        | Guest::DescribeEveryNamespace
        | Guest::DescribeNoMediaType => Load(FaultKind::Argument),

        Guest::DerivedBomb
        | Guest::DerivedCopies
        | Guest::DirectoryFlood
        | Guest::EntryFlood
        | Guest::ExtentFlood
        | Guest::FactFlood
        | Guest::HugeList
        | Guest::HugeLogLine
        | Guest::HugeReason => Fault(FaultKind::Output),
        Guest::DescribeFlood => Load(FaultKind::Output),

        Guest::DerivedBeyondInput
        | Guest::DerivedUnknown
        | Guest::ExtentBeyondInput
        | Guest::ExtentOverflow
        | Guest::HolesOverflow => Fault(FaultKind::Extent),
        Guest::SpliceNothing => Fault(FaultKind::Cut),

        Guest::FileBelowFile
        | Guest::FileThroughSymlink
        | Guest::OpaqueFile
        | Guest::PathDotDot
        | Guest::PathEmpty
        | Guest::FileOverDirectory
        | Guest::PathNul
        | Guest::PathTooLong
        | Guest::RootAsFile => Fault(FaultKind::Path),
        Guest::DuplicatePaths => StrictFault(FaultKind::Path),
        Guest::HardlinkAbsolute
        | Guest::HardlinkLater
        | Guest::HardlinkOut
        | Guest::HardlinkToDirectory => Fault(FaultKind::Link),
        Guest::DeviceNode | Guest::PrivilegedXattr | Guest::SetId | Guest::SetIdByLink => {
            StrictFault(FaultKind::Policy)
        }
        Guest::FactInSimilarNamespace | Guest::FactOutsideNamespace => Fault(FaultKind::Namespace),

        Guest::Malformed | Guest::EscapeInReason => Fault(FaultKind::Malformed),
        Guest::Unsupported => Fault(FaultKind::Unsupported),
        Guest::Declined => Declined,

        Guest::ConsumesNothing
        | Guest::CutBeyondEnd
        | Guest::EscapeSequences
        | Guest::NanBits
        | Guest::PathAbsolute
        | Guest::Remembers
        | Guest::SpliceEverythingAndMore
        | Guest::SymlinkNowhere => Harmless,
        Guest::MillionLogLines => HarmlessIn(Ward::Default),
    }
}

/// Bytes of input for a guest that does not care.
const INPUT: usize = 1000;

fn check(guest: Guest) {
    let started = Instant::now();
    let kind = |ended: &Ended| match ended {
        Ended::Fault(fault) => Some(fault.kind),
        Ended::Declined(_) | Ended::Session(_) => None,
    };
    let fault = |ward: Ward, size: usize, policy: Policy, expected: FaultKind| {
        let (result, record) = admit(&load(guest, ward), &offer(policy, size), size);
        let ended = result.unwrap_err();
        assert_eq!(kind(&ended), Some(expected), "{ended:?}");
        assert_eq!(record.faults(None), [""; 0]);
    };
    let harmless = |ward: Ward, policy: Policy| {
        let (result, record) = admit(&load(guest, ward), &offer(policy, INPUT), INPUT);
        let Report {
            fuel,
            entries,
            facts,
        } = result.unwrap();
        // Its own instructions, and the host's work.
        assert!(
            fuel <= 2 * ward.budget().fuel.for_size(INPUT as u64),
            "{fuel}"
        );
        assert_eq!(record.faults(Some(INPUT as u64)), [""; 0]);
        assert_eq!(entries, record.entries.len() as u64);
        assert_eq!(facts, record.facts.len() as u64);
    };
    match expectation(guest) {
        Expect::Load(expected) => {
            match Importer::load(Ward::Small.sandbox(), "hostile", guest.component()) {
                Err(EngineError::Describe { source, .. }) => {
                    assert_eq!(source.kind, expected, "{source}")
                }
                Err(error) => panic!("{error:?}"),
                Ok(_) => panic!("was loaded"),
            }
        }
        Expect::Probe(expected) => {
            let importer = load(guest, Ward::Small);
            let fault = importer
                .probe(&offer(Policy::STRICT, INPUT), b"head")
                .unwrap_err();
            assert_eq!(fault.kind, expected, "{fault}");
        }
        Expect::Fault(expected) => {
            fault(Ward::Small, INPUT, Policy::STRICT, expected);
            fault(Ward::Small, INPUT, Policy::LAYER, expected);
        }
        Expect::StrictFault(expected) => {
            fault(Ward::Small, INPUT, Policy::STRICT, expected);
            match guest {
                Guest::DeviceWithoutNumbers => {
                    fault(Ward::Small, INPUT, Policy::LAYER, FaultKind::Argument);
                }
                _ => harmless(Ward::Small, Policy::LAYER),
            }
        }
        Expect::FaultIn(ward, size, expected) => fault(ward, size, Policy::LAYER, expected),
        Expect::Declined => {
            let importer = load(guest, Ward::Small);
            let (result, record) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
            assert!(matches!(result, Err(Ended::Declined(reason)) if reason == "not mine"));
            assert_eq!(record.kept(), 7);
        }
        Expect::Harmless => {
            harmless(Ward::Small, Policy::STRICT);
            harmless(Ward::Small, Policy::LAYER);
        }
        Expect::HarmlessIn(ward) => harmless(ward, Policy::STRICT),
    }
    assert!(started.elapsed() < PATIENCE, "took {:?}", started.elapsed());
}

fn load(guest: Guest, ward: Ward) -> Importer {
    let importer = Importer::load(ward.sandbox(), "hostile", guest.component()).unwrap();
    assert_eq!(importer.media_types()[0].as_str(), ward::MEDIA_TYPE);
    importer
}

macro_rules! tests {
    ($($name:ident $variant:ident)*) => {
        mod gets_its_fault {
            $(#[test]
            fn $name() {
                super::check(super::Guest::$variant);
            })*
        }
    };
}

for_each_guest!(tests);

/// A run of a guest that must succeed, and what it left.
fn left_by(guest: Guest) -> lazaret_conformance::Record {
    let importer = load(guest, Ward::Small);
    let (result, record) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
    result.unwrap();
    record
}

fn fault_of(guest: Guest) -> lazaret_engine::Fault {
    let importer = load(guest, Ward::Small);
    let (result, _) = admit(&importer, &offer(Policy::LAYER, INPUT), INPUT);
    match result.unwrap_err() {
        Ended::Fault(fault) => fault,
        ended => panic!("{ended:?}"),
    }
}

#[test]
fn what_an_importer_leaves_is_kept_as_one_object() {
    let [cut] = left_by(Guest::ConsumesNothing).cuts[..] else {
        panic!("more than one cut");
    };
    assert_eq!(
        (cut.offset, cut.length, cut.storage),
        (0, 1000, Storage::Object)
    );
}

#[test]
fn a_shortfall_that_is_ignored_repeats_and_loses_nothing() {
    let record = left_by(Guest::CutBeyondEnd);
    let cuts: Vec<_> = record
        .cuts
        .iter()
        .map(|cut| (cut.length, cut.storage))
        .collect();
    assert_eq!(cuts, [(3, Storage::Inline), (997, Storage::Object)]);
}

#[test]
fn what_was_kept_before_a_trap_is_the_beginning_of_the_input() {
    let importer = load(Guest::Trap, Ward::Small);
    let (result, record) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
    assert!(result.is_err());
    assert_eq!(record.kept(), 3);
    assert_eq!(record.entries.len(), 1);
}

#[test]
fn an_absolute_name_is_one_below_the_root() {
    let record = left_by(Guest::PathAbsolute);
    assert_eq!(record.entries[0].path.as_bytes(), b"etc/passwd");
}

#[test]
fn a_fault_says_where_and_nothing_a_terminal_obeys() {
    let fault = fault_of(Guest::Malformed);
    assert_eq!(fault.at, Some((7, 3)));
    assert_eq!(fault.to_string(), "malformed input at offset 7: bad magic");
    let reason = fault_of(Guest::EscapeInReason).reason;
    assert!(
        !reason.contains(|c: char| c.is_control() || c == '\u{202e}'),
        "{reason}"
    );
    assert!(reason.starts_with("\\u{1b}[2J\\u{202e}\\n"), "{reason}");
    assert!(reason.len() < 2100, "{}", reason.len());
}

#[test]
fn log_lines_come_out_escaped_and_bounded() {
    let lines = ward::log_of(|| drop(left_by(Guest::EscapeSequences)));
    assert_eq!(
        lines,
        ["\\u{1b}[2J\\u{1b}]0;owned\\u{7}\\r\\n\\u{202e}drow"]
    );
    let importer = load(Guest::MillionLogLines, Ward::Default);
    let lines = ward::log_of(|| {
        let (result, _) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
        result.unwrap();
    });
    let limit = usize::try_from(Ward::Default.budget().log_lines).unwrap();
    assert_eq!(lines.len(), limit + 1);
    assert!(
        lines[limit].contains("the rest is dropped"),
        "{}",
        lines[limit]
    );
}

#[test]
fn nothing_is_remembered_from_run_to_run() {
    let importer = load(Guest::Remembers, Ward::Small);
    for _ in 0..3 {
        let (_, record) = admit(&importer, &offer(Policy::STRICT, INPUT), INPUT);
        assert_eq!(record.facts[0].value, Value::Unsigned(0));
    }
}

#[test]
fn not_a_number_has_the_same_bits_everywhere() {
    let record = left_by(Guest::NanBits);
    let canonical = Value::Unsigned(0x7ff8_0000_0000_0000);
    assert!(
        record.facts.iter().all(|fact| fact.value == canonical),
        "{:x?}",
        record.facts
    );
}

#[test]
fn a_failing_session_is_not_blamed_on_the_importer() {
    let importer = load(Guest::CutBeyondEnd, Ward::Small);
    for calls in 0..3 {
        let (session, _) = lazaret_conformance::Tape::failing_after(vec![0; INPUT], calls);
        let run = lazaret_engine::Steer::ingest(&importer, &offer(Policy::STRICT, INPUT), session);
        assert!(
            matches!(run.result, Err(Ended::Session(_))),
            "after {calls} calls"
        );
    }
}

#[test]
fn a_probe_answers_without_a_fault_when_there_is_none() {
    let importer = load(Guest::ConsumesNothing, Ward::Small);
    let head = vec![0; 1 << 20];
    assert_eq!(
        importer.probe(&offer(Policy::STRICT, INPUT), &head),
        Ok(Probe::Yes)
    );
}
