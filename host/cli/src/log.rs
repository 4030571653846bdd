//! What libraries trace goes to standard error: warnings always, more with `-v`.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::time::Instant;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::draw;
use crate::global::Global;
use crate::output::clean;

/// Installs the subscriber. Only lazaret's own crates get louder with `-v`.
pub fn start(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let wanted = Targets::new()
        .with_target("lazaret", level)
        .with_default(level.min(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(AboveBars)
        .with_ansi(false)
        .event_format(Lines {
            started: (level >= LevelFilter::DEBUG).then(Instant::now),
            colored: global.color.applies(io::stderr().is_terminal()),
        });
    tracing_subscriber::registry()
        .with(lines.with_filter(wanted))
        .init();
}

/// Lines in the form of the error messages: `warning: what happened field=value`. For debugging,
/// with the time and the module.
struct Lines {
    started: Option<Instant>,
    colored: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (label, color) = match *event.metadata().level() {
            Level::ERROR => ("error", "1;31"),
            Level::WARN => ("warning", "1;33"),
            Level::INFO => ("info", "32"),
            Level::DEBUG => ("debug", "34"),
            Level::TRACE => ("trace", "35"),
        };
        match self.colored {
            true => write!(writer, "\u{1b}[{color}m{label}:\u{1b}[0m ")?,
            false => write!(writer, "{label}: ")?,
        }
        let mut text = String::new();
        if let Some(started) = self.started {
            let seconds = started.elapsed().as_secs_f64();
            text = format!("{seconds:.3} {}: ", event.metadata().target());
        }
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                text.push_str(&format!("{}{{{fields}}}: ", span.name()));
            }
        }
        context.format_fields(Writer::new(&mut text), event)?;
        // Fields hold names and reasons that come from outside.
        writeln!(writer, "{}", clean(&text))
    }
}

/// Standard error, out of the way of progress bars.
#[derive(Clone, Copy)]
struct AboveBars;

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        draw::aside(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for AboveBars {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}
