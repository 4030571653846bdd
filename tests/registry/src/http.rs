//! As much of HTTP/1.1 as clients of a registry speak: heads, bodies with a length or in chunks,
//! answers.

use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::log::find;

/// Bytes of a head; more is no client of ours.
const MAX_HEAD: u64 = 64 << 10;

/// Bytes of a request's body; all of it is kept in memory.
const MAX_BODY: u64 = 1 << 30;

/// Bytes after which even an endless body ends, so that a test that takes it ends, too.
pub const ENDLESS: u64 = 64 << 30;

/// A request without its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// `GET` and the like.
    pub method: String,
    /// Without its query, escapes undone.
    pub path: String,
    /// Names and values, escapes undone.
    pub query: Vec<(String, String)>,
    /// As it was sent.
    pub raw_query: String,
    /// Names as they were written, and values.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// Reads one; none at the end of a connection.
    ///
    /// # Errors
    /// The connection's, and what is no head.
    pub fn read(input: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut input = input.take(MAX_HEAD);
        let Some(first) = line(&mut input)? else {
            return Ok(None);
        };
        let mut parts = first.split(' ');
        let (Some(method), Some(target)) = (parts.next(), parts.next()) else {
            return Err(invalid("no request line"));
        };
        // A proxy's form has the host, too.
        let target = match target.strip_prefix("http://") {
            Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => target,
        };
        let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = Vec::new();
        loop {
            let line = line(&mut input)?.ok_or_else(|| invalid("a head without an end"))?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| invalid("a header without a colon"))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(name), unescape(value))
        };
        let query = raw_query.split('&').filter(|part| !part.is_empty());
        Ok(Some(Self {
            method: method.to_owned(),
            path: unescape(path),
            query: query.map(pair).collect(),
            raw_query: raw_query.to_owned(),
            headers,
        }))
    }

    /// A header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first value of that name in the query.
    #[must_use]
    pub fn asked(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| &**value)
    }

    /// The host that the client thinks it talks to.
    #[must_use]
    pub fn host(&self) -> &str {
        self.header("host").unwrap_or_default()
    }

    /// Reads the body, of which `at_most` bytes; says whether that was all.
    ///
    /// # Errors
    /// The connection's, and what is no body.
    pub fn body(&self, input: &mut impl BufRead, at_most: u64) -> io::Result<(Vec<u8>, bool)> {
        let mut body = Vec::new();
        let chunked = self
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        if !chunked {
            let length = self.header("content-length").unwrap_or("0");
            let length: u64 = length.parse().map_err(|_| invalid("no length"))?;
            if length > MAX_BODY {
                return Err(invalid("a body beyond all bounds"));
            }
            fill(input, length.min(at_most), &mut body)?;
            return Ok((body, length <= at_most));
        }
        loop {
            let size = line(&mut input.take(MAX_HEAD))?.ok_or_else(|| invalid("no chunk"))?;
            let size = size.split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(|_| invalid("no chunk size"))?;
            let room = at_most - body.len() as u64;
            if size > MAX_BODY - body.len() as u64 {
                return Err(invalid("a body beyond all bounds"));
            }
            fill(input, size.min(room), &mut body)?;
            if size > room {
                return Ok((body, false));
            }
            line(&mut input.take(MAX_HEAD))?;
            if size == 0 {
                return Ok((body, true));
            }
        }
    }
}

fn fill(input: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let read = input.take(length).read_to_end(body)?;
    if read as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Without its end; none at the end of the input.
fn line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let text = line
        .strip_suffix('\n')
        .ok_or_else(|| invalid("a line without an end"))?;
    Ok(Some(text.trim_end_matches('\r').to_owned()))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Undoes `%41` and the like.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = match escaped {
            Some(_) => &tail[2..],
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its code.
    pub status: u16,
    /// All but those about the connection and the body's length.
    pub headers: Vec<(String, String)>,
    /// All of the body, of which a part is sent.
    pub body: Arc<Vec<u8>>,
    /// First byte of the part, and the one after its last.
    pub part: (usize, usize),
}

impl Response {
    /// Without a body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Arc::default(),
            part: (0, 0),
        }
    }

    /// And this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value.into());
        self
    }

    /// And this body.
    #[must_use]
    pub fn body(mut self, body: Arc<Vec<u8>>) -> Self {
        self.part = (0, body.len());
        self.body = body;
        self
    }

    /// Replaces a header.
    pub fn set(&mut self, name: &str, value: String) {
        self.unset(name);
        self.headers.push((name.to_owned(), value));
    }

    /// Removes a header.
    pub fn unset(&mut self, name: &str) {
        self.headers
            .retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }

    /// JSON.
    #[must_use]
    pub fn json(status: u16, value: &Value) -> Self {
        let body = serde_json::to_vec(value).expect("a value is JSON");
        Self::new(status)
            .header("Content-Type", "application/json")
            .body(Arc::new(body))
    }

    /// An error as the distribution specification has it.
    #[must_use]
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let errors = json!({"errors": [{"code": code, "message": message}]});
        Self::json(status, &errors)
    }

    /// Writes the head.
    ///
    /// # Errors
    /// The connection's.
    pub fn write_head(
        &self,
        output: &mut impl Write,
        length: Option<u64>,
        close: bool,
    ) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        if close {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        output.write_all(head.as_bytes())
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Whatever",
    }
}
