//! `lazaret:importer/log`: bounded, escaped, and only through `tracing`.

use wasmtime::Result;

use crate::bindings::log;
use crate::state::State;
use crate::steering::Level;

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> Result<()> {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
        };
        match self.steering {
            Some(_) => self.steer(|steering| steering.log(level, &message)),
            // `describe` and `probe` may log too; nobody listens, but copying it costs.
            None => self.prepare(message.len()),
        }
    }
}
