//! Which importer is asked about which media type.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use lazaret_artifact::MediaType;
use lazaret_artifact::digest::ContentDigest;

use crate::budget::Budget;
use crate::error::{EngineError, LoadFault};
use crate::importer::Importer;
use crate::sandbox::{Sandbox, SandboxOptions};

/// A component that comes with the program. Its media types are known without running it, so that
/// nothing is compiled that is not used.
#[derive(Debug, Clone, Copy)]
pub struct Builtin {
    /// Name for messages.
    pub name: &'static str,
    /// The component.
    pub component: &'static [u8],
    /// What it claims; its own `describe` must agree.
    pub media_types: &'static [&'static str],
}

/// All importers. The sandbox and each importer are made when first wanted.
pub struct Registry {
    options: SandboxOptions,
    sandbox: OnceLock<Arc<Sandbox>>,
    builtins: Vec<Slot>,
}

struct Slot {
    builtin: Builtin,
    digest: OnceLock<ContentDigest>,
    importer: OnceLock<Arc<Importer>>,
    /// Held while compiling: two layers at once must not both pay for it.
    loading: Mutex<()>,
}

impl Registry {
    /// Importers that come with the program.
    #[must_use]
    pub fn new(options: SandboxOptions, builtins: &[Builtin]) -> Self {
        Self {
            options,
            sandbox: OnceLock::new(),
            builtins: builtins
                .iter()
                .map(|builtin| Slot {
                    builtin: *builtin,
                    digest: OnceLock::new(),
                    importer: OnceLock::new(),
                    loading: Mutex::new(()),
                })
                .collect(),
        }
    }

    /// Name and digest of each importer, without compiling anything.
    pub fn list(
        &self,
    ) -> impl Iterator<Item = (&'static str, ContentDigest, &'static [&'static str])> {
        self.builtins.iter().map(|slot| {
            let digest = slot
                .digest
                .get_or_init(|| ContentDigest::sha256(slot.builtin.component));
            (slot.builtin.name, *digest, slot.builtin.media_types)
        })
    }

    /// What each run may use.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.options.budget
    }

    /// The importers that claim `media_type`, in the order they are asked.
    ///
    /// # Errors
    /// When one of them cannot be loaded.
    pub fn claiming(&self, media_type: &MediaType) -> Result<Vec<Arc<Importer>>, EngineError> {
        self.builtins
            .iter()
            .filter(|slot| slot.builtin.media_types.contains(&media_type.as_str()))
            .map(|slot| self.load(slot))
            .collect()
    }

    /// Digests of the importers that claim `media_type`, sorted, without compiling any. Empty when
    /// nobody does. What is recorded of it says whether a later program would ask somebody else.
    #[must_use]
    pub fn claimants(&self, media_type: &str) -> Vec<ContentDigest> {
        let mut digests: Vec<_> = self
            .list()
            .filter(|(_, _, claimed)| claimed.contains(&media_type))
            .map(|(_, digest, _)| digest)
            .collect();
        digests.sort_unstable();
        digests
    }

    fn load(&self, slot: &Slot) -> Result<Arc<Importer>, EngineError> {
        if let Some(importer) = slot.importer.get() {
            return Ok(Arc::clone(importer));
        }
        let _loading = slot.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(importer) = slot.importer.get() {
            return Ok(Arc::clone(importer));
        }
        let sandbox = self.sandbox()?;
        let builtin = &slot.builtin;
        let importer = Importer::load(sandbox, builtin.name, builtin.component)?;
        let declared = importer.media_types().iter().map(MediaType::as_str);
        if !declared.eq(builtin.media_types.iter().copied()) {
            return Err(EngineError::Load {
                name: builtin.name.to_owned(),
                reason: LoadFault::Invalid(
                    "it claims other media types than it was registered for".to_owned(),
                ),
            });
        }
        Ok(Arc::clone(slot.importer.get_or_init(|| Arc::new(importer))))
    }

    fn sandbox(&self) -> Result<Arc<Sandbox>, EngineError> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(Arc::clone(sandbox));
        }
        let made = Arc::new(Sandbox::new(self.options.clone())?);
        Ok(Arc::clone(self.sandbox.get_or_init(|| made)))
    }
}
