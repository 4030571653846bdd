//! The map of a sparse file in GNU's PAX format 1.0: text in front of the data (GNU tar manual,
//! "PAX Format, Version 1.0").

use lazaret_artifact::Extent;

use super::header::BLOCK;

/// Bytes of holes that make a file worth a map. Shorter ones are written as the zeros they are, so
/// that a file with a few does not need a reader that knows maps.
const MIN_HOLES: u64 = 4096;

/// The stretches of a file that are in the archive: in order, apart from each other, not empty.
///
/// GNU tar takes up each stretch at a block of the archive, Go and Python right behind the one
/// before. Both find the same bytes if all but the last are whole blocks long, so stretches are
/// widened to whole blocks of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SparseMap {
    regions: Vec<(u64, u64)>,
    size: u64,
}

impl SparseMap {
    /// The map of a file; `None` if it has no holes worth mentioning.
    pub(super) fn of(extents: &[Extent], size: u64) -> Option<Self> {
        let block = BLOCK as u64;
        let mut regions: Vec<(u64, u64)> = Vec::new();
        let mut position = 0;
        for extent in extents {
            let start = position;
            position += extent.length();
            if matches!(extent, Extent::Hole(_)) || start == position {
                continue;
            }
            let start = start - start % block;
            let end = position.next_multiple_of(block).min(size);
            match regions.last_mut() {
                Some(last) if start <= last.1 => last.1 = end,
                _ => regions.push((start, end)),
            }
        }
        let data: u64 = regions.iter().map(|(start, end)| end - start).sum();
        (size - data >= MIN_HOLES).then_some(Self { regions, size })
    }

    /// First byte and end of each stretch.
    pub(super) fn regions(&self) -> &[(u64, u64)] {
        &self.regions
    }

    /// Bytes of all stretches.
    pub(super) fn data_size(&self) -> u64 {
        self.regions.iter().map(|(start, end)| end - start).sum()
    }

    /// The map as it stands in the archive, padded. A file that ends in a hole has an empty
    /// stretch at its end, by which GNU tar knows how long to make it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut regions = self.regions.clone();
        if regions.last().is_none_or(|last| last.1 < self.size) {
            regions.push((self.size, self.size));
        }
        let mut text = format!("{}\n", regions.len());
        for (start, end) in regions {
            text.push_str(&format!("{start}\n{}\n", end - start));
        }
        let mut map = text.into_bytes();
        map.resize(map.len().next_multiple_of(BLOCK), 0);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(length: u64) -> Extent {
        Extent::Input { offset: 0, length }
    }

    fn map(extents: &[Extent]) -> Option<Vec<(u64, u64)>> {
        let size = extents.iter().map(Extent::length).sum();
        SparseMap::of(extents, size).map(|map| map.regions)
    }

    #[test]
    fn stretches_are_whole_blocks_and_the_rest_holes() {
        use Extent::Hole;
        assert_eq!(map(&[]), None);
        assert_eq!(map(&[data(5000)]), None);
        assert_eq!(map(&[data(1), Hole(4095)]), None);
        assert_eq!(map(&[Hole(4096)]), Some(vec![]));
        assert_eq!(map(&[data(1), Hole(8191)]), Some(vec![(0, 512)]));
        assert_eq!(map(&[Hole(8191), data(2)]), Some(vec![(7680, 8193)]));
        assert_eq!(
            map(&[
                data(10),
                Hole(600),
                data(10),
                Hole(9000),
                data(1),
                Hole(100),
                data(1)
            ]),
            Some(vec![(0, 1024), (9216, 9722)])
        );
    }

    #[test]
    fn a_map_reads_as_documented() {
        let map = SparseMap::of(&[data(512), Extent::Hole(9000)], 9512).unwrap();
        let mut want = b"2\n0\n512\n9512\n0\n".to_vec();
        want.resize(BLOCK, 0);
        assert_eq!(map.encode(), want);
        assert_eq!(map.data_size(), 512);
    }
}
