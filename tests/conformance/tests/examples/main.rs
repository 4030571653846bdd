//! The examples of the OCI image specification that crates carry in their tests: each valid one
//! parses, and what is wrong with a malformed one is noticed, by the program too.
//!
//! They are read from the crates' sources where cargo keeps them, so nothing is copied here. An
//! example that appears or goes with another version of a crate fails the test that lists them.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

#[path = "../program/berth.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod berth;
#[path = "../program/program.rs"]
#[expect(dead_code, reason = "shared with the target that uses all of it")]
mod program;

mod malformed;
mod sources;
mod valid;
