//! Where a file is cut when its parts are to be objects that others can share.

use crate::{Segment, Storage};

/// Adds the next stretch, as an object if it has `object_min` bytes, else inline, together with an
/// inline one before it. Nothing is added for no bytes.
pub fn push(cuts: &mut Vec<Segment>, length: u64, object_min: u64) {
    if length == 0 {
        return;
    }
    if length >= object_min {
        cuts.push(Segment {
            length,
            storage: Storage::Object,
        });
        return;
    }
    match cuts.last_mut() {
        Some(last) if last.storage == Storage::Inline => last.length += length,
        _ => cuts.push(Segment {
            length,
            storage: Storage::Inline,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_stretches_go_together() {
        let mut cuts = Vec::new();
        for (length, object_min) in [
            (0, 0),
            (3, 4),
            (2, 4),
            (4, 4),
            (9, u64::MAX),
            (0, 4),
            (5, 1),
        ] {
            push(&mut cuts, length, object_min);
        }
        let cuts: Vec<_> = cuts
            .iter()
            .map(|cut| (cut.length, cut.storage == Storage::Object))
            .collect();
        assert_eq!(cuts, [(5, false), (4, true), (9, false), (5, true)]);
    }
}
