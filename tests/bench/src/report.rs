//! The findings as Markdown, and where they are kept.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::measure::{Cost, medians};

/// Names in the marks of the section that `all` writes.
const MEASURED: &str = "measured";

/// Lines of Markdown being collected.
#[derive(Default)]
pub struct Report(String);

impl Report {
    /// Adds a line and prints it.
    pub fn line(&mut self, text: &str) {
        println!("{text}");
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// Adds a row that compares two sets of costs. `targets` are the ratios of wall and processor
    /// time that are wanted.
    pub fn pair(&mut self, what: &str, ours: &[Cost], theirs: &[Cost], targets: [Option<f64>; 2]) {
        let (a, b) = (medians(ours), medians(theirs));
        let ratio = |ours: f64, theirs: f64, target: Option<f64>| {
            let value = ours / theirs;
            match target {
                None => format!("{value:.2}"),
                Some(target) if value <= target => format!("**{value:.2}** (≤ {target:.2})"),
                Some(target) => format!("**{value:.2}** (missed: ≤ {target:.2})"),
            }
        };
        self.line(&format!(
            "| {what} | {:.2} s | {:.2} s | {} | {:.2} s | {:.2} s | {} | {:.0} MiB | {:.0} MiB |",
            a.wall,
            b.wall,
            ratio(a.wall, b.wall, targets[0]),
            a.cpu,
            b.cpu,
            ratio(a.cpu, b.cpu, targets[1]),
            a.memory / 1024.0,
            b.memory / 1024.0,
        ));
    }

    /// Puts the lines between the marks of `file`.
    ///
    /// # Errors
    /// When the file cannot be written or has no marks.
    pub fn write(&self, file: &Path) -> Result<()> {
        self.write_between(file, MEASURED)
    }

    /// The same, between other marks: `<!-- name: begin -->` and `<!-- name: end -->`.
    ///
    /// # Errors
    /// When the file cannot be written or has no such marks.
    pub fn write_between(&self, file: &Path, name: &str) -> Result<()> {
        let (begin, end) = (
            format!("<!-- {name}: begin -->"),
            format!("<!-- {name}: end -->"),
        );
        let old = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let (before, rest) = old.split_once(&begin).context("no begin mark")?;
        let (_, after) = rest.split_once(&end).context("no end mark")?;
        Ok(fs::write(
            file,
            format!("{before}{begin}\n{}{end}{after}", self.0),
        )?)
    }
}
