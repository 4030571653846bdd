//! What a wasmtime store holds during a call, and how a host function ends the run.

use crate::budget::PREPARATION_FUEL;
use crate::error::{Fault, FaultKind};
use crate::limiter::Limiter;
use crate::prices;
use crate::steering::{Steering, Stop};

/// The only cursor of a run.
pub struct CursorHandle;
/// The only blob of a run.
pub struct BlobHandle;
/// The only sink of a run.
pub struct SinkHandle;
/// The derived object being built; at most one.
pub struct DerivedHandle;

/// Representations of the run's own resources. They carry no state: there is one of each, and a
/// forged representation cannot name another.
pub(crate) const CURSOR: u32 = 1;
pub(crate) const BLOB: u32 = 2;
pub(crate) const SINK: u32 = 3;
pub(crate) const DERIVED: u32 = 4;

/// Data of one store.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    /// None while describing or probing, when there is nothing to steer.
    pub(crate) steering: Option<Steering>,
    /// Why the host ended the run, when it did.
    pub(crate) stop: Option<Stop>,
    /// Calls to the host so far; the stall watch compares it with what it saw last.
    pub(crate) calls: u64,
    /// What the stall watch saw last.
    pub(crate) calls_seen: u64,
    /// Fuel spent on calls while describing or probing.
    preparation: u64,
}

impl State {
    pub(crate) fn new(limiter: Limiter, steering: Option<Steering>) -> Self {
        Self {
            limiter,
            steering,
            stop: None,
            calls: 0,
            calls_seen: 0,
            preparation: 0,
        }
    }

    /// Pays for a call that handed over `bytes` while there is nothing to steer.
    pub(crate) fn prepare(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.calls += 1;
        self.preparation = self
            .preparation
            .saturating_add(prices::CALL)
            .saturating_add(bytes as u64);
        if self.preparation > PREPARATION_FUEL {
            self.stop = Some(Stop::Fault(Fault::new(
                FaultKind::Fuel,
                format!("calls to the host cost more than {PREPARATION_FUEL}"),
            )));
            return Err(wasmtime::Error::msg("the host ended the run"));
        }
        Ok(())
    }

    /// Runs `call` on the steering; what it cannot answer traps the guest and is kept.
    pub(crate) fn steer<T>(
        &mut self,
        call: impl FnOnce(&mut Steering) -> Result<T, Stop>,
    ) -> wasmtime::Result<T> {
        self.calls += 1;
        let Some(steering) = self.steering.as_mut() else {
            return Err(wasmtime::Error::msg("called the host before ingest"));
        };
        call(steering).map_err(|stop| {
            self.stop = Some(stop);
            wasmtime::Error::msg("the host ended the run")
        })
    }
}
