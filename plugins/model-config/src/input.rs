//! Bytes at offsets, and the whole of them.

use crate::error::{Rule, Span, Stop};
use crate::limits::{FILE_MAX, READ_MAX};

/// What is read: the host's blob, or a slice.
pub trait Input {
    /// Why a read failed, other than for the input's end.
    type Error;

    /// Bytes of the whole input.
    fn size(&self) -> u64;

    /// Up to `max` bytes (at least one, at most 64 KiB) at `offset`; none only at the end.
    ///
    /// # Errors
    /// Of whatever is read.
    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Self::Error>;
}

/// All of it.
///
/// # Errors
/// It is larger than is held, or could not be read.
pub fn whole<I: Input>(input: &mut I) -> Result<Vec<u8>, Stop<I::Error>> {
    let size = input.size();
    if size > FILE_MAX {
        return Err(Span::new(0, size).breaks(Rule::TooLarge).into());
    }
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        let at = bytes.len() as u64;
        let max = u32::try_from(size - at).map_or(READ_MAX, |left| left.min(READ_MAX));
        let mut piece = input.read_at(at, max).map_err(Stop::Input)?;
        piece.truncate(max as usize);
        if piece.is_empty() {
            return Err(Span::new(at, 0).breaks(Rule::ShortInput).into());
        }
        bytes.append(&mut piece);
    }
    Ok(bytes)
}
