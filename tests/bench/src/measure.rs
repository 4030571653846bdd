//! One process, measured from outside.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// What a run cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of processor time, user and system.
    pub cpu: f64,
    /// Kibibytes resident at the most.
    pub memory: f64,
}

/// Runs `command` under GNU `time` and returns what it cost.
///
/// # Errors
/// When it fails, with what it said.
pub fn measure(command: &[OsString]) -> Result<Cost> {
    let started = Instant::now();
    let output = Command::new("/usr/bin/time")
        .args(["--quiet", "-f", "\nMEASURED %U %S %M"])
        .args(command)
        .stdin(Stdio::null())
        .output()
        .context("running /usr/bin/time (Debian package time)")?;
    let wall = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{command:?} failed:\n{said}");
    }
    let numbers: Vec<f64> = said
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("MEASURED "))
        .context("time printed nothing")?
        .split(' ')
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(Cost {
        wall,
        cpu: numbers[0] + numbers[1],
        memory: numbers[2],
    })
}

/// Medians of each column.
#[must_use]
pub fn medians(costs: &[Cost]) -> Cost {
    let median = |column: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(column).collect();
        values.sort_by(f64::total_cmp);
        match values.len() {
            0 => 0.0,
            odd if odd % 2 == 1 => values[odd / 2],
            even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
        }
    };
    Cost {
        wall: median(|cost| cost.wall),
        cpu: median(|cost| cost.cpu),
        memory: median(|cost| cost.memory),
    }
}

/// Runs `a` and `b` alternately, changing places, and returns the costs of each. `prepare` runs
/// before every measured run. One pair goes first and is not counted.
///
/// # Errors
/// When a run fails.
pub fn pairs(
    count: usize,
    prepare: &dyn Fn() -> Result<()>,
    a: &[OsString],
    b: &[OsString],
) -> Result<(Vec<Cost>, Vec<Cost>)> {
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for turn in 0..=count {
        let order = if turn % 2 == 0 {
            [true, false]
        } else {
            [false, true]
        };
        for is_a in order {
            prepare()?;
            let cost = measure(if is_a { a } else { b })?;
            if turn > 0 {
                if is_a {
                    of_a.push(cost)
                } else {
                    of_b.push(cost)
                }
            }
        }
    }
    Ok((of_a, of_b))
}

/// Runs each of `commands` once a turn, in an order that rotates, and returns the costs of each.
/// `prepare` runs before every measured run. The first turn is not counted.
///
/// # Errors
/// When a run fails.
pub fn rounds(
    count: usize,
    prepare: &dyn Fn() -> Result<()>,
    commands: &[Vec<OsString>],
) -> Result<Vec<Vec<Cost>>> {
    let mut costs = vec![Vec::new(); commands.len()];
    for turn in 0..=count {
        for place in 0..commands.len() {
            let which = (turn + place) % commands.len();
            prepare()?;
            let cost = measure(&commands[which])?;
            if turn > 0 {
                costs[which].push(cost);
            }
        }
    }
    Ok(costs)
}
