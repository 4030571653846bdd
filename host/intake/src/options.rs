//! How to pull.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lazaret_artifact::Tag;
use lazaret_engine::budget::{Budget, FuelScale};
use lazaret_engine::{Registry, Steer};
use lazaret_transport::{RegistryOptions, Selection};

use crate::limits::UnpackLimits;

/// What the caller wants of a pull.
#[derive(Clone)]
pub struct PullOptions {
    /// Tags to give; none means the source's own name.
    pub tags: Vec<Tag>,
    /// What of an index to take.
    pub selection: Selection,
    /// Whether what refers to it comes along: signatures, attestations, lists of contents.
    pub referrers: bool,
    /// Whether compressed layers are kept as they travelled, too, so that they can be pushed bit for
    /// bit.
    pub keep_compressed: bool,
    /// How to talk to registries. Its `cancel` is not looked at; [`Self::cancel`] is.
    pub registry: RegistryOptions,
    /// What to do with a layer its importer fails on.
    pub on_fault: OnFault,
    /// Limits on what comes in.
    pub limits: UnpackLimits,
    /// Read every layer, new or not, back from the repository and compare digests once more before
    /// it gets a name; what is damaged is stored anew. Without it a layer that was there is read only
    /// where the file system says that something changed since
    /// ([`lazaret_store::Repository::examine_stream`]).
    pub verify_stored: bool,
    /// The operator's parameters for importers.
    pub parameters: BTreeMap<String, String>,
    /// How to cut what importers can cut further; none leaves what is there as it is, and keeps
    /// whole what is new.
    pub split: Option<Split>,
    /// What to do with what importers find fault with.
    pub policy: Policy,
    /// Layers and objects handled at once; none means one for each core.
    pub jobs: Option<NonZeroUsize>,
    /// Set from outside to stop.
    pub cancel: Arc<AtomicBool>,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self {
            tags: Vec::new(),
            selection: Selection::default(),
            referrers: false,
            keep_compressed: false,
            registry: RegistryOptions::default(),
            on_fault: OnFault::Refuse,
            limits: UnpackLimits::default(),
            verify_stored: false,
            parameters: BTreeMap::new(),
            split: None,
            policy: Policy::Store,
            jobs: None,
            cancel: Arc::new(AtomicBool::new(false)),
        }
    }
}

/// What becomes of a container layer that its importer fails on. Any other blob is kept whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFault {
    /// Refuse the image.
    #[default]
    Refuse,
    /// Keep the layer as one object; it has no entries.
    Opaque,
}

/// Into what files are cut, so that equal pieces are stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Each tensor of a model.
    Tensors,
}

impl Split {
    /// The parameter that importers are told of it by.
    pub const PARAMETER: &'static str = "split";

    /// Its value.
    #[must_use]
    pub const fn value(self) -> &'static str {
        match self {
            Self::Tensors => "tensors",
        }
    }
}

/// What becomes of a blob that its importer fails on, or finds dangerous; of a layer that fails,
/// [`OnFault`] decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// It is kept, and the verdict with it.
    #[default]
    Store,
    /// It is refused, and nothing gets a name.
    Strict,
}

/// Who parses.
#[derive(Clone)]
pub enum Importers {
    /// Importers in the sandbox, by media type.
    Registry(Arc<Registry>),
    /// One parser for every layer, for measurements.
    One(Arc<dyn Steer>),
}

impl Importers {
    /// What a run may use, by the size of what it reads.
    pub(crate) fn fuel(&self) -> FuelScale {
        match self {
            Self::Registry(registry) => registry.budget().fuel,
            Self::One(_) => Budget::default().fuel,
        }
    }
}
