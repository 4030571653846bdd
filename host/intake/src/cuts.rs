//! Where a blob is cut, before any of it is kept.

use lazaret_engine::Storage;

use crate::limits::MAX_CUTS;

/// All of a blob, in order. No two inline stretches are neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cuts {
    segments: Vec<Segment>,
}

/// A stretch of it, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) length: u64,
    pub(crate) storage: Storage,
}

/// More cuts than are remembered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("more than {MAX_CUTS} cuts")]
pub(crate) struct TooManyCuts;

impl Cuts {
    /// One object of all `size` bytes.
    pub(crate) fn whole(size: u64) -> Self {
        let mut cuts = Self::default();
        cuts.add(size, Storage::Object);
        cuts
    }

    /// Adds what follows.
    pub(crate) fn push(&mut self, length: u64, storage: Storage) -> Result<(), TooManyCuts> {
        if self.segments.len() >= MAX_CUTS {
            return Err(TooManyCuts);
        }
        self.add(length, storage);
        Ok(())
    }

    fn add(&mut self, length: u64, storage: Storage) {
        match self.segments.last_mut() {
            _ if length == 0 => {}
            Some(last) if last.storage == Storage::Inline && storage == Storage::Inline => {
                last.length += length;
            }
            _ => self.segments.push(Segment { length, storage }),
        }
    }

    /// Whether nothing is cut: one object, or no bytes at all.
    pub(crate) fn is_whole(&self) -> bool {
        match &*self.segments {
            [] => true,
            [segment] => segment.storage == Storage::Object,
            _ => false,
        }
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Cuts the object at `offset` to `offset + length` further, as `inner` says; false where there
    /// is no such object, or it would become too many.
    pub(crate) fn refine(&mut self, offset: u64, length: u64, inner: &Self) -> bool {
        let mut position = 0;
        let found = self.segments.iter().position(|segment| {
            let start = position;
            position += segment.length;
            start == offset && segment.length == length && segment.storage == Storage::Object
        });
        let Some(place) = found else {
            return false;
        };
        if self.segments.len() + inner.segments.len() > MAX_CUTS {
            return false;
        }
        let behind = self.segments.split_off(place + 1);
        self.segments.pop();
        for segment in inner.segments.iter().chain(&behind) {
            self.add(segment.length, segment.storage);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INLINE: Storage = Storage::Inline;
    const OBJECT: Storage = Storage::Object;

    fn cuts(list: &[(u64, Storage)]) -> Cuts {
        let mut cuts = Cuts::default();
        for (length, storage) in list {
            cuts.push(*length, *storage).unwrap();
        }
        cuts
    }

    #[test]
    fn inline_neighbours_are_one_and_objects_are_not() {
        let made = cuts(&[
            (1, INLINE),
            (2, INLINE),
            (3, OBJECT),
            (4, OBJECT),
            (0, INLINE),
        ]);
        assert_eq!(made, cuts(&[(3, INLINE), (3, OBJECT), (4, OBJECT)]));
        assert_eq!(made.segments().len(), 3);
    }

    #[test]
    fn whole_is_one_object_or_nothing() {
        for (list, whole) in [
            (&[][..], true),
            (&[(9, OBJECT)], true),
            (&[(9, INLINE)], false),
            (&[(4, OBJECT), (5, OBJECT)], false),
        ] {
            assert_eq!(cuts(list).is_whole(), whole, "{list:?}");
        }
        assert_eq!(Cuts::whole(9), cuts(&[(9, OBJECT)]));
        assert_eq!(Cuts::whole(0), Cuts::default());
    }

    #[test]
    fn only_an_object_is_cut_further() {
        let inner = cuts(&[(1, INLINE), (2, OBJECT), (1, INLINE)]);
        let mut outer = cuts(&[(5, INLINE), (4, OBJECT), (6, INLINE)]);
        for (offset, length) in [(0, 5), (5, 3), (4, 4), (9, 6), (15, 0)] {
            assert!(!outer.refine(offset, length, &inner), "{offset} {length}");
        }
        assert!(outer.refine(5, 4, &inner));
        assert_eq!(outer, cuts(&[(6, INLINE), (2, OBJECT), (7, INLINE)]));
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(list in prop::collection::vec((0..9_u64, any::<bool>()), 0..20)) {
            let list: Vec<(u64, Storage)> =
                list.iter().map(|(n, o)| (*n, if *o { OBJECT } else { INLINE })).collect();
            let made = cuts(&list);
            let total: u64 = list.iter().map(|(length, _)| length).sum();
            prop_assert_eq!(made.segments().iter().map(|s| s.length).sum::<u64>(), total);
            let inline = |segment: &Segment| segment.storage == INLINE;
            let mut pairs = made.segments().windows(2);
            prop_assert!(pairs.all(|pair| !(inline(&pair[0]) && inline(&pair[1]))));
        }
    }
}
