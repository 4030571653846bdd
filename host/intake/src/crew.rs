//! Several threads that take turns at a list. The first failure stops the others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::error::IntakeError;

/// Calls `work` with every number below `count`, on up to `threads` threads, this one included.
/// Returns the results in order. `abort` is set when one fails, for those that look at it.
pub(crate) fn run<T: Send>(
    name: &str,
    count: usize,
    threads: usize,
    abort: &AtomicBool,
    work: impl Fn(usize) -> Result<T, IntakeError> + Sync,
) -> Result<Vec<T>, IntakeError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<T>>> = Mutex::new((0..count).map(|_| None).collect());
    let failure: Mutex<Option<IntakeError>> = Mutex::new(None);
    let take_turns = || {
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if turn >= count || abort.load(Ordering::Relaxed) {
                return;
            }
            match work(turn) {
                Ok(result) => lock(&results)[turn] = Some(result),
                Err(error) => {
                    abort.store(true, Ordering::Relaxed);
                    let mut first = lock(&failure);
                    // What was only told to stop is no cause.
                    let is_cause = !matches!(error, IntakeError::Interrupted);
                    let replaces = matches!(*first, None | Some(IntakeError::Interrupted));
                    if first.is_none() || (is_cause && replaces) {
                        *first = Some(error);
                    }
                    return;
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            let spawned = thread::Builder::new()
                .name(name.to_owned())
                .spawn_scoped(scope, take_turns);
            if let Err(error) = spawned {
                tracing::warn!(%error, "fewer of {name} at once");
            }
        }
        take_turns();
    });
    if let Some(error) = lock(&failure).take() {
        return Err(error);
    }
    let results: Vec<T> = lock(&results).drain(..).flatten().collect();
    match results.len() == count {
        true => Ok(results),
        // Somebody else had set `abort`.
        false => Err(IntakeError::Interrupted),
    }
}

/// A poisoned lock means that another thread panicked; what it guarded is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        for threads in [1, 4, 100] {
            let abort = AtomicBool::new(false);
            let squares = run("test", 50, threads, &abort, |number| Ok(number * number)).unwrap();
            assert_eq!(squares, (0..50).map(|n| n * n).collect::<Vec<_>>());
        }
        let abort = AtomicBool::new(false);
        let none = run("test", 0, 4, &abort, Ok).unwrap();
        assert!(none.is_empty());
    }

    #[test]
    fn a_cause_comes_before_those_it_stopped() {
        let abort = AtomicBool::new(false);
        let stopped = AtomicUsize::new(0);
        let error = run("test", 2, 2, &abort, |number| -> Result<(), _> {
            if number == 0 {
                // Ends only when the other has failed.
                while !abort.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                stopped.fetch_add(1, Ordering::Relaxed);
                return Err(IntakeError::Interrupted);
            }
            Err(IntakeError::Silent(7))
        })
        .unwrap_err();
        assert!(matches!(error, IntakeError::Silent(7)), "{error}");
        assert_eq!(stopped.into_inner(), 1);
    }

    #[test]
    fn told_to_stop_before_it_began_nothing_is_done() {
        let abort = AtomicBool::new(true);
        let error = run("test", 3, 2, &abort, Ok).unwrap_err();
        assert!(matches!(error, IntakeError::Interrupted));
    }
}
