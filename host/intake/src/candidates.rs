//! Who is asked to import a blob or a file in one.

use std::sync::Arc;

use lazaret_artifact::{ContentDigest, MediaType};
use lazaret_engine::{Importer, Offer, Probe, SessionError, Steer};

use crate::options::Importers;

/// Who is asked, best first: those that are sure, then those that are not. `head` is what the blob
/// begins with.
pub(crate) fn candidates(
    importers: &Importers,
    offer: &Offer,
    head: &[u8],
) -> Result<Vec<Arc<dyn Steer>>, SessionError> {
    let registry = match importers {
        Importers::One(steer) => return Ok(vec![Arc::clone(steer)]),
        Importers::Registry(registry) => registry,
    };
    let mut rated: Vec<(Probe, Arc<Importer>)> = Vec::new();
    for importer in registry.claiming(&offer.media_type)? {
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

/// Digests of those that claim a media type, sorted; a single parser claims no types.
pub(crate) fn claimants(importers: &Importers, media_type: &MediaType) -> Vec<ContentDigest> {
    match importers {
        Importers::One(_) => Vec::new(),
        Importers::Registry(registry) => registry.claimants(media_type.as_str()),
    }
}
