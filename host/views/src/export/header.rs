//! Headers of a tar archive: ustar, with PAX records for what does not fit
//! (POSIX.1-2024, pax, "pax Interchange Format" and "ustar Interchange Format").
//!
//! A record is written only where the header cannot say it. Names that are not ASCII go into a
//! record, as GNU tar and Python do it; one that is not UTF-8 stays in the header if it fits, since
//! header names are bytes to everybody, and otherwise takes `hdrcharset=BINARY` with it. Extended
//! attributes are `SCHILY.xattr.` records, which GNU tar, Go, Python and libarchive read.

use lazaret_artifact::Timestamp;

/// Bytes of a header, and what everything is padded to.
pub(super) const BLOCK: usize = 512;

/// Largest number in seven octal digits.
const MAX_7: u64 = 0o777_7777;

/// Largest number in eleven octal digits.
const MAX_11: u64 = 0o777_7777_7777;

/// Type flags.
pub(super) mod flag {
    pub(in crate::export) const REGULAR: u8 = b'0';
    pub(in crate::export) const HARD_LINK: u8 = b'1';
    pub(in crate::export) const SYMBOLIC_LINK: u8 = b'2';
    pub(in crate::export) const CHARACTER_DEVICE: u8 = b'3';
    pub(in crate::export) const BLOCK_DEVICE: u8 = b'4';
    pub(in crate::export) const DIRECTORY: u8 = b'5';
    pub(in crate::export) const FIFO: u8 = b'6';
    pub(super) const RECORDS: u8 = b'x';
}

/// What a header says. The default is an empty file of mode 0.
#[derive(Debug, Default)]
pub(super) struct Member<'a> {
    pub(super) path: &'a [u8],
    pub(super) flag: u8,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Bytes that follow, padding not counted.
    pub(super) size: u64,
    pub(super) mtime: Timestamp,
    pub(super) link: &'a [u8],
    pub(super) device: (u32, u32),
    /// Names and values. Names are as [`is_xattr_name`] wants them.
    pub(super) xattrs: Vec<(&'a [u8], &'a [u8])>,
    /// The size of the file, if the data begin with a sparse map (GNU's format 1.0).
    pub(super) sparse: Option<u64>,
}

impl Member<'_> {
    /// The header, with records in front of it if it takes any.
    ///
    /// # Errors
    /// Which property no header has room for.
    pub(super) fn encode(&self) -> Result<Vec<u8>, &'static str> {
        let mut records = Records::default();
        let mut header = Header::new(self.flag);
        if let Some(size) = self.sparse {
            records.number("GNU.sparse.major", 1);
            records.number("GNU.sparse.minor", 0);
            records.name("GNU.sparse.name", self.path);
            records.number("GNU.sparse.realsize", size);
            // Readers that know no sparse files find data and map under this name.
            header.stand_in_name(b"GNUSparseFile.0/", last_component(self.path));
        } else if is_header_name(self.path) {
            header.bytes(0, self.path);
        } else {
            records.name("path", self.path);
            header.stand_in_name(b"", self.path);
        }
        if is_header_name(self.link) {
            header.bytes(157, self.link);
        } else {
            records.name("linkpath", self.link);
        }
        header.octal(100, 7, u64::from(self.mode));
        for (at, key, value) in [(108, "uid", self.uid), (116, "gid", self.gid)] {
            let value = u64::from(value);
            if value > MAX_7 {
                records.number(key, value);
            }
            header.octal(at, 7, if value > MAX_7 { 0 } else { value });
        }
        if self.size > MAX_11 {
            records.number("size", self.size);
        }
        header.octal(124, 11, if self.size > MAX_11 { 0 } else { self.size });
        self.mtime(&mut header, &mut records);
        let (major, minor) = (u64::from(self.device.0), u64::from(self.device.1));
        if major > MAX_7 || minor > MAX_7 {
            return Err("its device number is too large");
        }
        header.octal(329, 7, major);
        header.octal(337, 7, minor);
        for (name, value) in &self.xattrs {
            records.xattr(name, value);
        }
        let mut out = records.finish(last_component(self.path));
        out.extend_from_slice(&header.finish());
        Ok(out)
    }

    fn mtime(&self, header: &mut Header, records: &mut Records) {
        let Timestamp {
            seconds,
            nanoseconds,
        } = self.mtime;
        let whole = u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds <= MAX_11);
        if whole.is_none() || nanoseconds != 0 {
            records.add(b"mtime", decimal_time(self.mtime).as_bytes());
        }
        header.octal(
            136,
            11,
            whole.unwrap_or(if seconds < 0 { 0 } else { MAX_11 }),
        );
    }
}

/// Whether a record's key can end in `name`: keys end at the first `=`, and GNU tar reads `%25` and
/// `%3D` as other characters.
pub(super) fn is_xattr_name(name: &[u8]) -> bool {
    let escape = |part: &[u8]| part == b"%25" || part == b"%3D";
    !name.contains(&b'=') && !name.windows(3).any(escape)
}

/// Whether a name fits into a header, and everybody reads the same there.
fn is_header_name(name: &[u8]) -> bool {
    name.len() <= 100 && (name.is_ascii() || std::str::from_utf8(name).is_err())
}

fn last_component(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// Seconds with as many decimals as it takes.
fn decimal_time(time: Timestamp) -> String {
    let Timestamp {
        seconds,
        nanoseconds,
    } = time;
    // The fraction counts forward, decimal notation counts away from zero.
    let (sign, seconds, nanoseconds) = match (seconds < 0, nanoseconds) {
        (false, _) => ("", seconds.unsigned_abs(), nanoseconds),
        (true, 0) => ("-", seconds.unsigned_abs(), 0),
        (true, _) => ("-", seconds.unsigned_abs() - 1, 1_000_000_000 - nanoseconds),
    };
    if nanoseconds == 0 {
        return format!("{sign}{seconds}");
    }
    let text = format!("{sign}{seconds}.{nanoseconds:09}");
    text.trim_end_matches('0').to_owned()
}

struct Header([u8; BLOCK]);

impl Header {
    fn new(flag: u8) -> Self {
        let mut header = Self([0; BLOCK]);
        header.0[156] = flag;
        header.bytes(257, b"ustar\x0000");
        header
    }

    fn bytes(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// A number that fits, in so many digits, and a NUL.
    fn octal(&mut self, at: usize, digits: usize, value: u64) {
        self.bytes(at, format!("{value:0digits$o}").as_bytes());
    }

    /// A name for those who do not read the record that has the real one.
    fn stand_in_name(&mut self, prefix: &[u8], name: &[u8]) {
        let ascii = name
            .iter()
            .map(|&byte| if byte.is_ascii_graphic() { byte } else { b'_' });
        let name: Vec<u8> = prefix.iter().copied().chain(ascii).take(100).collect();
        self.bytes(0, &name);
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.bytes(148, b"        ");
        let sum: u64 = self.0.iter().map(|&byte| u64::from(byte)).sum();
        self.bytes(148, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

#[derive(Default)]
struct Records {
    data: Vec<u8>,
    is_binary: bool,
}

impl Records {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        record(&mut self.data, key, value);
    }

    fn number(&mut self, key: &str, value: u64) {
        self.add(key.as_bytes(), value.to_string().as_bytes());
    }

    fn name(&mut self, key: &str, value: &[u8]) {
        self.is_binary |= std::str::from_utf8(value).is_err();
        self.add(key.as_bytes(), value);
    }

    fn xattr(&mut self, name: &[u8], value: &[u8]) {
        self.is_binary |= std::str::from_utf8(name).is_err();
        self.add(&[b"SCHILY.xattr.", name].concat(), value);
    }

    /// The extension header and its data, or nothing.
    fn finish(self, name: &[u8]) -> Vec<u8> {
        if self.data.is_empty() {
            return Vec::new();
        }
        let mut data = Vec::with_capacity(self.data.len() + 32);
        if self.is_binary {
            record(&mut data, b"hdrcharset", b"BINARY");
        }
        data.extend_from_slice(&self.data);
        let mut header = Header::new(flag::RECORDS);
        header.stand_in_name(b"PaxHeaders/", name);
        header.octal(100, 7, 0o644);
        header.octal(108, 7, 0);
        header.octal(116, 7, 0);
        header.octal(124, 11, data.len() as u64);
        header.octal(136, 11, 0);
        header.octal(329, 7, 0);
        header.octal(337, 7, 0);
        let mut out = header.finish().to_vec();
        out.extend_from_slice(&data);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out
    }
}

/// `<length> <key>=<value>\n`, where the length counts its own digits.
fn record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() > length {
        length += 1;
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_exactly() {
        for (seconds, nanoseconds, want) in [
            (0, 0, "0"),
            (0, 1, "0.000000001"),
            (12, 500_000_000, "12.5"),
            (-1, 0, "-1"),
            (-1, 500_000_000, "-0.5"),
            (-2, 999_999_999, "-1.000000001"),
            (i64::MAX, 999_999_999, "9223372036854775807.999999999"),
            (i64::MIN, 0, "-9223372036854775808"),
            (i64::MIN, 1, "-9223372036854775807.999999999"),
        ] {
            assert_eq!(
                decimal_time(Timestamp {
                    seconds,
                    nanoseconds
                }),
                want
            );
        }
    }

    #[test]
    fn a_record_counts_itself() {
        for length in 0..1200 {
            let mut out = Vec::new();
            record(&mut out, b"key", &vec![b'x'; length]);
            let space = out.iter().position(|&byte| byte == b' ').unwrap();
            let said: usize = std::str::from_utf8(&out[..space]).unwrap().parse().unwrap();
            assert_eq!(said, out.len());
        }
    }

    #[test]
    fn a_plain_member_takes_one_block() {
        let member = Member {
            path: b"usr/bin/env",
            flag: flag::REGULAR,
            mode: 0o755,
            uid: 0o777_7777,
            size: 3,
            mtime: Timestamp {
                seconds: 8_589_934_591,
                nanoseconds: 0,
            },
            ..Member::default()
        };
        let header = member.encode().unwrap();
        assert_eq!(header.len(), BLOCK);
        let numbers = "0000755_7777777_0000000_00000000003_77777777777_011473_".replace('_', "\0");
        assert_eq!(header[100..157], *format!("{numbers} 0").as_bytes());
    }

    #[test]
    fn only_names_that_a_record_can_have_are_attributes() {
        for (name, want) in [
            (&b"user.a"[..], true),
            (b"user.100%", true),
            (b"user.\xff", true),
            (b"user.a=b", false),
            (b"user.%3D", false),
            (b"user.%25", false),
        ] {
            assert_eq!(is_xattr_name(name), want, "{}", name.escape_ascii());
        }
    }
}
