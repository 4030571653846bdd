//! Repositories written through this crate, looked at through it and through `cfsctl`.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

mod cfsctl;
mod commit;
mod contents;
mod fixture;
mod fsck;
mod fsck_graph;
mod gc;
mod images;
mod indexes;
mod rebuild;
mod records;
mod referrers;
mod sharing;
