//! Other ways to store equal data once, as a reference: only bytes are counted, not what it takes to
//! write down which chunks a file has.

use std::collections::HashMap;

use lazaret_layouts::digest;
use lazaret_layouts::models::Noise;

/// Bytes of a block of a filesystem.
const BLOCK: usize = 4 << 10;

/// Bytes of a chunk that content decides on: at least, and at most.
const CHUNK: (usize, usize) = (16 << 10, 256 << 10);

/// Bits of the rolling hash that are zero where a chunk ends: one place in 64 Ki.
const MASK: u64 = !(u64::MAX >> 16);

/// Bytes that are left of `files` when equal ones are stored once.
pub fn by_files<'a>(files: impl Iterator<Item = &'a [u8]>) -> u64 {
    distinct(files)
}

/// The same for blocks of 4 KiB.
pub fn by_blocks<'a>(files: impl Iterator<Item = &'a [u8]>) -> u64 {
    distinct(files.flat_map(|file| file.chunks(BLOCK)))
}

/// The same for chunks that end where a gear hash over the last 64 bytes says (Xia and others,
/// "Ddelta"): of 16 to 256 KiB, 80 KiB on average.
pub fn by_content<'a>(files: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut noise = Noise::new(64);
    let gear: Vec<u64> = (0..256).map(|_| noise.next()).collect();
    distinct(files.flat_map(|file| Chunks {
        gear: &gear,
        left: file,
    }))
}

fn distinct<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> u64 {
    let known: HashMap<String, u64> = pieces
        .map(|piece| (digest(piece), piece.len() as u64))
        .collect();
    known.values().sum()
}

struct Chunks<'a, 'g> {
    gear: &'g [u64],
    left: &'a [u8],
}

impl<'a> Iterator for Chunks<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.left.is_empty() {
            return None;
        }
        let mut hash: u64 = 0;
        let mut end = self.left.len().min(CHUNK.1);
        for (at, byte) in self.left[..end].iter().enumerate() {
            hash = (hash << 1).wrapping_add(self.gear[usize::from(*byte)]);
            if at >= CHUNK.0 && hash & MASK == 0 {
                end = at + 1;
                break;
            }
        }
        let (chunk, left) = self.left.split_at(end);
        self.left = left;
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        Noise::new(seed).fill(&mut bytes);
        bytes
    }

    fn of(files: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
        files.iter().map(Vec::as_slice)
    }

    #[test]
    fn what_is_there_twice_counts_once() {
        let file = noise(1, 3 << 20);
        let files = [file.clone(), file];
        for left in [
            by_files(of(&files)),
            by_blocks(of(&files)),
            by_content(of(&files)),
        ] {
            assert_eq!(left, 3 << 20);
        }
    }

    #[test]
    fn a_byte_in_front_costs_a_file_its_blocks_but_not_its_chunks() {
        let file = noise(2, 3 << 20);
        let files = [file.clone(), [&b"!"[..], &file].concat()];
        assert_eq!(by_files(of(&files)), (6 << 20) + 1);
        assert_eq!(by_blocks(of(&files)), (6 << 20) + 1);
        let left = by_content(of(&files));
        assert!(left < (3 << 20) + (2 * CHUNK.1 as u64), "{left}");
    }

    #[test]
    fn chunks_have_the_sizes_that_are_said() {
        let file = noise(3, 32 << 20);
        let mut noise = Noise::new(64);
        let gear: Vec<u64> = (0..256).map(|_| noise.next()).collect();
        let sizes: Vec<usize> = Chunks {
            gear: &gear,
            left: &file,
        }
        .map(<[u8]>::len)
        .collect();
        assert_eq!(sizes.iter().sum::<usize>(), file.len());
        let (last, all) = sizes.split_last().expect("there are chunks");
        assert!(
            all.iter().all(|size| (CHUNK.0..=CHUNK.1).contains(size)),
            "{all:?}"
        );
        assert!(*last <= CHUNK.1);
        let average = file.len() / sizes.len();
        assert!((64 << 10..96 << 10).contains(&average), "{average}");
    }
}
