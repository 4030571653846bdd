//! The command line as a whole: global options, and one variant a verb.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::Code;
use crate::global::{Global, When};
use crate::verb;

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the input was refused (digest, format, limit);
4 policy said no; 5 not found; 6 damage found; 130 or 143 interrupted.";

/// Columns of help texts at the most; longer lines are hard to read.
const HELP_WIDTH: usize = 100;

/// Imports OCI content of any media type into a content-addressed store.
///
/// A NAME is a tag, or @sha256:… for the digest of a manifest or index; where an image is wanted,
/// an index stands for its image for this machine. A SOURCE or DEST is oci:DIR[:TAG][@DIGEST], an
/// OCI layout directory; oci-archive:FILE[:TAG][@DIGEST], a tar archive of one; or
/// docker://HOST/NAME[:TAG][@DIGEST], a repository in a registry.
#[derive(Debug, Parser)]
#[command(
    name = "lazaret",
    version,
    after_help = EXIT_CODES,
    max_term_width = HELP_WIDTH,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    next_help_heading = "Global options",
)]
pub struct Arguments {
    /// What holds for every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
#[command(next_help_heading = None)]
pub enum Command {
    Init(verb::init::Init),
    Pull(verb::pull::Pull),
    Push(verb::push::Push),
    Images(verb::images::Images),
    Inspect(verb::inspect::Inspect),
    Ls(verb::ls::Ls),
    Parts(verb::parts::Parts),
    Facts(verb::facts::Facts),
    Diff(verb::diff::Diff),
    Cat(verb::cat::Cat),
    Export(verb::export::Export),
    Split(verb::split::Split),
    Join(verb::join::Join),
    Tag(verb::tag::Tag),
    Untag(verb::untag::Untag),
    Referrers(verb::referrers::Referrers),
    Info(verb::info::Info),
    Gc(verb::gc::Gc),
    Fsck(verb::fsck::Fsck),
    Completions(verb::completions::Completions),
    Man(verb::man::Man),
}

impl Command {
    /// Runs the verb.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        match self {
            Self::Init(verb) => verb.run(global),
            Self::Pull(verb) => verb.run(global),
            Self::Push(verb) => verb.run(global),
            Self::Images(verb) => verb.run(global),
            Self::Inspect(verb) => verb.run(global),
            Self::Ls(verb) => verb.run(global),
            Self::Parts(verb) => verb.run(global),
            Self::Facts(verb) => verb.run(global),
            Self::Diff(verb) => verb.run(global),
            Self::Cat(verb) => verb.run(global),
            Self::Export(verb) => verb.run(global),
            Self::Split(verb) => verb.run(global),
            Self::Join(verb) => verb.run(global),
            Self::Tag(verb) => verb.run(global),
            Self::Untag(verb) => verb.run(global),
            Self::Referrers(verb) => verb.run(global),
            Self::Info(verb) => verb.run(global),
            Self::Gc(verb) => verb.run(global),
            Self::Fsck(verb) => verb.run(global),
            Self::Completions(verb) => verb.run(global),
            Self::Man(verb) => verb.run(global),
        }
    }
}

/// Parses the process's arguments; ends it after `--help`, `--version` or wrong usage.
pub fn parse() -> Arguments {
    let matches = command().get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The description of the command line, for parsing, completions and man pages.
pub fn command() -> clap::Command {
    let styles = Styles::styled()
        .header(AnsiColor::Green.on_default().bold())
        .usage(AnsiColor::Green.on_default().bold())
        .literal(AnsiColor::Cyan.on_default().bold())
        .placeholder(AnsiColor::Cyan.on_default());
    Arguments::command().styles(styles).color(help_color())
}

/// Help and usage errors are printed while arguments are parsed, so `--color` is looked up first.
fn help_color() -> ColorChoice {
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let Some(argument) = argument.to_str() else {
            continue;
        };
        let value = match argument.strip_prefix("--color") {
            Some("") => arguments.next().and_then(|value| value.into_string().ok()),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => continue,
        };
        match value.as_deref().map(When::parse) {
            Some(Some(When::Always)) => return ColorChoice::Always,
            Some(Some(When::Never)) => return ColorChoice::Never,
            _ => {}
        }
    }
    ColorChoice::Auto
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
