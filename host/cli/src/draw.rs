//! Progress: bars on a terminal, plain lines with `-v`, else nothing.
//!
//! Bars appear only when something takes longer than [`PATIENCE`], and are gone when it ends.

mod checking;
mod collecting;
mod exporting;
mod pulling;
mod pushing;
mod reading;
mod transfer;

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, WeakProgressBar};

use crate::global::Global;

pub use checking::Checking;
pub use collecting::Collecting;
pub use exporting::Exporting;
pub use pulling::Pulling;
pub use pushing::Pushing;
pub use reading::Reading;

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// Redraws of a bar that nothing happens to, so that its clock goes on.
const TICK: Duration = Duration::from_millis(200);

/// Of one blob among several.
const BLOB: &str = "{prefix:19}  {bar:30}  {binary_bytes:>11} / {binary_total_bytes}";
/// Of all bytes.
const TOTAL: &str = "{prefix:19}  {bar:30}  {binary_bytes:>11} / {binary_total_bytes}  {binary_bytes_per_sec}  {msg}";
/// Of things that are counted.
const STEPS: &str = "{prefix:19}  {bar:30}  {human_pos:>11} / {human_len}  {msg}";
/// Of things whose number is not known yet.
const SPINNER: &str = "{prefix:19}  {spinner}  {human_pos}";

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

/// Bars that are drawn once [`PATIENCE`] is over, until this is dropped.
struct Bars {
    bars: MultiProgress,
    added: Mutex<Vec<WeakProgressBar>>,
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

    /// A bar below all others, whose clock goes on by itself.
    fn add(&self, name: &str, length: u64, template: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new(length));
        self.prepare(&bar, name, template);
        bar.enable_steady_tick(TICK);
        bar
    }

    /// A bar above `next`. It moves only when something happens.
    fn add_before(
        &self,
        next: &ProgressBar,
        name: &str,
        length: u64,
        template: &str,
    ) -> ProgressBar {
        let bar = self.bars.insert_before(next, ProgressBar::new(length));
        self.prepare(&bar, name, template);
        bar
    }

    /// Takes a bar away.
    fn remove(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.bars.remove(bar);
    }

    fn prepare(&self, bar: &ProgressBar, name: &str, template: &str) {
        let style = ProgressStyle::with_template(template)
            .expect("the templates are constants")
            .progress_chars("=> ");
        bar.set_style(style);
        bar.set_prefix(name.to_owned());
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        added.retain(|bar| bar.upgrade().is_some());
        added.push(bar.downgrade());
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
            if let Some(bar) = bar.upgrade() {
                bar.finish_and_clear();
            }
        }
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
    }
}
