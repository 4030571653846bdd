//! The fixed parts of a splitstream: header and info. All integers are little-endian.

use lazaret_artifact::VerityAlgorithm;

use crate::error::StreamFault;

/// Bytes of the header, at the start of the file.
pub(super) const HEADER_SIZE: usize = 32;

/// Bytes of the info section that this program knows. Later ones may be longer.
pub(super) const INFO_SIZE: usize = 80;

const MAGIC: &[u8; 11] = b"SplitStream";
const VERSION: u8 = 0;
const LG_BLOCK_SIZE: u8 = 12;

/// Where a section lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Range {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Range {
    fn parse(bytes: &[u8], at: usize) -> Self {
        Self {
            start: number(bytes, at),
            end: number(bytes, at + 8),
        }
    }

    fn write(self, bytes: &mut [u8], at: usize) {
        bytes[at..at + 8].copy_from_slice(&self.start.to_le_bytes());
        bytes[at + 8..at + 16].copy_from_slice(&self.end.to_le_bytes());
    }

    /// Its length, if it lies within `length` bytes.
    pub(super) fn check(self, section: &'static str, length: u64) -> Result<u64, StreamFault> {
        match self.end.checked_sub(self.start) {
            Some(size) if self.end <= length => Ok(size),
            _ => Err(self.fault(section, length)),
        }
    }

    pub(super) const fn fault(self, section: &'static str, length: u64) -> StreamFault {
        StreamFault::Range {
            section,
            start: self.start,
            end: self.end,
            length,
        }
    }
}

/// The info section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Info {
    pub(super) stream_refs: Range,
    pub(super) object_refs: Range,
    pub(super) stream: Range,
    pub(super) named_refs: Range,
    pub(super) content_type: u64,
    pub(super) total_size: u64,
}

/// Reads a header; returns where the info section lies.
pub(super) fn parse_header(
    header: &[u8; HEADER_SIZE],
    algorithm: VerityAlgorithm,
) -> Result<Range, StreamFault> {
    // Up to composefs 0.6 the order of fields was the compiler's: info range, flags, magic.
    let (version, kernel_id, block_size, info) = if header.starts_with(MAGIC) {
        (11, 14, 15, 16)
    } else if header[18..].starts_with(MAGIC) {
        (29, 30, 31, 0)
    } else {
        return Err(StreamFault::Magic);
    };
    for (field, at, expected) in [
        ("version", version, VERSION),
        ("algorithm", kernel_id, algorithm.kernel_id()),
        ("block size", block_size, LG_BLOCK_SIZE),
    ] {
        let found = header[at];
        if found != expected {
            return Err(StreamFault::Header {
                field,
                found,
                expected,
            });
        }
    }
    Ok(Range::parse(header, info))
}

/// Writes a header.
pub(super) fn write_header(algorithm: VerityAlgorithm, info: Range) -> [u8; HEADER_SIZE] {
    let mut header = [0; HEADER_SIZE];
    header[..11].copy_from_slice(MAGIC);
    header[11] = VERSION;
    header[14] = algorithm.kernel_id();
    header[15] = LG_BLOCK_SIZE;
    info.write(&mut header, 16);
    header
}

/// Reads an info section.
pub(super) fn parse_info(info: &[u8; INFO_SIZE]) -> Info {
    Info {
        stream_refs: Range::parse(info, 0),
        object_refs: Range::parse(info, 16),
        stream: Range::parse(info, 32),
        named_refs: Range::parse(info, 48),
        content_type: number(info, 64),
        total_size: number(info, 72),
    }
}

/// Writes an info section.
pub(super) fn write_info(info: &Info) -> [u8; INFO_SIZE] {
    let mut bytes = [0; INFO_SIZE];
    info.stream_refs.write(&mut bytes, 0);
    info.object_refs.write(&mut bytes, 16);
    info.stream.write(&mut bytes, 32);
    info.named_refs.write(&mut bytes, 48);
    bytes[64..72].copy_from_slice(&info.content_type.to_le_bytes());
    bytes[72..].copy_from_slice(&info.total_size.to_le_bytes());
    bytes
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA512: VerityAlgorithm = VerityAlgorithm::Sha512;

    #[test]
    fn header_and_info_survive_their_bytes() {
        let range = |start| Range {
            start,
            end: start + 9,
        };
        assert_eq!(
            parse_header(&write_header(SHA512, range(32)), SHA512).unwrap(),
            range(32)
        );
        let info = Info {
            stream_refs: range(1),
            object_refs: range(2),
            stream: range(3),
            named_refs: range(4),
            content_type: 5,
            total_size: 6,
        };
        assert_eq!(parse_info(&write_info(&info)), info);
    }

    #[test]
    fn the_layout_is_composefs() {
        let header = write_header(
            VerityAlgorithm::Sha256,
            Range {
                start: 32,
                end: 112,
            },
        );
        assert_eq!(&header[..16], b"SplitStream\0\0\0\x01\x0c");
        assert_eq!(
            header[16..],
            [32, 0, 0, 0, 0, 0, 0, 0, 112, 0, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn a_range_is_checked_against_the_file() {
        assert_eq!(Range { start: 3, end: 9 }.check("x", 9).unwrap(), 6);
        assert_eq!(Range { start: 9, end: 9 }.check("x", 9).unwrap(), 0);
        for (start, end) in [(3, 10), (9, 3), (u64::MAX, 0), (0, u64::MAX), (10, 10)] {
            assert!(
                Range { start, end }.check("x", 9).is_err(),
                "{start}..{end}"
            );
        }
    }
}
