//! `lazaret man`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::arguments;
use crate::exit::Code;
use crate::global::Global;

/// Write the manual pages into a directory
#[derive(Debug, Args)]
pub struct Man {
    /// The directory, which is made if there is none
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Man {
    /// Runs it.
    pub fn run(self, _: &Global) -> anyhow::Result<Code> {
        let directory = &self.directory;
        std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(arguments::command(), directory))
            .with_context(|| format!("writing manual pages into {directory:?}"))?;
        Ok(Code::Done)
    }
}
