//! Bytes at offsets.

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
