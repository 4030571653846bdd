//! Failures in one line each. A reason names the rule that was broken, in lower case and without
//! a full stop; the host adds the blob and the place.

use crate::{ByteRange, Failure, Fault};

/// Not a blob of this importer's format after all.
#[must_use]
pub fn declined(reason: &str) -> Failure {
    Failure::Declined(reason.to_owned())
}

/// Broken or hostile, at no particular place.
#[must_use]
pub fn malformed(reason: &str) -> Failure {
    Failure::Malformed(Fault {
        at: None,
        reason: reason.to_owned(),
    })
}

/// Broken or hostile in the `length` bytes of the input at `offset`.
#[must_use]
pub fn malformed_at(offset: u64, length: u64, reason: &str) -> Failure {
    Failure::Malformed(fault_at(offset, length, reason))
}

/// Sound, but beyond this version of the importer.
#[must_use]
pub fn unsupported(reason: &str) -> Failure {
    Failure::Unsupported(Fault {
        at: None,
        reason: reason.to_owned(),
    })
}

/// Sound, but beyond this version, in the `length` bytes of the input at `offset`.
#[must_use]
pub fn unsupported_at(offset: u64, length: u64, reason: &str) -> Failure {
    Failure::Unsupported(fault_at(offset, length, reason))
}

fn fault_at(offset: u64, length: u64, reason: &str) -> Fault {
    Fault {
        at: Some(ByteRange { offset, length }),
        reason: reason.to_owned(),
    }
}
