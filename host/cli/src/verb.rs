//! The verbs, one file each: what they are called with, which library does it, how the answer is
//! printed.

pub mod cat;
pub mod completions;
pub mod export;
pub mod fsck;
pub mod images;
pub mod info;
pub mod init;
pub mod inspect;
pub mod ls;
pub mod man;
pub mod pull;
pub mod tag;
pub mod untag;

use lazaret_graph::Name;

/// Words that make no sense together, which clap cannot tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misuse(pub &'static str);

/// A NAME on the command line.
fn parse_name(text: &str) -> anyhow::Result<Name> {
    Ok(text.parse()?)
}
