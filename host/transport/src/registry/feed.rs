//! What is sent of a blob: read by a thread of its own, hashed on the way, the last piece held
//! back until all of them are what the descriptor says. So a blob that is not what it should be
//! is never complete on the other side.

use std::io::{self, Read};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream;
use lazaret_artifact::{ContentHasher, Descriptor};
use reqwest::Body;
use tokio::sync::mpsc;

use super::patience::Progress;
use crate::blob::Role;
use crate::destination::BlobSource;
use crate::error::TransportError;

/// Bytes of a piece.
const PIECE: usize = 256 * 1024;

/// Pieces that wait to be sent.
const QUEUE: usize = 4;

type Piece = Result<Bytes, io::Error>;

/// The end that reads.
pub(super) struct Feeder {
    sender: mpsc::Sender<Piece>,
}

/// The end that is sent.
#[derive(Clone)]
pub(super) struct Feed {
    receiver: Arc<Mutex<mpsc::Receiver<Piece>>>,
    /// Bytes that the connection has taken.
    pub progress: Arc<Progress>,
}

pub(super) fn feed() -> (Feeder, Feed) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let feed = Feed {
        receiver: Arc::new(Mutex::new(receiver)),
        progress: Arc::new(Progress::new(0)),
    };
    (Feeder { sender }, feed)
}

impl Feed {
    /// The body of a request.
    pub(super) fn body(&self) -> Body {
        let feed = self.clone();
        Body::wrap_stream(stream::poll_fn(move |context| feed.poll(context)))
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let piece = Pin::new(&mut *receiver).get_mut().poll_recv(context);
        if let Poll::Ready(Some(Ok(piece))) = &piece {
            self.progress
                .fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        piece
    }

    /// Ends the reading, whoever still has the body.
    pub(super) fn close(&self) {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.close();
        // What waits is dropped with its memory, and wakes a thread that waits for room.
        while receiver.try_recv().is_ok() {}
    }
}

impl Feeder {
    /// Reads all of the blob and hands over what comes after its first `skip` bytes. `sent` hears
    /// of each piece. Ends early, and well, when nobody wants the rest.
    pub(super) fn run(
        self,
        descriptor: &Descriptor,
        source: &dyn BlobSource,
        skip: u64,
        mut sent: impl FnMut(u64),
    ) -> Result<(), TransportError> {
        let fed = self.read(descriptor, source, skip, &mut sent);
        if fed.is_err() {
            // Breaks the request off.
            let _ = self
                .sender
                .blocking_send(Err(io::Error::other("the blob cannot be sent")));
        }
        fed
    }

    fn read(
        &self,
        descriptor: &Descriptor,
        source: &dyn BlobSource,
        skip: u64,
        sent: &mut dyn FnMut(u64),
    ) -> Result<(), TransportError> {
        let failed = |error| {
            TransportError::from_io(error, |source| TransportError::Outgoing {
                digest: descriptor.digest,
                source,
            })
        };
        let mut reader = source.open().map_err(failed)?;
        let mut hasher = ContentHasher::new(descriptor.digest.algorithm());
        let mut held = Bytes::new();
        let mut seen = 0u64;
        loop {
            let piece = read_piece(&mut reader).map_err(failed)?;
            if piece.is_empty() {
                break;
            }
            hasher.update(&piece);
            let before = seen;
            seen += piece.len() as u64;
            if seen > descriptor.size {
                return Err(mismatch(
                    descriptor,
                    Role::Blob.size(),
                    descriptor.size,
                    format!("more than {}", descriptor.size),
                ));
            }
            if seen <= skip {
                continue;
            }
            let from = usize::try_from(skip.saturating_sub(before)).unwrap_or(0);
            let ready = std::mem::replace(&mut held, Bytes::from(piece).slice(from..));
            if !self.send(ready, sent) {
                return Ok(());
            }
        }
        if seen != descriptor.size {
            return Err(mismatch(
                descriptor,
                Role::Blob.size(),
                descriptor.size,
                seen,
            ));
        }
        let digest = hasher.finish();
        if digest != descriptor.digest {
            return Err(mismatch(
                descriptor,
                Role::Blob.digest(),
                descriptor.digest,
                digest,
            ));
        }
        self.send(held, sent);
        Ok(())
    }

    /// Whether somebody took it.
    fn send(&self, piece: Bytes, sent: &mut dyn FnMut(u64)) -> bool {
        if piece.is_empty() {
            return true;
        }
        let length = piece.len() as u64;
        let taken = self.sender.blocking_send(Ok(piece)).is_ok();
        if taken {
            sent(length);
        }
        taken
    }
}

/// A full piece, or what there is at the end.
fn read_piece(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    reader.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

fn mismatch(
    descriptor: &Descriptor,
    what: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> TransportError {
    TransportError::Mismatch {
        what,
        digest: descriptor.digest,
        expected: expected.to_string().into(),
        found: found.to_string().into(),
    }
}
