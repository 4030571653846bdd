//! `lazaret tag`

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::Tag as TagName;
use lazaret_store::Access;

use crate::exit::Code;
use crate::global::Global;
use crate::verb::parse_name;

/// Give an image another name
///
/// A tag that is there moves.
#[derive(Debug, Args)]
pub struct Tag {
    /// A tag, or @sha256:…
    name: String,

    /// The new tag
    new: TagName,
}

impl Tag {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let repository = global.open(Access::Write)?;
        lazaret_graph::tag(&repository, &name, &self.new)
            .with_context(|| format!("tagging {name} as {}", self.new))?;
        Ok(Code::Done)
    }
}
