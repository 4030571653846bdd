//! `lazaret split`

use clap::{Args, ValueEnum};
use lazaret_intake::Split as By;

use crate::exit::Code;
use crate::global::Global;
use crate::verb::parse_name;
use crate::verb::restage::{JSON, Restage};

/// Store each tensor of a model as an object of its own, so that equal ones are stored once
///
/// Nothing is fetched, and no digest changes: files are rebuilt bit for bit from their pieces. What
/// the whole files took is free after `lazaret gc`. Layers of container images stay as they are, since
/// cfsctl reads those. Prints the digest of what NAME names.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Split {
    /// A tag, or @sha256:…
    name: String,

    /// What becomes an object
    #[arg(long, value_name = "tensors", value_enum, default_value_t)]
    #[arg(hide_possible_values = true)]
    by: Pieces,

    #[command(flatten)]
    restage: Restage,
}

/// [`By`] as a word.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Pieces {
    /// Each tensor of a model.
    #[default]
    Tensors,
}

impl Pieces {
    /// For the library.
    pub const fn split(self) -> By {
        match self {
            Self::Tensors => By::Tensors,
        }
    }
}

impl Split {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        self.restage.run(global, &name, Some(self.by.split()))
    }
}
