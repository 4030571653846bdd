//! The same work for many things, a few at a time, until one of them fails or somebody asks to
//! stop.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::error::PushError;

/// Says when to stop: somebody asked, or another thread failed.
pub(crate) struct Stop {
    cancel: Arc<AtomicBool>,
    failed: AtomicBool,
}

impl Stop {
    pub(crate) const fn new(cancel: Arc<AtomicBool>) -> Self {
        Self {
            cancel,
            failed: AtomicBool::new(false),
        }
    }

    /// Whether somebody asked.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Refuses to go on.
    pub(crate) fn check(&self) -> Result<(), PushError> {
        if self.is_cancelled() || self.failed.load(Ordering::Relaxed) {
            return Err(PushError::Interrupted);
        }
        Ok(())
    }

    /// Refuses to go on, for readers. Not [`io::ErrorKind::Interrupted`], which means try again.
    pub(crate) fn check_io(&self) -> io::Result<()> {
        self.check().map_err(io::Error::other)
    }
}

/// Does `work` for each of `items`, with its number, by at most `jobs` threads; results in the
/// order of the items.
///
/// # Errors
/// The first failure; work that was begun is told to stop.
pub(crate) fn for_each<T: Sync, R: Send>(
    items: &[T],
    jobs: NonZeroUsize,
    stop: &Stop,
    work: impl Fn(usize, &T) -> Result<R, PushError> + Sync,
) -> Result<Vec<R>, PushError> {
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<PushError>> = Mutex::new(None);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(items.iter().map(|_| None).collect());
    let fail = |error| {
        let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
        // The first is the cause; that others were interrupted is its consequence.
        failure.get_or_insert(error);
        stop.failed.store(true, Ordering::Relaxed);
    };
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return;
            };
            match stop.check().and_then(|()| work(number, item)) {
                Ok(result) => {
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results[number] = Some(result);
                }
                Err(error) => return fail(error),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.get().min(items.len()) {
            let started = thread::Builder::new()
                .name("push".to_owned())
                .spawn_scoped(scope, run);
            if let Err(error) = started {
                return fail(PushError::Thread(error));
            }
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(results
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_iter()
            .flatten()
            .collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOBS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

    fn stop() -> Stop {
        Stop::new(Arc::new(AtomicBool::new(false)))
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        let doubled = for_each(&items, JOBS, &stop(), |number, item| Ok(number + item)).unwrap();
        assert_eq!(doubled, (0..100).map(|n| 2 * n).collect::<Vec<_>>());
        assert!(
            for_each(&[] as &[()], JOBS, &stop(), |_, ()| Ok(()))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn the_first_failure_is_the_one_that_is_told() {
        let stop = stop();
        let error = for_each(&[0, 1, 2, 3, 4, 5], JOBS, &stop, |_, item| match item {
            2 => Err(PushError::AllAndPlatform),
            _ => {
                while stop.check().is_ok() {
                    thread::yield_now();
                }
                stop.check()
            }
        })
        .unwrap_err();
        assert!(matches!(error, PushError::AllAndPlatform), "{error}");
    }

    #[test]
    fn nothing_is_begun_after_a_request_to_stop() {
        let stop = Stop::new(Arc::new(AtomicBool::new(true)));
        let error = for_each(&[0], JOBS, &stop, |_, _| -> Result<(), _> {
            panic!("it was begun");
        })
        .unwrap_err();
        assert!(matches!(error, PushError::Interrupted));
    }
}
