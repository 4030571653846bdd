//! Where hostile importers are kept: sandboxes with small budgets, shared by all tests of a file,
//! and runs over a tape.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use lazaret_engine::{
    Budget, Ended, FuelScale, Importer, Offer, Policy, Report, Run, Sandbox, SandboxOptions, Steer,
};

use crate::tape::{Record, Tape};

/// What every hostile importer claims.
pub const MEDIA_TYPE: &str = "application/vnd.lazaret.hostile";

/// A sandbox by its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ward {
    /// What an attack has to exhaust is small, so that it takes milliseconds.
    Small,
    /// As users have it.
    Default,
    /// So much fuel that only the stall watch is left.
    Fuelled,
}

impl Ward {
    /// The budget of its sandbox.
    #[must_use]
    pub fn budget(self) -> Budget {
        let standard = Budget::default();
        match self {
            Self::Default => standard,
            Self::Small => Budget {
                fuel: FuelScale {
                    base: 50_000_000,
                    per_byte: 0,
                },
                memory: 32 << 20,
                entries: 1000,
                facts: 1000,
                ..standard
            },
            Self::Fuelled => Budget {
                fuel: FuelScale {
                    base: u64::MAX,
                    per_byte: u64::MAX,
                },
                stall: Duration::from_millis(300),
                ..standard
            },
        }
    }

    /// The one sandbox of this process.
    ///
    /// # Panics
    /// When this machine cannot run wasmtime.
    #[must_use]
    pub fn sandbox(self) -> Arc<Sandbox> {
        static SMALL: OnceLock<Arc<Sandbox>> = OnceLock::new();
        static DEFAULT: OnceLock<Arc<Sandbox>> = OnceLock::new();
        static FUELLED: OnceLock<Arc<Sandbox>> = OnceLock::new();
        let slot = match self {
            Self::Small => &SMALL,
            Self::Default => &DEFAULT,
            Self::Fuelled => &FUELLED,
        };
        let make = || {
            Arc::new(
                Sandbox::new(SandboxOptions {
                    budget: self.budget(),
                    cache: None,
                })
                .expect("this machine runs wasmtime"),
            )
        };
        Arc::clone(slot.get_or_init(make))
    }
}

/// What a blob of `size` bytes is offered as, under `policy`.
///
/// # Panics
/// Never.
#[must_use]
pub fn offer(policy: Policy, size: usize) -> Offer {
    Offer {
        media_type: MEDIA_TYPE.parse().expect("a constant"),
        artifact_type: None,
        config_media_type: None,
        size: Some(size as u64),
        travelling_size: size as u64,
        annotations: BTreeMap::new(),
        parameters: BTreeMap::new(),
        policy,
        fact_namespaces: vec!["hostile".to_owned()],
        fuel: None,
    }
}

/// Runs an importer over `size` bytes, and gives what came of it and what the session was told.
///
/// # Panics
/// When the session that comes back is not the one that went in.
pub fn admit(importer: &Importer, offer: &Offer, size: usize) -> (Result<Report, Ended>, Record) {
    let input = (0..size).map(|index| (index % 251) as u8).collect();
    let (session, record) = Tape::new(input);
    let Run {
        session, result, ..
    } = importer.ingest(offer, session);
    let position = session.position();
    drop(session);
    let record = record
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    assert_eq!(record.kept(), position);
    (result, record)
}

/// What lazaret logs during `call`, on this thread.
#[must_use]
pub fn log_of(call: impl FnOnce()) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    tracing::subscriber::with_default(Lines(Arc::clone(&lines)), call);
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    lines.clone()
}

/// Keeps the messages of lazaret's own events.
struct Lines(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("lazaret")
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(message.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
