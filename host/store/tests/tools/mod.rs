//! Independent programs to compare with.

use std::process::{Command, Output, Stdio};

/// Whether a program is installed. Without it a test is skipped, except in CI, where everything
/// that a test wants has to be there.
#[expect(clippy::print_stderr, reason = "whoever reads the results has to know")]
pub fn is_installed(tool: &str) -> bool {
    let found = Command::new(tool)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let is_installed = found.is_ok_and(|status| status.success());
    if !is_installed {
        assert!(
            std::env::var_os("CI").is_none_or(|value| value != "true"),
            "{tool} is missing, in CI"
        );
        eprintln!("skipped: {tool} missing");
    }
    is_installed
}

/// Runs a command that has to succeed; returns what it printed.
pub fn run(command: &mut Command) -> Vec<u8> {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(
        status.success(),
        "{command:?}: {status}\n{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    stdout
}
