//! Importers that no compiler made: files that are not components, components that want what they
//! may not have or bring more than they may, and core modules that break the rules between guest
//! and host.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its functions too"
)]

mod files;
mod luggage;
mod module;
mod rules;

use lazaret_conformance::Ward;
use lazaret_engine::error::LoadFault;
use lazaret_engine::{EngineError, Fault, Importer};

fn load(bytes: &[u8]) -> Result<Importer, EngineError> {
    Importer::load(Ward::Small.sandbox(), "forged", bytes)
}

fn refusal(bytes: &[u8]) -> LoadFault {
    match load(bytes) {
        Err(EngineError::Load { reason, .. }) => reason,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("was loaded"),
    }
}

/// How describing itself failed.
fn description(what: &str, bytes: &[u8]) -> Fault {
    match load(bytes) {
        Err(EngineError::Describe { source, .. }) => source,
        Err(error) => panic!("{what}: {error:?}"),
        Ok(_) => panic!("{what}: was loaded"),
    }
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}
