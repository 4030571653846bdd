//! Models: what pulling a very large file takes beside copying and hashing it, what reading an index of
//! many tensors takes, and what storing equal tensors once saves, beside whole files, fixed blocks
//! and chunks cut by content.

mod cases;
mod chunks;
mod speed;
mod storage;
mod volume;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::report::Report;
use crate::run::machine;

/// Names in the marks of the section that is written.
const SECTION: &str = "models";

/// How large.
#[derive(clap::Args)]
pub struct Models {
    /// The lazaret binary to measure.
    #[arg(long)]
    lazaret: PathBuf,
    /// A directory on a tmpfs with two and a half times the large file's size free.
    #[arg(long, default_value = "/dev/shm/lazaret-models")]
    directory: PathBuf,
    /// Bytes of the large file's tensors.
    #[arg(long, default_value_t = 4 << 30)]
    bytes: u64,
    /// Runs of each kind, of which the median counts; one more to warm up.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Bytes of each model of which storage is compared.
    #[arg(long, default_value_t = 64 << 20)]
    stored: u64,
    /// Markdown file whose section of findings is replaced.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// Measures everything and prints the findings.
///
/// # Errors
/// When a run fails.
pub fn models(arguments: &Models) -> Result<()> {
    let base = &arguments.directory;
    let _ = fs::remove_dir_all(base);
    fs::create_dir_all(base)?;
    let mut report = Report::default();
    report.line("");
    report.line(&machine());
    speed::large(arguments, &mut report)?;
    speed::many(arguments, &mut report)?;
    storage::storage(arguments, &mut report)?;
    report.line("");
    fs::remove_dir_all(base)?;
    match &arguments.write {
        Some(file) => report.write_between(file, SECTION),
        None => Ok(()),
    }
}

/// The program on one repository.
struct Lazaret<'a> {
    binary: &'a Path,
    repository: PathBuf,
}

impl Lazaret<'_> {
    /// A command line.
    fn command(&self, words: &[&str]) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec![
            self.binary.into(),
            "--repo".into(),
            self.repository.clone().into(),
            "-q".into(),
        ];
        command.extend(words.iter().map(OsString::from));
        command
    }

    /// Makes an empty repository, in place of the one that is there.
    fn fresh(&self) -> Result<()> {
        let _ = fs::remove_dir_all(&self.repository);
        self.run(&["init", "--insecure"]).map(drop)
    }

    /// Runs it; what it printed.
    fn run(&self, words: &[&str]) -> Result<Vec<u8>> {
        let command = self.command(words);
        let output = Command::new(&command[0]).args(&command[1..]).output()?;
        ensure!(
            output.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(output.stdout)
    }

    /// How many objects there are, and bytes of them.
    fn objects(&self) -> Result<(u64, u64)> {
        let info: Value = serde_json::from_slice(&self.run(&["info", "--json"])?)?;
        let number = |name: &str| info[name].as_u64().context("info prints objects");
        Ok((number("objects")?, number("objectBytes")?))
    }
}
