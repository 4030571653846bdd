//! Whole graphs in: indexes, artifacts of every kind, what refers to them, and what becomes of all of
//! it when something is damaged, missing or a lie. The sources are layouts made by hand.
#![expect(clippy::print_stdout, reason = "what is skipped says so")]

mod artifacts;
mod berth;
mod claims;
mod failing;
mod kept;
mod layout;
mod platforms;
mod referrers;
mod reflinked;
mod repair;
