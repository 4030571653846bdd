//! An answer on its way, with what is to go wrong about it.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::date;
use crate::fault::{Misdeed, RetryAfter};
use crate::http::{ENDLESS, Head, Response};

/// How long nothing comes before a connection ends that was told to stall: longer than any client
/// under test waits, so that it is the client that ends it.
const STALL: Duration = Duration::from_secs(120);

/// How often somebody who waits looks whether the registry has ended.
const GLANCE: Duration = Duration::from_millis(20);

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It can have another request.
    Keep,
    /// It ends.
    Close,
}

/// The answer instead of carrying a request out, where the misdeed is one.
pub fn instead(misdeed: &Misdeed, head: &Head) -> Option<Response> {
    let target = || match head.raw_query.is_empty() {
        true => head.path.clone(),
        false => format!("{}?{}", head.path, head.raw_query),
    };
    Some(match misdeed {
        Misdeed::Status(status) => Response::error(*status, "UNKNOWN", "as was told"),
        Misdeed::Later(status, when) => {
            let when = match when {
                RetryAfter::Seconds(seconds) => seconds.to_string(),
                RetryAfter::Date(seconds) => date::in_seconds(*seconds),
                RetryAfter::Text(text) => text.clone(),
            };
            Response::error(*status, "TOOMANYREQUESTS", "later").header("Retry-After", when)
        }
        Misdeed::Redirect(base) => {
            Response::new(307).header("Location", format!("{base}/moved{}", target()))
        }
        Misdeed::RedirectToItself => Response::new(307).header("Location", target()),
        _ => return None,
    })
}

/// Changes the answer as told.
pub fn spoil(misdeed: &Misdeed, response: &mut Response) {
    let whole = response.body.len();
    match misdeed {
        Misdeed::WrongByte(at) => {
            let mut body = response.body.to_vec();
            if let Some(byte) = body.get_mut(*at as usize) {
                *byte ^= 1;
            }
            response.body = body.into();
        }
        Misdeed::Body(body) => {
            response.part = (0, body.len());
            response.body = body.clone().into();
        }
        Misdeed::Padded(spaces) => {
            let mut body = response.body.to_vec();
            body.resize(whole + *spaces as usize, b' ');
            response.part = (0, body.len());
            response.body = body.into();
        }
        Misdeed::Header(name, value) => response.set(name, value.clone()),
        Misdeed::NoHeader(name) => response.unset(name),
        Misdeed::RangeShifted if response.status == 206 => {
            let (from, to) = response.part;
            response.part = ((from + 1).min(to), to);
            response.set(
                "Content-Range",
                format!("bytes {}-{}/{whole}", from + 1, to - 1),
            );
        }
        Misdeed::RangeMislabelled if response.status == 206 => {
            let (from, to) = response.part;
            response.set("Content-Range", format!("bytes {}-{to}/{whole}", from + 1));
        }
        _ => {}
    }
}

/// Sends it, as told.
pub fn send(
    output: &mut TcpStream,
    head: &Head,
    response: &Response,
    misdeed: Option<&Misdeed>,
    ended: &AtomicBool,
) -> io::Result<After> {
    let (from, to) = response.part;
    let body = &response.body[from..to];
    let length = body.len() as u64;
    let (said, close) = match misdeed {
        Some(Misdeed::DoneAndHangUp) => return Ok(After::Close),
        Some(Misdeed::LengthTooLong(more)) => (Some(length + more), true),
        Some(Misdeed::LengthTooShort(less)) => (Some(length.saturating_sub(*less)), true),
        Some(Misdeed::Endless | Misdeed::NoLength) => (None, true),
        Some(Misdeed::Cut(_) | Misdeed::Stall(_)) => (Some(length), false),
        _ => (Some(length), false),
    };
    // These have no body, and clients do not expect a length (RFC 9110, 8.6).
    let said = said.filter(|_| response.status != 204);
    response.write_head(output, said, close)?;
    if head.method == "HEAD" || response.status == 204 {
        return Ok(match close {
            true => After::Close,
            false => After::Keep,
        });
    }
    let first = |bytes: u64| &body[..body.len().min(bytes as usize)];
    match misdeed {
        Some(Misdeed::Cut(bytes)) => output.write_all(first(*bytes))?,
        Some(Misdeed::Stall(bytes)) => {
            output.write_all(first(*bytes))?;
            stall(output, ended)?;
        }
        Some(Misdeed::Drip(bytes, pause)) => {
            for piece in body.chunks((*bytes).max(1)) {
                output.write_all(piece)?;
                wait(*pause, ended);
            }
            return Ok(After::Keep);
        }
        Some(Misdeed::Endless) => {
            output.write_all(body)?;
            let zeroes = vec![0; 64 << 10];
            let mut sent = length;
            while sent < ENDLESS && !ended.load(Ordering::Relaxed) {
                output.write_all(&zeroes)?;
                sent += zeroes.len() as u64;
            }
        }
        _ if close => output.write_all(body)?,
        _ => {
            output.write_all(body)?;
            return Ok(After::Keep);
        }
    }
    Ok(After::Close)
}

/// Until the client goes, or the registry ends.
fn stall(output: &TcpStream, ended: &AtomicBool) -> io::Result<()> {
    output.set_read_timeout(Some(GLANCE))?;
    let deadline = Instant::now() + STALL;
    while Instant::now() < deadline && !ended.load(Ordering::Relaxed) {
        match output.peek(&mut [0]) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) => {}
            // It has gone, or goes on talking, which nobody will answer.
            _ => break,
        }
    }
    Ok(())
}

fn wait(pause: Duration, ended: &AtomicBool) {
    let deadline = Instant::now() + pause;
    while !ended.load(Ordering::Relaxed) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        thread::sleep(left.min(GLANCE));
    }
}
