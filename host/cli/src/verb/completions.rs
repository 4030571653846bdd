//! `lazaret completions`

use clap::Args;
use clap_complete::Shell;

use crate::arguments;
use crate::exit::Code;
use crate::global::Global;
use crate::output::Output;

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(self, _: &Global) -> anyhow::Result<Code> {
        // The generator panics when it cannot write, as when the pipe is closed.
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut arguments::command(),
            "lazaret",
            &mut script,
        );
        let mut output = Output::new();
        output.bytes(&script)?;
        output.finish()?;
        Ok(Code::Done)
    }
}
