//! PAX records, sound and broken.

use super::*;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn read(data: &[u8]) -> Result<Pairs, Fault> {
    RecordIter::new(data, 1000)
        .map(|record| record.map(|record| (record.key.to_vec(), record.value.to_vec())))
        .collect()
}

#[test]
fn records_are_split_as_posix_says() {
    let pair = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    for (data, want) in [
        ("", vec![]),
        ("6 a=b\n", vec![pair("a", "b")]),
        ("5 a=\n6 a=b\n", vec![pair("a", ""), pair("a", "b")]),
        ("11 a=b=c\nd\n", vec![pair("a", "b=c\nd")]),
    ] {
        assert_eq!(read(data.as_bytes()).unwrap(), want, "{data:?}");
    }
}

#[test]
fn a_record_that_lies_about_its_length_is_refused() {
    for (data, offset) in [
        (&b"7 a=b\n"[..], 1000),
        (b"5 a=b\n", 1000),
        (b"6 a=b", 1000),
        (b"06 a=b\n", 1000),
        (b"0 a=b\n", 1000),
        (b"1 a=b\n", 1000),
        (b"2 a=b\n", 1000),
        (b"+6 a=b\n", 1000),
        (b" 6 a=b\n", 1000),
        (b"6\ta=b\n", 1000),
        (b"6a=b\n", 1000),
        (b"6", 1000),
        (b"5 =b\n", 1000),
        (b"6 \0=b\n", 1000),
        (b"6 abc\n", 1000),
        (b"99999999999999999999 a=b\n", 1000),
        (b"18446744073709551615 a=b\n", 1000),
        (b"6 a=b\n\0\0", 1006),
        (b"6 a=b\n\n", 1006),
        (b"6 a=b\n7 a=b\n", 1006),
    ] {
        let fault = read(data).unwrap_err();
        let at = Span::new(offset, 1000 + data.len() as u64 - offset);
        assert_eq!(fault, at.breaks(Rule::PaxRecord), "{}", data.escape_ascii());
    }
}

#[test]
fn tar_core_reads_the_same_records() {
    let data = b"6 a=b\n10 path=x\n28 mtime=1700000000.123456789\n17 SCHILY.x=a=\nb\n";
    // The third record lies about its length, so both must stop there.
    let theirs: Vec<_> = tar_core::PaxExtensions::new(data)
        .map_while(Result::ok)
        .map(|record| (record.key_bytes().to_vec(), record.value_bytes().to_vec()))
        .collect();
    let ours: Vec<_> = RecordIter::new(data, 0)
        .map_while(Result::ok)
        .map(|record| (record.key.to_vec(), record.value.to_vec()))
        .collect();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 2);
}
