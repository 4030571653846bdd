//! Repositories that are made by hand, pushed to layouts, archives and registries, and compared
//! with what went into them, byte by byte.

#![expect(clippy::unwrap_used, reason = "all of this directory is tests")]

mod documents;
mod fixture;
mod layouts;
mod lost;
mod recompress;
mod referrers;
mod registry;
mod shelf;
mod tools;
