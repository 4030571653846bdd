//! Where in a tar archive its files are.
//!
//! The archive is untrusted, and other programs read it too: where they could come to another
//! result it is refused. The attacks, and what stops them:
//!
//! - names that lead out, or the same name twice, of which readers take the first or the last:
//!   only clean names, each once;
//! - links, sparse files, devices: only regular files and directories;
//! - a size in an extended header that readers may ignore: only where the header has no room;
//! - sizes beyond the end of the file, sums that overflow: every member lies in the file;
//! - headers without end: so many members, and so many bytes of an extended header.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use lazaret_artifact::limits::MAX_PATH_LENGTH;
use lazaret_artifact::text::escape;
use tar::{EntryType, Header};

/// Bytes of a header, and what members are padded to.
const BLOCK: u64 = 512;

/// Members of one archive, extended headers included. Each costs memory, and an archive of a
/// terabyte has room for two milliards.
const MAX_MEMBERS: u64 = 1 << 17;

/// Bytes of one extended header, which is read into memory: there is one for each member.
const MAX_EXTENSION: u64 = 64 * 1024;

/// The largest size that a header's twelve octal digits, the last a terminator, have room for.
const MAX_OCTAL_SIZE: u64 = 0o77_777_777_777;

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    /// Its first byte.
    pub(super) offset: u64,
    /// Its bytes.
    pub(super) size: u64,
}

/// Why there is no telling.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Malformed { at: u64, reason: String },
    TooMany { found: u64, limit: u64 },
}

/// The regular files of an archive of `length` bytes, by their clean names.
pub(super) fn find(file: &File, length: u64) -> Result<HashMap<String, Member>, Fault> {
    let mut reader = Reader {
        file,
        length,
        at: 0,
        next: Extension::default(),
        found: HashMap::new(),
    };
    let mut count = 0;
    while reader.step()? {
        count += 1;
        if count > MAX_MEMBERS {
            return Err(Fault::TooMany {
                found: count,
                limit: MAX_MEMBERS,
            });
        }
    }
    Ok(reader.found)
}

struct Reader<'a> {
    file: &'a File,
    length: u64,
    /// Where the next header is.
    at: u64,
    /// What extended headers say about the next member.
    next: Extension,
    found: HashMap<String, Member>,
}

/// What an extended header may say about the member after it.
#[derive(Debug, Default)]
struct Extension {
    present: bool,
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Reader<'_> {
    /// Takes the next member; `false` at the end.
    fn step(&mut self) -> Result<bool, Fault> {
        let Some(block) = self.read_header()? else {
            if self.next.present {
                return Err(self.malformed("ends after an extended header"));
            }
            return Ok(false);
        };
        let header = Header::from_byte_slice(&block);
        let own = header
            .entry_size()
            .map_err(|error| self.malformed(error.to_string()))?;
        match header.entry_type() {
            EntryType::XHeader => {
                let data = self.read_extension(own)?;
                self.take_records(&data)?;
                self.pass(own)?;
            }
            EntryType::GNULongName => {
                let data = self.read_extension(own)?;
                let end = data.iter().position(|byte| *byte == 0);
                self.take_name(data[..end.unwrap_or(data.len())].to_vec())?;
                self.pass(own)?;
            }
            kind @ (EntryType::Regular | EntryType::Directory) => {
                let size = self.reconcile(own)?;
                let name = match self.next.name.take() {
                    Some(name) => name,
                    None => header.path_bytes().into_owned(),
                };
                self.next = Extension::default();
                if kind == EntryType::Regular {
                    self.add(&name, size)?;
                } else if size != 0 {
                    return Err(self.malformed("a directory with content"));
                }
                self.pass(size)?;
            }
            kind => {
                return Err(self.malformed(format!("{} is {}", self.shown(header), what(kind))));
            }
        }
        Ok(true)
    }

    /// The next header; `None` at the first block of zeros or the end of the file.
    fn read_header(&self) -> Result<Option<[u8; BLOCK as usize]>, Fault> {
        if self.at == self.length {
            return Ok(None);
        }
        let mut block = [0; BLOCK as usize];
        if self.length - self.at < BLOCK {
            return Err(self.malformed("cut off"));
        }
        self.file
            .read_exact_at(&mut block, self.at)
            .map_err(Fault::Io)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block);
        // The checksum's own field counts as eight spaces (POSIX.1-1988 ustar).
        let (before, after) = (&block[..148], &block[156..]);
        let sum: u32 = before
            .iter()
            .chain(after)
            .map(|byte| u32::from(*byte))
            .sum();
        if header.cksum().ok() != Some(sum + 8 * u32::from(b' ')) {
            return Err(self.malformed("no tar header"));
        }
        Ok(Some(block))
    }

    fn read_extension(&self, size: u64) -> Result<Vec<u8>, Fault> {
        if size > MAX_EXTENSION {
            return Err(self.malformed(format!(
                "an extended header of {size} bytes, more than {MAX_EXTENSION}"
            )));
        }
        self.require_room(size)?;
        let mut data = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        self.file
            .read_exact_at(&mut data, self.at + BLOCK)
            .map_err(Fault::Io)?;
        Ok(data)
    }

    /// Records of a POSIX.1-2001 extended header: `LENGTH KEY=VALUE\n`, the length that of the
    /// whole record. Values may hold anything, newlines too.
    fn take_records(&mut self, mut data: &[u8]) -> Result<(), Fault> {
        if self.next.present {
            return Err(self.malformed("two extended headers for one member"));
        }
        self.next.present = true;
        while !data.is_empty() {
            let Some((key, value, rest)) = record(data) else {
                return Err(self.malformed("malformed extended header"));
            };
            data = rest;
            match key {
                b"path" => self.take_name(value.to_vec())?,
                b"size" => {
                    let size = std::str::from_utf8(value)
                        .ok()
                        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                        .and_then(|text| text.parse().ok());
                    match (size, self.next.size) {
                        (Some(size), None) => self.next.size = Some(size),
                        _ => return Err(self.malformed("malformed size in an extended header")),
                    }
                }
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(self.malformed("a sparse file"));
                }
                // Times, owners, attributes: nothing of a layout depends on them.
                _ => {}
            }
        }
        Ok(())
    }

    fn take_name(&mut self, name: Vec<u8>) -> Result<(), Fault> {
        self.next.present = true;
        match self.next.name.replace(name) {
            None => Ok(()),
            Some(_) => Err(self.malformed("two extended names for one member")),
        }
    }

    /// The size of a member whose header has `own`. An extended header may only say another one
    /// where the header has no room for it: some readers do not look at extended headers.
    fn reconcile(&self, own: u64) -> Result<u64, Fault> {
        match self.next.size {
            None => Ok(own),
            Some(size) if size == own || size > MAX_OCTAL_SIZE => Ok(size),
            Some(size) => {
                Err(self.malformed(format!("two sizes for one member: {own} and {size}")))
            }
        }
    }

    fn add(&mut self, name: &[u8], size: u64) -> Result<(), Fault> {
        let Some(name) = clean(name) else {
            return Err(self.malformed(format!("{} is no clean name", escape(name))));
        };
        self.require_room(size)?;
        let member = Member {
            offset: self.at + BLOCK,
            size,
        };
        match self.found.insert(name.to_owned(), member) {
            None => Ok(()),
            Some(_) => Err(self.malformed(format!("two members {}", escape(name.as_bytes())))),
        }
    }

    /// Over a header and `size` bytes after it, padded.
    fn pass(&mut self, size: u64) -> Result<(), Fault> {
        self.require_room(size)?;
        self.at += BLOCK + size.next_multiple_of(BLOCK);
        Ok(())
    }

    /// Whether `size` bytes after the header at hand, padded, are in the file.
    fn require_room(&self, size: u64) -> Result<(), Fault> {
        let end = size
            .checked_next_multiple_of(BLOCK)
            .and_then(|padded| padded.checked_add(self.at + BLOCK));
        match end {
            Some(end) if end <= self.length => Ok(()),
            _ => Err(self.malformed(format!("cut off: a member of {size} bytes"))),
        }
    }

    fn shown(&self, header: &Header) -> String {
        match &self.next.name {
            Some(name) => escape(name),
            None => escape(&header.path_bytes()),
        }
    }

    fn malformed(&self, reason: impl Into<String>) -> Fault {
        Fault::Malformed {
            at: self.at,
            reason: reason.into(),
        }
    }
}

/// Key, value and what comes after the first record.
fn record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    /// Digits of a length: [`MAX_EXTENSION`] has five.
    const MAX_DIGITS: usize = 6;
    let digits = data
        .iter()
        .take(MAX_DIGITS)
        .position(|byte| *byte == b' ')?;
    let length = std::str::from_utf8(&data[..digits]).ok()?;
    if length.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    let (record, rest) = data.split_at_checked(length.parse().ok()?)?;
    let record = record.get(digits + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], rest))
}

/// A name without `./` before it; `None` when it is empty, leads somewhere else than it says, or
/// is no text.
fn clean(name: &[u8]) -> Option<&str> {
    let mut name = std::str::from_utf8(name).ok()?;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    let is_clean = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    (name.len() <= MAX_PATH_LENGTH && name.split('/').all(is_clean)).then_some(name)
}

/// What is not wanted, for messages.
fn what(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a symbolic link",
        EntryType::GNUSparse => "a sparse file",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::XGlobalHeader => "an extended header for all members",
        EntryType::GNULongLink => "a link of a long name",
        _ => "of an unknown type",
    }
}
