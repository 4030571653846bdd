//! The importer of PyTorch checkpoints over any bytes.
//!
//! 1. It does not panic.
//! 2. It says the same however its reads are cut up.
//! 3. Tensors of a sound file lie within one of its storages, and storages within the file, in order
//!    and without overlaps.
//! 4. The cuts of a sound file add up to its length; none is empty, no two inline ones are
//!    neighbours, and a tensor lies in one object, or where all is inline.
//! 5. Names are unique. Facts' keys and values are such as the host takes; there is one verdict, and
//!    it is that of the worst finding.
//! 6. A fault, and every finding, lies within the input.
//! 7. A name in a module that runs programs is never less than dangerous.

pub mod malformed;

use std::collections::HashSet;
use std::fmt::Write as _;

use lazaret_plugin_pytorch::facts::{Fact, Value, of};
use lazaret_plugin_pytorch::split::cuts;
use lazaret_plugin_pytorch::{Checkpoint, Findings, Level, Storage, replay};

/// Reads are cut up according to these; zero is not at all.
const SEEDS: [u64; 2] = [1, 0x9e37_79b9_7f4a_7c15];

/// Holds the importer to the invariants.
///
/// # Panics
/// When one of them does not hold.
pub fn check(data: &[u8]) {
    let first = replay(data, 0);
    for seed in SEEDS {
        assert_eq!(replay(data, seed), first, "seed {seed}");
    }
    let length = data.len() as u64;
    match &first {
        Ok(checkpoint) => {
            assert_eq!(checkpoint.size, length);
            check_tensors(checkpoint);
            check_cuts(checkpoint);
            check_facts(checkpoint);
            check_findings(&checkpoint.findings, length);
        }
        Err((fault, findings)) => {
            assert!(fault.at.offset + fault.at.length <= length, "{fault:?}");
            check_findings(findings, length);
        }
    }
}

fn check_tensors(checkpoint: &Checkpoint) {
    let mut end = 0;
    for &(offset, length) in &checkpoint.storages {
        assert!(offset >= end && length > 0);
        end = offset + length;
    }
    assert!(end <= checkpoint.size);
    let mut names = HashSet::new();
    for part in &checkpoint.parts {
        assert!(names.insert(&part.name), "{} comes twice", part.name);
        assert_eq!(part.length == 0, part.elements() == 0, "{part:?}");
        let rank = part.stride.as_ref().map(Vec::len);
        assert!(rank.is_none_or(|rank| rank == part.shape.len()));
        if part.length > 0 {
            let mut storages = checkpoint.storages.iter();
            let is_inside = storages.any(|&(offset, length)| {
                offset <= part.offset && part.offset + part.length <= offset + length
            });
            assert!(is_inside, "{part:?}");
        }
    }
}

fn check_cuts(checkpoint: &Checkpoint) {
    let cuts = cuts(checkpoint);
    assert!(cuts.iter().all(|cut| cut.length > 0));
    let mut objects = Vec::new();
    let mut at = 0;
    for cut in &cuts {
        if cut.storage == Storage::Object {
            objects.push((at, at + cut.length));
        }
        at += cut.length;
    }
    assert_eq!(at, checkpoint.size);
    let inline = |cut: &lazaret_plugin_pytorch::Segment| cut.storage == Storage::Inline;
    assert!(
        cuts.windows(2)
            .all(|pair| !(inline(&pair[0]) && inline(&pair[1])))
    );
    for part in checkpoint.parts.iter().filter(|part| part.length > 0) {
        let end = part.offset + part.length;
        for &(from, to) in &objects {
            let is_apart = end <= from || to <= part.offset;
            assert!(is_apart || (from <= part.offset && end <= to), "{part:?}");
        }
    }
}

fn check_facts(checkpoint: &Checkpoint) {
    let facts = of(checkpoint);
    let mut verdicts = Vec::new();
    for Fact { key, value } in &facts {
        let is_printable = key.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(is_printable && key.len() <= 128, "{key}");
        if let Value::Text(text) = value {
            assert!(text.len() <= 64 * 1024, "{key}: {} bytes", text.len());
            if key == "model.pickle-verdict" {
                verdicts.push(text.as_str());
            }
        }
    }
    assert_eq!(verdicts, [checkpoint.findings.worst().verdict()]);
}

fn check_findings(findings: &Findings, length: u64) {
    for finding in findings.kept() {
        assert!(finding.offset <= length, "{finding}");
        assert!(finding.level <= findings.worst());
        let known = ["os", "posix", "nt", "subprocess", "builtins", "runpy"];
        if known.contains(&finding.module.as_str()) {
            let is_exception = finding.level == Level::Suspicious && finding.module == "builtins";
            assert!(
                finding.level == Level::Dangerous || is_exception,
                "{finding}"
            );
        }
    }
}

/// Sound files to begin with: each format, an attack in each.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let state = pickle("");
    let payload = pickle("cos\nsystem\n(U\x02idtR0");
    let storages = [("0", vec![7; 24]), ("1", vec![9; 16 * 1024])];
    vec![
        zip(&state, &storages, false),
        zip(&state, &storages, true),
        zip(&payload, &storages, true),
        legacy(&state, &storages),
        legacy(&payload, &storages),
        payload,
        b"cposix\nsystem\np0\n(Vid\np1\ntp2\nRp3\n.".to_vec(),
        b"\x80\x04\x95\x11\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94.".to_vec(),
        b"\x80\x02}q\0(U\x01aq\x01cmodels\nNet\nq\x02)\x81q\x03}q\x04U\x01bq\x05K\x01sbu.".to_vec(),
    ]
}

/// A state dictionary of a few views; `first` stands before it.
fn pickle(first: &str) -> Vec<u8> {
    let mut text = format!("\u{80}\u{2}{first}}}q\u{0}(");
    let views = [
        ("a.weight", "0", 6, 0, "K\u{2}K\u{3}", "K\u{3}K\u{1}"),
        ("b", "1", 4096, 0, "M\u{0}\u{8}", "K\u{1}"),
        ("c", "1", 4096, 2048, "M\u{0}\u{4}", "K\u{2}"),
        ("d", "1", 4096, 5, "", ""),
    ];
    for (name, key, elements, offset, size, stride) in views {
        let number = |number: i32| {
            let [low, high, ..] = number.to_le_bytes();
            format!("M{}{}", char::from(low), char::from(high))
        };
        let text_of = |text: &str| format!("U{}{text}", char::from(text.len() as u8));
        write!(
            text,
            "{}ctorch._utils\n_rebuild_tensor_v2\n(({}ctorch\nFloatStorage\n{}{}{}tQ{}({size}t({stride}t\
             \u{89}ccollections\nOrderedDict\n)RtR",
            text_of(name),
            text_of("storage"),
            text_of(key),
            text_of("cpu"),
            number(elements),
            number(offset),
        )
        .expect("a string takes any text");
    }
    text.push_str("u.");
    // Each letter is a byte.
    text.chars().map(|letter| letter as u8).collect()
}

/// Sizes in the headers, or behind the data as torch writes them.
fn zip(pickle: &[u8], storages: &[(&str, Vec<u8>)], is_later: bool) -> Vec<u8> {
    let mut members = vec![("a/data.pkl".to_owned(), pickle.to_vec())];
    members.push(("a/byteorder".to_owned(), b"little".to_vec()));
    for (key, data) in storages {
        members.push((format!("a/data/{key}"), data.clone()));
    }
    members.push(("a/version".to_owned(), b"3\n".to_vec()));
    let flags: u16 = if is_later { 0x0808 } else { 0 };
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for (name, data) in &members {
        let size = (data.len() as u32).to_le_bytes();
        let stated = [checksum(data).to_le_bytes(), size, size].concat();
        let head = [&[0; 2][..], &flags.to_le_bytes(), &[0; 6]].concat();
        let lengths = [name.len() as u8, 0, 0, 0];
        let offset = (file.len() as u32).to_le_bytes();
        directory.extend(
            [
                b"PK\x01\x02",
                &[0; 2][..],
                &head,
                &stated,
                &lengths,
                &[0; 10],
            ]
            .concat(),
        );
        directory.extend([&offset, name.as_bytes()].concat());
        let local = if is_later {
            &[0; 12]
        } else {
            stated.as_slice()
        };
        file.extend([b"PK\x03\x04", head.as_slice(), local, &lengths].concat());
        file.extend(name.as_bytes());
        file.extend(data);
        if is_later {
            file.extend(b"PK\x07\x08");
            file.extend(stated);
        }
    }
    let count = members.len() as u8;
    let (size, offset) = (directory.len() as u32, file.len() as u32);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, 0, count, 0]);
    file.extend([size.to_le_bytes(), offset.to_le_bytes()].concat());
    file.extend([0; 2]);
    file
}

/// CRC-32, bit by bit.
fn checksum(data: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(sum & 1))
        })
    };
    !data.iter().fold(u32::MAX, step)
}

fn legacy(pickle: &[u8], storages: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    file.extend(b"\x80\x02M\xe9\x03.\x80\x02}U\x0dlittle_endian\x88s.");
    file.extend(pickle);
    file.extend(b"\x80\x02](");
    for (key, _) in storages {
        file.extend([b"U\x01", key.as_bytes()].concat());
    }
    file.extend(b"e.");
    for (_, data) in storages {
        file.extend((data.len() as u64 / 4).to_le_bytes());
        file.extend(data);
    }
    file
}
