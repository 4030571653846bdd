//! Local headers and data descriptors, compared with the directory (APPNOTE, sections 4.3.7, 4.3.9),
//! and that members follow each other without a gap.

use crate::error::{Fault, Rule, Span};
use crate::input::{Input, Window};
use crate::limits::HEADER_READ;
use crate::zip::directory::{DESCRIPTOR, ELSEWHERE};
use crate::zip::end::End;
use crate::zip::{Member, extra, name, u16_at, u32_at, u64_at};

/// Bytes of a header before its name.
const HEADER: usize = 30;
const SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR_SIGNATURE: [u8; 4] = *b"PK\x07\x08";
/// Bytes of a descriptor with its signature: with sizes of 32 bits, and of 64.
const SHORT_DESCRIPTOR: u64 = 16;
const LONG_DESCRIPTOR: u64 = 24;

/// Fills in where each member's data is. The members come in the order of the file.
pub(super) fn check<I: Input>(
    input: &mut I,
    end: &End,
    members: &mut [Member],
    names: &[u8],
) -> Result<(), Fault> {
    let mut window = Window::new(input);
    let nexts: Vec<u64> = members
        .iter()
        .skip(1)
        .map(|member| member.header)
        .chain([end.offset])
        .collect();
    if let Some(first) = members.first()
        && first.header != 0
    {
        return Err(Span::new(0, first.header).breaks(Rule::PrefixBytes));
    }
    for (member, next) in members.iter_mut().zip(nexts) {
        let name = name(names, member);
        let start = member.header;
        let rest = Span::new(
            start,
            window.size().saturating_sub(start).min(HEADER as u64),
        );
        let fixed = window.at(start, HEADER, HEADER_READ);
        if fixed.len() < HEADER || fixed[..4] != SIGNATURE {
            return Err(rest.breaks(Rule::LocalSignature));
        }
        let lengths = [26, 28].map(|offset| usize::from(u16_at(fixed, offset)));
        let length = HEADER + lengths[0] + lengths[1];
        let header = window.at(start, length, HEADER_READ);
        let span = Span::new(start, length as u64);
        if header.len() < length {
            return Err(rest.breaks(Rule::LocalSignature));
        }
        compare(member, name, header, lengths).map_err(|rule| span.breaks(rule))?;
        member.data = start + length as u64;
        let data_end = member
            .data
            .checked_add(member.size)
            .filter(|&data_end| data_end <= end.offset)
            .ok_or_else(|| span.breaks(Rule::MemberBeyond))?;
        if data_end > next {
            return Err(Span::new(next, data_end - next).breaks(Rule::Overlap));
        }
        follow(&mut window, member, data_end, next)?;
    }
    if members.is_empty() && end.offset != 0 {
        return Err(Span::new(0, end.offset).breaks(Rule::Gap));
    }
    Ok(())
}

fn compare(
    member: &Member,
    name: &[u8],
    header: &[u8],
    [name_length, extra_length]: [usize; 2],
) -> Result<(), Rule> {
    if header[HEADER..][..name_length] != *name {
        return Err(Rule::LocalName);
    }
    if u16_at(header, 6) != member.flags {
        return Err(Rule::LocalFlags);
    }
    if u16_at(header, 8) != 0 {
        return Err(Rule::LocalMethod);
    }
    // Torch's writer knows none of them when it writes the header, and says zero; others repeat them.
    let is_later = member.flags & DESCRIPTOR != 0;
    let checksum = u32_at(header, 14);
    if checksum != member.checksum && !(is_later && checksum == 0) {
        return Err(Rule::LocalChecksum);
    }
    let long = extra::read(&header[HEADER + name_length..][..extra_length])?;
    let mut long = long.unwrap_or_default().into_iter();
    for offset in [22, 18] {
        let short = u32_at(header, offset);
        let size = if short == ELSEWHERE {
            long.next().ok_or(Rule::Zip64Field)?
        } else {
            u64::from(short)
        };
        if size != member.size && !(is_later && size == 0) {
            return Err(Rule::LocalSize);
        }
    }
    // Torch's writer adds sizes and offset beside zeros; they must be the member's all the same.
    let known = [0, member.size, member.header];
    if long.any(|number| !is_later || !known.contains(&number)) {
        return Err(Rule::Zip64Field);
    }
    Ok(())
}

/// What is between a member's data and the next header.
fn follow<I: Input>(
    window: &mut Window<'_, I>,
    member: &Member,
    data_end: u64,
    next: u64,
) -> Result<(), Fault> {
    let between = Span::new(data_end, next - data_end);
    if member.flags & DESCRIPTOR == 0 {
        return if between.length == 0 {
            Ok(())
        } else {
            Err(between.breaks(Rule::Gap))
        };
    }
    let length = match between.length {
        SHORT_DESCRIPTOR | LONG_DESCRIPTOR => {
            usize::from(between.length == LONG_DESCRIPTOR) * 8 + 16
        }
        _ => return Err(between.breaks(Rule::Descriptor)),
    };
    let bytes = window.at(data_end, length, HEADER_READ);
    let agrees = bytes.len() == length
        && bytes[..4] == DESCRIPTOR_SIGNATURE
        && u32_at(bytes, 4) == member.checksum
        && if length == 16 {
            [8, 12].map(|offset| u64::from(u32_at(bytes, offset))) == [member.size; 2]
        } else {
            [8, 16].map(|offset| u64_at(bytes, offset)) == [member.size; 2]
        };
    if agrees {
        Ok(())
    } else {
        Err(between.breaks(Rule::Descriptor))
    }
}
