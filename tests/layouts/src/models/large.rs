//! A safetensors file as large as one likes, written piece by piece.

use std::io::{self, Write};

use crate::models::Noise;
use crate::models::safetensors::header;

/// Bytes of each tensor of a large file but the last; those of models of this size have some such.
pub const LARGE_TENSOR: u64 = 16 << 20;

/// Bytes made and written at once.
const PIECE: usize = 1 << 20;

/// Writes a file whose tensors have `bytes` bytes together. Returns how many tensors.
///
/// # Errors
/// The writer's.
pub fn write_large(out: &mut dyn Write, bytes: u64, seed: u64) -> io::Result<usize> {
    let count = bytes.div_ceil(LARGE_TENSOR);
    let described: Vec<(String, [u64; 1])> = (0..count)
        .map(|at| {
            let size = LARGE_TENSOR.min(bytes - at * LARGE_TENSOR);
            (format!("model.layers.{at}.weight"), [size])
        })
        .collect();
    let tensors = described
        .iter()
        .map(|(name, shape)| (&**name, "U8", &shape[..], shape[0]));
    out.write_all(&header(tensors, &[]))?;
    let mut noise = Noise::new(seed);
    let mut piece = vec![0; PIECE];
    let mut left = bytes;
    while left > 0 {
        let length = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        noise.fill(&mut piece[..length]);
        out.write_all(&piece[..length])?;
        left -= length as u64;
    }
    Ok(described.len())
}
