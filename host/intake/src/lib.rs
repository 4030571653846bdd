//! A graph of artifacts in, told top-down: resolve, find referrers, plan, fetch, verify, decompress,
//! route to an importer, steer, record, commit.
//!
//! Knows no format and prints nothing. All documents are known before the first blob is fetched,
//! and every blob is fetched once. A blob flows through three stages that overlap: a reader
//! verifies and decompresses it ([`feed`]), the importer steers it and every byte is hashed and
//! recorded once, in order ([`tape`], [`recorder`]), and a pool hashes and stores objects
//! ([`objects`]). Nothing gets a name until all of the graph is verified.

mod buffers;
mod candidates;
mod commit;
mod contents;
mod crew;
mod cuts;
mod desk;
mod documents;
mod elsewhere;
pub mod error;
mod feed;
mod fetch;
mod findings;
mod gzip;
mod handover;
mod keep;
mod layer;
pub mod limits;
mod lines;
mod objects;
mod opened;
pub mod options;
mod pieces;
mod plan;
pub mod progress;
pub mod pull;
pub mod pulled;
mod reads;
mod recorder;
pub mod referrers;
pub mod restage;
mod reuse;
mod settle;
mod sheet;
mod tape;
mod task;
pub mod unpack;

pub use error::{BlobFault, IntakeError};
pub use limits::UnpackLimits;
pub use options::{Importers, OnFault, Policy, PullOptions, Split};
pub use progress::Event;
pub use pull::pull;
pub use pulled::{Pulled, PulledLayer, PulledManifest};
pub use recorder::ObjectCounts;
pub use referrers::PulledReferrer;
pub use restage::restage;
