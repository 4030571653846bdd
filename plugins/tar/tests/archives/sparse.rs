//! Sparse files in the four formats there are, cut and read alike.

use lazaret_plugin_tar::Extent;

use crate::archive::*;

const fn input(offset: u64, length: u64) -> Extent {
    Extent::Input { offset, length }
}

/// `GNU.sparse.*` records in front of `head` and `data`.
fn with_records(records: &[(&str, &str)], data: &[u8]) -> Vec<u8> {
    let records: Vec<_> = records
        .iter()
        .map(|(key, value)| (*key, value.as_bytes()))
        .collect();
    Archive::new()
        .pax(&records)
        .file("GNUSparseFile.1/made-up", data)
        .end()
}

#[test]
fn every_format_gives_the_same_file() {
    let data = [b'x'; 300];
    let tail = |offset| {
        vec![
            input(offset, 100),
            Extent::Hole(900),
            input(offset + 100, 200),
            Extent::Hole(800),
        ]
    };
    let pax_0_0 = with_records(
        &[
            ("GNU.sparse.size", "2000"),
            ("GNU.sparse.numblocks", "3"),
            ("GNU.sparse.offset", "0"),
            ("GNU.sparse.numbytes", "100"),
            ("GNU.sparse.offset", "1000"),
            ("GNU.sparse.numbytes", "200"),
            ("GNU.sparse.offset", "2000"),
            ("GNU.sparse.numbytes", "0"),
            ("path", "real"),
        ],
        &data,
    );
    let pax_0_1 = with_records(
        &[
            ("GNU.sparse.size", "2000"),
            ("GNU.sparse.numblocks", "2"),
            ("GNU.sparse.map", "0,100,1000,200"),
            ("GNU.sparse.name", "real"),
            ("path", "made/up"),
        ],
        &data,
    );
    let mut mapped = b"2\n0\n100\n1000\n200\n".to_vec();
    mapped.resize(512, 0);
    mapped.extend_from_slice(&data);
    let pax_1_0 = with_records(
        &[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "real"),
            ("GNU.sparse.realsize", "2000"),
        ],
        &mapped,
    );
    let old_gnu = Archive::new()
        .member(
            Head::gnu(b'S', "real", 0)
                .set(
                    GNU_SPARSE,
                    b"00000000000\x0000000000144\x0000000001750\x0000000000310\0",
                )
                .octal(GNU_REAL_SIZE, 2000),
            data,
        )
        .end();
    for (bytes, offset) in [
        (pax_0_0, 1536),
        (pax_0_1, 1536),
        (pax_1_0, 2048),
        (old_gnu, 512),
    ] {
        let entry = entry(&bytes);
        assert_eq!(entry.path, b"real");
        assert_eq!(entry.content, tail(offset));
        assert_eq!(
            read(&bytes).cuts,
            [inline(offset), object(300), inline(212 + 1024)]
        );
    }
}

/// An old GNU map of `count` regions, one byte each, every 10 bytes.
fn slots(range: std::ops::Range<u64>) -> Vec<u8> {
    range
        .flat_map(|index| format!("{:011o}\x00{:011o}\0", index * 10, 1).into_bytes())
        .collect()
}

#[test]
fn an_old_gnu_map_goes_on_in_blocks_of_its_own() {
    for count in [4, 5, 25, 26, 100] {
        let mut archive = Archive::new().head(
            Head::gnu(b'S', "a", count)
                .set(GNU_SPARSE, &slots(0..4))
                .set(GNU_EXTENDED, &[u8::from(count > 4)])
                .octal(GNU_REAL_SIZE, 10_000),
        );
        let mut done = 4;
        while done < count {
            let next = count.min(done + 21);
            let mut block = slots(done..next);
            block.resize(504, 0);
            block.push(u8::from(next < count));
            archive = archive.data(block);
            done = next;
        }
        let map = archive.bytes.len() as u64;
        let bytes = archive.data(vec![b'x'; count as usize]).end();
        let content = entry(&bytes).content;
        assert_eq!(content.len() as u64, 2 * count, "{count}");
        assert_eq!(content[0], input(map, 1));
        assert_eq!(content[2 * count as usize - 2], input(map + count - 1, 1));
        assert_eq!(content.last(), Some(&Extent::Hole(10_000 - count * 10 + 9)));
    }
}

#[test]
fn a_text_map_may_fill_blocks() {
    // 200 regions of 10 bytes: about 1,400 bytes of map.
    let count = 200_u64;
    let mut data = format!("{count}\n").into_bytes();
    for index in 0..count {
        data.extend_from_slice(format!("{}\n10\n", index * 20).as_bytes());
    }
    let map = data.len().next_multiple_of(512);
    data.resize(map, 0);
    data.extend_from_slice(&[b'x'; 2000]);
    let bytes = with_records(
        &[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.realsize", "4000"),
        ],
        &data,
    );
    let entry = entry(&bytes);
    assert_eq!(entry.content.len() as u64, 2 * count);
    assert_eq!(entry.content[0], input(1536 + map as u64, 10));
    assert_eq!(entry.path, b"GNUSparseFile.1/made-up");
}

#[test]
fn little_data_stays_inline_and_none_at_all_is_a_hole() {
    let records = |size: &'static str, map: &'static str, count: &'static str| {
        [
            ("GNU.sparse.size", size),
            ("GNU.sparse.numblocks", count),
            ("GNU.sparse.map", map),
        ]
    };
    let bytes = with_records(&records("1000000", "5,64", "1"), &[b'x'; 64]);
    assert_eq!(read(&bytes).cuts, [inline(bytes.len() as u64)]);
    assert_eq!(
        entry(&bytes).content,
        [Extent::Hole(5), input(1536, 64), Extent::Hole(999_931)]
    );
    let bytes = with_records(&records("1000000", "1000000,0", "1"), b"");
    assert_eq!(entry(&bytes).content, [Extent::Hole(1_000_000)]);
    let bytes = with_records(&records("0", "0,0", "1"), b"");
    assert_eq!(entry(&bytes).content, []);

    let mut map = b"0\n".to_vec();
    map.resize(512, 0);
    let bytes = with_records(
        &[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.realsize", "7"),
        ],
        &map,
    );
    assert_eq!(entry(&bytes).content, [Extent::Hole(7)]);
    assert_eq!(read(&bytes).cuts, [inline(bytes.len() as u64)]);
}
