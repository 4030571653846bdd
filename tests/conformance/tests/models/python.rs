//! Python's own packages, which say what is in a file.

use std::path::Path;
use std::process::Command;

use crate::listing::Listed;
use crate::program::Ran;
use crate::tools::succeed;

/// The interpreter, if it has the packages.
pub fn python() -> Option<String> {
    let python = std::env::var("LAZARET_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut asked = Command::new(&python);
    let asked = asked.args(["-c", "import gguf, numpy, onnx, safetensors"]);
    if asked.output().is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    missing(&format!("{python} with gguf, onnx and safetensors"));
    None
}

/// Says that something is missing; that fails where `CI` is `true`.
pub fn missing(what: &str) {
    let is_wanted = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!is_wanted, "{what} missing");
    println!("skipped: {what} missing");
}

/// Runs a script that must succeed.
#[track_caller]
pub fn run(python: &str, script: &str, arguments: &[&Path]) -> Ran {
    let mut command = Command::new(python);
    succeed(
        command
            .args(["-c", script])
            .args(arguments)
            .env("PYTHONUTF8", "1"),
    )
}

/// What is in the file, by name. Its format is told by its suffix.
#[track_caller]
pub fn list(python: &str, file: &Path) -> Vec<Listed> {
    let listed = run(python, include_str!("list.py"), &[file]).json_lines();
    let mut listed: Vec<Listed> = listed.iter().map(Listed::of).collect();
    listed.sort();
    listed
}
