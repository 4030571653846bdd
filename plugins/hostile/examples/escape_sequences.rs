//! Puts terminal commands into names, values and log lines. Harmless: names and values are data, and
//! log lines come out escaped.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct EscapeSequences;

impl Attack for EscapeSequences {
    fn ingest(run: Run<'_>) -> Outcome {
        log::write(
            log::Level::Warn,
            "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{202e}drow",
        );
        run.sink.emit(&[file("\u{1b}[31mred\n.txt")]);
        run.sink
            .add_facts(&[fact("hostile.text", Value::Text("\u{1b}[2J".to_owned()))]);
        Ok(())
    }
}

attack!(EscapeSequences);
