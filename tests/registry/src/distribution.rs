//! Debian's docker-registry (docker/distribution 2.8) on a port of this machine, with a
//! configuration and a directory of its own. It has no referrers API.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::registry::lock;

/// The name that a registry with passwords knows.
pub const USER: &str = "lazaret";

/// Its password.
pub const PASSWORD: &str = "quarantine";

/// Both as `htpasswd -B` writes them. The hash is crypt(3)'s of [`PASSWORD`], blowfish at the lowest
/// cost: `perl -e 'print crypt("quarantine", q($2y$04$Lazaret.Lazaret.Lazar.))'`
const HTPASSWD: &str = "lazaret:$2y$04$Lazaret.Lazaret.Lazar.P5Su3wRIJnRGxSdNFhscEPUEnqGFpwu\n";

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(30);

/// Lines of its log that are kept.
const MAX_LINES: usize = 10_000;

/// Who is let in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anybody, over plain HTTP.
    Plain,
    /// [`USER`] with [`PASSWORD`], over HTTPS with a certificate of an authority of its own.
    Secured,
    /// Anybody, over HTTPS; blobs are redirected to paths below this URL.
    Redirecting(String),
}

/// A running docker-registry, killed when this is dropped.
pub struct Distribution {
    child: Child,
    port: u16,
    authority: Option<Authority>,
    log: Arc<Mutex<Vec<String>>>,
    directory: TempDir,
}

impl Distribution {
    /// Whether the program is there.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join("docker-registry"))
            .find(|file| file.is_file())
    }

    /// Starts an empty one, and comes back when it listens. None where the program is missing: then
    /// this says `skipped: …`, or fails where `CI` is `true`.
    ///
    /// # Errors
    /// When it cannot be started, or does not listen in time; with what it said.
    #[expect(
        clippy::print_stdout,
        reason = "seen when a test fails, or when asked for"
    )]
    pub fn start(access: &Access) -> Result<Option<Self>> {
        let Some(program) = Self::program() else {
            let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            anyhow::ensure!(!ci, "docker-registry is missing");
            println!("skipped: docker-registry missing");
            return Ok(None);
        };
        let directory = tempfile::tempdir()?;
        let authority = match access {
            Access::Plain => None,
            Access::Secured | Access::Redirecting(_) => Some(Authority::new()?),
        };
        let configuration = directory.path().join("config.yml");
        fs::write(
            &configuration,
            configure(directory.path(), access, authority.as_ref()),
        )?;
        fs::write(directory.path().join("htpasswd"), HTPASSWD)?;
        let mut child = Command::new(&program)
            .arg("serve")
            .arg(&configuration)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let stderr = child.stderr.take().expect("it was asked for");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (sender, receiver) = mpsc::channel();
        thread::spawn({
            let log = Arc::clone(&log);
            move || listen(stderr, &log, &sender)
        });
        let mut this = Self {
            child,
            port: 0,
            authority,
            log,
            directory,
        };
        this.port = receiver
            .recv_timeout(START)
            .with_context(|| format!("docker-registry did not listen: {}", this.log()))?;
        Ok(Some(this))
    }

    /// `127.0.0.1:PORT`, as a reference names it.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The authority whose certificate it shows.
    #[must_use]
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// The directory it keeps everything in.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.directory.path().join("storage")
    }

    /// What it has said so far, a line a request: `PUT /v2/a/manifests/1 201`, and who asked where
    /// that is known.
    #[must_use]
    pub fn log(&self) -> String {
        lock(&self.log).join("\n")
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.show();
        }
    }
}

impl Distribution {
    #[expect(clippy::print_stdout, reason = "seen when a test fails")]
    fn show(&self) {
        println!("docker-registry said:\n{}", self.log());
    }
}

fn configure(directory: &Path, access: &Access, authority: Option<&Authority>) -> String {
    let directory = directory.display();
    let mut text = format!(
        "version: 0.1\n\
         log: {{level: info, formatter: text}}\n\
         storage:\n\
         \x20 filesystem: {{rootdirectory: {directory}/storage}}\n\
         \x20 delete: {{enabled: true}}\n\
         http:\n\
         \x20 addr: 127.0.0.1:0\n\
         \x20 secret: of no account\n"
    );
    if let Some(authority) = authority {
        text.push_str(&format!(
            "  tls: {{certificate: {}, key: {}}}\n",
            authority.certificate().display(),
            authority.key().display()
        ));
    }
    match access {
        Access::Plain => {}
        Access::Secured => text.push_str(&format!(
            "auth:\n  htpasswd: {{realm: lazaret, path: {directory}/htpasswd}}\n"
        )),
        Access::Redirecting(base) => text.push_str(&format!(
            "middleware:\n  storage:\n    - {{name: redirect, options: {{baseurl: '{base}'}}}}\n"
        )),
    }
    text
}

/// Keeps what it says, and tells the port once.
fn listen(stderr: ChildStderr, log: &Mutex<Vec<String>>, port: &Sender<u16>) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else {
            break;
        };
        if let Some(found) = port_of(&line) {
            let _ = port.send(found);
        }
        let mut log = lock(log);
        if log.len() < MAX_LINES {
            log.push(shorten(&line).unwrap_or(line));
        }
    }
}

/// What matters of a line about a request, of which it says a thousand characters.
fn shorten(line: &str) -> Option<String> {
    let field = |name: &str| {
        let (_, rest) = line.split_once(&format!(" {name}="))?;
        match rest.strip_prefix('"') {
            Some(rest) => rest.split('"').next(),
            None => rest.split(' ').next(),
        }
    };
    let mut short = format!(
        "{} {} {}",
        field("http.request.method")?,
        field("http.request.uri")?,
        field("http.response.status")?
    );
    for (name, word) in [("auth.user.name", "as"), ("err.code", "for")] {
        if let Some(value) = field(name) {
            short.push_str(&format!(" {word} {value}"));
        }
    }
    Some(short)
}

fn port_of(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("listening on 127.0.0.1:")?;
    let end = rest.find(|sign: char| !sign.is_ascii_digit())?;
    rest[..end].parse().ok()
}
