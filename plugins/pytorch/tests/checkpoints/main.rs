//! The importer against files made by hand, by Python, and by torch itself.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test: what is missing or too large fails it"
)]

mod chunks;
mod findings;
mod huge;
mod oracles;
mod pickle;
mod refused;
mod sound;
mod splits;
mod walks;
mod zip;
