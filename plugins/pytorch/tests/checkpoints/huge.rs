//! A file of more than 4 GiB, of which only the index is there: what is read, and that nothing is cut to
//! 32 bits.

use lazaret_plugin_pytorch::split::cuts;
use lazaret_plugin_pytorch::{Input, Segment, Storage, read};

use crate::pickle::*;

/// Stretches with bytes, and zeros between them.
struct Sparse {
    stretches: Vec<(u64, Vec<u8>)>,
    size: u64,
    bytes_read: u64,
}

impl Sparse {
    fn push(&mut self, bytes: &[u8]) {
        self.stretches.push((self.size, bytes.to_vec()));
        self.size += bytes.len() as u64;
    }
}

impl Input for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Vec<u8> {
        let end = self.size.min(offset + u64::from(max));
        let mut bytes = vec![0; (end - offset) as usize];
        self.bytes_read += bytes.len() as u64;
        for (start, stretch) in &self.stretches {
            for (place, byte) in (*start..).zip(stretch) {
                if (offset..end).contains(&place) {
                    bytes[(place - offset) as usize] = *byte;
                }
            }
        }
        bytes
    }
}

fn local(name: &str, extra: &[u8]) -> Vec<u8> {
    let lengths = [name.len() as u16, extra.len() as u16].map(u16::to_le_bytes);
    [
        b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0".as_slice(),
        &[0; 12],
        &lengths.concat(),
        name.as_bytes(),
        extra,
    ]
    .concat()
}

/// An entry with everything that does not fit in the extra field, as torch's writer has it.
fn entry(name: &str, checksum: u32, size: u64, header: u64) -> Vec<u8> {
    let mut extra = Vec::new();
    let mut field = |number: u64, times: usize| {
        u32::try_from(number).unwrap_or_else(|_| {
            extra.extend(number.to_le_bytes().repeat(times));
            u32::MAX
        })
    };
    let (size, header) = (field(size, 2), field(header, 1));
    if !extra.is_empty() {
        let head = [1, extra.len() as u16].map(u16::to_le_bytes).concat();
        extra.splice(0..0, head);
    }
    let lengths = [name.len() as u16, extra.len() as u16].map(u16::to_le_bytes);
    [
        b"PK\x01\x02\0\0\0\0\x08\x08\0\0\0\0\0\0".as_slice(),
        &[checksum, size, size].map(u32::to_le_bytes).concat(),
        &lengths.concat(),
        &[0; 10],
        &header.to_le_bytes(),
        name.as_bytes(),
        &extra,
    ]
    .concat()
}

fn long_extra(numbers: &[u64]) -> Vec<u8> {
    let numbers: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    [
        [1, numbers.len() as u16].map(u16::to_le_bytes).concat(),
        numbers,
    ]
    .concat()
}

#[test]
fn sizes_and_offsets_beyond_four_gibibytes_are_read() {
    const ELEMENTS: i64 = 1_500_000_000;
    const BYTES: u64 = 4 * ELEMENTS as u64;
    let tensor = |key, offset, size, elements| Tensor {
        key,
        elements,
        offset,
        size,
        stride: &[1],
        ..SMALL
    };
    let pickle = Pickle::state(&[
        ("first", tensor("0", 0, &[1_400_000_000], ELEMENTS)),
        ("last", tensor("0", 1_400_000_000, &[100_000_000], ELEMENTS)),
        ("after", tensor("1", 0, &[2048], 2048)),
    ]);
    let mut file = Sparse {
        stretches: Vec::new(),
        size: 0,
        bytes_read: 0,
    };
    let mut directory = Vec::new();
    let sum = crc32fast::hash(&pickle);
    let length = (pickle.len() as u32).to_le_bytes();
    let short =
        |sum: u32, size: [u8; 4]| [b"PK\x07\x08", &sum.to_le_bytes()[..], &size, &size].concat();
    directory.extend(entry("a/data.pkl", sum, pickle.len() as u64, 0));
    file.push(&local("a/data.pkl", &[]));
    file.push(&pickle);
    file.push(&short(sum, length));
    directory.extend(entry("a/data/0", 0, BYTES, file.size));
    file.push(&local("a/data/0", &long_extra(&[BYTES, BYTES])));
    let first = file.size;
    file.size += BYTES;
    let sizes = BYTES.to_le_bytes();
    file.push(&[b"PK\x07\x08\0\0\0\0".as_slice(), &sizes, &sizes].concat());
    let header = file.size;
    directory.extend(entry("a/data/1", 7, 8192, header));
    file.push(&local("a/data/1", &long_extra(&[header])));
    let after = file.size;
    file.size += 8192;
    // With a 64-bit offset torch's writer makes the descriptor long, too.
    let sizes = 8192_u64.to_le_bytes();
    file.push(&[b"PK\x07\x08\x07\0\0\0".as_slice(), &sizes, &sizes].concat());
    let place = file.size;
    file.push(&directory);
    let record = file.size;
    let numbers = [3, 3, directory.len() as u64, place].map(u64::to_le_bytes);
    file.push(
        &[
            b"PK\x06\x06\x2c\0\0\0\0\0\0\0",
            &[0; 12][..],
            &numbers.concat(),
        ]
        .concat(),
    );
    file.push(
        &[
            b"PK\x06\x07\0\0\0\0",
            &record.to_le_bytes()[..],
            b"\x01\0\0\0",
        ]
        .concat(),
    );
    let size = (directory.len() as u32).to_le_bytes();
    file.push(
        &[
            b"PK\x05\x06\0\0\0\0\x03\0\x03\0",
            &size[..],
            &[0xff; 4],
            &[0; 2],
        ]
        .concat(),
    );

    let checkpoint = read(&mut file).unwrap();
    let parts: Vec<_> = checkpoint
        .parts
        .iter()
        .map(|part| (part.name.as_str(), part.offset, part.length))
        .collect();
    assert_eq!(
        parts,
        [
            ("first", first, 5_600_000_000),
            ("last", first + 5_600_000_000, 400_000_000),
            ("after", after, 8192),
        ]
    );
    assert_eq!(checkpoint.findings.kept(), []);
    assert!(file.bytes_read < 300_000, "{}", file.bytes_read);
    let segment = |length, storage| Segment { length, storage };
    assert_eq!(
        cuts(&checkpoint),
        [
            segment(first, Storage::Inline),
            segment(5_600_000_000, Storage::Object),
            segment(400_000_000, Storage::Object),
            segment(after - first - BYTES, Storage::Inline),
            segment(8192, Storage::Object),
            segment(file.size - after - 8192, Storage::Inline),
        ]
    );
}
