//! The end of a zip: where its directory is (APPNOTE 6.3.10, sections 4.3.14 to 4.3.16).

use crate::error::{Fault, Rule, Span};
use crate::input::{Input, Window};
use crate::limits::{DIRECTORY_MAX, MEMBERS_MAX, READ_MAX};
use crate::zip::{u16_at, u32_at, u64_at};

/// Bytes of an end record without a comment.
const END: usize = 22;
/// Bytes of the way to the 64-bit record, and of that.
const LOCATOR: usize = 20;
const RECORD: usize = 56;
/// A comment has at most 65,535 bytes, so an end record further away is none.
const REACH: u64 = END as u64 + 65_535;

const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const LOCATOR_SIGNATURE: [u8; 4] = *b"PK\x06\x07";
const RECORD_SIGNATURE: [u8; 4] = *b"PK\x06\x06";

/// Where the central directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) count: u64,
}

/// Whether an end record without a comment stands at the very end: so ends an archive, also one with
/// something before it.
pub(crate) fn is_last<I: Input>(input: &mut I) -> bool {
    let size = input.size();
    let mut window = Window::new(input);
    let Some(place) = size.checked_sub(END as u64) else {
        return false;
    };
    let end = window.at(place, END, 64);
    end.len() == END
        && end[..4] == END_SIGNATURE
        && u16_at(end, 20) == 0
        && u64::from(u32_at(end, 12)) <= place
}

pub(super) fn locate<I: Input>(input: &mut I) -> Result<End, Fault> {
    let size = input.size();
    let mut window = Window::new(input);
    let place = find(&mut window, size)?;
    let bytes = window.at(place, END, READ_MAX).to_vec();
    let span = Span::new(place, END as u64);
    if bytes.len() < END {
        return Err(span.breaks(Rule::NoEndRecord));
    }
    if u16_at(&bytes, 4) != 0 || u16_at(&bytes, 6) != 0 {
        return Err(span.breaks(Rule::MultiDisk));
    }
    let short = [
        u64::from(u16_at(&bytes, 8)),
        u64::from(u16_at(&bytes, 10)),
        u64::from(u32_at(&bytes, 12)),
        u64::from(u32_at(&bytes, 16)),
    ];
    let full = [0xffff, 0xffff, 0xffff_ffff, 0xffff_ffff];
    let is_short = short.iter().zip(full).any(|(field, full)| *field == full);
    let (fields, until) = match long(&mut window, place)? {
        Some((long, start)) => {
            let differs = short
                .iter()
                .zip(full)
                .zip(long)
                .any(|((short, full), long)| *short != full && *short != long);
            if differs {
                return Err(span.breaks(Rule::EndsDisagree));
            }
            (long, start)
        }
        None if is_short => return Err(span.breaks(Rule::Zip64Locator)),
        None => (short, place),
    };
    let [here, count, length, offset] = fields;
    if here != count {
        return Err(span.breaks(Rule::MultiDisk));
    }
    if offset.checked_add(length) != Some(until) {
        return Err(span.breaks(Rule::DirectoryPlace));
    }
    if length > DIRECTORY_MAX {
        return Err(Span::new(offset, length).breaks(Rule::DirectoryTooLarge));
    }
    if count > MEMBERS_MAX {
        return Err(span.breaks(Rule::TooManyMembers));
    }
    Ok(End {
        offset,
        size: length,
        count,
    })
}

/// Offset of the end record, which must be last; what is behind it is named.
fn find<I: Input>(window: &mut Window<'_, I>, size: u64) -> Result<u64, Fault> {
    let reach = size.min(REACH);
    let start = size - reach;
    let length = usize::try_from(reach).unwrap_or(usize::MAX);
    let tail = window.at(start, length, READ_MAX);
    let is_end = |at: usize| tail.len() >= at + END && tail[at..at + 4] == END_SIGNATURE;
    let found = (0..tail.len().saturating_sub(END - 1))
        .rev()
        .find(|&at| is_end(at));
    let Some(at) = found else {
        let near = size.min(END as u64);
        return Err(Span::new(size - near, near).breaks(Rule::NoEndRecord));
    };
    let behind = (tail.len() - at - END) as u64;
    let comment = u64::from(u16_at(tail, at + 20));
    let place = start + at as u64;
    let rest = Span::new(place + END as u64, behind);
    match (behind, comment) {
        (0, 0) => Ok(place),
        _ if behind == comment => Err(rest.breaks(Rule::ArchiveComment)),
        _ => Err(rest.breaks(Rule::TrailingBytes)),
    }
}

/// The fields of the 64-bit record, and its offset, if there is one.
fn long<I: Input>(window: &mut Window<'_, I>, end: u64) -> Result<Option<([u64; 4], u64)>, Fault> {
    let Some(place) = end.checked_sub(LOCATOR as u64) else {
        return Ok(None);
    };
    let locator = window.at(place, LOCATOR, READ_MAX).to_vec();
    if locator.len() < LOCATOR || locator[..4] != LOCATOR_SIGNATURE {
        return Ok(None);
    }
    let span = Span::new(place, LOCATOR as u64);
    if u32_at(&locator, 4) != 0 || u32_at(&locator, 16) > 1 {
        return Err(span.breaks(Rule::MultiDisk));
    }
    let start = u64_at(&locator, 8);
    if start.checked_add(RECORD as u64) != Some(place) {
        return Err(span.breaks(Rule::Zip64Locator));
    }
    let record = window.at(start, RECORD, READ_MAX);
    if record.len() < RECORD || record[..4] != RECORD_SIGNATURE {
        return Err(span.breaks(Rule::Zip64Locator));
    }
    let span = Span::new(start, RECORD as u64);
    if u64_at(record, 4) != RECORD as u64 - 12 {
        return Err(span.breaks(Rule::Zip64Record));
    }
    if u32_at(record, 16) != 0 || u32_at(record, 20) != 0 {
        return Err(span.breaks(Rule::MultiDisk));
    }
    let fields = [
        u64_at(record, 24),
        u64_at(record, 32),
        u64_at(record, 40),
        u64_at(record, 48),
    ];
    Ok(Some((fields, start)))
}
