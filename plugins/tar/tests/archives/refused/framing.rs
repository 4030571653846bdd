//! Archives cut off, or ended in the middle.

use lazaret_plugin_tar::Rule;

use super::{Case, check, new};
use crate::archive::*;

pub fn cases() -> Vec<Case> {
    let archive = new().file("a", [b'x'; 100]).bytes;
    let extension = new().pax(&[("comment", b"x")]);
    let long = new().long(b'L', "name");
    let gnu_map = Head::gnu(b'S', "a", 4)
        .set(
            GNU_SPARSE,
            "00000000000\x0000000000001\0".repeat(4).as_bytes(),
        )
        .set(GNU_EXTENDED, &[1])
        .octal(GNU_REAL_SIZE, 9);
    let text_map = new().pax(&[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.realsize", b"9"),
    ]);
    vec![
        ("one byte", b"x".to_vec(), Rule::TruncatedHeader, 0, 1),
        (
            "511 bytes",
            archive[..511].to_vec(),
            Rule::TruncatedHeader,
            0,
            511,
        ),
        ("511 zeros", vec![0; 511], Rule::TruncatedHeader, 0, 511),
        ("1023 zeros", vec![0; 1023], Rule::TruncatedHeader, 512, 511),
        (
            "a second header cut off",
            [&archive[..], &[1]].concat(),
            Rule::TruncatedHeader,
            1024,
            1,
        ),
        (
            "no extension data",
            extension.bytes[..512].to_vec(),
            Rule::TruncatedExtension,
            512,
            0,
        ),
        (
            "half an extension",
            extension.bytes[..520].to_vec(),
            Rule::TruncatedExtension,
            512,
            8,
        ),
        (
            "an extension without its padding",
            extension.bytes[..1023].to_vec(),
            Rule::TruncatedExtension,
            512,
            511,
        ),
        (
            "a long name cut off",
            long.bytes[..514].to_vec(),
            Rule::TruncatedExtension,
            512,
            2,
        ),
        (
            "no content",
            archive[..512].to_vec(),
            Rule::TruncatedContent,
            512,
            0,
        ),
        (
            "content cut off",
            archive[..611].to_vec(),
            Rule::TruncatedContent,
            512,
            99,
        ),
        (
            "small content cut off",
            new().head(Head::ustar(b'0', "a", 5)).raw("abc").bytes,
            Rule::TruncatedContent,
            512,
            3,
        ),
        (
            "huge content",
            new()
                .head(Head::gnu(b'0', "a", 0).binary(SIZE, i64::MAX))
                .raw("abc")
                .bytes,
            Rule::TruncatedContent,
            512,
            3,
        ),
        (
            "binary map cut off",
            new().head(gnu_map).raw([0; 100]).bytes,
            Rule::TruncatedSparseMap,
            512,
            100,
        ),
        (
            "text map cut off",
            text_map.head(Head::ustar(b'0', "a", 512)).raw("1\n").bytes,
            Rule::TruncatedSparseMap,
            1536,
            2,
        ),
        (
            "one block of zeros, then a file",
            new().raw([0; 512]).file("a", "").end(),
            Rule::LoneZeroBlock,
            0,
            512,
        ),
        (
            "one block of zeros between files",
            new().file("a", "").raw([0; 512]).file("b", "").end(),
            Rule::LoneZeroBlock,
            512,
            512,
        ),
        (
            "one block of zeros, then garbage",
            [&[0; 1023][..], &[1]].concat(),
            Rule::LoneZeroBlock,
            0,
            512,
        ),
        (
            "extension, then nothing",
            extension.bytes.clone(),
            Rule::ExtensionWithoutMember,
            0,
            512,
        ),
        (
            "extension, then the end",
            extension.clone().end(),
            Rule::ExtensionWithoutMember,
            0,
            512,
        ),
        (
            "two extensions, then the end",
            new().file("a", "").long(b'L', "b").pax(&[]).end(),
            Rule::ExtensionWithoutMember,
            512,
            512,
        ),
        (
            "extension, then a label",
            extension.head(Head::gnu(b'V', "a", 0)).file("b", "").end(),
            Rule::ExtensionWithoutMember,
            0,
            512,
        ),
    ]
}

#[test]
fn broken_framing_is_refused() {
    check(&cases());
}
