//! The binary, as far as it needs no image.

#![expect(clippy::unwrap_used, reason = "a test may panic where it fails")]

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The program in surroundings that depend on nothing outside `home`.
fn lazaret(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
    command
        .env_clear()
        .env("HOME", home)
        .env("LAZARET_REPO", home.join("repo"))
        .env("COLUMNS", "100")
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

fn run<S: AsRef<OsStr>>(home: &Path, arguments: impl IntoIterator<Item = S>) -> Output {
    lazaret(home).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Asserts code and standard error of a command that must print no results.
#[track_caller]
fn refused(home: &Path, arguments: &[&str], code: i32, stderr: &str) {
    let output = run(home, arguments);
    assert_eq!(
        text(&output.stderr).replace(&home.display().to_string(), "HOME"),
        stderr
    );
    assert_eq!(output.status.code(), Some(code));
    assert_eq!(text(&output.stdout), "");
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

const NO_DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

const VERBS: [&str; 21] = [
    "init",
    "pull",
    "push",
    "images",
    "inspect",
    "ls",
    "parts",
    "facts",
    "diff",
    "cat",
    "export",
    "split",
    "join",
    "tag",
    "untag",
    "referrers",
    "info",
    "gc",
    "fsck",
    "completions",
    "man",
];

/// `UPDATE_EXPECT=1` writes the files anew.
#[test]
fn help_is_as_written_down() {
    let home = home();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help");
    let verbs = VERBS.map(|verb| (verb, vec![verb, "--help"]));
    for (name, arguments) in verbs.into_iter().chain([("lazaret", vec!["--help"])]) {
        let output = run(home.path(), &arguments);
        assert!(output.status.success(), "{name}");
        let file = folder.join(format!("{name}.txt"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &output.stdout).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap();
        assert_eq!(text(&output.stdout), expected, "{}", file.display());
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let home = home();
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["pull"],
        &["pull", "oci:x", "--max-memory", "much"],
        &["cat", "name"],
        &["cat", "name", "path", "--blob", "sha256:0"],
        &["inspect", "name", "--raw", "--config"],
        &["images", "-q", "-v"],
        &["pull", "oci:x", "--platform", "linux"],
        &[
            "pull",
            "oci:x",
            "--platform",
            "linux/amd64",
            "--all-platforms",
        ],
        &["pull", "docker://x", "--creds", "somebody"],
        &["pull", "docker://x", "--tls-verify", "false"],
        &["push", "name"],
        &[
            "push",
            "name",
            "oci:x",
            "--all",
            "--platform",
            "linux/amd64",
        ],
        &["push", "name", "oci:x", "--recompress", "xz"],
        &["cat", "--blob", NO_DIGEST, "--platform", "linux/amd64"],
        &["inspect", "name", "--raw", "--platform", "linux/amd64"],
        &["parts", "name", "--sort", "colour"],
        &["diff", "name"],
        &["pull", "oci:x", "--split", "bytes"],
        &["pull", "oci:x", "--policy", "none"],
        &["split", "name", "--by", "bytes"],
        &["join"],
    ] {
        let output = run(home.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    refused(
        home.path(),
        &["pull", "containers-storage:debian"],
        2,
        "error: invalid reference \"containers-storage:debian\": unknown transport \
         \"containers-storage\"; supported: oci:DIR[:TAG][@DIGEST], oci-archive:FILE[:TAG][@DIGEST], \
         docker://HOST/NAME[:TAG][@DIGEST]\n\
         hint: `skopeo copy containers-storage:debian oci:DIR:TAG` makes an OCI layout of it, and \
         the other way round\n",
    );
    refused(
        home.path(),
        &["inspect", "@latest"],
        2,
        "error: invalid name: invalid digest \"latest\": no colon\n\
         hint: a name is a tag, or @sha256:…\n",
    );
}

#[test]
fn what_is_not_there_exits_with_5() {
    let home = home();
    refused(
        home.path(),
        &["images"],
        5,
        "error: there is no repository at \"HOME/repo\"\n\
         hint: `lazaret init` makes one, and so does the first `lazaret pull`; --repo DIR or \
         LAZARET_REPO names another\n",
    );
    assert!(run(home.path(), ["init", "--insecure"]).status.success());
    refused(
        home.path(),
        &["inspect", "demo"],
        5,
        "error: inspecting demo: no tag demo\nhint: `lazaret images` lists what there is\n",
    );
    for (verb, doing) in [
        (
            &["referrers", "demo"][..],
            "looking for what refers to demo",
        ),
        (&["push", "demo", "oci:there"], "pushing demo to oci:there"),
    ] {
        refused(
            home.path(),
            verb,
            5,
            &format!("error: {doing}: no tag demo\nhint: `lazaret images` lists what there is\n"),
        );
    }
    assert!(!home.path().join("there").exists());
    refused(
        home.path(),
        &["untag", "demo"],
        5,
        "error: untagging demo: no tag demo\nhint: `lazaret images` lists what there is\n",
    );
    refused(
        home.path(),
        &["pull", "oci:nowhere"],
        5,
        "error: pulling oci:nowhere: \"nowhere\" does not exist\n\
         hint: `skopeo copy SOURCE oci:DIR:TAG` makes an OCI layout\n",
    );
}

#[test]
fn init_says_what_it_made_and_may_be_repeated() {
    let home = home();
    let expected = format!(
        "{}/repo: fsverity-sha256-12, insecure (without fs-verity)\n",
        home.path().display()
    );
    for _ in 0..2 {
        let output = run(
            home.path(),
            ["init", "--insecure", "--algorithm", "fsverity-sha256-12"],
        );
        assert_eq!(text(&output.stdout), expected);
        assert!(output.status.success());
    }
    let output = run(home.path(), ["init", "--insecure"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("not fsverity-sha512-12"));
}

#[test]
fn an_empty_repository_has_nothing_to_show() {
    let home = home();
    assert!(run(home.path(), ["init", "--insecure"]).status.success());
    let output = run(home.path(), ["images"]);
    assert_eq!(
        text(&output.stdout),
        "NAME  KIND  DIGEST  CREATED  SIZE  SHARED  PLATFORM OR TYPE\n"
    );
    let output = run(home.path(), ["images", "--json"]);
    assert_eq!(text(&output.stdout), "");
    let output = run(home.path(), ["fsck", "--deep"]);
    assert_eq!(
        text(&output.stderr),
        "0 images, 0 layers, 0 objects, 0 B: no damage\n"
    );
    assert!(output.status.success());
    for arguments in [&["gc"][..], &["gc", "--dry-run"]] {
        let output = run(home.path(), arguments);
        assert_eq!(text(&output.stdout), "nothing to delete\n");
    }
    let output = run(home.path(), ["info", "--json"]);
    let info: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(info["algorithm"], "fsverity-sha512-12");
    assert_eq!(info["objects"], 0);
}

/// An unknown read-only-compatible feature binds root, too, as permissions would not.
#[test]
fn a_read_only_repository_is_refused_before_the_source_is_touched() {
    let home = home();
    assert!(run(home.path(), ["init", "--insecure"]).status.success());
    let file = home.path().join("repo/meta.json");
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        settings.replace("\"v1_erofs\"", "\"v1_erofs\", \"frozen\""),
    )
    .unwrap();
    refused(
        home.path(),
        &["pull", "oci:nowhere"],
        1,
        "error: HOME/repo is read-only: unknown read-only-compatible features [\"frozen\"]\n\
         hint: --repo DIR or LAZARET_REPO names another repository\n",
    );
    assert!(run(home.path(), ["images"]).status.success());
}

#[test]
fn a_directory_with_other_things_in_it_does_not_become_a_repository() {
    let home = home();
    fs::create_dir(home.path().join("repo")).unwrap();
    fs::write(home.path().join("repo/thesis.txt"), "").unwrap();
    refused(
        home.path(),
        &["pull", "oci:nowhere"],
        5,
        "error: HOME/repo is not a repository: it has no meta.json\nhint: `lazaret init` makes one\n",
    );
}

#[test]
fn colour_is_for_terminals_and_who_asks() {
    let home = home();
    let colored = |command: &mut Command| {
        let output = command.arg("images").output().unwrap();
        text(&output.stderr).contains('\u{1b}')
    };
    assert!(!colored(&mut lazaret(home.path())));
    assert!(colored(lazaret(home.path()).args(["--color", "always"])));
    assert!(colored(
        lazaret(home.path())
            .env("NO_COLOR", "1")
            .arg("--color=always")
    ));
    assert!(!colored(lazaret(home.path()).arg("--color=never")));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let home = home();
    for arguments in [
        ["completions", "bash"],
        ["ls", "--help"],
        ["init", "--insecure"],
    ] {
        let mut child = lazaret(home.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(
            (child.wait().unwrap().code(), &*stderr),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_full_standard_output_is_an_error() {
    let home = home();
    let output = lazaret(home.path())
        .args(["completions", "bash"])
        .stdout(
            fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        )
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: writing to standard output: No space left"));
}

#[test]
fn manual_pages_cover_every_verb() {
    let home = home();
    assert!(run(home.path(), ["man", "pages"]).status.success());
    for verb in VERBS {
        let page = home.path().join(format!("pages/lazaret-{verb}.1"));
        assert!(
            fs::read_to_string(&page).unwrap().contains(".SH SYNOPSIS"),
            "{}",
            page.display()
        );
    }
    assert!(home.path().join("pages/lazaret.1").exists());
}
