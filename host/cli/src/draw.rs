//! Progress: bars on a terminal, plain lines with `-v`, else nothing.
//!
//! Bars appear only when something takes longer than [`PATIENCE`], and are gone when it ends.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use lazaret_graph::FsckProgress;
use lazaret_intake::Event;
use lazaret_views::Totals;

use crate::amount::{counted, size};
use crate::global::Global;
use crate::output::note;

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// Redraws of a bar that nothing happens to, so that its clock goes on.
const TICK: Duration = Duration::from_millis(200);

const BLOB: &str = "{prefix:19}  {bar:30}  {binary_bytes:>11} / {binary_total_bytes}";
const TOTAL: &str = "{prefix:19}  {bar:30}  {binary_bytes:>11} / {binary_total_bytes}  {binary_bytes_per_sec}  {msg}";
const STEPS: &str = "{prefix:19}  {bar:30}  {human_pos:>11} / {human_len}  {msg}";

/// Directories that objects are spread over.
const OBJECT_DIRECTORIES: u64 = 256;

/// The bars of this process; there is one standard error.
static BARS: OnceLock<MultiProgress> = OnceLock::new();

/// Runs `print` with the bars out of its way.
pub fn aside<T>(print: impl FnOnce() -> T) -> T {
    match BARS.get() {
        Some(bars) => bars.suspend(print),
        None => print(),
    }
}

/// How progress is shown.
enum Way {
    Bars(Bars),
    Lines,
    Nothing,
}

fn way(global: &Global) -> Way {
    if global.quiet {
        Way::Nothing
    } else if global.verbose > 0 {
        // Bars and a stream of lines would only fight over the terminal.
        Way::Lines
    } else if io::stderr().is_terminal() {
        Way::Bars(Bars::start())
    } else {
        Way::Nothing
    }
}

/// Progress of a pull.
pub struct Pulling {
    way: Way,
    state: Mutex<Transfer>,
}

#[derive(Default)]
struct Transfer {
    total: Option<ProgressBar>,
    blobs: BTreeMap<usize, ProgressBar>,
    names: BTreeMap<usize, String>,
}

impl Pulling {
    /// Nothing is shown yet.
    pub fn new(global: &Global) -> Self {
        Self {
            way: way(global),
            state: Mutex::default(),
        }
    }

    /// Shows what happened.
    pub fn show(&self, event: Event) {
        match &self.way {
            Way::Nothing => {}
            Way::Lines => self.print(event),
            Way::Bars(bars) => self.draw(bars, event),
        }
    }

    fn print(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Resolved {
                root, blobs, bytes, ..
            } => {
                let blobs = counted(blobs as u64, "blob", "blobs");
                note(format!("{root}: {blobs}, {}", size(bytes)));
            }
            Event::Started {
                blob,
                digest,
                size: bytes,
            } => {
                note(format!("{}: reading {}", digest.short(), size(bytes)));
                state.names.insert(blob, digest.short());
            }
            Event::Reused { digest, .. } => note(format!("{}: already there", digest.short())),
            Event::Finished { blob } => {
                if let Some(name) = state.names.get(&blob) {
                    note(format!("{name}: stored and verified"));
                }
            }
            Event::Committing => note("syncing the disk, then writing names"),
            _ => {}
        }
    }

    fn draw(&self, bars: &Bars, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Resolved { bytes, .. } => {
                state.total = Some(bars.add("total", bytes, TOTAL));
            }
            Event::Started { blob, digest, size } => {
                let bar = match &state.total {
                    Some(total) => bars.add_before(total, &digest.short(), size, BLOB),
                    None => bars.add(&digest.short(), size, BLOB),
                };
                state.blobs.insert(blob, bar);
            }
            Event::Read { blob, bytes } => {
                if let Some(bar) = state.blobs.get(&blob) {
                    bar.inc(bytes);
                }
                if let Some(total) = &state.total {
                    total.inc(bytes);
                }
            }
            Event::Reused { size, .. } => {
                if let Some(total) = &state.total {
                    total.inc(size);
                }
            }
            Event::Finished { blob } => {
                if let Some(bar) = state.blobs.remove(&blob) {
                    bar.finish_and_clear();
                }
            }
            Event::Committing => {
                if let Some(total) = &state.total {
                    total.set_message("syncing the disk");
                }
            }
            _ => {}
        }
    }
}

/// Progress of a check.
pub struct Checking {
    way: Way,
    step: Mutex<Option<(&'static str, ProgressBar)>>,
}

impl Checking {
    /// Nothing is shown yet.
    pub fn new(global: &Global) -> Self {
        Self {
            way: way(global),
            step: Mutex::default(),
        }
    }

    /// Shows how far it is.
    pub fn show(&self, progress: FsckProgress) {
        let Way::Bars(bars) = &self.way else { return };
        let (name, done, total) = match progress {
            // How many objects there are shows only in the end; how many directories is known.
            FsckProgress::Store(step) => ("objects", step.directories, OBJECT_DIRECTORIES),
            FsckProgress::Images { done, total } => ("images", done, total),
            FsckProgress::Layers { done, total } => ("layers", done, total),
            _ => return,
        };
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = match &*step {
            Some((current, bar)) if *current == name => bar.clone(),
            previous => {
                if let Some((_, bar)) = previous {
                    bar.finish_and_clear();
                }
                let bar = bars.add(name, total, STEPS);
                *step = Some((name, bar.clone()));
                bar
            }
        };
        bar.set_length(total);
        bar.set_position(done);
        if let FsckProgress::Store(step) = progress {
            bar.set_message(format!("{} objects, {}", step.objects, size(step.bytes)));
        }
    }
}

/// Progress of an export.
pub struct Exporting {
    _way: Way,
    bar: Option<ProgressBar>,
}

impl Exporting {
    /// Nothing is shown yet.
    pub fn new(global: &Global, totals: Totals) -> Self {
        let way = way(global);
        let bar = match &way {
            Way::Bars(bars) => Some(bars.add("files", totals.bytes, TOTAL)),
            _ => None,
        };
        Self { _way: way, bar }
    }

    /// Shows how far it is.
    pub fn show(&self, step: lazaret_views::Progress) {
        if let (Some(bar), lazaret_views::Progress::Bytes(bytes)) = (&self.bar, step) {
            bar.inc(bytes);
        }
    }
}

/// Bars that are drawn once [`PATIENCE`] is over, until this is dropped.
struct Bars {
    bars: MultiProgress,
    added: Mutex<Vec<ProgressBar>>,
    /// Closed when this is dropped, which ends the thread that waits.
    _waiting: Sender<()>,
}

impl Bars {
    fn start() -> Self {
        let bars = BARS
            .get_or_init(|| MultiProgress::with_draw_target(ProgressDrawTarget::hidden()))
            .clone();
        let (waiting, ended) = mpsc::channel();
        let shown = bars.clone();
        // Without the thread there are no bars, and nothing else is lost.
        let _ = thread::Builder::new()
            .name("lazaret-bars".to_owned())
            .spawn(move || {
                if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    shown.set_draw_target(ProgressDrawTarget::stderr());
                }
            });
        Self {
            bars,
            added: Mutex::default(),
            _waiting: waiting,
        }
    }

    fn add(&self, name: &str, length: u64, template: &str) -> ProgressBar {
        self.prepare(self.bars.add(ProgressBar::new(length)), name, template)
    }

    fn add_before(
        &self,
        next: &ProgressBar,
        name: &str,
        length: u64,
        template: &str,
    ) -> ProgressBar {
        self.prepare(
            self.bars.insert_before(next, ProgressBar::new(length)),
            name,
            template,
        )
    }

    fn prepare(&self, bar: ProgressBar, name: &str, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template)
            .expect("the templates are constants")
            .progress_chars("=> ");
        bar.set_style(style);
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(TICK);
        self.added
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bar.clone());
        bar
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // A bar that has not ended would be drawn again by its own clock.
        for bar in self
            .added
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            bar.finish_and_clear();
        }
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
    }
}
