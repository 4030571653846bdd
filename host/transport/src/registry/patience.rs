//! Waiting: for answers, for the next try. Every wait ends when nothing comes for too long, or when
//! [`RegistryOptions::cancel`](super::RegistryOptions::cancel) is set.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

use super::fault::{Cause, Fault};
use super::retry;
use super::session::{Request, Session};
use crate::error::TransportError;

/// How often a wait looks whether it was cancelled.
const TICK: Duration = Duration::from_millis(50);

/// How much of a body that is being sent has been taken by the connection. Counted up by the
/// sender, watched by the wait.
pub(super) type Progress = AtomicU64;

impl Session {
    /// Waits for `future`, but not when it is cancelled, and not when neither it ends nor
    /// `progress` grows for [`RegistryOptions::timeout`].
    pub(super) async fn guard<T>(
        &self,
        progress: Option<&Progress>,
        future: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        self.guard_within(self.options.timeout, progress, future)
            .await
    }

    /// The same with another limit.
    pub(super) async fn guard_within<T>(
        &self,
        limit: Duration,
        progress: Option<&Progress>,
        future: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        let seen = || progress.map_or(0, |progress| progress.load(Ordering::Relaxed));
        let mut last = (seen(), Instant::now());
        let mut future = pin!(future);
        loop {
            self.check_cancelled()?;
            match select(future, pin!(tokio::time::sleep(TICK))).await {
                Either::Left((output, _)) => return Ok(output),
                Either::Right(((), rest)) => future = rest,
            }
            if seen() != last.0 {
                last = (seen(), Instant::now());
            } else if last.1.elapsed() >= limit {
                return Err(Fault::passing(Cause::Silence(limit)));
            }
        }
    }

    pub(super) fn check_cancelled(&self) -> Result<(), TransportError> {
        match self.options.cancel.load(Ordering::Relaxed) {
            true => Err(TransportError::Cancelled),
            false => Ok(()),
        }
    }

    /// Sleeps, but not on when it is cancelled.
    async fn pause(&self, time: Duration) -> Result<(), TransportError> {
        let end = Instant::now() + time;
        loop {
            self.check_cancelled()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(TICK)).await;
        }
    }
}

/// Counts the tries of one request, and waits between them.
pub(super) struct Tries<'a> {
    session: &'a Session,
    request: &'a Request,
    made: u32,
}

impl<'a> Tries<'a> {
    pub(super) const fn new(session: &'a Session, request: &'a Request) -> Self {
        Self {
            session,
            request,
            made: 0,
        }
    }

    /// After a try that failed: waits for the next one, or says that there is none.
    pub(super) async fn failed(&mut self, fault: Fault) -> Result<(), TransportError> {
        let (cause, wait) = match fault {
            Fault::Final(error) => return Err(error),
            Fault::Passing { cause, wait } => (cause, wait),
        };
        self.made += 1;
        if self.made > self.session.options.retries {
            return Err(cause.into_error(self.request, self.session, self.made));
        }
        let wait = wait.unwrap_or_else(|| retry::backoff(self.made));
        tracing::debug!(what = self.request.what, ?cause, ?wait, "to be tried again");
        self.session.pause(wait).await
    }

    /// Counts from the start, after something was gained.
    pub(super) const fn reset(&mut self) {
        self.made = 0;
    }
}
