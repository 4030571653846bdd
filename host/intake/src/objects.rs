//! The pool that hashes and stores objects while their blobs are still being read.

use std::io;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use lazaret_store::{ClonedFile, ObjectWriter, Repository, StoreError, Stored};

use crate::limits::{BATCH, BATCH_BYTES, OBJECTS_WAITING};

/// An object to store.
pub(crate) enum Work {
    /// All of it, in pieces.
    Whole(Vec<Bytes>),
    /// More than should be held at once.
    Stream(Receiver<Part>),
    /// The bytes of a clone, to be hashed.
    Clone(Box<ClonedFile>, Receiver<Part>),
}

/// What comes of a streamed object. A stream that ends without [`Part::End`] was given up, and what
/// came of it is dropped.
pub(crate) enum Part {
    /// The next bytes.
    Data(Bytes),
    /// There are no more.
    End,
}

/// An object and whom to tell.
struct Job {
    ticket: u64,
    work: Work,
    done: Sender<Done>,
}

/// A stored object, or why it could not be.
pub(crate) struct Done {
    pub(crate) ticket: u64,
    pub(crate) result: Result<Stored, StoreError>,
}

/// Where a tape hands objects in.
#[derive(Clone)]
pub(crate) struct Counter {
    jobs: Sender<Job>,
}

/// The threads. They end when the last [`Counter`] is gone.
pub(crate) struct Pool {
    counter: Counter,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(crate) fn start(repository: &Repository, threads: usize) -> io::Result<Self> {
        let (sender, receiver) = bounded::<Job>(OBJECTS_WAITING);
        let mut pool = Self {
            counter: Counter { jobs: sender },
            threads: Vec::with_capacity(threads),
        };
        for _ in 0..threads {
            let repository = repository.clone();
            let receiver = receiver.clone();
            pool.threads.push(
                thread::Builder::new()
                    .name("lazaret-objects".to_owned())
                    .spawn(move || work(&repository, &receiver))?,
            );
        }
        Ok(pool)
    }

    pub(crate) fn counter(&self) -> Counter {
        self.counter.clone()
    }

    /// Waits for what was handed in. All other counters must be gone.
    pub(crate) fn finish(self) {
        drop(self.counter);
        for thread in self.threads {
            // A panic in there was reported to the tape as a missing answer.
            let _ = thread.join();
        }
    }
}

impl Counter {
    /// Hands an object in; `done` gets the answer. Blocks while the pool is busy.
    pub(crate) fn submit(&self, ticket: u64, work: Work, done: &Sender<Done>) {
        let job = Job {
            ticket,
            work,
            done: done.clone(),
        };
        // Disconnected only if every thread panicked; then the answer never comes either.
        let _ = self.jobs.send(job);
    }
}

fn work(repository: &Repository, jobs: &Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Ok(job) = jobs.recv() {
        let streamed = gather(job, jobs, &mut batch);
        store_batch(repository, &mut batch);
        if let Some(Streamed {
            ticket,
            clone,
            parts,
            done,
        }) = streamed
            && let Some(result) = stream(repository, clone, &parts).transpose()
        {
            let _ = done.send(Done { ticket, result });
        }
    }
}

/// An object that is held whole, and whom to tell.
struct Held {
    ticket: u64,
    data: Bytes,
    done: Sender<Done>,
}

/// One that is not.
struct Streamed {
    ticket: u64,
    clone: Option<Box<ClonedFile>>,
    parts: Receiver<Part>,
    done: Sender<Done>,
}

/// Fills `batch` with `first` and what else waits and is small: small objects are hashed together.
/// Ends at a streamed object, which is returned, and never waits.
fn gather(first: Job, jobs: &Receiver<Job>, batch: &mut Vec<Held>) -> Option<Streamed> {
    let mut job = first;
    let mut bytes = 0;
    loop {
        let (clone, parts) = match job.work {
            Work::Whole(pieces) => {
                let data = join(pieces);
                bytes += data.len();
                batch.push(Held {
                    ticket: job.ticket,
                    data,
                    done: job.done,
                });
                if batch.len() == BATCH || bytes >= BATCH_BYTES {
                    return None;
                }
                job = jobs.try_recv().ok()?;
                continue;
            }
            Work::Stream(parts) => (None, parts),
            Work::Clone(clone, parts) => (Some(clone), parts),
        };
        return Some(Streamed {
            ticket: job.ticket,
            clone,
            parts,
            done: job.done,
        });
    }
}

/// One piece as it is, several copied together.
fn join(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        1 => pieces.swap_remove(0),
        _ => pieces.concat().into(),
    }
}

fn store_batch(repository: &Repository, batch: &mut Vec<Held>) {
    if batch.len() > 1 {
        let files: Vec<&[u8]> = batch.iter().map(|held| &held.data[..]).collect();
        if let Ok(stored) = repository.put_many(&files) {
            for (held, stored) in batch.drain(..).zip(stored) {
                let _ = held.done.send(Done {
                    ticket: held.ticket,
                    result: Ok(stored),
                });
            }
            return;
        }
        // Which of them failed, each says for itself.
    }
    for held in batch.drain(..) {
        let result = repository.put(&held.data);
        let _ = held.done.send(Done {
            ticket: held.ticket,
            result,
        });
    }
}

/// Stores what comes; none when the stream was given up.
pub(crate) fn stream(
    repository: &Repository,
    clone: Option<Box<ClonedFile>>,
    parts: &Receiver<Part>,
) -> Result<Option<Stored>, StoreError> {
    let mut writer: ObjectWriter = match clone {
        Some(clone) => clone.writer(),
        None => repository.object_writer()?,
    };
    for part in parts {
        match part {
            Part::Data(bytes) => writer.write(&bytes)?,
            Part::End => return writer.finish().map(Some),
        }
    }
    Ok(None)
}
