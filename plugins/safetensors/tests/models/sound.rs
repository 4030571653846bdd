//! Sound files: what is said of them, in which order, and how they are cut.

use lazaret_plugin_safetensors::limits::{INLINE_HEADER_MAX, SPLIT_MIN};
use lazaret_plugin_safetensors::{Dtype, Segment, Storage};

use crate::file::{bytes, fact, file, lines, read};

#[test]
fn a_file_without_tensors_is_sound() {
    for header in ["{}", "{ }", "{\n\t}", "{}          "] {
        let replay = read(&file(header, 0)).unwrap();
        assert_eq!(replay.parts, []);
        assert_eq!(
            lines(&replay.facts),
            [
                "model.format=safetensors",
                "model.tensors=0",
                "model.parameters=0",
                "model.tensor-names=\
                 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ]
        );
    }
}

#[test]
fn tensors_come_in_the_order_of_their_bytes() {
    let header = r#" "late" : {"shape":[2, 3],"data_offsets":[ 8 ,20],"dtype":"F16"} ,
        "empty":{"dtype":"F64","shape":[3,0,2],"data_offsets":[8,8]},
        "scalar":{"dtype":"F64","shape":[],"data_offsets":[0,8]},
        "nothing":{"dtype":"I8","shape":[0],"data_offsets":[8,8]}"#;
    let header = format!("{{{header}}}   ");
    let data = 8 + header.len() as u64;
    let replay = read(&file(header, 20)).unwrap();
    let parts: Vec<_> = replay
        .parts
        .iter()
        .map(|part| {
            let place = (part.offset - data, part.length);
            (part.path.as_str(), part.dtype, part.shape.as_str(), place)
        })
        .collect();
    assert_eq!(
        parts,
        [
            ("scalar", "F64", "[]", (0, 8)),
            ("empty", "F64", "[3,0,2]", (8, 0)),
            ("nothing", "I8", "[0]", (8, 0)),
            ("late", "F16", "[2,3]", (8, 12)),
        ]
    );
    assert_eq!(fact(&replay.facts, "model.parameters").unwrap(), "7");
    assert_eq!(
        fact(&replay.facts, "model.dtypes").unwrap(),
        "F64:2,F16:1,I8:1"
    );
}

#[test]
fn every_type_has_its_width() {
    // Bytes of 24 elements, by the format's table.
    let widths = "BOOL 24 F4 12 F6_E2M3 18 F6_E3M2 18 U8 24 I8 24 F8_E5M2 24 F8_E4M3 24 F8_E8M0 24 \
        F8_E4M3FNUZ 24 F8_E5M2FNUZ 24 I16 48 U16 48 F16 48 BF16 48 I32 96 U32 96 F32 96 C64 192 \
        F64 192 I64 192 U64 192";
    let words: Vec<_> = widths.split_whitespace().collect();
    assert_eq!(words.len(), 2 * Dtype::ALL.len());
    for pair in words.chunks(2) {
        let (dtype, length) = (pair[0], pair[1]);
        let header =
            format!(r#"{{"t":{{"dtype":"{dtype}","shape":[2,12],"data_offsets":[0,{length}]}}}}"#);
        let replay = read(&file(header, length.parse().unwrap())).unwrap();
        assert_eq!(replay.parts[0].dtype, dtype);
        assert_eq!(
            fact(&replay.facts, "model.parameters").unwrap(),
            "24",
            "{dtype}"
        );
    }
}

#[test]
fn names_may_be_any_text() {
    let names = [
        "",
        "..",
        "a/../b",
        "/etc/passwd",
        "a\0b",
        "größe 😀",
        "\u{7f}",
        "%",
    ];
    let tensors: Vec<_> = names.iter().map(|name| bytes(name, 0, 0)).collect();
    let replay = read(&file(format!("{{{}}}", tensors.join(",")), 0)).unwrap();
    let found: Vec<_> = replay.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(found, names);
    let paths: Vec<_> = replay.parts.iter().map(|part| part.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "%~e3b0c44298fc1c14",
            "%2E%2E",
            "a/%2E%2E/b",
            "%2Fetc/passwd",
            "a%00b",
            "größe 😀",
            "\u{7f}",
            "%25",
        ]
    );
    // Escapes are read: a pair of surrogates, and everything that has a letter.
    let header =
        r#"{"\ud83d\ude00\u00e9\"\\\/\b\f\n\r\t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#;
    let replay = read(&file(header, 0)).unwrap();
    assert_eq!(replay.parts[0].name, "😀é\"\\/\u{8}\u{c}\n\r\t");
}

#[test]
fn metadata_becomes_facts() {
    let long = "ä".repeat(3000);
    let header = format!(
        r#"{{"__metadata__":{{"format":"pt","a key":"a\nvalue","tags":"{long}",
        "modelspec.architecture":"stable-diffusion-xl-v1-base/lora","modelspec.title":"T",
        "modelspec.license":"MIT","":""}}}}"#
    );
    let replay = read(&file(header, 0)).unwrap();
    let stated = |key: &str| fact(&replay.facts, key);
    assert_eq!(stated("file.metadata.format").unwrap(), "pt");
    assert_eq!(stated("file.metadata.a%20key").unwrap(), "a\nvalue");
    assert_eq!(stated("file.metadata.").unwrap(), "");
    let cut = format!("{}… [cut: 6000 bytes in all]", "ä".repeat(2048));
    assert_eq!(stated("file.metadata.tags").unwrap(), cut);
    assert_eq!(
        stated("model.architecture").unwrap(),
        "stable-diffusion-xl-v1-base/lora"
    );
    assert_eq!(stated("model.name").unwrap(), "T");
    assert_eq!(stated("model.licence").unwrap(), "MIT");
    assert_eq!(stated("file.metadata-omitted"), None);
}

#[test]
fn more_metadata_than_is_stated_is_counted() {
    let entries: Vec<_> = (0..1003)
        .map(|number| format!(r#""key{number}":"{number}""#))
        .collect();
    let header = format!(r#"{{"__metadata__":{{{}}}}}"#, entries.join(","));
    let replay = read(&file(header, 0)).unwrap();
    let stated = |key: &str| fact(&replay.facts, key);
    assert_eq!(stated("file.metadata.key999").unwrap(), "999");
    assert_eq!(stated("file.metadata.key1000"), None);
    assert_eq!(stated("file.metadata-omitted").unwrap(), "3");
}

#[test]
fn a_value_that_is_cut_keeps_whole_characters() {
    for shift in 0..4 {
        let value = "x".repeat(4094 + shift) + "😀é";
        let header = format!(r#"{{"__metadata__":{{"k":"{value}"}}}}"#);
        let stated = fact(&read(&file(header, 0)).unwrap().facts, "file.metadata.k").unwrap();
        let (kept, note) = stated.split_once('…').unwrap();
        assert_eq!(kept, &"x".repeat(4096)[..kept.len()]);
        assert_eq!(kept.len(), (4094 + shift).min(4096));
        assert_eq!(note, format!(" [cut: {} bytes in all]", value.len()));
    }
}

#[test]
fn a_dimension_of_zero_may_stand_anywhere() {
    for shape in [
        "[0]",
        "[0,4294967295]",
        "[4294967295,0,4294967297]",
        "[0,0,0]",
    ] {
        let header = format!(r#"{{"t":{{"dtype":"C64","shape":{shape},"data_offsets":[0,0]}}}}"#);
        let replay = read(&file(header, 0)).unwrap();
        assert_eq!(replay.parts[0].shape, shape);
        assert_eq!(fact(&replay.facts, "model.parameters").unwrap(), "0");
    }
}

fn object(length: u64) -> Segment {
    Segment {
        length,
        storage: Storage::Object,
    }
}

fn inline(length: u64) -> Segment {
    Segment {
        length,
        storage: Storage::Inline,
    }
}

#[test]
fn large_tensors_are_cut_out_and_small_ones_go_together() {
    let (least, less) = (SPLIT_MIN, SPLIT_MIN - 1);
    let sizes = [least, less, 0, 1, 3 * least, least, less];
    let mut begin = 0;
    let mut tensors = Vec::new();
    for (number, size) in sizes.into_iter().enumerate() {
        tensors.push(bytes(&number.to_string(), begin, begin + size));
        begin += size;
    }
    let header = format!("{{{}}}", tensors.join(","));
    let data = 8 + header.len() as u64;
    let replay = read(&file(header, begin as usize)).unwrap();
    assert_eq!(
        replay.cuts,
        [
            inline(data),
            object(least),
            inline(less + 1),
            object(3 * least),
            object(least),
            inline(less),
        ]
    );
}

#[test]
fn a_long_header_is_an_object() {
    for (data, first) in [
        (INLINE_HEADER_MAX, inline(INLINE_HEADER_MAX + 5)),
        (INLINE_HEADER_MAX + 1, object(INLINE_HEADER_MAX + 1)),
    ] {
        let mut header = format!("{{{}}}", bytes("t", 0, 5));
        header += &" ".repeat(data as usize - 8 - header.len());
        let replay = read(&file(header, 5)).unwrap();
        assert_eq!(replay.cuts[0], first);
        let sum: u64 = replay.cuts.iter().map(|cut| cut.length).sum();
        assert_eq!(sum, data + 5);
    }
}
