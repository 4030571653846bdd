//! One run as the host sees it: every call an importer can make, with its checks and its price.
//!
//! The wasm glue in `host_*.rs` only converts arguments and calls these methods. A parser compiled
//! natively can call them too, and then goes through the same checks.

use lazaret_artifact::MediaType;
use lazaret_artifact::text::escape;
use tracing::{debug, info, warn};

use crate::bindings::types as wit;
use crate::budget::{Budget, MAX_LOG_LENGTH, MAX_READ};
use crate::checks::Checks;
use crate::error::{Fault, FaultKind};
use crate::offer::Offer;
use crate::prices;
use crate::session::{Report, Session, SessionError, Storage};

/// Bytes a small blob may always derive.
const DERIVED_FREE: u64 = 1 << 20;

/// Why a call cannot be answered: the run ends.
#[derive(Debug)]
pub enum Stop {
    /// The importer's fault.
    Fault(Fault),
    /// Not the importer's fault.
    Session(SessionError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// How severe a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For the importer's author.
    Debug,
    /// For the curious.
    Info,
    /// For everybody.
    Warn,
}

/// The input ended first; what there was has been kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortfall {
    /// Bytes there were.
    pub available: u64,
}

/// The state of one run.
pub struct Steering {
    session: Box<dyn Session>,
    checks: Checks,
    may_random: bool,
    may_derive: bool,
    work: u64,
    work_limit: u64,
    log_lines: u64,
    max_log_lines: u64,
    derived_open: Option<u64>,
    derived_total: u64,
    derived_limit: u64,
}

impl Steering {
    /// A run that has not begun.
    #[must_use]
    pub fn new(session: Box<dyn Session>, offer: &Offer, budget: &Budget) -> Self {
        Self {
            session,
            checks: Checks::new(budget, offer.policy, offer.fact_namespaces.clone()),
            may_random: false,
            may_derive: false,
            work: 0,
            work_limit: offer.fuel(budget.fuel),
            log_lines: 0,
            max_log_lines: budget.log_lines,
            derived_open: None,
            derived_total: 0,
            derived_limit: offer
                .size
                .unwrap_or(offer.travelling_size)
                .saturating_mul(budget.derived_ratio)
                .saturating_add(DERIVED_FREE),
        }
    }

    /// Grants what the importer declared it needs.
    pub const fn grant(&mut self, random: bool, derive: bool) {
        self.may_random = random;
        self.may_derive = derive;
    }

    /// Fuel spent on host work.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.work
    }

    /// Gives the session back without finishing.
    #[must_use]
    pub fn into_session(self) -> Box<dyn Session> {
        self.session
    }

    /// Ends a successful run: what is left of the input is kept as one object, and every extent is
    /// compared with the size the input turned out to have.
    ///
    /// # Errors
    /// An extent beyond the input, an unfinished derived object, or the session's.
    pub fn finish(&mut self) -> Result<Report, Stop> {
        if self.derived_open.is_some() {
            return Err(argument("a derived object was never finished").into());
        }
        self.keep_rest()?;
        self.checks.finish(self.session.position())?;
        Ok(Report {
            fuel: self.work,
            entries: self.checks.entries,
            facts: self.checks.facts,
        })
    }

    /// `cursor.position`
    ///
    /// # Errors
    /// Out of fuel.
    pub fn position(&mut self) -> Result<u64, Stop> {
        self.call(0)?;
        Ok(self.session.position())
    }

    /// `cursor.remaining`
    ///
    /// # Errors
    /// Out of fuel.
    pub fn remaining(&mut self) -> Result<Option<u64>, Stop> {
        self.call(0)?;
        Ok(self.session.remaining())
    }

    /// `cursor.peek`
    ///
    /// # Errors
    /// Out of fuel, or the session's.
    pub fn peek(&mut self, max: u32) -> Result<Vec<u8>, Stop> {
        let max = max.min(MAX_READ);
        self.call(u64::from(max))?;
        let bytes = self.session.peek(max as usize).map_err(Stop::Session)?;
        Ok(bytes.to_vec())
    }

    /// `cursor.read`
    ///
    /// # Errors
    /// Out of fuel, or the session's.
    pub fn read(&mut self, max: u32) -> Result<Vec<u8>, Stop> {
        let bytes = self.peek(max)?;
        self.session
            .keep(bytes.len() as u64, Storage::Inline)
            .map_err(Stop::Session)?;
        Ok(bytes)
    }

    /// `cursor.skip`, `cursor.splice`
    ///
    /// # Errors
    /// A zero-length object, out of fuel, or the session's.
    pub fn keep(&mut self, length: u64, storage: Storage) -> Result<Result<(), Shortfall>, Stop> {
        self.call(0)?;
        self.keep_segment(length, storage)
    }

    /// `cursor.splice-rest`; also what is left when an importer returns.
    ///
    /// # Errors
    /// Out of fuel, or the session's.
    pub fn keep_rest(&mut self) -> Result<u64, Stop> {
        self.call(prices::OBJECT)?;
        if self.session.peek(1).map_err(Stop::Session)?.is_empty() {
            return Ok(0);
        }
        self.session
            .keep(u64::MAX, Storage::Object)
            .map_err(Stop::Session)
    }

    /// `cursor.cut`
    ///
    /// # Errors
    /// A zero-length object, out of fuel, or the session's.
    pub fn cut(
        &mut self,
        plan: impl IntoIterator<Item = (u64, Storage)>,
    ) -> Result<Result<(), Shortfall>, Stop> {
        self.call(0)?;
        for (length, storage) in plan {
            self.charge(prices::CALL)?;
            if let Err(shortfall) = self.keep_segment(length, storage)? {
                return Ok(Err(shortfall));
            }
        }
        Ok(Ok(()))
    }

    /// What is moved is paid for afterwards, since a length is only what a header claims: a short
    /// input ends in a shortfall, which the importer can explain, and not in a spent budget. Nothing
    /// is lost by it, since the host moves every byte once in any case.
    fn keep_segment(
        &mut self,
        length: u64,
        storage: Storage,
    ) -> Result<Result<(), Shortfall>, Stop> {
        if storage == Storage::Object {
            if length == 0 {
                return Err(Fault::new(FaultKind::Cut, "an object of no bytes")
                    .at(self.session.position(), 0)
                    .into());
            }
            self.charge(prices::OBJECT)?;
        }
        if length == 0 {
            return Ok(Ok(()));
        }
        let kept = self.session.keep(length, storage).map_err(Stop::Session)?;
        self.charge(prices::moved(kept))?;
        if kept < length {
            return Ok(Err(Shortfall { available: kept }));
        }
        Ok(Ok(()))
    }

    /// `blob.size`
    ///
    /// # Errors
    /// No random access granted, out of fuel, or the session's.
    pub fn size(&mut self) -> Result<u64, Stop> {
        self.call(0)?;
        self.require_random()?;
        self.session.size().map_err(Stop::Session)
    }

    /// `blob.read-at`
    ///
    /// # Errors
    /// No random access granted, out of fuel, or the session's.
    pub fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Stop> {
        let max = max.min(MAX_READ);
        self.call(u64::from(max))?;
        self.require_random()?;
        self.session
            .read_at(offset, max as usize)
            .map_err(Stop::Session)
    }

    /// `sink.emit`
    ///
    /// # Errors
    /// An invalid entry, too many, out of fuel, or the session's.
    pub fn emit(&mut self, entries: Vec<wit::Entry>) -> Result<u32, Stop> {
        self.call(0)?;
        let first = u32::try_from(self.checks.entries)
            .map_err(|_| Fault::new(FaultKind::Output, "too many entries"))?;
        for entry in entries {
            self.charge(prices::entry(&entry))?;
            let implied = self.checks.implied();
            let entry = self.checks.entry(entry)?;
            let implied = self.checks.implied().saturating_sub(implied);
            self.charge(prices::implied(implied))?;
            self.session.entry(entry).map_err(Stop::Session)?;
        }
        Ok(first)
    }

    /// `sink.add-facts`
    ///
    /// # Errors
    /// An invalid fact, too many, out of fuel, or the session's.
    pub fn add_facts(&mut self, facts: Vec<wit::Fact>) -> Result<(), Stop> {
        self.call(0)?;
        for fact in facts {
            self.charge(prices::fact(&fact))?;
            let fact = self.checks.fact(fact)?;
            self.session.fact(fact).map_err(Stop::Session)?;
        }
        Ok(())
    }

    /// `sink.derive`
    ///
    /// # Errors
    /// No derivation granted, another one still open, no media type, or out of fuel.
    pub fn begin_derived(&mut self, media_type: &str) -> Result<(), Stop> {
        self.call(prices::OBJECT + media_type.len() as u64)?;
        if !self.may_derive {
            return Err(argument("did not declare that it derives").into());
        }
        if self.derived_open.is_some() {
            return Err(argument("one derived object at a time").into());
        }
        if media_type.parse::<MediaType>().is_err() {
            return Err(argument("derives something that is no media type").into());
        }
        self.derived_open = Some(0);
        Ok(())
    }

    /// `derived.append`
    ///
    /// # Errors
    /// Too many bytes for the input, none open, out of fuel, or the session's.
    pub fn append_derived(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.call(bytes.len() as u64)?;
        self.add_derived(bytes)
    }

    /// `derived.append-input`
    ///
    /// # Errors
    /// A range beyond the input, or as for [`Self::append_derived`].
    pub fn append_derived_input(&mut self, offset: u64, length: u64) -> Result<(), Stop> {
        self.call(0)?;
        self.require_random()?;
        let size = self.session.size().map_err(Stop::Session)?;
        let end = offset.checked_add(length).filter(|end| *end <= size);
        let Some(end) = end else {
            return Err(Fault::new(FaultKind::Extent, "derives from beyond the input").into());
        };
        self.charge(prices::moved(length))?;
        let mut at = offset;
        while at < end {
            let piece = (end - at).min(u64::from(MAX_READ)) as usize;
            let bytes = self.session.read_at(at, piece).map_err(Stop::Session)?;
            if bytes.is_empty() {
                return Err(Fault::new(FaultKind::Extent, "derives from beyond the input").into());
            }
            self.add_derived(&bytes)?;
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// `derived.finish`
    ///
    /// # Errors
    /// None open, one without bytes, out of fuel, or the session's.
    pub fn finish_derived(&mut self) -> Result<u32, Stop> {
        self.call(0)?;
        let Some(length) = self.derived_open.take() else {
            return Err(argument("no derived object is open").into());
        };
        // The session never hears of an object that never began, and would number the next one
        // otherwise than the importer does.
        if length == 0 {
            return Err(argument("a derived object of no bytes").into());
        }
        self.session.finish_derived().map_err(Stop::Session)?;
        Ok(self.checks.add_derived(length)?)
    }

    /// `log.write`
    ///
    /// # Errors
    /// Out of fuel.
    pub fn log(&mut self, level: Level, message: &str) -> Result<(), Stop> {
        self.call(message.len() as u64)?;
        self.log_lines += 1;
        if self.log_lines > self.max_log_lines {
            if self.log_lines == self.max_log_lines + 1 {
                warn!("the importer logs too much; the rest is dropped");
            }
            return Ok(());
        }
        let end = message.floor_char_boundary(MAX_LOG_LENGTH);
        let message = escape(&message.as_bytes()[..end]);
        match level {
            Level::Debug => debug!(target: "lazaret::importer", "{message}"),
            Level::Info => info!(target: "lazaret::importer", "{message}"),
            Level::Warn => warn!(target: "lazaret::importer", "{message}"),
        }
        Ok(())
    }

    fn add_derived(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let Some(length) = self.derived_open.as_mut() else {
            return Err(argument("no derived object is open").into());
        };
        *length += bytes.len() as u64;
        self.derived_total += bytes.len() as u64;
        if self.derived_total > self.derived_limit {
            return Err(Fault::new(
                FaultKind::Output,
                format!("derives more than {} bytes", self.derived_limit),
            )
            .into());
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.session.derive(bytes).map_err(Stop::Session)
    }

    fn require_random(&self) -> Result<(), Stop> {
        if self.may_random {
            Ok(())
        } else {
            Err(argument("did not declare that it reads at random").into())
        }
    }

    fn call(&mut self, work: u64) -> Result<(), Stop> {
        self.charge(work.saturating_add(prices::CALL))
    }

    fn charge(&mut self, work: u64) -> Result<(), Stop> {
        self.work = self.work.saturating_add(work);
        if self.work > self.work_limit {
            return Err(Fault::new(
                FaultKind::Fuel,
                format!("calls to the host cost more than {}", self.work_limit),
            )
            .into());
        }
        Ok(())
    }
}

fn argument(reason: &str) -> Fault {
    Fault::new(FaultKind::Argument, reason)
}

#[cfg(test)]
mod tests;
