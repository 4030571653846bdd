//! The central directory (APPNOTE, section 4.3.12).

use crate::error::{Fault, Rule, Span};
use crate::input::{Input, Stream};
use crate::limits::NAMES_MAX;
use crate::zip::end::End;
use crate::zip::{Member, extra, u16_at, u32_at};

/// Bytes of an entry before its name.
const ENTRY: usize = 46;
const SIGNATURE: [u8; 4] = *b"PK\x01\x02";

/// Members are stored.
const STORED: u16 = 0;

/// A descriptor with sizes and checksum follows the data.
pub(super) const DESCRIPTOR: u16 = 1 << 3;
/// The name is UTF-8.
const UTF8: u16 = 1 << 11;
/// Encrypted; strongly; with masked headers.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// A field of 32 bits that says: see the 64-bit sizes.
pub(super) const ELSEWHERE: u32 = u32::MAX;

/// The entries, without what only local headers know, and their names.
pub(super) fn read<I: Input>(input: &mut I, end: &End) -> Result<(Vec<Member>, Vec<u8>), Fault> {
    let until = end.offset + end.size;
    let mut stream = Stream::new(input, end.offset, until);
    let mut members = Vec::new();
    let mut names = Vec::new();
    let mut bytes = Vec::new();
    while stream.peek().is_some() {
        let start = stream.offset();
        let rest = Span::new(start, until - start);
        if members.len() as u64 == end.count {
            return Err(rest.breaks(Rule::DirectoryCount));
        }
        bytes.clear();
        stream
            .take(ENTRY as u64, &mut bytes)
            .map_err(|_| rest.breaks(Rule::DirectoryLength))?;
        if bytes[..4] != SIGNATURE {
            return Err(Span::new(start, 4).breaks(Rule::DirectorySignature));
        }
        let lengths = [28, 30, 32].map(|offset| usize::from(u16_at(&bytes, offset)));
        stream
            .take(lengths.iter().sum::<usize>() as u64, &mut bytes)
            .map_err(|_| rest.breaks(Rule::DirectoryLength))?;
        let span = Span::new(start, stream.offset() - start);
        let member = entry(&bytes, lengths, start, &mut names).map_err(|rule| span.breaks(rule))?;
        if member.header >= end.offset {
            return Err(span.breaks(Rule::MemberBeyond));
        }
        members.push(member);
    }
    if members.len() as u64 != end.count {
        return Err(Span::new(until, 0).breaks(Rule::DirectoryCount));
    }
    Ok((members, names))
}

fn entry(
    bytes: &[u8],
    [name, extra, comment]: [usize; 3],
    start: u64,
    names: &mut Vec<u8>,
) -> Result<Member, Rule> {
    let flags = u16_at(bytes, 8);
    if flags & ENCRYPTED != 0 {
        return Err(Rule::Encrypted);
    }
    if flags & !(DESCRIPTOR | UTF8) != 0 {
        return Err(Rule::FlagBits);
    }
    if u16_at(bytes, 10) != STORED {
        return Err(Rule::Compressed);
    }
    if comment != 0 {
        return Err(Rule::MemberComment);
    }
    if !matches!(u16_at(bytes, 34), 0 | u16::MAX) {
        return Err(Rule::MultiDisk);
    }
    let fields = [20, 24, 42].map(|offset| u32_at(bytes, offset));
    let sizes = extra::read(&bytes[ENTRY + name..][..extra])?;
    let [stored, size, header] = widen(fields, sizes.as_deref())?;
    if stored != size {
        return Err(Rule::StoredSizes);
    }
    let text = &bytes[ENTRY..][..name];
    check_name(text, flags)?;
    let place = u32::try_from(names.len()).map_err(|_| Rule::NamesTooLarge)?;
    if names.len() + text.len() > NAMES_MAX {
        return Err(Rule::NamesTooLarge);
    }
    names.extend_from_slice(text);
    Ok(Member {
        header,
        data: 0,
        size,
        checksum: u32_at(bytes, 16),
        flags,
        name: (place, u16_at(bytes, 28)),
        entry: start,
    })
}

/// Stored size, size and offset, the long ones from the extra field: which has as many numbers as are
/// missing, the size first.
fn widen(fields: [u32; 3], sizes: Option<&[u64]>) -> Result<[u64; 3], Rule> {
    let mut wide = fields.map(u64::from);
    let mut long = sizes.unwrap_or_default().iter();
    for place in [1, 0, 2] {
        if fields[place] == ELSEWHERE {
            wide[place] = *long.next().ok_or(Rule::Zip64Field)?;
        }
    }
    if long.next().is_some() {
        return Err(Rule::Zip64Field);
    }
    Ok(wide)
}

fn check_name(name: &[u8], flags: u16) -> Result<(), Rule> {
    if !name.is_ascii() && flags & UTF8 == 0 {
        return Err(Rule::NameEncoding);
    }
    let text = std::str::from_utf8(name).map_err(|_| Rule::NameEncoding)?;
    // A directory's name ends in a slash.
    let path = text.strip_suffix('/').unwrap_or(text);
    let is_sound = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\']);
    if path.split('/').all(is_sound) {
        Ok(())
    } else {
        Err(Rule::NameSyntax)
    }
}
