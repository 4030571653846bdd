//! What a splitstream refers to, read by the format's description (docs/repository-format.md) and
//! with none of the program's code.

use std::collections::BTreeMap;

/// What one refers to, in hexadecimal.
#[derive(Debug, Default)]
pub struct Refers {
    /// Other streams.
    pub streams: Vec<String>,
    /// Objects that hold bytes.
    pub objects: Vec<String>,
    /// Streams by the name they are referred to by.
    pub named: BTreeMap<String, String>,
}

/// Reads one. `None` for what is none.
#[track_caller]
pub fn parse(data: &[u8]) -> Option<Refers> {
    if !data.starts_with(b"SplitStream") {
        return None;
    }
    // fs-verity's numbers of the algorithms: 1 is SHA-256, 2 is SHA-512.
    let width = match data[14] {
        1 => 32,
        2 => 64,
        other => panic!("algorithm {other}"),
    };
    let info = section(data, data, 16);
    let digests = |at: usize| -> Vec<String> {
        let digests = section(data, info, at).chunks(width);
        let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
        digests.map(hex).collect()
    };
    let streams = digests(0);
    let objects = digests(16);
    let named = section(data, info, 48);
    let named = match named {
        [] => Vec::new(),
        compressed => zstd::decode_all(compressed).unwrap(),
    };
    let records = named
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty());
    let named = records.map(|record| {
        let (index, name) = std::str::from_utf8(record)
            .unwrap()
            .split_once(':')
            .unwrap();
        let index: usize = index.parse().unwrap();
        (name.to_owned(), streams[index].clone())
    });
    Some(Refers {
        named: named.collect(),
        objects,
        streams,
    })
}

/// The bytes of the range that is written in `table` at `at`.
#[track_caller]
fn section<'a>(data: &'a [u8], table: &[u8], at: usize) -> &'a [u8] {
    let number = |at: usize| u64::from_le_bytes(table[at..at + 8].try_into().unwrap()) as usize;
    &data[number(at)..number(at + 8)]
}
