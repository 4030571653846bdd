//! One 512-byte header: checksum, format, and its fields with the place of each.

use std::mem::offset_of;

use tar_core::{GnuHeader, UstarHeader};

use crate::error::{Fault, Rule, Span};
use crate::field::{number, octal, text};
use crate::limits::{BLOCK, FILE_SIZE_MAX};

/// Bytes of the prefix that star leaves for it.
const STAR_PREFIX: usize = 131;

/// Which of the historic formats a header is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// No magic: name, link and the numbers, nothing else.
    V7,
    /// POSIX.1-1988 and its PAX extension.
    Ustar,
    /// GNU tar's own: no prefix, times and a sparse map instead.
    Gnu,
}

/// The sum of all bytes: zero for the blocks that end an archive.
///
/// Eight bytes at a time, each pair of them in a lane of sixteen bits: 64 words cannot overflow it.
pub(crate) fn byte_sum(block: &[u8; BLOCK]) -> u64 {
    const LANES: u64 = 0x00ff_00ff_00ff_00ff;
    let mut lanes = 0;
    for word in block.as_chunks::<8>().0 {
        let word = u64::from_le_bytes(*word);
        lanes += (word & LANES) + (word >> 8 & LANES);
    }
    (lanes & 0xffff) + (lanes >> 16 & 0xffff) + (lanes >> 32 & 0xffff) + (lanes >> 48)
}

/// A header whose checksum fits.
pub(crate) struct Header<'a> {
    block: &'a [u8; BLOCK],
    raw: &'a tar_core::Header,
    pub(crate) offset: u64,
    pub(crate) format: Format,
}

impl<'a> Header<'a> {
    /// Checks the block at `offset`; `sum` is its [`byte_sum`].
    pub(crate) fn new(block: &'a [u8; BLOCK], offset: u64, sum: u64) -> Result<Self, Fault> {
        let raw = tar_core::Header::from_bytes(block);
        let header = Self {
            block,
            raw,
            offset,
            format: Format::V7,
        };
        header.verify_checksum(sum)?;
        let format = header.find_format()?;
        Ok(Self { format, ..header })
    }

    fn verify_checksum(&self, sum: u64) -> Result<(), Fault> {
        let field = &self.raw.as_ustar().cksum;
        let at = self.span(offset_of!(UstarHeader, cksum), field.len());
        let stored = octal(field)
            .ok()
            .flatten()
            .ok_or_else(|| at.breaks(Rule::Checksum))?;
        // The field itself counts as spaces.
        let own: u64 = field.iter().map(|&byte| u64::from(byte)).sum();
        let spaces = u64::from(b' ') * field.len() as u64;
        let unsigned = sum - own + spaces;
        if stored == unsigned {
            return Ok(());
        }
        // Some old tars added signed bytes; GNU tar, Go, Python and libarchive take both.
        let high = self.block.iter().filter(|&&byte| byte >= 0x80).count() as u64
            - field.iter().filter(|&&byte| byte >= 0x80).count() as u64;
        if i64::try_from(stored) == Ok(unsigned.cast_signed() - 256 * high.cast_signed()) {
            return Ok(());
        }
        Err(at.breaks(Rule::Checksum))
    }

    fn find_format(&self) -> Result<Format, Fault> {
        let ustar = self.raw.as_ustar();
        let format = if self.raw.is_ustar() {
            Format::Ustar
        } else if self.raw.is_gnu() {
            Format::Gnu
        } else if ustar.magic.starts_with(b"ustar") {
            let at = self.span(offset_of!(UstarHeader, magic), 8);
            return Err(at.breaks(Rule::UstarVersion));
        } else {
            Format::V7
        };
        let prefix = self.span(offset_of!(UstarHeader, prefix), ustar.prefix.len());
        let star = format == Format::Ustar
            && ustar.pad.ends_with(b"tar\0")
            && !ustar.prefix[..STAR_PREFIX].contains(&0)
            && ustar.prefix[STAR_PREFIX] != 0;
        if star {
            return Err(prefix.breaks(Rule::StarPrefix));
        }
        let gnu = self.raw.as_gnu();
        let is_time = |field: &[u8]| field[0] == 0 || number(field).is_ok();
        if format == Format::Gnu && !(is_time(&gnu.atime) && is_time(&gnu.ctime)) {
            return Err(prefix.breaks(Rule::GnuPrefix));
        }
        Ok(format)
    }

    fn span(&self, start: usize, length: usize) -> Span {
        Span::new(self.offset + start as u64, length as u64)
    }

    /// The whole block.
    pub(crate) fn at(&self) -> Span {
        self.span(0, BLOCK)
    }

    pub(crate) fn kind(&self) -> u8 {
        self.raw.as_ustar().typeflag[0]
    }

    pub(crate) fn kind_at(&self) -> Span {
        self.span(offset_of!(UstarHeader, typeflag), 1)
    }

    pub(crate) fn size_at(&self) -> Span {
        self.span(offset_of!(UstarHeader, size), 12)
    }

    /// Bytes of data, as this header says.
    pub(crate) fn size(&self) -> Result<u64, Fault> {
        let at = self.size_at();
        let size = number(&self.raw.as_ustar().size)
            .map_err(|rule| at.breaks(rule))?
            .ok_or_else(|| at.breaks(Rule::BlankSize))?;
        let size = u64::try_from(size).map_err(|_| at.breaks(Rule::NegativeSize))?;
        debug_assert!(size <= FILE_SIZE_MAX, "it came from an i64");
        Ok(size)
    }

    /// Permission, set-id and sticky bits; blank is zero. Some writers put the file's type above.
    pub(crate) fn mode(&self) -> Result<u32, Fault> {
        let at = self.span(offset_of!(UstarHeader, mode), 8);
        let mode = self.number_or_zero(&self.raw.as_ustar().mode, at)?;
        let mode = u32::try_from(mode).map_err(|_| at.breaks(Rule::ModeRange))?;
        Ok(mode & 0o7777)
    }

    /// The owner, any number that fits the field; blank is zero.
    pub(crate) fn uid(&self) -> Result<(i64, Span), Fault> {
        let at = self.span(offset_of!(UstarHeader, uid), 8);
        Ok((self.number_or_zero(&self.raw.as_ustar().uid, at)?, at))
    }

    /// The group, likewise.
    pub(crate) fn gid(&self) -> Result<(i64, Span), Fault> {
        let at = self.span(offset_of!(UstarHeader, gid), 8);
        Ok((self.number_or_zero(&self.raw.as_ustar().gid, at)?, at))
    }

    /// Seconds since 1970, negative before; blank is zero.
    pub(crate) fn mtime(&self) -> Result<i64, Fault> {
        let at = self.span(offset_of!(UstarHeader, mtime), 12);
        self.number_or_zero(&self.raw.as_ustar().mtime, at)
    }

    fn number_or_zero(&self, field: &[u8], at: Span) -> Result<i64, Fault> {
        Ok(number(field).map_err(|rule| at.breaks(rule))?.unwrap_or(0))
    }

    /// Major and minor number, and where they stand.
    pub(crate) fn device(&self) -> Result<((u32, u32), Span), Fault> {
        let ustar = self.raw.as_ustar();
        let at = self.span(offset_of!(UstarHeader, dev_major), 16);
        let one = |field: &[u8]| {
            number(field)
                .map_err(|rule| at.breaks(rule))?
                .and_then(|value| u32::try_from(value).ok())
                .ok_or_else(|| at.breaks(Rule::DeviceNumbers))
        };
        if self.format == Format::V7 {
            return Err(at.breaks(Rule::DeviceNumbers));
        }
        Ok(((one(&ustar.dev_major)?, one(&ustar.dev_minor)?), at))
    }

    /// Prefix and name; empty if there is none.
    pub(crate) fn path(&self) -> Vec<u8> {
        let ustar = self.raw.as_ustar();
        let name = text(&ustar.name);
        let prefix = match self.format {
            Format::Ustar => text(&ustar.prefix),
            Format::V7 | Format::Gnu => b"",
        };
        if prefix.is_empty() || name.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    pub(crate) fn path_at(&self) -> Span {
        self.span(offset_of!(UstarHeader, name), 100)
    }

    pub(crate) fn link(&self) -> &'a [u8] {
        text(&self.raw.as_ustar().linkname)
    }

    pub(crate) fn link_at(&self) -> Span {
        self.span(offset_of!(UstarHeader, linkname), 100)
    }

    pub(crate) fn gnu(&self) -> &'a GnuHeader {
        self.raw.as_gnu()
    }

    /// The sparse map of an `S` header.
    pub(crate) fn sparse_at(&self) -> Span {
        self.span(offset_of!(GnuHeader, sparse), 96)
    }

    /// The flag behind it, that says whether it goes on.
    pub(crate) fn extended_at(&self) -> Span {
        self.span(offset_of!(GnuHeader, isextended), 1)
    }

    /// A sparse file's size, holes included.
    pub(crate) fn real_size(&self) -> Result<u64, Fault> {
        let at = self.span(offset_of!(GnuHeader, realsize), 12);
        number(&self.raw.as_gnu().realsize)
            .map_err(|rule| at.breaks(rule))?
            .and_then(|size| u64::try_from(size).ok())
            .ok_or_else(|| at.breaks(Rule::SizeRange))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_block_is_exact() {
        assert_eq!(byte_sum(&[0; BLOCK]), 0);
        assert_eq!(byte_sum(&[0xff; BLOCK]), 255 * 512);
        let mut block = [0; BLOCK];
        for (place, byte) in block.iter_mut().enumerate() {
            *byte = (place * 7 + place / 9) as u8;
        }
        let slow: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        assert_eq!(byte_sum(&block), slow);
        for place in 0..BLOCK {
            let mut block = [0; BLOCK];
            block[place] = 1;
            assert_eq!(byte_sum(&block), 1);
        }
    }
}
