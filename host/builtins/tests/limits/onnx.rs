//! Models of every size.

use lazaret_engine::FaultKind;

use crate::hollow::{Hollow, Outcome, run};

const FILE: &str = "application/x-onnx";

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(value.len() as u64),
        value.to_vec(),
    ]
    .concat()
}

/// Its head, and how many bytes of data are to follow as its last field.
type Tensor = (Vec<u8>, u64);

fn inside(name: &str, size: u64) -> Tensor {
    let head = [number(1, size), number(2, 2), bytes(8, name.as_bytes())].concat();
    let field = [varint(9 << 3 | 2), varint(size)].concat();
    ([head, field].concat(), size)
}

fn external(name: &str, location: &str, offset: u64) -> Tensor {
    let entry = |key: &str, value: &str| {
        bytes(
            13,
            &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat(),
        )
    };
    let head = [
        number(1, 64),
        number(2, 2),
        bytes(8, name.as_bytes()),
        entry("location", location),
        entry("offset", &offset.to_string()),
        number(14, 1),
    ];
    (head.concat(), 0)
}

fn model(tensors: impl Iterator<Item = Tensor>) -> Hollow {
    let tensors: Vec<(Vec<u8>, u64)> = tensors
        .map(|(head, data)| {
            let length = head.len() as u64 + data;
            ([varint(5 << 3 | 2), varint(length), head].concat(), data)
        })
        .collect();
    let graph: u64 = tensors
        .iter()
        .map(|(head, data)| head.len() as u64 + data)
        .sum();
    let mut file = Hollow::default();
    file.push([number(1, 8), varint(7 << 3 | 2), varint(graph)].concat());
    let mut held = Vec::new();
    for (head, data) in tensors {
        held.extend(head);
        if data >= 1 << 20 {
            file.push(std::mem::take(&mut held));
            file.zeros(data);
        } else {
            held.resize(held.len() + data as usize, 0);
        }
    }
    file.push(held);
    file
}

fn both(file: &Hollow) -> [Outcome; 2] {
    [false, true].map(|split| run("onnx", FILE, file.clone(), split))
}

#[test]
fn two_hundred_thousand_tensors_fit() {
    let name = |number: u64| format!("{number:0>200}");
    let file = model((0..200_000).map(|number| inside(&name(number), 4096)));
    let [whole, split] = both(&file);
    assert_eq!((whole.report().entries, whole.record.objects), (200_000, 1));
    assert!(split.record.objects >= 200_000);
    let many = model((0..200_001).map(|number| inside(&name(number), 1)));
    for outcome in both(&many) {
        assert_eq!(
            outcome.fault(),
            (FaultKind::Unsupported, "too many tensors")
        );
    }
}

#[test]
fn external_data_of_every_limit_fits() {
    let location = |number: u64| format!("{:0>200}/{:0>200}", "", number % 10_000);
    let place = |number: u64| number / 10_000 * 64;
    let tensor =
        |number: u64| external(&format!("{number:0>100}"), &location(number), place(number));
    let [whole, _] = both(&model((0..200_000).map(tensor)));
    assert_eq!(whole.report().entries, 200_000);
    let one = |number: u64| external(&number.to_string(), &format!("f{number}"), 0);
    let [whole, _] = both(&model((0..10_001).map(one)));
    assert_eq!(
        whole.fault(),
        (FaultKind::Unsupported, "too many locations")
    );
}

#[test]
fn a_file_of_a_hundred_gigabytes_is_split() {
    let file = model((0..4).map(|number| inside(&format!("t{number}"), 25 << 30)));
    let [whole, split] = both(&file);
    assert_eq!((whole.record.objects, split.record.objects), (1, 4));
}

/// A graph within an attribute of a node of a graph: `depth` of them.
#[test]
fn nesting_ends_before_the_stack() {
    for (depth, is_read) in [(30, true), (1000, false)] {
        let mut graph = Vec::new();
        for _ in 0..depth {
            let attribute = [bytes(1, b"then"), bytes(6, &graph), number(20, 5)].concat();
            let node = [bytes(4, b"If"), bytes(5, &attribute)].concat();
            graph = bytes(1, &node);
        }
        let mut file = Hollow::default();
        file.push([number(1, 8), bytes(7, &graph)].concat());
        let [whole, _] = both(&file);
        if is_read {
            assert_eq!(whole.report().entries, 0);
        } else {
            assert_eq!(whole.fault().0, FaultKind::Malformed, "{:?}", whole.fault());
        }
    }
}

/// Types nest, too, and are passed over.
#[test]
fn types_within_types_end_before_the_stack() {
    for (depth, is_read) in [(45, true), (1000, false)] {
        let mut inner = Vec::new();
        for _ in 0..depth {
            inner = bytes(4, &bytes(1, &inner));
        }
        let value = [bytes(1, b"x"), bytes(2, &inner)].concat();
        let mut file = Hollow::default();
        file.push([number(1, 8), bytes(7, &bytes(11, &value))].concat());
        let [whole, _] = both(&file);
        if is_read {
            assert_eq!(whole.report().entries, 0);
        } else {
            assert_eq!(
                whole.fault(),
                (FaultKind::Malformed, "messages are nested too deeply")
            );
        }
    }
}

#[test]
fn a_hundred_megabytes_of_nodes_are_walked() {
    let node = bytes(1, &bytes(4, b"Relu"));
    let graph = node.repeat(12_000_000);
    let mut file = Hollow::default();
    file.push([number(1, 8), bytes(7, &graph)].concat());
    let [whole, _] = both(&file);
    assert_eq!(whole.report().entries, 0);
}
