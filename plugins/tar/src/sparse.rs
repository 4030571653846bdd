//! Sparse files: a map of regions, and only their bytes in the archive (GNU tar manual, "Storing
//! Sparse Files").
//!
//! Old GNU keeps the map in the header and blocks behind it, PAX 0.0 and 0.1 in records, PAX 1.0 in
//! front of the data. Whatever its form, regions must be in order, within the file, and add up to
//! the bytes stored: everything else is a file that two readers see differently.

use tar_core::{GnuExtSparseHeader, GnuSparseHeader};

use crate::entry::Extent;
use crate::error::{Fault, Rule, Span};
use crate::field::{decimal, number};
use crate::limits::{BLOCK, DECIMAL_DIGITS_MAX, FILE_SIZE_MAX, SPARSE_REGIONS_MAX};
use crate::pax::{Sourced, set};

/// Bytes of one slot of a binary map: offset and length.
const SLOT: usize = size_of::<GnuSparseHeader>();

/// Bytes of the slots in a block of its own; the flag follows.
const SLOTS: usize = std::mem::offset_of!(GnuExtSparseHeader, isextended);

/// Stored bytes, and where in the file they belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// The content of a file of `real_size` bytes, of which `stored` are in the archive at `data`.
/// `at` is where the map stands.
pub(crate) fn extents(
    regions: &[Region],
    real_size: u64,
    data: u64,
    stored: u64,
    at: Span,
) -> Result<Vec<Extent>, Fault> {
    if real_size > FILE_SIZE_MAX {
        return Err(at.breaks(Rule::SizeRange));
    }
    let mut content = Vec::new();
    let mut end: u64 = 0;
    let mut taken: u64 = 0;
    for region in regions {
        if region.offset < end {
            return Err(at.breaks(Rule::SparseOrder));
        }
        let hole = region.offset - end;
        end = region
            .offset
            .checked_add(region.length)
            .filter(|&end| end <= real_size)
            .ok_or_else(|| at.breaks(Rule::SparseBeyondEnd))?;
        push_hole(&mut content, hole);
        push_input(&mut content, data.saturating_add(taken), region.length);
        taken += region.length;
    }
    if taken != stored {
        return Err(at.breaks(Rule::SparseSum));
    }
    push_hole(&mut content, real_size - end);
    Ok(content)
}

fn push_hole(content: &mut Vec<Extent>, more: u64) {
    match content.last_mut() {
        _ if more == 0 => {}
        Some(Extent::Hole(length)) => *length += more,
        _ => content.push(Extent::Hole(more)),
    }
}

fn push_input(content: &mut Vec<Extent>, offset: u64, more: u64) {
    match content.last_mut() {
        _ if more == 0 => {}
        Some(Extent::Input { length, .. }) => *length += more,
        _ => content.push(Extent::Input {
            offset,
            length: more,
        }),
    }
}

/// The `GNU.sparse.*` records of one member.
#[derive(Debug, Default)]
pub(crate) struct SparseRecords {
    first: Option<Span>,
    major: Option<Sourced<u64>>,
    minor: Option<Sourced<u64>>,
    size: Option<Sourced<u64>>,
    real_size: Option<Sourced<u64>>,
    count: Option<Sourced<u64>>,
    /// The file's real name: the header's is made up for readers that know no sparse files.
    pub(crate) name: Option<Sourced<Vec<u8>>>,
    map: Option<Sourced<Vec<Region>>>,
    pairs: Option<Sourced<Vec<Region>>>,
    half: Option<u64>,
}

/// What the records of a sparse member come to.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Bytes of the file, holes included.
    pub(crate) real_size: u64,
    /// The map, unless it stands in front of the data (PAX 1.0).
    pub(crate) regions: Option<Vec<Region>>,
    /// The records.
    pub(crate) at: Span,
}

impl SparseRecords {
    /// Takes the record `GNU.sparse.<name>`.
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8], at: Span) -> Result<(), Fault> {
        self.first.get_or_insert(at);
        let number = || decimal(value).ok_or_else(|| at.breaks(Rule::PaxNumber));
        match name {
            b"major" => set(&mut self.major, number()?, at),
            b"minor" => set(&mut self.minor, number()?, at),
            b"size" => set(&mut self.size, number()?, at),
            b"realsize" => set(&mut self.real_size, number()?, at),
            b"numblocks" => set(&mut self.count, number()?, at),
            b"name" if value.is_empty() => Err(at.breaks(Rule::PaxEmpty)),
            b"name" if value.contains(&0) => Err(at.breaks(Rule::PathNul)),
            b"name" => set(&mut self.name, value.to_vec(), at),
            b"map" => {
                let regions = comma_map(value).map_err(|rule| at.breaks(rule))?;
                set(&mut self.map, regions, at)
            }
            b"offset" => self.add_offset(number()?, at),
            b"numbytes" => self.add_length(number()?, at),
            _ => Err(at.breaks(Rule::SparseVersion)),
        }
    }

    fn add_offset(&mut self, offset: u64, at: Span) -> Result<(), Fault> {
        match self.half.replace(offset) {
            Some(_) => Err(at.breaks(Rule::SparseSyntax)),
            None => Ok(()),
        }
    }

    fn add_length(&mut self, length: u64, at: Span) -> Result<(), Fault> {
        let offset = self
            .half
            .take()
            .ok_or_else(|| at.breaks(Rule::SparseSyntax))?;
        let pairs = self.pairs.get_or_insert(Sourced {
            value: Vec::new(),
            at,
        });
        if pairs.value.len() >= SPARSE_REGIONS_MAX {
            return Err(at.breaks(Rule::SparseTooLarge));
        }
        pairs.value.push(Region { offset, length });
        Ok(())
    }

    /// Which of the formats this is; `None` without any record.
    ///
    /// Readers guess differently from incomplete or mixed records (Go then takes the file as it
    /// stands, made-up name and all), so exactly one format must fit.
    pub(crate) fn plan(self) -> Result<Option<Plan>, Fault> {
        let Some(first) = self.first else {
            return Ok(None);
        };
        let unclear = || first.breaks(Rule::SparseKind);
        let version = match (&self.major, &self.minor) {
            (None, None) => None,
            (Some(major), Some(minor)) => Some((major.value, minor.value)),
            _ => return Err(unclear()),
        };
        let real_size = match (&self.size, &self.real_size) {
            (Some(size), Some(real)) if size.value != real.value => return Err(unclear()),
            (Some(size), _) | (None, Some(size)) => size.value,
            (None, None) => return Err(unclear()),
        };
        let regions = match (version, self.map, self.pairs) {
            (Some((1, 0)), None, None) if self.count.is_none() => None,
            (None | Some((0, 1)), Some(map), None) => Some(map),
            (None | Some((0, 0)), None, Some(pairs)) => Some(pairs),
            (None | Some((0, 0 | 1) | (1, 0)), ..) => return Err(unclear()),
            (Some(_), ..) => return Err(first.breaks(Rule::SparseVersion)),
        };
        if self.half.is_some() {
            return Err(unclear());
        }
        let Some(regions) = regions else {
            return Ok(Some(Plan {
                real_size,
                regions: None,
                at: first,
            }));
        };
        let count = self.count.ok_or_else(unclear)?;
        if count.value != regions.value.len() as u64 {
            return Err(count.at.breaks(Rule::SparseCount));
        }
        Ok(Some(Plan {
            real_size,
            regions: Some(regions.value),
            at: regions.at,
        }))
    }
}

/// `offset,length,offset,length…`
fn comma_map(text: &[u8]) -> Result<Vec<Region>, Rule> {
    let mut regions = Vec::new();
    let mut numbers = text.split(|&byte| byte == b',');
    while let Some(offset) = numbers.next() {
        let offset = decimal(offset).ok_or(Rule::SparseSyntax)?;
        let length = numbers.next().and_then(decimal).ok_or(Rule::SparseSyntax)?;
        if regions.len() >= SPARSE_REGIONS_MAX {
            return Err(Rule::SparseTooLarge);
        }
        regions.push(Region { offset, length });
    }
    Ok(regions)
}

/// Takes the slots of an old GNU map, which stand at `base`; `flag` is the byte that says whether
/// another block of them follows, and so is what is returned.
///
/// Go ends a map at a slot without offset, GNU tar at one without length, and only GNU tar then
/// ignores the flag: a slot is whole or empty here, and nothing follows an empty one.
pub(crate) fn slots(
    area: &[u8],
    base: u64,
    flag: (u8, Span),
    regions: &mut Vec<Region>,
) -> Result<bool, Fault> {
    let (flag, flag_at) = flag;
    let mut ended = false;
    for (index, slot) in area.chunks_exact(SLOT).enumerate() {
        let at = Span::new(base + (index * SLOT) as u64, SLOT as u64);
        let (offset, length) = slot.split_at(SLOT / 2);
        match (offset[0] == 0, length[0] == 0) {
            (true, true) => ended = true,
            (false, false) if !ended => {
                if regions.len() >= SPARSE_REGIONS_MAX {
                    return Err(at.breaks(Rule::SparseTooLarge));
                }
                let field = |field| {
                    let value = number(field).map_err(|_| at.breaks(Rule::SparseSyntax))?;
                    value
                        .and_then(|value| u64::try_from(value).ok())
                        .ok_or_else(|| at.breaks(Rule::SparseSyntax))
                };
                regions.push(Region {
                    offset: field(offset)?,
                    length: field(length)?,
                });
            }
            _ => return Err(at.breaks(Rule::SparseSlot)),
        }
    }
    match flag {
        0 => Ok(false),
        1 if !ended => Ok(true),
        _ => Err(flag_at.breaks(Rule::SparseSlot)),
    }
}

/// Takes the slots of a whole block at `base`, and returns whether another one follows.
pub(crate) fn slot_block(
    block: &[u8; BLOCK],
    base: u64,
    regions: &mut Vec<Region>,
) -> Result<bool, Fault> {
    let flag_at = Span::new(base + SLOTS as u64, 1);
    slots(&block[..SLOTS], base, (block[SLOTS], flag_at), regions)
}

/// A PAX 1.0 map: decimal numbers, one a line, first how many regions, then offset and length of
/// each; padded to whole blocks.
#[derive(Debug, Default)]
pub(crate) struct TextMap {
    count: Option<u64>,
    digits: Vec<u8>,
    half: Option<u64>,
    pub(crate) regions: Vec<Region>,
}

impl TextMap {
    /// Takes the block at `base`, and returns whether the map ends in it.
    pub(crate) fn feed(&mut self, block: &[u8], base: u64) -> Result<bool, Fault> {
        for (place, &byte) in block.iter().enumerate() {
            let at = Span::new(base + place as u64, 1);
            if byte != b'\n' {
                if !byte.is_ascii_digit() || self.digits.len() >= DECIMAL_DIGITS_MAX {
                    return Err(at.breaks(Rule::SparseSyntax));
                }
                self.digits.push(byte);
                continue;
            }
            let number = decimal(&self.digits).ok_or_else(|| at.breaks(Rule::SparseSyntax))?;
            self.digits.clear();
            if self.add(number).map_err(|rule| at.breaks(rule))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn add(&mut self, number: u64) -> Result<bool, Rule> {
        match (self.count, self.half.take()) {
            (None, _) => {
                if number > SPARSE_REGIONS_MAX as u64 {
                    return Err(Rule::SparseTooLarge);
                }
                self.count = Some(number);
            }
            (Some(_), None) => self.half = Some(number),
            (Some(_), Some(offset)) => self.regions.push(Region {
                offset,
                length: number,
            }),
        }
        Ok(self.half.is_none() && self.count == Some(self.regions.len() as u64))
    }
}

#[cfg(test)]
mod tests;
