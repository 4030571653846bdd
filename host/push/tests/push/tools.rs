//! Other programs, where they are installed.

use std::process::Command;

/// A tool, if it is there; where `CI=true` it has to be.
#[expect(clippy::print_stdout, reason = "seen when asked for")]
pub(crate) fn tool(name: &str) -> Option<Command> {
    if Command::new(name).arg("--version").output().is_ok() {
        return Some(Command::new(name));
    }
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{name} is missing"
    );
    println!("skipped: {name} missing");
    None
}

pub(crate) fn run(mut command: Command, arguments: &[&str]) -> Vec<u8> {
    let output = command.args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
