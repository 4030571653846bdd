//! Names with their places, packed: no allocation for each, and no copy when the list grows.

use crate::error::{Fault, Rule, Span};
use crate::limits::{NAME_MAX, NAMES_HELD_MAX, NAMES_MAX, TENSORS_MAX};

/// Bytes of a page. A name lies in one, so it must be at least [`NAME_MAX`].
const PAGE: usize = 64 * 1024;

#[derive(Debug, Clone, Copy)]
struct Row {
    /// Page and place in it.
    start: u32,
    length: u32,
    /// Offset in the input, which is below 2^32 as the header's size is bounded.
    at: u32,
}

/// Names, counted from 0 in the order of the input.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pages: Vec<Vec<u8>>,
    rows: Vec<Row>,
    /// Of these, and of those beside which they are held.
    bytes: usize,
    /// Names that are held elsewhere.
    beside: usize,
}

impl Names {
    /// No names yet, and less room for them, as those are held, too: objects can stand in objects.
    pub(crate) fn beside(other: &Self) -> Self {
        Self {
            bytes: other.bytes,
            beside: other.beside + other.rows.len(),
            ..Self::default()
        }
    }

    /// Adds a name that stands at `place`; `length` is what it has, `name` may be less of it.
    pub(crate) fn push(&mut self, name: &[u8], length: u64, place: Span) -> Result<(), Fault> {
        if length > NAME_MAX as u64 {
            return Err(place.breaks(Rule::NameTooLong));
        }
        let count = self.rows.len();
        if count >= TENSORS_MAX || self.beside + count >= NAMES_HELD_MAX {
            return Err(place.breaks(Rule::TooManyNames));
        }
        self.bytes += name.len();
        if self.bytes > NAMES_MAX {
            return Err(place.breaks(Rule::NamesTooLarge));
        }
        let fits = self
            .pages
            .last()
            .is_some_and(|page| page.len() + name.len() <= PAGE);
        if !fits {
            self.pages.push(Vec::new());
        }
        let number = self.pages.len() - 1;
        let page = &mut self.pages[number];
        let start = number * PAGE + page.len();
        page.extend_from_slice(name);
        self.rows.push(Row {
            start: narrow(start as u64),
            length: narrow(name.len() as u64),
            at: narrow(place.offset),
        });
        Ok(())
    }

    /// The name with this number.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> &[u8] {
        let row = self.rows[number];
        let (start, length) = (row.start as usize, row.length as usize);
        // A name at the very end of a full page may be empty.
        &self.pages[start / PAGE][start % PAGE..][..length]
    }

    /// The same, as text.
    pub(crate) fn text(&self, number: usize) -> &str {
        std::str::from_utf8(self.get(number)).expect("strings were checked when they were read")
    }

    /// Where the name stands in the input.
    pub(crate) fn place(&self, number: usize) -> u64 {
        u64::from(self.rows[number].at)
    }

    /// All numbers, in the order of the names' bytes.
    pub(crate) fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..narrow(self.rows.len() as u64)).collect();
        order.sort_unstable_by(|&left, &right| {
            let names = self.get(left as usize).cmp(self.get(right as usize));
            names.then(left.cmp(&right))
        });
        order
    }

    /// The first in the input whose name stood there before, given what [`Names::sorted`] says.
    pub(crate) fn duplicate(&self, sorted: &[u32]) -> Option<usize> {
        sorted
            .windows(2)
            .filter(|pair| self.get(pair[0] as usize) == self.get(pair[1] as usize))
            .map(|pair| pair[1] as usize)
            .min()
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).expect("limits.rs keeps headers, names and their count below 2^32")
}
