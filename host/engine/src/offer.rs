//! What an importer is told of a blob before it sees its bytes.

use std::collections::BTreeMap;

use lazaret_artifact::MediaType;

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
