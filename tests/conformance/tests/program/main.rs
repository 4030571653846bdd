//! The real `lazaret` program from end to end: what it takes in and gives back, what it refuses,
//! what it survives, and whether other programs agree with it.
//!
//! Every test has a directory of its own and uses no network. What needs an outside program prints
//! `skipped: …` and passes where that is missing, and fails where `CI` is `true`. The program under
//! test is the one cargo built beside this test; see [`program`].

#![expect(clippy::unwrap_used, reason = "all of this is tests")]
#![expect(
    clippy::print_stdout,
    reason = "seen when a test fails, or when asked for"
)]

mod berth;
mod chance;
mod goods;
mod image;
mod layout;
mod objects;
mod program;
mod tools;
mod walk;

mod cfsctl;
mod choosing;
mod corruption;
mod damage;
mod disk;
mod flipped;
mod json;
mod killed;
mod layouts;
mod naming;
mod reuse;
mod signals;
mod together;
