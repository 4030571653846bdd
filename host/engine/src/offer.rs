//! What an importer is told of a blob before it sees its bytes.

use std::collections::BTreeMap;

use lazaret_artifact::MediaType;

use crate::budget::FuelScale;

/// A blob on offer.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What the blob is declared to be, decompressed.
    pub media_type: MediaType,
    /// Type of the artifact it belongs to.
    pub artifact_type: Option<MediaType>,
    /// Type of that artifact's config.
    pub config_media_type: Option<MediaType>,
    /// Its size, decompressed, where known.
    pub size: Option<u64>,
    /// Its size as it travels; fuel is measured by it.
    pub travelling_size: u64,
    /// Annotations of its descriptor.
    pub annotations: BTreeMap<String, String>,
    /// The operator's parameters.
    pub parameters: BTreeMap<String, String>,
    /// What may pass.
    pub policy: Policy,
    /// Namespaces the operator granted for facts.
    pub fact_namespaces: Vec<String>,
    /// At most so much fuel, for the importer's own instructions and again for the host's work; none
    /// gives what the size is worth. A file inside a blob must not have a whole blob's purse each.
    pub fuel: Option<u64>,
}

impl Offer {
    /// The fuel of a run over this blob, of which the importer and the host each have as much.
    pub(crate) fn fuel(&self, scale: FuelScale) -> u64 {
        let by_size = scale.for_size(self.travelling_size);
        self.fuel.map_or(by_size, |most| by_size.min(most))
    }
}

/// Which privileged metadata may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Character and block devices.
    pub devices: bool,
    /// Set-user-id and set-group-id bits.
    pub set_id: bool,
    /// Extended attributes in `security.` and `trusted.`.
    pub privileged_xattrs: bool,
    /// A path may come again, and the last one counts.
    pub duplicate_paths: bool,
}

impl Policy {
    /// For container layers: a root file system needs all of it.
    pub const LAYER: Self = Self {
        devices: true,
        set_id: true,
        privileged_xattrs: true,
        duplicate_paths: true,
    };

    /// For anything else.
    pub const STRICT: Self = Self {
        devices: false,
        set_id: false,
        privileged_xattrs: false,
        duplicate_paths: false,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purse_is_at_most_what_the_size_is_worth() {
        let scale = FuelScale {
            base: 100,
            per_byte: 2,
        };
        for (fuel, expected) in [(None, 120), (Some(50), 50), (Some(500), 120)] {
            let offer = Offer {
                media_type: "a/b".parse().expect("a media type"),
                artifact_type: None,
                config_media_type: None,
                size: None,
                travelling_size: 10,
                annotations: BTreeMap::new(),
                parameters: BTreeMap::new(),
                policy: Policy::STRICT,
                fact_namespaces: Vec::new(),
                fuel,
            };
            assert_eq!(offer.fuel(scale), expected);
        }
    }
}
