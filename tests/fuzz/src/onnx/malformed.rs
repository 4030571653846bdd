//! One input for each way in which models are known to be broken or bent: above all external data.

use lazaret_plugin_onnx::Rule;

use super::{bytes, model, number};

/// The bytes, and the rule that they break.
pub type Case = (Vec<u8>, Rule);

/// A model of one tensor.
fn tensor(fields: &[Vec<u8>]) -> Vec<u8> {
    model(&bytes(5, &fields.concat()))
}

/// A model of one tensor of eight bytes in another file.
fn external(entries: &[(&str, &str)]) -> Vec<u8> {
    let head = [number(1, 8), number(2, 2), bytes(8, b"a"), number(14, 1)].concat();
    let entries = entries
        .iter()
        .map(|(key, value)| {
            bytes(
                13,
                &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat(),
            )
        })
        .collect::<Vec<_>>();
    tensor(&[head, entries.concat()])
}

/// All of them.
#[must_use]
pub fn malformed() -> Vec<Case> {
    let mut cases = Vec::new();
    for (location, rule) in [
        ("../data", Rule::LocationParent),
        ("a/../../data", Rule::LocationParent),
        ("/etc/passwd", Rule::LocationAbsolute),
        (r"a\b", Rule::LocationBackslash),
        ("c:data", Rule::LocationDrive),
        ("a\0b", Rule::LocationNul),
        ("", Rule::LocationEmpty),
    ] {
        cases.push((external(&[("location", location)]), rule));
    }
    for (key, value, rule) in [
        ("offset", "-1", Rule::ExternalNumber),
        ("offset", "0x10", Rule::ExternalNumber),
        ("offset", "18446744073709551615", Rule::ExternalRange),
        ("offset", "9223372036854775807", Rule::ExternalRange),
        ("length", "9", Rule::ExternalSize),
        ("checksum", "", Rule::ExternalChecksum),
        ("location", "other", Rule::ExternalKeyTwice),
        ("url", "http://example.com", Rule::ExternalKeyUnknown),
    ] {
        cases.push((external(&[("location", "data"), (key, value)]), rule));
    }
    cases.push((external(&[]), Rule::LocationMissing));
    let outside = |name: &[u8], offset: &str| {
        let entry =
            |key: &[u8], value: &[u8]| bytes(13, &[bytes(1, key), bytes(2, value)].concat());
        let fields = [
            number(1, 8),
            number(2, 2),
            bytes(8, name),
            entry(b"location", b"data"),
            entry(b"offset", offset.as_bytes()),
            number(14, 1),
        ];
        bytes(5, &fields.concat())
    };
    cases.push((
        model(&[outside(b"a", "0"), outside(b"b", "4")].concat()),
        Rule::ExternalOverlap,
    ));
    let raw = |size: u64, kind: u64, name: &[u8], values: &[u8]| {
        vec![
            number(1, size),
            number(2, kind),
            bytes(8, name),
            bytes(9, values),
        ]
    };
    for (fields, rule) in [
        (raw(2, 2, b"a", b"x"), Rule::RawSize),
        (raw(1, 2, b"", b"x"), Rule::EmptyName),
        (raw(1, 8, b"a", b"x"), Rule::StringRaw),
        (raw(1, 99, b"a", b"x"), Rule::DataTypeUnknown),
        (raw(u64::MAX, 2, b"a", b"x"), Rule::NegativeDimension),
        (
            [raw(1, 2, b"a", b"x"), vec![bytes(9, b"y")]].concat(),
            Rule::FieldTwice,
        ),
        (
            [raw(1, 2, b"a", b"x"), vec![bytes(5, &[0])]].concat(),
            Rule::DataTwice,
        ),
    ] {
        cases.push((tensor(&fields), rule));
    }
    let twice = bytes(5, &raw(1, 2, b"a", b"x").concat()).repeat(2);
    cases.push((model(&twice), Rule::NameTwice));
    cases.push((bytes(7, &[]), Rule::MissingIrVersion));
    cases.push((number(1, 8), Rule::MissingGraph));
    cases.push(([number(1, 99), bytes(7, &[])].concat(), Rule::IrVersion));
    cases.push((b"\x3a\x05\x0a".to_vec(), Rule::LengthBeyondMessage));
    cases.push((
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
        Rule::VarintRange,
    ));
    cases.push((b"\x0b\x0c".to_vec(), Rule::Group));
    let nested = (0..200).fold(Vec::new(), |graph, _| {
        let attribute = [bytes(1, b"g"), bytes(6, &graph)].concat();
        bytes(1, &bytes(5, &attribute))
    });
    cases.push((model(&nested), Rule::TooDeep));
    cases
}
