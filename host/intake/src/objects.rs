//! The pool that hashes and stores objects while their blobs are still being read.

use std::io;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use lazaret_store::{Repository, StoreError, Stored};

use crate::limits::OBJECTS_WAITING;

/// An object to store.
pub(crate) enum Work {
    /// All of it, in pieces.
    Whole(Vec<Bytes>),
    /// More than should be held at once.
    Stream(Receiver<Bytes>),
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
    let mut scratch = Vec::new();
    for job in jobs {
        let result = match job.work {
            Work::Whole(pieces) => store(repository, &pieces, &mut scratch),
            Work::Stream(pieces) => stream(repository, &pieces),
        };
        let _ = job.done.send(Done {
            ticket: job.ticket,
            result,
        });
    }
}

fn store(
    repository: &Repository,
    pieces: &[Bytes],
    scratch: &mut Vec<u8>,
) -> Result<Stored, StoreError> {
    if let [only] = pieces {
        return repository.put(only);
    }
    scratch.clear();
    for piece in pieces {
        scratch.extend_from_slice(piece);
    }
    repository.put(scratch)
}

fn stream(repository: &Repository, pieces: &Receiver<Bytes>) -> Result<Stored, StoreError> {
    let mut writer = repository.object_writer()?;
    for piece in pieces {
        writer.write(&piece)?;
    }
    writer.finish()
}
