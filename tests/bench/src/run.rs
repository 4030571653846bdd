//! The measurements, in order.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lazaret_layouts::Compression;

use crate::All;
use crate::layouts;
use crate::measure::{Cost, measure, medians, pairs};
use crate::report::Report;

/// Runs everything.
///
/// # Errors
/// When a run fails.
pub fn all(arguments: &All) -> Result<()> {
    let base = &arguments.directory;
    let _ = fs::remove_dir_all(base);
    fs::create_dir_all(base)?;
    eprintln!("packing layouts in {}", base.display());
    let layouts = layouts::make(base, arguments.bytes)?;
    let mut report = Report::default();
    report.line("");
    report.line(&machine());
    report.line("");
    report.line(&format!(
        "The image: {} files, {:.0} MB, two layers; {} pairs each, one more to warm up; medians.",
        layouts.files,
        layouts.bytes as f64 / 1e6,
        arguments.pairs
    ));
    let bench = Bench { arguments, base };
    if let Some(cfsctl) = &arguments.cfsctl {
        bench.against_cfsctl(cfsctl, &layouts, &mut report)?;
    }
    bench.against_native(&layouts, &mut report)?;
    bench.memory_and_reuse(&layouts, &mut report)?;
    bench.starting(&mut report)?;
    report.line("");
    if let Some(file) = &arguments.write {
        report.write(file)?;
        eprintln!("written to {}", file.display());
    }
    fs::remove_dir_all(base)?;
    Ok(())
}

struct Bench<'a> {
    arguments: &'a All,
    base: &'a Path,
}

const HEADER: [&str; 2] = [
    "| | wall | their wall | ratio | CPU | their CPU | ratio | memory | their memory |",
    "|---|---|---|---|---|---|---|---|---|",
];

impl Bench<'_> {
    /// A fresh repository that both tools accept.
    fn fresh(&self) -> Result<()> {
        let repository = self.base.join("repo");
        let _ = fs::remove_dir_all(&repository);
        let made = Command::new(&self.arguments.lazaret)
            .arg("--repo")
            .arg(&repository)
            .args(["-q", "init", "--insecure"])
            .output()?;
        ensure!(
            made.status.success(),
            "init: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        Ok(())
    }

    fn lazaret(&self, words: &[&str]) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec![
            self.arguments.lazaret.clone().into(),
            "--repo".into(),
            self.base.join("repo").into(),
        ];
        command.extend(words.iter().map(OsString::from));
        command
    }

    fn against_cfsctl(
        &self,
        cfsctl: &Path,
        layouts: &layouts::Layouts,
        report: &mut Report,
    ) -> Result<()> {
        report.line("");
        report.line(&format!(
            "Pull beside `{}`, `fsverity-sha512-12`, both on tmpfs:",
            version(cfsctl)
        ));
        report.line("");
        for line in HEADER {
            report.line(line);
        }
        for (compression, directory) in &layouts.directories {
            let (name, targets) = match compression {
                Compression::Gzip => ("gzip", [Some(0.50), Some(0.75)]),
                Compression::Zstd => ("zstd", [Some(0.65), None]),
                Compression::None => ("uncompressed", [Some(0.70), None]),
            };
            let source = format!("oci:{}:bench", directory.display());
            let ours = self.lazaret(&["-q", "pull", &source, "--tag", "bench"]);
            let theirs: Vec<OsString> = [
                cfsctl.as_os_str(),
                "--repo".as_ref(),
                self.base.join("repo").as_os_str(),
                "oci".as_ref(),
                "pull".as_ref(),
                source.as_ref(),
                "bench".as_ref(),
            ]
            .map(OsString::from)
            .to_vec();
            let (ours, theirs) = pairs(self.arguments.pairs, &|| self.fresh(), &ours, &theirs)?;
            report.pair(name, &ours, &theirs, targets);
        }
        Ok(())
    }

    fn against_native(&self, layouts: &layouts::Layouts, report: &mut Report) -> Result<()> {
        report.line("");
        report.line("The importer in the sandbox beside the same parser compiled natively:");
        report.line("");
        for line in HEADER {
            report.line(line);
        }
        let own = std::env::current_exe()?;
        let cache = self.base.join("cache");
        for (compression, directory) in &layouts.directories {
            let (name, target) = match compression {
                Compression::Gzip => ("gzip", Some(1.05)),
                Compression::Zstd => ("zstd", Some(1.05)),
                Compression::None => ("uncompressed", Some(1.05)),
            };
            let command = |verb: &str| -> Vec<OsString> {
                vec![
                    own.clone().into(),
                    verb.into(),
                    self.base.join("repo").into(),
                    format!("oci:{}:bench", directory.display()).into(),
                    "--cache".into(),
                    cache.clone().into(),
                ]
            };
            let (sandboxed, native) = pairs(
                self.arguments.pairs,
                &|| self.fresh(),
                &command("pull-sandboxed"),
                &command("pull-native"),
            )?;
            report.pair(name, &sandboxed, &native, [None, target]);
        }
        Ok(())
    }

    fn memory_and_reuse(&self, layouts: &layouts::Layouts, report: &mut Report) -> Result<()> {
        let (_, directory) = &layouts.directories[0];
        let pull = self.lazaret(&[
            "-q",
            "pull",
            &format!("oci:{}:bench", directory.display()),
            "--tag",
            "bench",
        ]);
        let (mut first, mut second): (Vec<Cost>, Vec<Cost>) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.pairs {
            self.fresh()?;
            first.push(measure(&pull)?);
            second.push(measure(&pull)?);
        }
        let (first, second) = (medians(&first), medians(&second));
        report.line("");
        report.line(&format!(
            "- Second pull of the same image: {:.1} ms, {} of the first (wanted: ≤ 5 %).",
            second.wall * 1e3,
            percent(second.wall / first.wall)
        ));
        report.line(&format!(
            "- Peak memory of a pull: {:.0} MiB (wanted: ≤ 80 MiB).",
            first.memory / 1024.0
        ));
        if self.arguments.tenfold {
            let one = self.one_layer()?;
            let ten = layouts::make_tenfold(self.base, self.arguments.bytes)?;
            self.fresh()?;
            let single = measure(&self.pull_of(&one))?;
            self.fresh()?;
            let tenfold = measure(&self.pull_of(&ten))?;
            report.line(&format!(
                "- Peak memory for one layer of {:.1} GB: {:.0} MiB; for one of ten times that and ten times \
                 the entries: {:.0} MiB.",
                self.arguments.bytes as f64 / 1e9,
                single.memory / 1024.0,
                tenfold.memory / 1024.0
            ));
        }
        Ok(())
    }

    fn one_layer(&self) -> Result<std::path::PathBuf> {
        Ok(self.base.join("none"))
    }

    fn pull_of(&self, layout: &Path) -> Vec<OsString> {
        self.lazaret(&[
            "-q",
            "pull",
            &format!("oci:{}:bench", layout.display()),
            "--tag",
            "bench",
        ])
    }

    fn starting(&self, report: &mut Report) -> Result<()> {
        let version = vec![self.arguments.lazaret.clone().into(), "--version".into()];
        let versions = repeat(20, || measure(&version))?;
        report.line(&format!(
            "- `lazaret --version`: {:.1} ms (wanted: < 20 ms).",
            versions.wall * 1e3
        ));
        let tiny = layouts::make_tiny(self.base)?;
        let pull = self.pull_of(&tiny);
        let with_cache = |cache: &Path| -> Vec<OsString> {
            let mut command: Vec<OsString> = vec![
                "env".into(),
                format!("XDG_CACHE_HOME={}", cache.display()).into(),
            ];
            command.extend(pull.iter().cloned());
            command
        };
        let cache = self.base.join("code");
        let cold = repeat(5, || {
            let _ = fs::remove_dir_all(&cache);
            self.fresh()?;
            measure(&with_cache(&cache))
        })?;
        let warm = repeat(20, || {
            self.fresh()?;
            measure(&with_cache(&cache))
        })?;
        self.fresh()?;
        measure(&with_cache(&cache))?;
        let reused = repeat(20, || measure(&with_cache(&cache)))?;
        report.line(&format!(
            "- Pulling an image of one tiny file: {:.1} ms the first time after a build (compiles the importer), \
             {:.1} ms later, {:.1} ms when it is there already and no importer runs: the engine starts in \
             {:.1} ms at most (wanted: < 10 ms).",
            cold.wall * 1e3,
            warm.wall * 1e3,
            reused.wall * 1e3,
            (warm.wall - reused.wall).max(0.0) * 1e3
        ));
        Ok(())
    }
}

fn repeat(count: usize, run: impl Fn() -> Result<Cost>) -> Result<Cost> {
    let costs: Vec<Cost> = (0..count).map(|_| run()).collect::<Result<_>>()?;
    Ok(medians(&costs))
}

fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

fn version(binary: &Path) -> String {
    Command::new(binary)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "cfsctl".to_owned(), |text| text.trim().to_owned())
}

/// Date and machine, as far as they matter.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")
                .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
        })
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let date = Command::new("date")
        .arg("+%Y-%m-%d")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .context("date")
        .unwrap_or_default();
    format!(
        "Measured on {} on {processor}, {cores} cores, Linux {}.",
        date.trim(),
        kernel.trim()
    )
}
