//! The sandbox: runs one importer, a WebAssembly component, over one blob.
//!
//! An importer sees bytes through a forward-only cursor and answers with cuts, entries and facts.
//! Everything it says is checked here before it reaches the [`Session`] that does the work. The
//! crate never sees the store, the network or a file; the compiled-code cache is its only state.
//!
//! Invariants: whatever an importer does, the session is told about every input byte at most once
//! and in order; a fault ends the run and never the host; the outcome is a function of the blob,
//! the importer and the offer.

pub mod bindings;
pub mod budget;
mod cache;
pub mod checks;
mod component;
pub mod error;
mod host_input;
mod host_log;
mod host_output;
pub mod importer;
mod limiter;
pub mod offer;
mod paths;
mod prices;
pub mod registry;
mod sandbox;
pub mod session;
mod state;
pub mod steering;

pub use budget::{Budget, FuelScale};
pub use error::{EngineError, Fault, FaultKind};
pub use importer::{Importer, Probe};
pub use offer::{Offer, Policy};
pub use registry::{Builtin, Registry};
pub use sandbox::{Sandbox, SandboxOptions};
pub use session::{Ended, Report, Run, Session, SessionError, Steer, Storage};
pub use steering::Steering;

/// Version of the WIT package this host offers to importers.
pub const WIT_VERSION: &str = "0.1.0";
