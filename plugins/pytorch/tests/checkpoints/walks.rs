//! Random pickles, read by Python's `pickletools` and unpicklers and by us.

use std::fmt::Write as _;

use lazaret_plugin_pytorch::{Rule, replay};

use crate::oracles::{Bench, trace};
use crate::pickle::*;

/// Random numbers that are always the same (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.below(from.len())]
    }
}

/// Stretches of opcodes. Names are such that none is on the list of what a checkpoint needs.
const PIECES: [&[u8]; 62] = [
    b"N",
    b"K\x07",
    b"\x88",
    b"I01\n",
    b"I-5\n",
    b"L12L\n",
    b"F1.5\n",
    b"G\0\0\0\0\0\0\0\0",
    b"M\x01\x02",
    b"J\x01\x02\x03\x04",
    b"\x8a\x01\x05",
    b"S'mod'\n",
    b"S'm\\x6fd'\n",
    b"Vname\n",
    b"Vn\\u0061me\n",
    b"X\x03\0\0\0mod",
    b"\x8c\x04name",
    b"\x8c\x03mod",
    b"U\x04name",
    b"T\x03\0\0\0mod",
    b"C\x02ab",
    b"B\x02\0\0\0ab",
    b"]",
    b")",
    b"}",
    b"(",
    b"(",
    b"t",
    b"l",
    b"d",
    b"\x85",
    b"\x86",
    b"\x87",
    b"a",
    b"e",
    b"s",
    b"u",
    b"\x8f",
    b"\x90",
    b"\x91",
    b"0",
    b"2",
    b"1",
    b"q\x00",
    b"q\x01",
    b"p2\n",
    b"r\x03\0\0\0",
    b"\x94",
    b"\x94",
    b"h\x00",
    b"h\x01",
    b"g2\n",
    b"j\x03\0\0\0",
    b"cmod\nname\n",
    b"cos\nsystem\n",
    b"(imod\nname\n",
    b"\x93",
    b"R",
    b"\x81",
    b"b",
    b"Pid\n",
    b"Q",
];

/// Stretches that belong together: a name from the stack, a call, a memo used again.
const PHRASES: [&[u8]; 10] = [
    b"\x8c\x03mod\x8c\x04name\x93",
    b"\x8c\x03mod\x94\x8c\x04name\x940h\x00h\x01\x93",
    b"cmod\nname\n)R",
    b"cmod\nname\n)\x81}b",
    b"cmod\nname\n)}\x92",
    b"(cmod\nname\nNo",
    b"](NNe",
    b"}(\x8c\x01aNu",
    b"(NN0\x88t",
    b"S'mod'\nVname\n\x93q\x01",
];

fn random(random: &mut Random) -> Vec<u8> {
    let mut pickle = vec![0x80, 4];
    for _ in 0..random.below(24) {
        let piece = if random.below(3) == 0 {
            random.pick(&PHRASES)
        } else {
            random.pick(&PIECES)
        };
        pickle.extend(piece);
    }
    // Something to stop with, and what the unpicklers make of it.
    pickle.extend(b"N.");
    pickle
}

fn mutated(pickle: &[u8], random: &mut Random) -> Vec<u8> {
    let mut pickle = pickle.to_vec();
    for _ in 0..1 + random.below(3) {
        let at = random.below(pickle.len());
        match random.below(3) {
            0 => pickle[at] = random.below(256) as u8,
            1 => drop(pickle.remove(at)),
            _ => pickle.insert(at, random.below(256) as u8),
        }
        if pickle.is_empty() {
            return b".".to_vec();
        }
    }
    pickle
}

fn pickles() -> Vec<Vec<u8>> {
    let mut generator = Random(0x9e37_79b9_7f4a_7c15);
    let mut pickles: Vec<_> = (0..4000).map(|_| random(&mut generator)).collect();
    let state = Pickle::state(&[("a", SMALL), ("b", SMALL)]);
    let old = b"(dp0\nS'a'\np1\ncos\nsystem\np2\n(Vid\np3\ntp4\nRp5\ns.".to_vec();
    let frames =
        b"\x80\x04\x95\x11\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94.".to_vec();
    for seed in [state, old, frames] {
        pickles.push(seed.clone());
        for _ in 0..1500 {
            pickles.push(mutated(&seed, &mut generator));
        }
    }
    let more: Vec<_> = pickles
        .iter()
        .map(|pickle| mutated(pickle, &mut generator))
        .collect();
    pickles.extend(more);
    pickles
}

/// `pickletools` takes these and an unpickler does not: names and numbers are read by other rules
/// there, and frames are not looked at.
fn is_stricter(pickle: &[u8]) -> bool {
    let fault = lazaret_plugin_pytorch::opcodes(pickle, 0).unwrap_err();
    matches!(fault.rule, Rule::Frame | Rule::Number | Rule::Text)
}

#[test]
fn opcodes_and_offsets_are_those_of_pickletools() {
    let Some(bench) = Bench::new() else {
        return;
    };
    let pickles = pickles();
    bench.write("pickles", &pickles);
    let listed = bench.python(&["genops.py", "pickles"]);
    let mut sound = 0;
    for (pickle, theirs) in pickles.iter().zip(listed.lines()) {
        let ours = trace(pickle);
        if ours == theirs {
            sound += usize::from(ours != "error");
            continue;
        }
        let text = pickle.escape_ascii();
        assert!(
            (ours == "error" && is_stricter(pickle)) || is_looser(pickle, theirs),
            "{text}\nours   {ours}\ntheirs {theirs}"
        );
    }
    assert_eq!(listed.lines().count(), pickles.len());
    assert!(sound > 5000, "{sound}");
}

/// `pickletools` wants ASCII where unpicklers take UTF-8, and undoes escapes in names.
fn is_looser(pickle: &[u8], theirs: &str) -> bool {
    theirs == "error" && pickle.iter().any(|byte| !byte.is_ascii() || *byte == b'\\')
}

#[test]
fn unpicklers_import_nothing_that_is_not_found_and_load_nothing_that_is_refused() {
    let Some(bench) = Bench::new() else {
        return;
    };
    let pickles = pickles();
    bench.write("pickles", &pickles);
    let listed = bench.python(&["unpickle.py", "pickles"]);
    let mut lines = listed.lines();
    let (mut loaded, mut imports, mut refused) = (0, 0, 0);
    for pickle in &pickles {
        let text = pickle.escape_ascii();
        let (ours, fault) = match replay(pickle, 0) {
            Ok(checkpoint) => (names(&checkpoint.findings), None),
            Err((fault, findings)) => (names(&findings), Some(fault)),
        };
        // What C's and Python's implementations imported, and whether they came to an end.
        let mut both = true;
        for which in ["C", "Python"] {
            let (end, theirs) = lines.next().unwrap().split_once(' ').unwrap();
            let theirs: String = theirs
                .split_inclusive(',')
                .filter(|name| !ALLOWED.contains(&plain(name).as_str()))
                .collect();
            // Python's takes a last line that does not end, too, and imports what it names; the stream
            // is refused, and nothing can follow. So it is where our rules are stricter.
            let is_refused = fault.is_some_and(|fault| {
                is_own(fault.rule) || (which == "Python" && fault.rule == Rule::TruncatedPickle)
            });
            assert!(
                ours.starts_with(&theirs) || (is_refused && theirs.starts_with(&ours)),
                "{which} {text}\nours   {ours}\ntheirs {theirs}"
            );
            imports += usize::from(!theirs.is_empty());
            both &= end == "loaded";
        }
        if let Some(fault) = fault.filter(|_| both) {
            assert!(is_own(fault.rule), "{text}\n{fault}");
            refused += 1;
        }
        loaded += usize::from(both);
    }
    assert!(loaded > 1200 && imports > 5000, "{loaded} {imports}");
    assert!(refused < 60, "{refused}");
}

/// Names in the seeds that are on the list, and so no findings.
const ALLOWED: [&str; 3] = [
    "torch._utils _rebuild_tensor_v2,",
    "torch FloatStorage,",
    "collections OrderedDict,",
];

/// Text from its escapes, which are all of the kind `\u{…}`.
fn plain(escaped: &str) -> String {
    let mut text = String::new();
    let mut rest = escaped;
    while let Some(first) = rest.chars().next() {
        if let Some((code, after)) = rest
            .strip_prefix("\\u{")
            .and_then(|rest| rest.split_once('}'))
        {
            let code = u32::from_str_radix(code, 16).unwrap();
            text.extend(char::from_u32(code));
            rest = after;
        } else {
            text.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    text
}

/// Rules that are stricter than an unpickler, or about tensors, which its stand-ins know nothing of.
fn is_own(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::Frame
            | Rule::Number
            | Rule::Text
            | Rule::NotCheckpoint
            | Rule::TensorBeyondStorage
            | Rule::TensorShape
    )
}

/// Modules and names that were found, in order.
fn names(findings: &lazaret_plugin_pytorch::Findings) -> String {
    let mut text = String::new();
    for finding in findings.kept() {
        if finding.opcode.ends_with("GLOBAL") || finding.opcode == "INST" {
            let is_unresolved = finding.module.is_empty()
                && finding.name.is_empty()
                && finding.reason.contains("resolved");
            if !is_unresolved {
                write!(
                    text,
                    "{} {},",
                    finding.module.escape_unicode(),
                    finding.name.escape_unicode()
                )
                .unwrap();
            }
        }
    }
    text
}
