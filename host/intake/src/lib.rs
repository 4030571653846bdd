//! One artifact in, told top-down: fetch, verify, decompress, route to an importer, steer, record,
//! commit.
//!
//! Knows no format and prints nothing. A blob flows through three stages that overlap: a reader
//! verifies and decompresses it ([`feed`]), the importer steers it and every byte is hashed and
//! recorded once, in order ([`tape`], [`recorder`]), and a pool hashes and stores objects
//! ([`objects`]). Nothing gets a name until all of the artifact is verified.

mod buffers;
pub mod error;
mod feed;
mod gzip;
mod layer;
pub mod limits;
mod objects;
pub mod options;
pub mod progress;
pub mod pull;
mod recorder;
mod reuse;
mod tape;
pub mod unpack;

pub use error::{BlobFault, IntakeError};
pub use limits::UnpackLimits;
pub use options::{Importers, OnFault, PullOptions};
pub use progress::Event;
pub use pull::{Pulled, PulledLayer, pull};
