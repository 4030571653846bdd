//! Options that every verb has, and what follows from them.

use std::env;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, ValueEnum};
use lazaret_store::{Access, Repository};

use crate::place;

/// What holds for every verb.
#[derive(Debug, Args)]
pub struct Global {
    /// The repository [default: /var/lib/lazaret for root, else $XDG_DATA_HOME/lazaret]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "LAZARET_REPO",
        hide_env_values = true
    )]
    pub repo: Option<PathBuf>,

    /// Print one JSON document, or one a line for lists; sizes in bytes, times in RFC 3339
    #[arg(long, global = true)]
    pub json: bool,

    /// Say what is being done; twice for decisions, three times for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Print results and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        global = true,
        value_name = "auto|always|never",
        default_value_t,
        value_enum
    )]
    #[arg(hide_possible_values = true)]
    pub color: When,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// There is nothing where the repository should be.
#[derive(Debug, thiserror::Error)]
#[error("there is no repository at {path:?}")]
pub struct NoRepository {
    path: PathBuf,
}

impl Global {
    /// Where the repository is or would be.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        match &self.repo {
            Some(path) => Ok(path.clone()),
            None => Ok(place::repository(&place::Surroundings::of_process())?),
        }
    }

    /// Opens the repository, which must be there.
    pub fn open(&self, access: Access) -> anyhow::Result<Repository> {
        let path = self.path()?;
        if is_absent(&path) {
            return Err(NoRepository { path }.into());
        }
        Ok(Repository::open(&path, access)?)
    }
}

impl When {
    /// As on the command line.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_str(text, false).ok()
    }

    /// Whether to colour a stream that is a terminal or not.
    pub fn applies(self, is_terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // https://no-color.org: present and not empty.
            Self::Auto => {
                is_terminal
                    && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && env::var_os("TERM").is_none_or(|value| value != "dumb")
            }
        }
    }
}

/// Whether nothing is at `path`, or an empty directory.
pub fn is_absent(path: &Path) -> bool {
    match path.read_dir() {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
