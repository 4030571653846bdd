//! PAX extended headers: `length key=value\n` records (POSIX pax, "pax Extended Header").
//!
//! Only what changes an entry is read; unknown keys are ignored, as POSIX asks. `tar-core` iterates
//! over records too, but ends silently at one without a space, and takes a `+` in the length.

use crate::entry::Timestamp;
use crate::error::{Fault, Rule, Span};
use crate::field::decimal;
use crate::limits::FILE_SIZE_MAX;
use crate::sparse::SparseRecords;
use crate::time;
use crate::xattr::Xattrs;

/// A value, and the record it came from.
#[derive(Debug, Clone)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) at: Span,
}

/// What the records of one `x` header say about the member that follows.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) path: Option<Sourced<Vec<u8>>>,
    pub(crate) link: Option<Sourced<Vec<u8>>>,
    pub(crate) size: Option<Sourced<u64>>,
    pub(crate) uid: Option<Sourced<u64>>,
    pub(crate) gid: Option<Sourced<u64>>,
    pub(crate) mtime: Option<Sourced<Timestamp>>,
    pub(crate) device_major: Option<Sourced<u64>>,
    pub(crate) device_minor: Option<Sourced<u64>>,
    pub(crate) xattrs: Xattrs,
    pub(crate) sparse: SparseRecords,
}

/// Reads the data of an `x` header that starts at `base`.
pub(crate) fn local(data: &[u8], base: u64) -> Result<Records, Fault> {
    let mut records = Records::default();
    for record in RecordIter::new(data, base) {
        records.add(&record?)?;
    }
    Ok(records)
}

/// Checks the data of a `g` header that starts at `base`.
///
/// POSIX applies global records to everything that follows, Go (and so Docker, containerd, podman)
/// and composefs ignore them. Both agree only where a record changes nothing, so anything that
/// would change an entry is refused: what remains are comments, access times, owner *names*.
pub(crate) fn global(data: &[u8], base: u64) -> Result<(), Fault> {
    for record in RecordIter::new(data, base) {
        let record = record?;
        if record.key == b"hdrcharset" {
            charset(&record)?;
        } else if changes_entry(record.key) {
            return Err(record.at.breaks(Rule::GlobalKey));
        }
    }
    Ok(())
}

fn changes_entry(key: &[u8]) -> bool {
    matches!(
        key,
        b"path" | b"linkpath" | b"size" | b"uid" | b"gid" | b"mtime"
    ) || is_volume(key)
        || [&b"GNU.sparse."[..], b"SCHILY.", b"LIBARCHIVE.", b"RHT."]
            .iter()
            .any(|prefix| key.starts_with(prefix))
}

/// GNU tar's records for the rest of a file that began on another volume.
fn is_volume(key: &[u8]) -> bool {
    matches!(
        key,
        b"GNU.volume.filename" | b"GNU.volume.size" | b"GNU.volume.offset"
    )
}

fn charset(record: &Record<'_>) -> Result<(), Fault> {
    // Names are bytes here, so these two are the same.
    match record.value {
        b"ISO-IR 10646 2000 UTF-8" | b"BINARY" => Ok(()),
        _ => Err(record.at.breaks(Rule::Charset)),
    }
}

impl Records {
    fn add(&mut self, record: &Record<'_>) -> Result<(), Fault> {
        let Record { key, value, at } = *record;
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            return self.xattrs.schily(name, value, at);
        }
        if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
            return self.xattrs.libarchive(name, value, at);
        }
        if let Some(name) = key.strip_prefix(b"GNU.sparse.") {
            return self.sparse.add(name, value, at);
        }
        match key {
            b"path" => set(&mut self.path, text(record)?, at),
            b"linkpath" => set(&mut self.link, text(record)?, at),
            b"size" => {
                let size = number(record)?;
                if size > FILE_SIZE_MAX {
                    return Err(at.breaks(Rule::SizeRange));
                }
                set(&mut self.size, size, at)
            }
            b"uid" => set(&mut self.uid, number(record)?, at),
            b"gid" => set(&mut self.gid, number(record)?, at),
            b"mtime" => {
                let rule = if value.is_empty() {
                    Rule::PaxEmpty
                } else {
                    Rule::PaxTime
                };
                let time = time::parse(value).ok_or_else(|| at.breaks(rule))?;
                set(&mut self.mtime, time, at)
            }
            b"SCHILY.devmajor" => set(&mut self.device_major, number(record)?, at),
            b"SCHILY.devminor" => set(&mut self.device_minor, number(record)?, at),
            b"SCHILY.realsize" => Err(at.breaks(Rule::SparseVersion)),
            b"hdrcharset" => charset(record),
            _ if is_volume(key) => Err(at.breaks(Rule::MultiVolume)),
            _ => Ok(()),
        }
    }
}

/// Sets what a record says, once.
pub(crate) fn set<T>(slot: &mut Option<Sourced<T>>, value: T, at: Span) -> Result<(), Fault> {
    if slot.is_some() {
        return Err(at.breaks(Rule::PaxDuplicate));
    }
    *slot = Some(Sourced { value, at });
    Ok(())
}

fn text(record: &Record<'_>) -> Result<Vec<u8>, Fault> {
    if record.value.is_empty() {
        Err(record.at.breaks(Rule::PaxEmpty))
    } else if record.value.contains(&0) {
        Err(record.at.breaks(Rule::PathNul))
    } else {
        Ok(record.value.to_vec())
    }
}

fn number(record: &Record<'_>) -> Result<u64, Fault> {
    let rule = if record.value.is_empty() {
        Rule::PaxEmpty
    } else {
        Rule::PaxNumber
    };
    decimal(record.value).ok_or_else(|| record.at.breaks(rule))
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) at: Span,
}

/// The records of a header's data, each or the fault that ends them.
pub(crate) struct RecordIter<'a> {
    data: &'a [u8],
    offset: u64,
}

impl<'a> RecordIter<'a> {
    pub(crate) const fn new(data: &'a [u8], base: u64) -> Self {
        Self { data, offset: base }
    }

    fn record(&self) -> Result<(Record<'a>, usize), Fault> {
        let fail = || Span::new(self.offset, self.data.len() as u64).breaks(Rule::PaxRecord);
        let digits = self
            .data
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if self.data[0] == b'0' || self.data.get(digits) != Some(&b' ') {
            return Err(fail());
        }
        let length = decimal(&self.data[..digits])
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(fail)?;
        // From behind the space to before the newline.
        let record = self.data.get(digits + 1..length).ok_or_else(fail)?;
        let Some((b'\n', body)) = record.split_last() else {
            return Err(fail());
        };
        let equals = body
            .iter()
            .position(|&byte| byte == b'=')
            .ok_or_else(fail)?;
        let (key, value) = (&body[..equals], &body[equals + 1..]);
        if key.is_empty() || key.contains(&0) {
            return Err(fail());
        }
        let at = Span::new(self.offset, length as u64);
        Ok((Record { key, value, at }, length))
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.data.is_empty() {
            return None;
        }
        match self.record() {
            Ok((record, length)) => {
                self.data = &self.data[length..];
                self.offset += length as u64;
                Some(Ok(record))
            }
            Err(fault) => {
                self.data = &[];
                Some(Err(fault))
            }
        }
    }
}

#[cfg(test)]
mod tests;
