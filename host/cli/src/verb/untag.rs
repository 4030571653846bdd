//! `lazaret untag`

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::Tag;
use lazaret_store::Access;

use crate::exit::Code;
use crate::global::Global;

/// Take a tag away
///
/// What it named stays in the repository, and can still be named by its digest, until `lazaret gc`
/// deletes what no tag leads to.
#[derive(Debug, Args)]
pub struct Untag {
    /// The tag
    name: Tag,
}

impl Untag {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let repository = global.open(Access::Write)?;
        lazaret_graph::untag(&repository, &self.name)
            .with_context(|| format!("untagging {}", self.name))?;
        Ok(Code::Done)
    }
}
