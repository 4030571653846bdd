//! Who is asked to import a blob, and what they are told of it.

use std::sync::Arc;

use lazaret_artifact::Compression;
use lazaret_engine::{Importer, Offer, Policy, Probe, Session as _, Steer};

use crate::error::{BlobFault, IntakeError};
use crate::layer::{Desk, session_fault};
use crate::options::Importers;
use crate::plan::{Kind, Wanted};
use crate::tape::Tape;

/// Bytes of a blob an importer may see before it decides whether to take it.
const PROBE_HEAD: usize = lazaret_engine::budget::PROBE_HEAD;

impl Desk<'_> {
    /// Who is asked, best first: those that are sure, then those that are not.
    pub(crate) fn candidates(
        &self,
        offer: &Offer,
        tape: &mut Tape,
    ) -> Result<Vec<Arc<dyn Steer>>, BlobFault> {
        let registry = match self.importers {
            Importers::One(steer) => return Ok(vec![Arc::clone(steer)]),
            Importers::Registry(registry) => registry,
        };
        let claiming = registry
            .claiming(&offer.media_type)
            .map_err(|error| BlobFault::Host(Box::new(IntakeError::Engine(error))))?;
        if claiming.is_empty() {
            return Ok(Vec::new());
        }
        let head = tape.peek(PROBE_HEAD).map_err(session_fault)?;
        let mut rated: Vec<(Probe, Arc<Importer>)> = Vec::new();
        for importer in claiming {
            match importer.probe(offer, head) {
                Ok(Probe::No) => {}
                Ok(answer) => rated.push((answer, importer)),
                Err(fault) => {
                    let identity = importer.identity();
                    tracing::warn!(importer = identity.name, %fault, "failed to probe");
                }
            }
        }
        rated.sort_by_key(|(answer, _)| std::cmp::Reverse(*answer));
        Ok(rated
            .into_iter()
            .map(|(_, importer)| importer as Arc<dyn Steer>)
            .collect())
    }

    pub(crate) fn offer(&self, wanted: &Wanted) -> Offer {
        let is_layer = matches!(wanted.kind, Kind::Layer { .. });
        Offer {
            media_type: wanted.offered_as(),
            artifact_type: wanted.setting.artifact_type.clone(),
            config_media_type: Some(wanted.setting.config_media_type.clone()),
            size: (wanted.compression() == Compression::None).then_some(wanted.descriptor.size),
            travelling_size: wanted.descriptor.size,
            annotations: wanted.descriptor.annotations.clone(),
            parameters: self.options.parameters.clone(),
            policy: if is_layer {
                Policy::LAYER
            } else {
                Policy::STRICT
            },
            fact_namespaces: Vec::new(),
            fuel: None,
        }
    }
}
