//! One loaded importer: what it says of itself, and runs of it.

use std::sync::Arc;

use lazaret_artifact::MediaType;
use lazaret_artifact::digest::ContentDigest;
use lazaret_artifact::record::ImporterIdentity;
use wasmtime::component::Resource;
use wasmtime::{Store, Trap};

use crate::WIT_VERSION;
use crate::bindings::{Importer as World, ImporterPre, plugin};
use crate::budget::{MAX_KEY_LENGTH, PREPARATION_FUEL, PROBE_HEAD};
use crate::component;
use crate::error::{EngineError, Fault, FaultKind, LoadFault};
use crate::offer::Offer;
use crate::sandbox::Sandbox;
use crate::session::{Ended, Report, Run, Session, Steer};
use crate::state::{BLOB, BlobHandle, CURSOR, CursorHandle, SINK, SinkHandle, State};
use crate::steering::{Steering, Stop};

/// Media types one importer may claim.
const MAX_MEDIA_TYPES: usize = 256;

/// Fact namespaces one importer may ask for.
const MAX_NAMESPACES: usize = 32;

/// A component that has been compiled, linked and asked to describe itself.
pub struct Importer {
    sandbox: Arc<Sandbox>,
    pre: ImporterPre<State>,
    identity: ImporterIdentity,
    media_types: Vec<MediaType>,
    fact_namespaces: Vec<String>,
    random: bool,
    derive: bool,
}

/// What `probe` answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// Not mine.
    No,
    /// Perhaps.
    Maybe,
    /// Mine.
    Yes,
}

impl Importer {
    /// Loads a component. `name` is for messages.
    ///
    /// # Errors
    /// When it is not a component of the importer world, or cannot describe itself.
    pub fn load(sandbox: Arc<Sandbox>, name: &str, bytes: &[u8]) -> Result<Self, EngineError> {
        let fail = |reason| EngineError::Load {
            name: name.to_owned(),
            reason,
        };
        let component = component::compile(sandbox.engine(), bytes).map_err(fail)?;
        let pre = sandbox
            .linker()
            .instantiate_pre(&component)
            .and_then(ImporterPre::new)
            .map_err(|error| fail(LoadFault::world(&error)))?;
        let described = describe(&sandbox, &pre).map_err(|source| EngineError::Describe {
            name: name.to_owned(),
            source,
        })?;
        let needs = described.needs;
        Ok(Self {
            identity: ImporterIdentity {
                name: described.name,
                version: described.version,
                digest: ContentDigest::sha256(bytes),
                wit: WIT_VERSION.to_owned(),
            },
            media_types: described
                .media_types
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
            fact_namespaces: described.fact_namespaces,
            random: needs.contains(plugin::Access::RANDOM),
            derive: needs.contains(plugin::Access::DERIVE),
            sandbox,
            pre,
        })
    }

    /// Media types it claims.
    #[must_use]
    pub fn media_types(&self) -> &[MediaType] {
        &self.media_types
    }

    /// Asks whether a blob is its own. `head` is cut to what a probe may see.
    ///
    /// # Errors
    /// When it traps or spends its budget.
    pub fn probe(&self, offer: &Offer, head: &[u8]) -> Result<Probe, Fault> {
        let mut store = self.sandbox.store(PREPARATION_FUEL, None);
        let head = &head[..head.len().min(PROBE_HEAD)];
        let result = self.pre.instantiate(&mut store).and_then(|world| {
            world
                .lazaret_importer_plugin()
                .call_probe(&mut store, &convert_offer(offer), head)
        });
        match result {
            Ok(plugin::Verdict::No) => Ok(Probe::No),
            Ok(plugin::Verdict::Maybe) => Ok(Probe::Maybe),
            Ok(plugin::Verdict::Yes) => Ok(Probe::Yes),
            Err(error) => Err(fault_of(&mut store, &error)),
        }
    }

    fn call(
        &self,
        store: &mut Store<State>,
        offer: &Offer,
    ) -> wasmtime::Result<Result<(), plugin::Failure>> {
        let world: World = self.pre.instantiate(&mut *store)?;
        let blob = self.random.then(|| Resource::<BlobHandle>::new_own(BLOB));
        world.lazaret_importer_plugin().call_ingest(
            &mut *store,
            &convert_offer(offer),
            Resource::<CursorHandle>::new_own(CURSOR),
            blob,
            Resource::<SinkHandle>::new_own(SINK),
        )
    }
}

impl Steer for Importer {
    fn identity(&self) -> &ImporterIdentity {
        &self.identity
    }

    fn needs_random(&self) -> bool {
        self.random
    }

    fn fact_namespaces(&self) -> &[String] {
        &self.fact_namespaces
    }

    fn ingest(&self, offer: &Offer, session: Box<dyn Session>) -> Run {
        let budget = self.sandbox.budget();
        let fuel = offer.fuel(budget.fuel);
        let mut steering = Steering::new(session, offer, budget);
        steering.grant(self.random, self.derive);
        let mut store = self.sandbox.store(fuel, Some(steering));
        let called = self.call(&mut store, offer);
        let used = fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let ended = match called {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(ended_by(failure)),
            Err(error) => Some(match store.data_mut().stop.take() {
                Some(Stop::Session(error)) => Ended::Session(error),
                Some(Stop::Fault(fault)) => Ended::Fault(fault),
                None => Ended::Fault(fault_of(&mut store, &error)),
            }),
        };
        let mut steering = store
            .into_data()
            .steering
            .expect("given to the store above and never taken");
        let result = match ended {
            Some(ended) => Err(ended),
            None => finish(&mut steering, used),
        };
        Run {
            fuel: used.saturating_add(steering.work()),
            session: steering.into_session(),
            result,
        }
    }
}

fn finish(steering: &mut Steering, fuel: u64) -> Result<Report, Ended> {
    match steering.finish() {
        Ok(report) => Ok(Report {
            fuel: report.fuel.saturating_add(fuel),
            ..report
        }),
        Err(Stop::Fault(fault)) => Err(Ended::Fault(fault)),
        Err(Stop::Session(error)) => Err(Ended::Session(error)),
    }
}

fn ended_by(failure: plugin::Failure) -> Ended {
    let fault = |kind, fault: plugin::Fault| {
        let made = Fault::new(kind, &fault.reason);
        Ended::Fault(match fault.at {
            Some(range) => made.at(range.offset, range.length),
            None => made,
        })
    };
    match failure {
        plugin::Failure::Declined(reason) => {
            Ended::Declined(Fault::new(FaultKind::Unsupported, reason).reason)
        }
        plugin::Failure::Malformed(source) => fault(FaultKind::Malformed, source),
        plugin::Failure::Unsupported(source) => fault(FaultKind::Unsupported, source),
    }
}

fn describe(sandbox: &Sandbox, pre: &ImporterPre<State>) -> Result<plugin::Descriptor, Fault> {
    let mut store = sandbox.store(PREPARATION_FUEL, None);
    let described = pre
        .instantiate(&mut store)
        .and_then(|world| world.lazaret_importer_plugin().call_describe(&mut store))
        .map_err(|error| fault_of(&mut store, &error))?;
    let name_like = |text: &str| {
        !text.is_empty()
            && text.len() <= MAX_KEY_LENGTH
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !name_like(&described.name) || !name_like(&described.version) {
        return Err(Fault::new(
            FaultKind::Argument,
            "name and version must be short printable ASCII",
        ));
    }
    if described.media_types.len() > MAX_MEDIA_TYPES
        || described.fact_namespaces.len() > MAX_NAMESPACES
    {
        return Err(Fault::new(
            FaultKind::Output,
            "too many media types or namespaces",
        ));
    }
    if let Some(bad) = described
        .media_types
        .iter()
        .find(|text| text.parse::<MediaType>().is_err())
    {
        return Err(Fault::new(
            FaultKind::Argument,
            format!("media type {bad:?}"),
        ));
    }
    if let Some(bad) = described
        .fact_namespaces
        .iter()
        .find(|text| !name_like(text))
    {
        return Err(Fault::new(
            FaultKind::Argument,
            format!("namespace {bad:?}"),
        ));
    }
    Ok(described)
}

fn convert_offer(offer: &Offer) -> plugin::Offer {
    plugin::Offer {
        media_type: offer.media_type.to_string(),
        artifact_type: offer.artifact_type.as_ref().map(ToString::to_string),
        config_media_type: offer.config_media_type.as_ref().map(ToString::to_string),
        size: offer.size,
        annotations: offer
            .annotations
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        parameters: offer
            .parameters
            .iter()
            .map(|(key, value)| (key.clone(), value.clone().into_bytes()))
            .collect(),
    }
}

/// Sorts what ended a run into the kinds of faults. What the host itself refused is on record;
/// wasmtime's own refusals come as codes, or as texts that the hostile importers pin.
fn fault_of(store: &mut Store<State>, error: &wasmtime::Error) -> Fault {
    let state = store.data_mut();
    if let Some(Stop::Fault(fault)) = state.stop.take() {
        return fault;
    }
    if let Some(fault) = state.limiter.fault.take() {
        return fault;
    }
    let kind = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return Fault::new(FaultKind::Fuel, "all of its own fuel"),
        Some(Trap::Interrupt) => {
            return Fault::new(FaultKind::Stalled, "no call to the host in time");
        }
        Some(_) => FaultKind::Trap,
        None => kind_of(&error.root_cause().to_string()),
    };
    Fault::new(kind, format!("{error:#}"))
}

/// The kind behind a refusal for which wasmtime has no code. Only the beginning of the text is
/// compared, since the rest may be the importer's.
fn kind_of(text: &str) -> FaultKind {
    const KINDS: [(&str, FaultKind); 5] = [
        (
            "cannot allocate another handle: store handle limit",
            FaultKind::Handles,
        ),
        (
            "cannot lend resource: store handle limit",
            FaultKind::Handles,
        ),
        (
            "too much data is being copied between the host and the guest",
            FaultKind::Output,
        ),
        ("resource limit exceeded: table", FaultKind::Table),
        // Memories, and instances: each takes memory of the host's.
        ("resource limit exceeded:", FaultKind::Memory),
    ];
    KINDS
        .iter()
        .find(|(start, _)| text.starts_with(start))
        .map_or(FaultKind::Trap, |(_, kind)| *kind)
}
