//! Programs that keep credentials: `docker-credential-NAME get`
//! (docker/docker-credential-helpers, "Development").
//!
//! The name comes from a file of the user's, the answer from a program of the user's: neither is
//! hostile, both may be broken. So no shell, no path in the name, and bounds on time and answer.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Credentials, Found, Secret};
use crate::error::TransportError;

/// How long a program may take; some ask the user.
const MAX_TIME: Duration = Duration::from_secs(60);

/// Bytes of an answer.
const MAX_ANSWER: u64 = 256 * 1024;

/// How often to look whether the program has ended.
const POLL: Duration = Duration::from_millis(5);

/// The user that stands for "the secret is an identity token".
const TOKEN_USER: &str = "<token>";

/// What a program says when it knows of none (docker-credential-helpers
/// `errCredentialsNotFoundMessage`). Its exit status is the same as for any fault.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: Secret,
}

/// The credentials for `server` that the program keeps; `None` when it knows of none.
pub(super) fn get(name: &str, server: &str) -> Result<Option<Found>, TransportError> {
    let program = format!("docker-credential-{name}");
    let fail = |reason: String| TransportError::CredentialHelper {
        program: program.clone(),
        reason,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(TransportError::CredentialHelper {
            program: format!("helper {name:?}"),
            reason: "its name is not one of letters, digits, '-', '_' and '.'".to_owned(),
        });
    }
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| fail(format!("cannot be run: {error}")))?;
    let answer = converse(&mut child, server, MAX_TIME);
    if answer.is_err() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
    let (succeeded, output) = answer.map_err(|reason| fail(reason.to_owned()))?;
    if !succeeded {
        if String::from_utf8_lossy(&output).contains(NOT_FOUND) {
            return Ok(None);
        }
        return Err(fail("it failed".to_owned()));
    }
    let answer: Answer = serde_json::from_slice(&output)
        .map_err(|_| fail("its answer cannot be read".to_owned()))?;
    if answer.secret.reveal().is_empty() {
        return Ok(None);
    }
    let credentials = match answer.username.as_str() {
        TOKEN_USER => Credentials::Identity(answer.secret),
        _ => Credentials::Password {
            user: answer.username,
            password: answer.secret,
        },
    };
    Ok(Some(Found {
        credentials,
        origin: program,
    }))
}

/// Asks; whether the program succeeded, and what it said.
fn converse(
    child: &mut Child,
    server: &str,
    time: Duration,
) -> Result<(bool, Vec<u8>), &'static str> {
    let deadline = Instant::now() + time;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (Some(mut input), Some(output)) = (input, output) else {
        return Err("it has no input or output");
    };
    // A line fits a pipe; a program that does not read it is noticed by what it says.
    let _ = writeln!(input, "{server}");
    drop(input);
    // Not joined where time runs out: something that the program started may hold the pipe open.
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut answer = Vec::new();
        let read = output.take(MAX_ANSWER + 1).read_to_end(&mut answer);
        let _ = sender.send(read.map(|_| answer));
    });
    let answer = receiver
        .recv_timeout(time)
        .map_err(|_| "it took too long")?
        .map_err(|_| "its answer cannot be read")?;
    if answer.len() as u64 > MAX_ANSWER {
        return Err("its answer is too long");
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((status.success(), answer)),
            Ok(None) if Instant::now() >= deadline => return Err("it took too long"),
            Ok(None) => std::thread::sleep(POLL),
            Err(_) => return Err("its end cannot be seen"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn ask(script: &str, time: Duration) -> Result<(bool, String), &'static str> {
        let mut child = shell(script);
        let answer = converse(&mut child, "r.example", time);
        let _ = child.kill();
        let _ = child.wait();
        answer.map(|(success, bytes)| (success, String::from_utf8(bytes).unwrap()))
    }

    #[test]
    fn a_program_is_asked_by_its_input() {
        let time = Duration::from_secs(60);
        assert_eq!(ask("cat", time), Ok((true, "r.example\n".to_owned())));
        assert_eq!(ask("echo no; exit 1", time), Ok((false, "no\n".to_owned())));
    }

    #[test]
    fn a_program_has_bounds() {
        let endless = "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done";
        assert_eq!(
            ask(endless, Duration::from_secs(60)),
            Err("its answer is too long")
        );
        let silent = "exec tail -f /dev/null";
        assert_eq!(
            ask(silent, Duration::from_millis(50)),
            Err("it took too long")
        );
        let lingering = "exec 1>&-; exec tail -f /dev/null 1>/dev/null";
        assert_eq!(
            ask(lingering, Duration::from_millis(50)),
            Err("it took too long")
        );
    }

    #[test]
    fn a_name_is_no_path_and_no_command() {
        for name in ["", "../x", "a/b", "x y", "x;y", "$(x)"] {
            assert_eq!(
                get(name, "r.example").unwrap_err().to_string(),
                format!(
                    "helper {name:?} gave no credentials: its name is not one of letters, digits, \
                     '-', '_' and '.'"
                )
            );
        }
        let error = get("lazaret-absent", "r.example").unwrap_err();
        assert_eq!(
            error.to_string(),
            "docker-credential-lazaret-absent gave no credentials: cannot be run: No such file \
             or directory (os error 2)"
        );
    }
}
