//! Who is asked to import a blob or a file in one.

use std::sync::Arc;

use lazaret_artifact::{ContentDigest, MediaType};
use lazaret_engine::{Importer, Offer, Probe, SessionError, Steer};

use crate::options::Importers;

/// What a blob is taken for.
pub(crate) struct Claim {
    /// By what it is offered as.
    pub(crate) offer: Offer,
    /// Who is asked, best first.
    pub(crate) candidates: Vec<Arc<dyn Steer>>,
    /// Whether another type or name of it would have it read by another importer.
    pub(crate) is_disputed: bool,
}

/// Goes through all that a blob is offered as, in order: the first that anybody takes counts. `head` is
/// asked for only if somebody might.
pub(crate) fn claim(
    importers: &Importers,
    offers: Vec<Offer>,
    head: &mut dyn FnMut() -> Result<Vec<u8>, SessionError>,
) -> Result<Option<Claim>, SessionError> {
    let mut chosen: Option<Claim> = None;
    let mut seen: Option<Vec<u8>> = None;
    for offer in offers {
        let is_claimed = match importers {
            Importers::One(_) => true,
            Importers::Registry(_) => !claimants(importers, &offer.media_type).is_empty(),
        };
        if !is_claimed {
            continue;
        }
        let seen = match &seen {
            Some(seen) => seen,
            None => seen.insert(head()?),
        };
        let found = candidates(importers, &offer, seen)?;
        let Some(first) = found.first() else { continue };
        match &mut chosen {
            Some(chosen) => {
                let before = chosen.candidates.iter();
                let mut before = before.map(|importer| importer.identity().digest);
                chosen.is_disputed |= before.next() != Some(first.identity().digest);
            }
            None => {
                chosen = Some(Claim {
                    offer,
                    candidates: found,
                    is_disputed: false,
                });
            }
        }
    }
    Ok(chosen)
}

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
                // It claims the type; what it cannot even look at is not nobody's.
                let identity = importer.identity();
                tracing::warn!(importer = identity.name, %fault, "failed to probe");
                rated.push((Probe::Maybe, importer));
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
        Importers::Registry(registry) => registry.claimants(media_type.essence().as_str()),
    }
}
