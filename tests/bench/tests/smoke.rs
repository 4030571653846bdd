//! The measurements of models run, at a size that takes seconds. What they find is not looked at: on a
//! machine that does something else, too, it means nothing.

use std::path::Path;
use std::process::Command;

#[test]
fn models_are_measured_and_the_section_is_written() {
    let bench = Path::new(env!("CARGO_BIN_EXE_lazaret-bench"));
    // `cargo test --workspace` builds it before it runs any test.
    let lazaret = bench.with_file_name("lazaret");
    for (what, path) in [
        ("lazaret", &*lazaret),
        ("GNU time", Path::new("/usr/bin/time")),
    ] {
        if !path.exists() {
            println!("skipped: {what} missing");
            return;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("findings.md");
    std::fs::write(
        &document,
        "# Here\n<!-- models: begin -->\n<!-- models: end -->\n",
    )
    .unwrap();
    let output = Command::new(bench)
        .args([
            "models",
            "--bytes",
            "33554433",
            "--stored",
            "1048576",
            "--runs",
            "1",
            "--lazaret",
        ])
        .arg(lazaret)
        .arg("--directory")
        .arg(folder.path().join("work"))
        .arg("--write")
        .arg(&document)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let written = std::fs::read_to_string(document).unwrap();
    for row in [
        "| copied (tmpfs) | ",
        "| safetensors | ",
        "| GGUF, one line of metadata more | ",
    ] {
        assert!(written.contains(row), "{written}");
    }
}
