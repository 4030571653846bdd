//! Every rule a file can break, with the place where it is broken.

use lazaret_plugin_safetensors::limits::{DIMENSIONS_MAX, NAME_MAX, TENSORS_MAX};
use lazaret_plugin_safetensors::{Fault, Rule, Span};

use crate::file::{bytes, file, read};

fn refused(what: &str, bytes: &[u8], rule: Rule, offset: u64, length: u64) {
    let at = Span { offset, length };
    assert_eq!(read(bytes), Err(Fault { rule, at }), "{what}");
}

#[test]
fn framing() {
    refused("empty", b"", Rule::TruncatedLength, 0, 0);
    refused("seven bytes", &[2; 7], Rule::TruncatedLength, 0, 7);
    refused("no header", &[0; 8], Rule::HeaderStart, 8, 0);
    let huge = 100_000_001_u64.to_le_bytes();
    refused("a byte too many", &huge, Rule::HeaderTooLarge, 0, 8);
    refused("2^64 - 1", &[0xff; 8], Rule::HeaderTooLarge, 0, 8);
    let most = 100_000_000_u64.to_le_bytes();
    refused("not there", &most, Rule::TruncatedHeader, 0, 8);
    let mut short = file("{}", 0);
    short.pop();
    refused("cut off", &short, Rule::TruncatedHeader, 0, 8);
    refused("a blank first", &file(" {}", 0), Rule::HeaderStart, 8, 1);
    refused("a list", &file("[]", 0), Rule::HeaderStart, 8, 1);
    refused("a mark", &file("\u{feff}{}", 0), Rule::HeaderStart, 8, 1);
    for other in ["\n", "\t", "\0", "x", "{}"] {
        let header = format!("{{}}  {other}");
        refused(other, &file(header, 0), Rule::HeaderPadding, 12, 1);
    }
}

#[test]
fn text() {
    for (header, rule, offset, length) in [
        (&b"{"[..], Rule::JsonTruncated, 9, 0),
        (br#"{"a"#, Rule::JsonTruncated, 11, 0),
        (br#"{"a":"#, Rule::JsonTruncated, 13, 0),
        (br#"{"a\"#, Rule::JsonTruncated, 12, 0),
        (br#"{"a\u00"#, Rule::JsonTruncated, 15, 0),
        (b"{\"a\xc3", Rule::JsonUtf8, 11, 1),
        (br#"{"__metadata__":{"a":"b"}"#, Rule::JsonTruncated, 33, 0),
        (b"{,}", Rule::JsonSyntax, 9, 1),
        (b"{1:2}", Rule::JsonSyntax, 9, 1),
        (b"{'a':1}", Rule::JsonSyntax, 9, 1),
        (br#"{"a"}"#, Rule::JsonSyntax, 12, 1),
        (br#"{"a",}"#, Rule::JsonSyntax, 12, 1),
        (br#"{"__metadata__":{},}"#, Rule::JsonSyntax, 27, 1),
        (br#"{"__metadata__":{} "a":{}}"#, Rule::JsonSyntax, 27, 1),
        (br#"{"__metadata__":{}]"#, Rule::JsonSyntax, 26, 1),
        (b"{/**/}", Rule::JsonSyntax, 9, 1),
        (b"{\"a\xff\":1}", Rule::JsonUtf8, 11, 1),
        (b"{\"a\xc3(\":1}", Rule::JsonUtf8, 11, 1),
        (b"{\"\xc0\x80\":1}", Rule::JsonUtf8, 10, 1),
        (b"{\"\xe0\x80\x80\":1}", Rule::JsonUtf8, 10, 3),
        (b"{\"\xed\xa0\x80\":1}", Rule::JsonUtf8, 10, 3),
        (b"{\"\xf4\x90\x80\x80\":1}", Rule::JsonUtf8, 10, 4),
        (b"{\"\x80\":1}", Rule::JsonUtf8, 10, 1),
        (b"{\"a\nb\":1}", Rule::JsonControl, 11, 1),
        (b"{\"a\0b\":1}", Rule::JsonControl, 11, 1),
        (br#"{"a\x41":1}"#, Rule::JsonEscape, 12, 1),
        (br#"{"a\u00g0":1}"#, Rule::JsonEscape, 15, 1),
        (br#"{"a\U0041":1}"#, Rule::JsonEscape, 12, 1),
        (br#"{"a\ud800":1}"#, Rule::JsonSurrogate, 11, 6),
        (br#"{"a\udc00":1}"#, Rule::JsonSurrogate, 11, 6),
        (br#"{"a\ud800\n":1}"#, Rule::JsonSurrogate, 11, 7),
        (br#"{"a\ud800\u0041":1}"#, Rule::JsonSurrogate, 11, 12),
        (br#"{"a\ud800\ud800":1}"#, Rule::JsonSurrogate, 11, 12),
    ] {
        let what = String::from_utf8_lossy(header);
        refused(&what, &file(header, 0), rule, offset, length);
    }
}

/// The fault of a tensor described by `fields`, its place counted from the first of them.
fn tensor(fields: &str, rule: Rule, offset: u64, length: u64) {
    let header = format!(r#"{{"t":{{{fields}}}}}"#);
    refused(fields, &file(header, 4), rule, 14 + offset, length);
}

#[test]
fn numbers() {
    for (shape, rule, length) in [
        ("-1", Rule::Number, 1),
        ("-0", Rule::Number, 1),
        ("+1", Rule::Number, 1),
        (".5", Rule::Number, 1),
        ("\"4\"", Rule::Number, 1),
        ("null", Rule::Number, 1),
        ("[4]", Rule::Number, 1),
        ("4.0", Rule::Number, 2),
        ("4e0", Rule::Number, 2),
        ("4E0", Rule::Number, 2),
        ("04", Rule::Number, 2),
        ("00", Rule::Number, 2),
        ("18446744073709551616", Rule::NumberRange, 20),
        ("99999999999999999999999999999999", Rule::NumberRange, 32),
    ] {
        let fields = format!(r#""dtype":"U8","shape":[{shape}],"data_offsets":[0,4]"#);
        tensor(&fields, rule, 22, length);
        let fields = format!(r#""dtype":"U8","data_offsets":[0,{shape}],"shape":[4]"#);
        tensor(&fields, rule, 31, length);
    }
}

#[test]
fn structure() {
    for value in ["[]", "null", "1", "\"x\"", "true"] {
        let header = format!(r#"{{"t":{value}}}"#);
        refused(value, &file(header, 0), Rule::TensorNotObject, 13, 1);
        let header = format!(r#"{{"__metadata__":{value}}}"#);
        refused(value, &file(header, 0), Rule::MetadataNotObject, 24, 1);
    }
    for value in ["1", "null", "{}", "[]", "true"] {
        let header = format!(r#"{{"__metadata__":{{"k":{value}}}}}"#);
        refused(value, &file(header, 0), Rule::MetadataNotString, 29, 1);
    }
    let full = r#""dtype":"U8","shape":[4],"data_offsets":[0,4]"#;
    for (fields, rule, offset, length) in [
        (r#""dtype":1"#, Rule::DtypeNotString, 8, 1),
        (r#""dtype":{"U8":null}"#, Rule::DtypeNotString, 8, 1),
        (r#""dtype":"F128""#, Rule::DtypeUnknown, 8, 6),
        (r#""dtype":"u8""#, Rule::DtypeUnknown, 8, 4),
        (r#""dtype":"""#, Rule::DtypeUnknown, 8, 2),
        (r#""dtype":"U8\u0000""#, Rule::DtypeUnknown, 8, 10),
        (r#""shape":4"#, Rule::ShapeNotArray, 8, 1),
        (r#""shape":{}"#, Rule::ShapeNotArray, 8, 1),
        (r#""shape":[4,]"#, Rule::JsonSyntax, 11, 1),
        (r#""shape":[4 4]"#, Rule::JsonSyntax, 11, 1),
        (r#""data_offsets":4"#, Rule::OffsetsNotPair, 15, 1),
        (r#""data_offsets":[]"#, Rule::OffsetsNotPair, 16, 1),
        (r#""data_offsets":[0]"#, Rule::OffsetsNotPair, 17, 1),
        (r#""data_offsets":[0,4,8]"#, Rule::OffsetsNotPair, 19, 1),
        (r#""strides":[1]"#, Rule::FieldUnknown, 0, 9),
        (r#""Dtype":"U8""#, Rule::FieldUnknown, 0, 7),
    ] {
        tensor(fields, rule, offset, length);
    }
    for field in [
        r#""dtype":"U8""#,
        r#""shape":[4]"#,
        r#""data_offsets":[0,4]"#,
    ] {
        let name = field.find(':').unwrap() as u64;
        let fields = format!("{full},{field}");
        tensor(&fields, Rule::DuplicateField, full.len() as u64 + 1, name);
        let less: Vec<_> = [
            r#""dtype":"U8""#,
            r#""shape":[4]"#,
            r#""data_offsets":[0,4]"#,
        ]
        .into_iter()
        .filter(|&other| other != field)
        .collect();
        let header = format!(r#"{{"t":{{{}}}}}"#, less.join(","));
        let length = header.len() as u64 - 2;
        refused(field, &file(header, 4), Rule::FieldMissing, 9, length);
    }
}

#[test]
fn names_that_come_twice() {
    let header = format!("{{{},{}}}", bytes("a", 0, 4), bytes("a", 4, 8));
    let second = 9 + bytes("a", 0, 4).len() as u64 + 1;
    refused("names", &file(&header, 8), Rule::DuplicateName, second, 3);
    // The same name, spelt otherwise, and a third one that is not the first to repeat.
    let header = header.replace(r#","a""#, r#","\u0061""#);
    refused(
        "spelt otherwise",
        &file(&header, 8),
        Rule::DuplicateName,
        second,
        3,
    );
    let three = format!(
        "{{{},{},{}}}",
        bytes("b", 0, 4),
        bytes("b", 4, 8),
        bytes("b", 8, 12)
    );
    refused("three", &file(three, 12), Rule::DuplicateName, second, 3);

    let header = r#"{"__metadata__":{},"__metadata__":{}}"#;
    refused("metadata", &file(header, 0), Rule::DuplicateField, 27, 14);
    let header = r#"{"__metadata__":{"k":"1","k":"1"}}"#;
    refused("keys", &file(header, 0), Rule::DuplicateMetadata, 33, 3);
}

#[test]
fn geometry() {
    for (dtype, shape, offsets, rule) in [
        ("U8", "[5]", "[0,4]", Rule::SizeMismatch),
        ("U8", "[3]", "[0,4]", Rule::SizeMismatch),
        ("U8", "[]", "[0,4]", Rule::SizeMismatch),
        ("U8", "[0]", "[0,4]", Rule::SizeMismatch),
        ("F32", "[4]", "[0,4]", Rule::SizeMismatch),
        ("U8", "[4]", "[4,0]", Rule::OffsetsReversed),
        ("F4", "[3]", "[0,2]", Rule::PartialByte),
        ("F4", "[]", "[0,0]", Rule::PartialByte),
        ("F6_E2M3", "[2]", "[0,2]", Rule::PartialByte),
        ("F6_E3M2", "[5]", "[0,4]", Rule::PartialByte),
        (
            "U8",
            "[4294967296,4294967296]",
            "[0,4]",
            Rule::ShapeOverflow,
        ),
        // 2^64 + 4 elements, in four bytes.
        (
            "U8",
            "[4,4611686018427387905]",
            "[0,4]",
            Rule::ShapeOverflow,
        ),
        (
            "U8",
            "[0,18446744073709551615,2]",
            "[0,0]",
            Rule::ShapeOverflow,
        ),
        (
            "U8",
            "[18446744073709551615,2,0]",
            "[0,0]",
            Rule::ShapeOverflow,
        ),
        // The elements fit, their bits do not.
        ("F64", "[2305843009213693952]", "[0,0]", Rule::SizeMismatch),
        ("U64", "[18446744073709551615]", "[0,4]", Rule::SizeMismatch),
        ("U8", "[5]", "[0,5]", Rule::TensorBeyondEnd),
        ("U8", "[2]", "[2,4]", Rule::Hole),
        ("U8", "[0]", "[4,4]", Rule::Hole),
        (
            "U8",
            "[18446744073709551615]",
            "[0,18446744073709551615]",
            Rule::TensorBeyondEnd,
        ),
    ] {
        let fields = format!(r#""dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}"#);
        let header = format!(r#"{{"t":{{{fields}}}}}"#);
        let length = header.len() as u64 - 2;
        refused(&fields, &file(header, 4), rule, 9, length);
    }
    let (a, b) = (bytes("a", 0, 4), bytes("b", 4, 8));
    let end = 8 + format!("{{{a},{b}}}").len() as u64;
    let second = 9 + a.len() as u64 + 1;
    for (what, b, data, rule, offset, length) in [
        (
            "overlap",
            bytes("b", 3, 8),
            8,
            Rule::Overlap,
            second,
            b.len(),
        ),
        ("alias", bytes("b", 0, 4), 4, Rule::Overlap, second, b.len()),
        (
            "nothing inside",
            bytes("b", 2, 2),
            4,
            Rule::Overlap,
            second,
            b.len(),
        ),
        ("hole", bytes("b", 5, 8), 8, Rule::Hole, second, b.len()),
        (
            "cut off",
            b.clone(),
            7,
            Rule::TensorBeyondEnd,
            second,
            b.len(),
        ),
        ("trailing", b.clone(), 9, Rule::TrailingData, end + 8, 1),
        (
            "a file behind",
            b.clone(),
            50,
            Rule::TrailingData,
            end + 8,
            42,
        ),
    ] {
        // Whichever comes first in the header.
        let header = format!("{{{a},{b}}}");
        refused(what, &file(header, data), rule, offset, length as u64);
        let header = format!("{{{b},{a}}}");
        assert_eq!(read(&file(header, data)).unwrap_err().rule, rule, "{what}");
    }
    refused(
        "no tensor at all",
        &file("{}", 3),
        Rule::TrailingData,
        10,
        3,
    );
}

#[test]
fn what_would_fill_the_memory() {
    let longest = "n".repeat(NAME_MAX);
    let header = format!("{{{}}}", bytes(&longest, 0, 0));
    assert!(read(&file(header, 0)).is_ok());
    let header = format!("{{{}}}", bytes(&format!("{longest}n"), 0, 0));
    let length = NAME_MAX as u64 + 3;
    refused("name", &file(header, 0), Rule::NameTooLong, 9, length);

    let shape = vec!["1"; 65].join(",");
    let fields = format!(r#""dtype":"U8","shape":[{shape}],"data_offsets":[0,1]"#);
    tensor(&fields, Rule::RankTooLarge, 22 + 129, 0);

    let fault = |header: String| read(&file(header, 0)).unwrap_err().rule;
    let many: Vec<_> = (0..=TENSORS_MAX)
        .map(|number| bytes(&number.to_string(), 0, 0))
        .collect();
    assert_eq!(fault(format!("{{{}}}", many.join(","))), Rule::TooManyNames);
    let many: Vec<_> = (0..=TENSORS_MAX)
        .map(|number| format!(r#""{number}":"""#))
        .collect();
    let header = format!(r#"{{"__metadata__":{{{}}}}}"#, many.join(","));
    assert_eq!(fault(header), Rule::TooManyNames);
    let large: Vec<_> = (0..1100)
        .map(|number| bytes(&format!("{number:016384}"), 0, 0))
        .collect();
    assert_eq!(
        fault(format!("{{{}}}", large.join(","))),
        Rule::NamesTooLarge
    );
    let shape = vec!["0"; 64].join(",");
    let deep: Vec<_> = (0..=DIMENSIONS_MAX / 64)
        .map(|number| {
            format!(r#""{number}":{{"dtype":"U8","shape":[{shape}],"data_offsets":[0,0]}}"#)
        })
        .collect();
    assert_eq!(
        fault(format!("{{{}}}", deep.join(","))),
        Rule::TooManyDimensions
    );
}
