//! The `lazaret` program: words to calls. Parses the command line, runs one verb, sorts what went
//! wrong into an exit code. Nothing is opened before a verb wants it.

mod amount;
mod arguments;
mod draw;
mod exit;
mod failure;
mod global;
mod hint;
mod interrupt;
mod log;
mod output;
mod place;
mod registry;
mod table;
mod time;
mod verb;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use crate::exit::Code;
use crate::output::note;

fn main() -> ExitCode {
    let arguments = arguments::parse();
    let global = arguments.global;
    log::start(&global);
    let code = match arguments.command.run(&global) {
        Ok(code) => code,
        Err(error) => match exit::sort(&error) {
            code @ Code::ClosedPipe => code,
            code => {
                let colored = global.color.applies(io::stderr().is_terminal());
                note(failure::render(&error, colored));
                code
            }
        },
    };
    code.into()
}
