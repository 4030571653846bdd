//! Hand-made archives: every byte of a header can be set, the checksum is put right at the end.

use std::ops::Range;

use lazaret_plugin_tar::{Entry, Names, Replay, Segment, Storage, replay};

pub const NAME: Range<usize> = 0..100;
pub const MODE: Range<usize> = 100..108;
pub const UID: Range<usize> = 108..116;
pub const GID: Range<usize> = 116..124;
pub const SIZE: Range<usize> = 124..136;
pub const MTIME: Range<usize> = 136..148;
pub const CHECKSUM: Range<usize> = 148..156;
pub const KIND: Range<usize> = 156..157;
pub const LINK: Range<usize> = 157..257;
pub const MAGIC: Range<usize> = 257..265;
pub const MAJOR: Range<usize> = 329..337;
pub const MINOR: Range<usize> = 337..345;
pub const PREFIX: Range<usize> = 345..500;
pub const GNU_ATIME: Range<usize> = 345..357;
pub const GNU_SPARSE: Range<usize> = 386..482;
pub const GNU_EXTENDED: Range<usize> = 482..483;
pub const GNU_REAL_SIZE: Range<usize> = 483..495;
pub const TRAILER: Range<usize> = 508..512;

/// A header being made.
#[derive(Debug, Clone)]
pub struct Head(pub [u8; 512]);

impl Head {
    fn new(kind: u8, name: &[u8], size: u64, magic: &[u8]) -> Self {
        Self([0; 512])
            .set(NAME, name)
            .octal(MODE, 0o644)
            .octal(UID, 1000)
            .octal(GID, 100)
            .octal(SIZE, size)
            .octal(MTIME, 1_700_000_000)
            .set(KIND, &[kind])
            .set(MAGIC, magic)
    }

    pub fn ustar(kind: u8, name: impl AsRef<[u8]>, size: u64) -> Self {
        Self::new(kind, name.as_ref(), size, b"ustar\x0000")
    }

    pub fn gnu(kind: u8, name: impl AsRef<[u8]>, size: u64) -> Self {
        Self::new(kind, name.as_ref(), size, b"ustar  \0")
    }

    pub fn v7(kind: u8, name: impl AsRef<[u8]>, size: u64) -> Self {
        Self::new(kind, name.as_ref(), size, b"")
    }

    /// Overwrites a field, and what is left of it with NULs.
    pub fn set(mut self, field: Range<usize>, bytes: &[u8]) -> Self {
        let field = &mut self.0[field];
        field.fill(0);
        field[..bytes.len()].copy_from_slice(bytes);
        self
    }

    pub fn octal(self, field: Range<usize>, value: u64) -> Self {
        let digits = field.len() - 1;
        self.set(field, format!("{value:0digits$o}").as_bytes())
    }

    /// A base-256 number.
    pub fn binary(self, field: Range<usize>, value: i64) -> Self {
        let mut bytes = vec![if value < 0 { 0xff } else { 0 }; field.len()];
        let tail = field.len() - 8;
        bytes[tail..].copy_from_slice(&value.to_be_bytes());
        bytes[0] |= 0x80;
        self.set(field, &bytes)
    }

    pub fn target(self, target: &[u8]) -> Self {
        self.set(LINK, target)
    }

    pub fn device(self, major: u64, minor: u64) -> Self {
        self.octal(MAJOR, major).octal(MINOR, minor)
    }

    /// The block, with its checksum.
    pub fn block(self) -> [u8; 512] {
        let blank = self.set(CHECKSUM, b"        ");
        let sum: u64 = blank.0.iter().map(|&byte| u64::from(byte)).sum();
        blank.set(CHECKSUM, format!("{sum:06o}\0 ").as_bytes()).0
    }
}

/// An archive being made.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    pub bytes: Vec<u8>,
    /// Where headers stand.
    pub headers: Vec<usize>,
}

impl Archive {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn head(mut self, head: Head) -> Self {
        self.headers.push(self.bytes.len());
        self.bytes.extend_from_slice(&head.block());
        self
    }

    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(bytes.as_ref());
        self
    }

    /// Data and its padding.
    pub fn data(self, bytes: impl AsRef<[u8]>) -> Self {
        let mut archive = self.raw(bytes);
        let padded = archive.bytes.len().next_multiple_of(512);
        archive.bytes.resize(padded, 0);
        archive
    }

    /// A header with its data.
    pub fn member(self, head: Head, data: impl AsRef<[u8]>) -> Self {
        let head = head.octal(SIZE, data.as_ref().len() as u64);
        self.head(head).data(data)
    }

    pub fn file(self, name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        self.member(Head::ustar(b'0', name, 0), data)
    }

    /// An `x` header.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        self.member(Head::ustar(b'x', "pax", 0), pax_records(records))
    }

    /// A `g` header.
    pub fn global(self, records: &[(&str, &[u8])]) -> Self {
        self.member(Head::ustar(b'g', "pax", 0), pax_records(records))
    }

    /// An `L` or `K` header.
    pub fn long(self, kind: u8, name: impl AsRef<[u8]>) -> Self {
        let name = [name.as_ref(), b"\0"].concat();
        self.member(Head::gnu(kind, "././@LongLink", 0), name)
    }

    /// The end marker.
    pub fn end(self) -> Vec<u8> {
        self.raw([0; 1024]).bytes
    }
}

/// PAX records with the right lengths.
pub fn pax_records(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut data = Vec::new();
    for (key, value) in records {
        data.extend_from_slice(&pax_record(key, value));
    }
    data
}

fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = 1 + key.len() + 1 + value.len() + 1;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

pub const fn inline(length: u64) -> Segment {
    Segment {
        length,
        storage: Storage::Inline,
    }
}

pub const fn object(length: u64) -> Segment {
    Segment {
        length,
        storage: Storage::Object,
    }
}

/// Parses a layer in several chunkings, which must not differ.
pub fn read(bytes: &[u8]) -> Replay {
    read_as(bytes, Names::Layer)
}

pub fn read_as(bytes: &[u8], names: Names) -> Replay {
    let whole = replay(bytes, names, 0);
    for seed in 1..4 {
        assert_eq!(replay(bytes, names, seed), whole, "seed {seed}");
    }
    whole
}

/// The entries of a sound layer.
#[track_caller]
pub fn entries(bytes: &[u8]) -> Vec<Entry> {
    let replay = read(bytes);
    let ending = replay.ending.expect("the archive is sound");
    assert_eq!(
        replay.cuts.iter().map(|cut| cut.length).sum::<u64>(),
        bytes.len() as u64
    );
    assert!(ending.offset <= bytes.len() as u64);
    replay.entries
}

/// The only entry of a sound layer.
#[track_caller]
pub fn entry(bytes: &[u8]) -> Entry {
    let mut entries = entries(bytes);
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}
