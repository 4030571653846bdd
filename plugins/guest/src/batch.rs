//! Emitting entries in batches, since every call to the host costs both sides.

use crate::{Attribute, Entry, Extent, Sink, Value, Xattr};

/// Entries in one call.
pub const BATCH_ENTRIES: usize = 64;

/// Bytes in one call, about: entries can be large (extended attributes, sparse maps), and the host
/// refuses calls that hand over megabytes.
pub const BATCH_BYTES: usize = 256 * 1024;

/// Where batches go: the host's sink, or a list in a native test.
pub trait Emit {
    /// Takes the entries over, in order.
    fn emit(&self, entries: &[Entry]);
}

impl Emit for Sink {
    fn emit(&self, entries: &[Entry]) {
        Self::emit(self, entries);
    }
}

/// Collects entries and hands them on in order, a batch at a time.
///
/// What is left must be handed on with [`Batch::finish`]; an importer that fails need not bother,
/// since the host drops everything then.
#[derive(Debug)]
pub struct Batch<'a, E> {
    sink: &'a E,
    waiting: Vec<Entry>,
    bytes: usize,
    count: u32,
}

impl<'a, E: Emit> Batch<'a, E> {
    /// An empty batch for `sink`, into which nothing has been emitted yet.
    #[must_use]
    pub const fn new(sink: &'a E) -> Self {
        Self {
            sink,
            waiting: Vec::new(),
            bytes: 0,
            count: 0,
        }
    }

    /// Adds an entry and returns its id, for facts about it. Such a fact must wait until the entry
    /// was handed over; [`Batch::flush`] sees to that.
    pub fn push(&mut self, entry: Entry) -> u32 {
        let size = weight(&entry);
        if self.bytes.saturating_add(size) > BATCH_BYTES {
            self.flush();
        }
        self.bytes += size;
        self.waiting.push(entry);
        if self.waiting.len() >= BATCH_ENTRIES {
            self.flush();
        }
        let id = self.count;
        self.count = self.count.wrapping_add(1);
        id
    }

    /// Hands on what is waiting.
    pub fn flush(&mut self) {
        if !self.waiting.is_empty() {
            self.sink.emit(&self.waiting);
            self.waiting.clear();
            self.bytes = 0;
        }
    }

    /// Hands on what is waiting and returns how many entries there were.
    pub fn finish(mut self) -> u32 {
        self.flush();
        self.count
    }
}

/// What an entry costs in a call, about.
fn weight(entry: &Entry) -> usize {
    let literals: usize = entry
        .content
        .iter()
        .map(|extent| match extent {
            Extent::Literal(bytes) => bytes.len(),
            _ => 0,
        })
        .sum();
    let xattrs: usize = entry.posix.as_ref().map_or(0, |posix| {
        let bytes = |xattr: &Xattr| size_of::<Xattr>() + xattr.name.len() + xattr.value.len();
        posix.xattrs.iter().map(bytes).sum()
    });
    let attributes: usize = entry
        .attributes
        .iter()
        .map(|Attribute { key, value }| {
            let value = match value {
                Value::Text(text) => text.len(),
                Value::Bytes(bytes) => bytes.len(),
                _ => 0,
            };
            size_of::<Attribute>() + key.len() + value
        })
        .sum();
    size_of::<Entry>()
        + entry.path.len()
        + entry.target.as_ref().map_or(0, Vec::len)
        + entry.content.len() * size_of::<Extent>()
        + literals
        + xattrs
        + attributes
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::EntryKind;

    #[derive(Default)]
    struct Calls(RefCell<Vec<Vec<usize>>>);

    impl Emit for Calls {
        fn emit(&self, entries: &[Entry]) {
            self.0
                .borrow_mut()
                .push(entries.iter().map(|entry| entry.path.len()).collect());
        }
    }

    fn entry(path: usize) -> Entry {
        Entry {
            path: vec![b'x'; path],
            kind: EntryKind::Regular,
            content: Vec::new(),
            target: None,
            posix: None,
            media_type: None,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn entries_arrive_in_order_and_in_batches() {
        let calls = Calls::default();
        let mut batch = Batch::new(&calls);
        for id in 0..130 {
            assert_eq!(batch.push(entry(id as usize + 1)), id);
        }
        assert_eq!(batch.finish(), 130);
        let calls = calls.0.into_inner();
        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [64, 64, 2]);
        assert_eq!(calls.concat(), (1..=130).collect::<Vec<_>>());
    }

    #[test]
    fn large_entries_travel_alone() {
        let calls = Calls::default();
        let mut batch = Batch::new(&calls);
        for size in [10, BATCH_BYTES, 20, 30] {
            batch.push(entry(size));
        }
        assert_eq!(batch.finish(), 4);
        assert_eq!(
            calls.0.into_inner(),
            [vec![10], vec![BATCH_BYTES], vec![20, 30]]
        );
    }
}
