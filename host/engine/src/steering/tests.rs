//! What calls cost, and what ends a run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lazaret_artifact::{Entry, Fact};

use super::*;
use crate::budget::FuelScale;
use crate::offer::Policy;

/// A hundred bytes, and a list of what was done with them.
#[derive(Default)]
struct Hundred {
    position: u64,
    did: Arc<Mutex<Vec<String>>>,
}

impl Hundred {
    fn did(&self, what: String) {
        self.did.lock().unwrap().push(what);
    }
}

const BYTES: [u8; 100] = [7; 100];

impl Session for Hundred {
    fn position(&self) -> u64 {
        self.position
    }

    fn remaining(&self) -> Option<u64> {
        None
    }

    fn peek(&mut self, max: usize) -> Result<&[u8], SessionError> {
        let left = &BYTES[self.position as usize..];
        Ok(&left[..left.len().min(max)])
    }

    fn keep(&mut self, length: u64, storage: Storage) -> Result<u64, SessionError> {
        let kept = length.min(100 - self.position);
        self.position += kept;
        self.did(format!("{storage:?} {kept}"));
        Ok(kept)
    }

    fn size(&mut self) -> Result<u64, SessionError> {
        Ok(100)
    }

    fn read_at(&mut self, offset: u64, max: usize) -> Result<Vec<u8>, SessionError> {
        let left = &BYTES[(offset as usize).min(100)..];
        Ok(left[..left.len().min(max)].to_vec())
    }

    fn entry(&mut self, entry: Entry) -> Result<(), SessionError> {
        self.did(format!("entry {}", entry.path));
        Ok(())
    }

    fn fact(&mut self, fact: Fact) -> Result<(), SessionError> {
        self.did(format!("fact {}", fact.key));
        Ok(())
    }

    fn derive(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.did(format!("derive {}", bytes.len()));
        Ok(())
    }

    fn finish_derived(&mut self) -> Result<(), SessionError> {
        self.did("derived".to_owned());
        Ok(())
    }
}

const FUEL: u64 = 10_000_000;

fn steering() -> (Steering, Arc<Mutex<Vec<String>>>) {
    let offer = Offer {
        media_type: "a/b".parse().unwrap(),
        artifact_type: None,
        config_media_type: None,
        size: Some(100),
        travelling_size: 10,
        annotations: BTreeMap::new(),
        parameters: BTreeMap::new(),
        policy: Policy::STRICT,
        fact_namespaces: vec!["x".to_owned()],
        fuel: None,
    };
    let budget = Budget {
        fuel: FuelScale {
            base: FUEL,
            per_byte: 0,
        },
        derived_ratio: 2,
        ..Budget::default()
    };
    let session = Hundred::default();
    let did = Arc::clone(&session.did);
    let mut steering = Steering::new(Box::new(session), &offer, &budget);
    steering.grant(true, true);
    (steering, did)
}

/// What a call was charged, when it was answered.
fn price<T>(call: impl FnOnce(&mut Steering) -> Result<T, Stop>) -> u64 {
    let (mut steering, _) = steering();
    call(&mut steering).unwrap();
    steering.work()
}

fn fault<T: std::fmt::Debug>(result: Result<T, Stop>) -> FaultKind {
    match result {
        Err(Stop::Fault(fault)) => fault.kind,
        other => panic!("{other:?}"),
    }
}

fn part(path: &str, content: Vec<wit::Extent>) -> wit::Entry {
    wit::Entry {
        path: path.as_bytes().to_vec(),
        kind: wit::EntryKind::Part,
        content,
        target: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    }
}

#[test]
fn every_call_has_its_price() {
    let fact = |value| wit::Fact {
        subject: None,
        key: "x".to_owned(),
        value,
    };
    let hole = wit::Extent::Hole(1);
    let literal = wit::Extent::Literal(vec![0; 1000]);
    for (what, charged, expected) in [
        ("position", price(Steering::position), 500),
        ("remaining", price(Steering::remaining), 500),
        ("peek", price(|s| s.peek(100)), 600),
        (
            "peek beyond what a call may ask",
            price(|s| s.peek(u32::MAX)),
            66_036,
        ),
        ("read", price(|s| s.read(10)), 510),
        ("skip", price(|s| s.keep(64, Storage::Inline)), 501),
        ("skip nothing", price(|s| s.keep(0, Storage::Inline)), 500),
        ("splice", price(|s| s.keep(64, Storage::Object)), 20_501),
        (
            "splice beyond the end",
            price(|s| s.keep(u64::MAX, Storage::Object)),
            20_501,
        ),
        ("splice-rest", price(Steering::keep_rest), 20_500),
        ("cut", price(|s| s.cut([])), 500),
        (
            "cut in three",
            price(|s| s.cut([(9, Storage::Inline); 3])),
            2_000,
        ),
        (
            "cut to objects",
            price(|s| s.cut([(9, Storage::Object); 3])),
            62_000,
        ),
        ("size", price(Steering::size), 500),
        ("read-at", price(|s| s.read_at(0, 10)), 510),
        ("emit nothing", price(|s| s.emit(vec![])), 500),
        (
            "emit",
            price(|s| s.emit(vec![part("x", vec![])])),
            500 + 2_500 + 16,
        ),
        (
            "emit far down",
            price(|s| s.emit(vec![part("x/y/z", vec![])])),
            500 + 3_500 + 5 * 16,
        ),
        (
            "emit a hole",
            price(|s| s.emit(vec![part("x", vec![hole])])),
            3_016 + 32 * 16,
        ),
        (
            "emit bytes",
            price(|s| s.emit(vec![part("x", vec![literal])])),
            3_016 + 1_032 * 16,
        ),
        (
            "fact",
            price(|s| s.add_facts(vec![fact(wit::Value::Boolean(true))])),
            2_516,
        ),
        (
            "long fact",
            price(|s| s.add_facts(vec![fact(wit::Value::Text("x".repeat(1000)))])),
            2_516 + 16_000,
        ),
        ("derive", price(|s| s.begin_derived("a/b")), 20_503),
        ("log", price(|s| s.log(Level::Debug, "12345")), 505),
    ] {
        assert_eq!(charged, expected, "{what}");
    }
}

#[test]
fn a_spent_budget_ends_the_run_before_the_work() {
    let (mut steering, did) = steering();
    let stopped = loop {
        match steering.keep(1, Storage::Object) {
            Ok(_) => {}
            Err(stop) => break stop,
        }
    };
    assert!(matches!(stopped, Stop::Fault(fault) if fault.kind == FaultKind::Fuel));
    let done = did.lock().unwrap().len();
    assert_eq!(fault(steering.keep(1, Storage::Object)), FaultKind::Fuel);
    assert_eq!(fault(steering.finish()), FaultKind::Fuel);
    assert_eq!(did.lock().unwrap().len(), done);
}

#[test]
fn a_cut_stops_at_the_first_shortfall() {
    let (mut steering, did) = steering();
    let short = steering
        .cut([
            (40, Storage::Inline),
            (0, Storage::Inline),
            (80, Storage::Object),
            (1, Storage::Object),
        ])
        .unwrap();
    assert_eq!(short, Err(Shortfall { available: 60 }));
    assert_eq!(*did.lock().unwrap(), ["Inline 40", "Object 60"]);
    assert_eq!(steering.read(10).unwrap(), [0_u8; 0]);
}

#[test]
fn an_object_of_no_bytes_is_refused_where_it_stands() {
    let (mut steering, _) = steering();
    let result = steering.cut([(40, Storage::Inline), (0, Storage::Object)]);
    let Err(Stop::Fault(fault)) = result else {
        panic!("{result:?}");
    };
    assert_eq!((fault.kind, fault.at), (FaultKind::Cut, Some((40, 0))));
}

#[test]
fn what_is_left_becomes_one_object() {
    let (mut steering, did) = steering();
    steering.read(30).unwrap();
    let report = steering.finish().unwrap();
    assert_eq!(*did.lock().unwrap(), ["Inline 30", "Object 70"]);
    assert_eq!((report.entries, report.facts), (0, 0));
    let (mut steering, did) = self::steering();
    assert_eq!(steering.keep_rest().unwrap(), 100);
    assert_eq!(steering.keep_rest().unwrap(), 0);
    steering.finish().unwrap();
    assert_eq!(*did.lock().unwrap(), ["Object 100"]);
}

#[test]
fn extents_beyond_the_input_fail_at_the_end() {
    let (mut steering, _) = steering();
    let range = wit::ByteRange {
        offset: 90,
        length: 11,
    };
    steering
        .emit(vec![part("x", vec![wit::Extent::Input(range)])])
        .unwrap();
    assert_eq!(fault(steering.finish()), FaultKind::Extent);
}

#[test]
fn derived_objects_are_begun_filled_and_finished_one_by_one() {
    let (mut steering, did) = steering();
    assert_eq!(fault(steering.append_derived(b"x")), FaultKind::Argument);
    assert_eq!(fault(steering.finish_derived()), FaultKind::Argument);
    steering.begin_derived("a/b").unwrap();
    steering.append_derived(b"").unwrap();
    steering.append_derived(b"abc").unwrap();
    steering.append_derived_input(95, 5).unwrap();
    assert_eq!(
        fault(steering.append_derived_input(95, 6)),
        FaultKind::Extent
    );
    assert_eq!(
        fault(steering.append_derived_input(u64::MAX, 6)),
        FaultKind::Extent
    );
    assert_eq!(
        fault(steering.append_derived_input(0, u64::MAX)),
        FaultKind::Extent
    );
    assert_eq!(fault(steering.begin_derived("a/b")), FaultKind::Argument);
    assert_eq!(steering.finish_derived().unwrap(), 0);
    steering.begin_derived("a/b").unwrap();
    steering.append_derived(b"d").unwrap();
    assert_eq!(steering.finish_derived().unwrap(), 1);
    assert_eq!(
        *did.lock().unwrap(),
        ["derive 3", "derive 5", "derived", "derive 1", "derived"]
    );
    // One that is begun must be finished, and have bytes.
    assert_eq!(fault(steering.begin_derived("\x1b")), FaultKind::Argument);
    steering.begin_derived("a/b").unwrap();
    assert_eq!(fault(steering.finish()), FaultKind::Argument);
    assert_eq!(fault(steering.finish_derived()), FaultKind::Argument);
}

#[test]
fn derived_bytes_are_bounded_by_the_input() {
    let (mut steering, _) = steering();
    steering.begin_derived("a/b").unwrap();
    // A mebibyte for free, and twice the hundred bytes.
    steering.append_derived(&vec![0; 1 << 20]).unwrap();
    steering.append_derived(&[0; 200]).unwrap();
    assert_eq!(fault(steering.append_derived(&[0])), FaultKind::Output);
}

#[test]
fn what_was_not_declared_is_not_granted() {
    let (mut steering, _) = steering();
    steering.grant(false, false);
    assert_eq!(fault(steering.size()), FaultKind::Argument);
    assert_eq!(fault(steering.read_at(0, 1)), FaultKind::Argument);
    assert_eq!(fault(steering.begin_derived("a/b")), FaultKind::Argument);
    steering.grant(false, true);
    steering.begin_derived("a/b").unwrap();
    assert_eq!(
        fault(steering.append_derived_input(0, 1)),
        FaultKind::Argument
    );
}

#[test]
fn ids_count_from_the_first_of_each_list() {
    let (mut steering, did) = steering();
    let list = |names: &[&str]| names.iter().map(|name| part(name, vec![])).collect();
    assert_eq!(steering.emit(list(&["a", "b"])).unwrap(), 0);
    assert_eq!(steering.emit(list(&[])).unwrap(), 2);
    assert_eq!(steering.emit(list(&["c"])).unwrap(), 2);
    assert_eq!(*did.lock().unwrap(), ["entry a", "entry b", "entry c"]);
    // What comes before a refused entry has been handed on; the run is over anyway.
    assert_eq!(
        fault(steering.emit(list(&["d", "d", "e"]))),
        FaultKind::Path
    );
    assert_eq!(did.lock().unwrap().len(), 4);
}
