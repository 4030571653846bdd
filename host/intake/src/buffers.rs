//! Buffers that go round: memory is touched for the first time once, not for every chunk.

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::limits::{CHUNK_SIZE, CHUNKS_PER_BLOB};

/// The buffers of one blob.
#[derive(Clone)]
pub(crate) struct Buffers {
    free: Receiver<Vec<u8>>,
    give_back: Sender<Vec<u8>>,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        let (give_back, free) = bounded(CHUNKS_PER_BLOB);
        for _ in 0..CHUNKS_PER_BLOB {
            // Not allocated until it is first used.
            let _ = give_back.try_send(Vec::new());
        }
        Self { free, give_back }
    }

    /// A buffer of [`CHUNK_SIZE`] bytes of any content, once one is free.
    pub(crate) fn take(&self) -> Vec<u8> {
        let mut buffer = self
            .free
            .recv()
            .expect("this value holds a sender, so the channel is connected");
        buffer.resize(CHUNK_SIZE, 0);
        buffer
    }

    /// The first `length` bytes of `buffer` as a chunk; the buffer comes back when the last slice
    /// of it is dropped.
    pub(crate) fn chunk(&self, buffer: Vec<u8>, length: usize) -> Bytes {
        let lent = Lent {
            buffer,
            give_back: self.give_back.clone(),
        };
        Bytes::from_owner(lent).slice(..length)
    }
}

struct Lent {
    buffer: Vec<u8>,
    give_back: Sender<Vec<u8>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Full or disconnected: the pull is over, and the buffer goes to the allocator.
        let _ = self.give_back.try_send(std::mem::take(&mut self.buffer));
    }
}
