//! Checkpoints of every size.

use lazaret_engine::FaultKind;

use crate::hollow::{Hollow, Outcome, run};

const FILE: &str = "application/x-pytorch";

fn both(file: &Hollow) -> [Outcome; 2] {
    [false, true].map(|split| run("pytorch", FILE, file.clone(), split))
}

fn text(text: &str) -> Vec<u8> {
    [
        b"X".as_slice(),
        &(text.len() as u32).to_le_bytes(),
        text.as_bytes(),
    ]
    .concat()
}

fn int(number: u32) -> Vec<u8> {
    [b"J".as_slice(), &number.to_le_bytes()].concat()
}

/// Memoizes what every tensor needs: 0 the function, 1 the storage's class, 2 `storage`, 3 `cpu`,
/// 4 and 5 sizes and strides, 6 no hooks.
fn preamble(dimensions: &[(u32, u32)]) -> Vec<u8> {
    let tuple = |numbers: &[u32]| {
        let numbers: Vec<u8> = numbers.iter().flat_map(|&number| int(number)).collect();
        [b"(".to_vec(), numbers, b"t".to_vec()].concat()
    };
    let (sizes, strides): (Vec<u32>, Vec<u32>) = dimensions.iter().copied().unzip();
    [
        b"\x80\x02".to_vec(),
        b"ctorch._utils\n_rebuild_tensor_v2\nq\x000".to_vec(),
        b"ctorch\nByteStorage\nq\x010".to_vec(),
        text("storage"),
        b"q\x020".to_vec(),
        text("cpu"),
        b"q\x030".to_vec(),
        tuple(&sizes),
        b"q\x040".to_vec(),
        tuple(&strides),
        b"q\x050".to_vec(),
        b"ccollections\nOrderedDict\n)Rq\x060".to_vec(),
    ]
    .concat()
}

/// A tensor in a storage of so many bytes.
fn tensor(key: &str, bytes: u32) -> Vec<u8> {
    let storage = [
        b"(h\x02h\x01".to_vec(),
        text(key),
        b"h\x03".to_vec(),
        int(bytes),
        b"tQ".to_vec(),
    ];
    [
        b"h\0(".to_vec(),
        storage.concat(),
        b"K\0h\x04h\x05\x89h\x06tR".to_vec(),
    ]
    .concat()
}

/// The archive of a pickle and of storages of so many bytes each, laid out as Python does it.
fn archive(pickle: Vec<u8>, storages: impl Iterator<Item = (String, u32)>) -> Hollow {
    let mut file = Hollow::default();
    let mut directory = Vec::new();
    let mut count = 0_u64;
    let mut member = |file: &mut Hollow, name: &str, size: u32, sum: u32| {
        // An offset of more than 32 bits is in the extra field.
        let (header, extra) = match u32::try_from(file.size) {
            Ok(header) => (header, Vec::new()),
            Err(_) => {
                let long = file.size.to_le_bytes();
                (u32::MAX, [b"\x01\0\x08\0", &long[..]].concat())
            }
        };
        let stated = [sum, size, size].map(u32::to_le_bytes).concat();
        let length = (name.len() as u16).to_le_bytes();
        let fixed = [&[0; 8][..], &stated, &length].concat();
        let local: [&[u8]; 4] = [b"PK\x03\x04\0\0", &fixed, &[0; 2], name.as_bytes()];
        file.push(local.concat());
        directory.extend(b"PK\x01\x02\0\0\0\0");
        directory.extend(&fixed);
        directory.extend((extra.len() as u16).to_le_bytes());
        directory.extend([0; 10]);
        directory.extend(header.to_le_bytes());
        directory.extend(name.as_bytes());
        directory.extend(extra);
        count += 1;
    };
    let size = pickle.len() as u32;
    member(&mut file, "a/data.pkl", size, crc32fast::hash(&pickle));
    file.push(pickle);
    for (key, size) in storages {
        // Nobody sums a storage.
        member(&mut file, &format!("a/data/{key}"), size, 0);
        file.zeros(size.into());
    }
    let (place, length) = (file.size, directory.len() as u64);
    file.push(directory);
    let record = file.size;
    let numbers = [count, count, length, place].map(u64::to_le_bytes).concat();
    let long = [44_u64.to_le_bytes().as_slice(), &[0; 12], &numbers].concat();
    file.push([b"PK\x06\x06", &long[..]].concat());
    file.push(
        [
            b"PK\x06\x07\0\0\0\0",
            &record.to_le_bytes()[..],
            b"\x01\0\0\0",
        ]
        .concat(),
    );
    file.push([b"PK\x05\x06\0\0\0\0".as_slice(), &[0xff; 12], &[0; 2]].concat());
    file
}

/// A dictionary of so many tensors, each with a storage of its own.
fn state(count: u32, bytes: u32, name: impl Fn(u32) -> String) -> Hollow {
    let mut pickle = preamble(&[(bytes / 8, 8), (8, 1)]);
    pickle.extend(b"}(");
    for number in 0..count {
        pickle.extend(text(&name(number)));
        pickle.extend(tensor(&number.to_string(), bytes));
    }
    pickle.extend(b"u.");
    archive(pickle, (0..count).map(|number| (number.to_string(), bytes)))
}

#[test]
fn sixty_thousand_tensors_fit() {
    let name = |number| format!("model.layers.{}.mlp.experts.{number}.weight", number / 100);
    let file = state(60_000, 4096, name);
    let [whole, split] = both(&file);
    assert_eq!((whole.report().entries, whole.record.objects), (60_000, 1));
    // Each tensor, the pickle and the directory.
    assert_eq!(split.record.objects, 60_002);
}

#[test]
fn a_pickle_that_builds_too_much_is_named() {
    let file = state(99_000, 8, |number| format!("{number:0>200}"));
    for outcome in both(&file) {
        assert_eq!(
            outcome.fault(),
            (FaultKind::Unsupported, "pickle builds too much")
        );
    }
}

#[test]
fn members_as_many_as_there_may_be_fit() {
    // Of which no tensor knows, so each is looked at.
    let pickle = b"\x80\x02}.".to_vec();
    let members = |count: u32| {
        let names = (0..count).map(|number| (format!("{number:0>70}"), 8));
        archive(pickle.clone(), names)
    };
    for outcome in both(&members(99_999)) {
        assert_eq!(outcome.report().entries, 0);
    }
    for outcome in both(&members(100_000)) {
        assert_eq!(
            outcome.fault(),
            (FaultKind::Unsupported, "archive has too many members")
        );
    }
}

#[test]
fn tensors_of_many_dimensions_fit_or_are_named() {
    let pickle = |count: u32| {
        let mut pickle = preamble(&[(1, 7); 64]);
        pickle.extend(b"](");
        for _ in 0..count {
            pickle.extend(tensor("0", 8));
        }
        pickle.extend(b"e.");
        let others = (1..99_000).map(|number| (number.to_string(), 8));
        archive(pickle, [("0".to_owned(), 8)].into_iter().chain(others))
    };
    for outcome in both(&pickle(7000)) {
        assert_eq!(outcome.report().entries, 7000);
    }
    for outcome in both(&pickle(20_000)) {
        assert_eq!(
            outcome.fault(),
            (FaultKind::Unsupported, "pickle builds too much")
        );
    }
}

/// One long key above many tensors: names are made of keys, so a small pickle makes large ones.
#[test]
fn names_that_multiply_are_cut() {
    let mut pickle = preamble(&[(1, 1)]);
    pickle.extend(b"}");
    pickle.extend(text(&"k".repeat(16_000)));
    pickle.extend(b"](");
    for _ in 0..30_000 {
        pickle.extend(tensor("0", 8));
    }
    pickle.extend(b"es.");
    let file = archive(pickle, [("0".to_owned(), 8)].into_iter());
    for outcome in both(&file) {
        let entries = outcome.report().entries;
        assert!((400..1000).contains(&entries), "{entries}");
        let omitted = outcome.record.facts.iter().any(|fact| {
            fact.key == "model.pickle-finding"
                && format!("{:?}", fact.value).contains("tensors too deep or too many to be listed")
        });
        assert!(omitted);
    }
}

#[test]
fn findings_of_every_size_fit() {
    let mut pickle = b"\x80\x02]".to_vec();
    for _ in 0..1200 {
        pickle.extend(format!("c{}\n{}\n0", "m".repeat(60_000), "n".repeat(60_000)).bytes());
    }
    let after = pickle.len();
    pickle.extend(b".");
    let mut file = Hollow::default();
    file.push(pickle.clone());
    for outcome in both(&file) {
        assert_eq!(verdict(&outcome), "suspicious");
    }
    // And a million of them.
    pickle.truncate(after);
    pickle.extend(b"P\n0".repeat(500_000));
    pickle.extend(b"\x82\x010".repeat(500_000));
    pickle.extend(b".");
    let mut file = Hollow::default();
    file.push(pickle);
    for outcome in both(&file) {
        assert_eq!(verdict(&outcome), "dangerous");
    }
}

/// Unpicklers run what they come to, and only then find that the rest is broken.
#[test]
fn what_breaks_behind_a_payload_is_judged() {
    for (broken, expected) in [
        (&b"\x80\x02cos\nsystem\n(Vid\ntR\xff"[..], Some("dangerous")),
        (b"\x80\x02cmodels\nNet\n\xff", None),
    ] {
        let mut file = Hollow::default();
        file.push(broken.to_vec());
        for outcome in both(&file) {
            match expected {
                Some(expected) => {
                    assert_eq!(verdict(&outcome), expected);
                    assert!(outcome.record.facts.iter().any(|fact| {
                        fact.key == "model.fault"
                            && format!("{:?}", fact.value).contains("unknown opcode at byte 20")
                    }));
                }
                None => assert_eq!(outcome.fault().0, FaultKind::Malformed),
            }
        }
    }
}

#[track_caller]
fn verdict(outcome: &Outcome) -> String {
    outcome.report();
    let facts = &outcome.record.facts;
    let verdict = facts.iter().find(|fact| fact.key == "model.pickle-verdict");
    match &verdict.expect("a verdict").value {
        lazaret_artifact::Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

/// Keys that are equal as names, and names that were taken so that every way out is blocked.
#[test]
fn names_that_clash_are_told_apart_in_linear_time() {
    const COUNT: u32 = 20_000;
    let mut pickle = preamble(&[(1, 1)]);
    pickle.extend(b"}(");
    for number in COUNT..3 * COUNT / 2 {
        pickle.extend(text(&format!("1#{number}")));
        pickle.extend(tensor("0", 8));
    }
    for _ in 0..COUNT {
        pickle.extend(b"K\x01");
        pickle.extend(tensor("0", 8));
    }
    pickle.extend(b"u.");
    let [whole, _] = both(&archive(pickle, [("0".to_owned(), 8)].into_iter()));
    assert!(whole.report().fuel < 2_000_000_000, "{:?}", whole.report());
}

#[test]
fn a_checkpoint_of_a_hundred_gigabytes_is_split() {
    let file = state(50, (1 << 31) - 8, |number| format!("t{number}"));
    assert!(file.size > 100_000_000_000);
    let [whole, split] = both(&file);
    assert_eq!((whole.record.parts, split.record.parts), (50, 50));
    assert_eq!((whole.record.objects, split.record.objects), (1, 50));
}
