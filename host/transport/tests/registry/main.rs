//! Registries, read and written: one that misbehaves as told, and Debian's.

#![expect(clippy::unwrap_used, reason = "all of this file is tests")]

mod authority;
mod distribution;
mod fixture;
mod lists;
mod reading;
mod refusals;
mod resumed;
mod writing;
