//! The threads that requests run on: the only asynchronous part of the program is behind this.

use std::future::Future;
use std::io;

use tokio::task::JoinHandle;

/// Threads that move bytes between connections and queues. Hashing and decompressing happen on
/// the callers'.
const WORKERS: usize = 2;

/// A runtime that may be dropped wherever its last user is.
#[derive(Debug)]
pub(super) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    pub(super) fn new() -> io::Result<Self> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("registry")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    /// Runs `future` to its end on this thread, which must not be one of a runtime.
    pub(super) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.inner().block_on(future)
    }

    /// Runs `future` beside.
    pub(super) fn spawn(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        self.inner().spawn(future)
    }

    fn inner(&self) -> &tokio::runtime::Runtime {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waits for nothing: a helper that asks its user must not keep the program.
            runtime.shutdown_background();
        }
    }
}
