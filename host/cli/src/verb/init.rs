//! `lazaret init`

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::VerityAlgorithm;
use lazaret_store::{Repository, VerityPolicy};
use serde::Serialize;

use crate::exit::Code;
use crate::global::Global;
use crate::output::{Output, clean};

/// The algorithm of new repositories, which is also `cfsctl`'s.
pub const DEFAULT_ALGORITHM: VerityAlgorithm = VerityAlgorithm::Sha512;

/// Make a repository
///
/// Uses fs-verity where the filesystem has it. Does nothing when there is one already with the same
/// settings.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Init {
    /// How objects are named: fsverity-sha512-12 or fsverity-sha256-12
    #[arg(long, value_name = "NAME", default_value_t = DEFAULT_ALGORITHM)]
    algorithm: VerityAlgorithm,

    /// Do without fs-verity even if the filesystem has it
    #[arg(long)]
    insecure: bool,
}

const JSON: &str = "JSON: path, algorithm, verity (\"required\" or \"insecure\").";

const INSECURE: &str = "insecure (without fs-verity)";

/// What there is to say of a repository's settings.
#[derive(Debug, Serialize)]
pub struct Settings {
    path: String,
    algorithm: &'static str,
    verity: &'static str,
}

impl Init {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let path = global.path()?;
        let policy = match self.insecure {
            true => VerityPolicy::Insecure,
            false => VerityPolicy::Auto,
        };
        let repository = Repository::init(&path, self.algorithm, policy)
            .with_context(|| format!("making a repository at {path:?}"))?;
        let settings = Settings::of(&repository);
        let mut output = Output::new();
        match global.json {
            true => output.document(&settings)?,
            false => output.line(settings.sentence())?,
        }
        output.finish()?;
        Ok(Code::Done)
    }
}

impl Settings {
    /// Those of `repository`.
    pub fn of(repository: &Repository) -> Self {
        Self {
            path: repository.path().display().to_string(),
            algorithm: repository.algorithm().name(),
            verity: match repository.is_verity_required() {
                true => "required",
                false => "insecure",
            },
        }
    }

    /// For people, one below the other.
    pub fn lines(&self) -> [(&'static str, String); 3] {
        let verity = match self.verity {
            "required" => "every object is sealed by fs-verity",
            _ => "insecure (without fs-verity; digests are computed in user space)",
        };
        [
            ("Path", self.path.clone()),
            ("Algorithm", self.algorithm.to_owned()),
            ("Verity", verity.to_owned()),
        ]
    }

    /// For people, in a line.
    pub fn sentence(&self) -> String {
        let verity = match self.verity {
            "required" => "sealed by fs-verity",
            _ => INSECURE,
        };
        format!("{}: {}, {verity}", clean(&self.path), self.algorithm)
    }
}
