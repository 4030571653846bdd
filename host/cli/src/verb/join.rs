//! `lazaret join`

use clap::Args;

use crate::exit::Code;
use crate::global::Global;
use crate::verb::parse_name;
use crate::verb::restage::{JSON, Restage};

/// Store the files of a model that was split whole again, so that they can be mounted
///
/// Nothing is fetched, and no digest changes. What the pieces took and nothing else has is free after
/// `lazaret gc`. Prints the digest of what NAME names.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Join {
    /// A tag, or @sha256:…
    name: String,

    #[command(flatten)]
    restage: Restage,
}

impl Join {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        self.restage.run(global, &name, None)
    }
}
