//! A zip archive of stored members, read the way no two readers can disagree on.
//!
//! Attacks, and what stops them: two directories in one file (the end record is last, the 64-bit one
//! must agree with it, the directory ends where they begin); a directory that lies (every local header
//! is compared with its entry); members hidden between others (members follow each other without a
//! gap, from the first byte to the directory); members within members (the same); two members of one
//! name, also in another case, since torch does not tell cases apart; names that end early for some
//! readers; flags and methods that make some readers give up. Checksums are compared where headers
//! state them; of the data only what is read here is summed, which the storages are not.

mod directory;
pub(crate) mod end;
mod extra;
mod local;

use crate::error::{Fault, Rule, Span};
use crate::input::Input;

/// One stored member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Offset of its local header.
    pub(crate) header: u64,
    /// Offset of its data.
    pub data: u64,
    /// Bytes of it.
    pub size: u64,
    /// CRC-32 of the data, as the headers state it.
    pub checksum: u32,
    pub(crate) flags: u16,
    pub(crate) name: (u32, u16),
    /// Offset of its entry in the central directory.
    pub(crate) entry: u64,
}

impl Member {
    /// From its local header to the end of its data.
    pub(crate) const fn span(&self) -> Span {
        Span::new(self.header, self.data + self.size - self.header)
    }
}

/// A sound archive.
#[derive(Debug)]
pub struct Archive {
    /// In the order of the file.
    members: Vec<Member>,
    names: Vec<u8>,
    /// Numbers of the members in the order of their names.
    by_name: Vec<u32>,
    /// Number of the directory's first entry.
    first: usize,
    /// Offset of the central directory: where the last member ends.
    pub directory: u64,
}

impl Archive {
    /// Reads directory and headers.
    ///
    /// # Errors
    /// The archive breaks a rule.
    pub fn read<I: Input>(input: &mut I) -> Result<Self, Fault> {
        let end = end::locate(input)?;
        let (mut members, names) = directory::read(input, &end)?;
        let first = members.first().map_or(0, |member| member.entry);
        members.sort_by_key(|member| member.header);
        local::check(input, &end, &mut members, &names)?;
        let mut by_name: Vec<u32> = (0..).take(members.len()).collect();
        let fold = |number: &u32| fold(name(&names, &members[*number as usize]));
        by_name.sort_by(|left, right| fold(left).cmp(fold(right)).then(left.cmp(right)));
        let twice = by_name.windows(2).filter(|pair| {
            let [left, right] =
                [pair[0], pair[1]].map(|number| name(&names, &members[number as usize]));
            left.eq_ignore_ascii_case(right)
        });
        let twice = twice.map(|pair| members[pair[1] as usize].header).min();
        if let Some(header) = twice {
            let place = members.iter().find(|member| member.header == header);
            let span = place.map_or(Span::new(header, 0), Member::span);
            return Err(span.breaks(Rule::DuplicateMember));
        }
        let first = members.iter().position(|member| member.entry == first);
        Ok(Self {
            first: first.unwrap_or(0),
            members,
            names,
            by_name,
            directory: end.offset,
        })
    }

    /// The members in the order of the file.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// A member's name.
    #[must_use]
    pub fn name(&self, member: &Member) -> &str {
        std::str::from_utf8(name(&self.names, member)).expect("checked with the directory")
    }

    /// The first member the directory lists.
    #[must_use]
    pub fn first(&self) -> Option<&Member> {
        self.members.get(self.first)
    }

    /// Number of the member of this name; cases differ.
    #[must_use]
    pub fn find(&self, wanted: &str) -> Option<usize> {
        let place = self.by_name.binary_search_by(|&number| {
            let name = name(&self.names, &self.members[number as usize]);
            fold(name).cmp(fold(wanted.as_bytes()))
        });
        let number = self.by_name[place.ok()?] as usize;
        (self.name(&self.members[number]) == wanted).then_some(number)
    }
}

/// Names as torch compares them.
fn fold(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    name.iter().map(u8::to_ascii_lowercase)
}

fn name<'a>(names: &'a [u8], member: &Member) -> &'a [u8] {
    let (start, length) = member.name;
    &names[start as usize..][..usize::from(length)]
}

fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(array(bytes, offset))
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(array(bytes, offset))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(array(bytes, offset))
}

/// The caller has checked that they are there.
fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[offset..offset + N]);
    array
}
