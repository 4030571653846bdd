//! What can go wrong, and at which requests it does.

use std::time::Duration;

use crate::http::Head;
use crate::pattern;

/// A misdeed, and when it happens.
#[derive(Debug, Clone)]
pub struct Fault {
    method: String,
    path: String,
    header: Option<String>,
    after: u32,
    times: u32,
    /// What happens.
    pub misdeed: Misdeed,
}

impl Fault {
    /// Happens once, to the first request with this method and a path like this. `*` in either
    /// stands for anything; the path is without its query.
    #[must_use]
    pub fn new(method: &str, path: &str, misdeed: Misdeed) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            header: None,
            after: 0,
            times: 1,
            misdeed,
        }
    }

    /// Happens so many times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Happens each time.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }

    /// Lets so many requests through before.
    #[must_use]
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    /// Happens only to requests with this header.
    #[must_use]
    pub fn with_header(mut self, name: &str) -> Self {
        self.header = Some(name.to_owned());
        self
    }

    /// Whether it happens to this request; counts it if so.
    pub(crate) fn strike(&mut self, head: &Head) -> bool {
        let applies = pattern::matches(&self.method, &head.method)
            && pattern::matches(&self.path, &head.path)
            && self
                .header
                .as_ref()
                .is_none_or(|name| head.header(name).is_some());
        if !applies || self.times == 0 {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        self.times -= 1;
        true
    }
}

/// What goes wrong with an answer, or instead of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misdeed {
    /// This status, nothing done.
    Status(u16),
    /// This status, nothing done, and a word on when to come back.
    Later(u16, RetryAfter),
    /// The connection ends without an answer, once the request is read.
    HangUp,
    /// The connection ends after so many bytes of the request's body, without an answer.
    HangUpAfter(u64),
    /// The connection ends after so many bytes of the answer's body.
    Cut(u64),
    /// Nothing comes after so many bytes of the answer's body, and the connection stays.
    Stall(u64),
    /// The answer's body comes in pieces of so many bytes, with a pause after each.
    Drip(usize, Duration),
    /// The answer's body has no length and no end (but for
    /// [`ENDLESS`](crate::http::ENDLESS) bytes).
    Endless,
    /// `Content-Length` is too large by so much; the connection ends where the body does.
    LengthTooLong(u64),
    /// `Content-Length` is too small by so much, and all of the body is sent.
    LengthTooShort(u64),
    /// No `Content-Length`; the connection ends where the body does.
    NoLength,
    /// The byte there, counted from the body's start, is another one.
    WrongByte(u64),
    /// Another body.
    Body(Vec<u8>),
    /// So many spaces after the body, all of it with an honest length.
    Padded(u64),
    /// Another value for a header of the answer.
    Header(&'static str, String),
    /// The answer without that header.
    NoHeader(&'static str),
    /// 307 to the same path below this; an empty text means this host. What arrives there with
    /// `/moved` before the path is answered as if it were not.
    Redirect(String),
    /// 307 to the very same address.
    RedirectToItself,
    /// 200 and everything, whatever range was asked for.
    RangeIgnored,
    /// Part of the wrong place: `Content-Range` and the bytes are those from one byte further on.
    RangeShifted,
    /// The right bytes, and a `Content-Range` that says they begin one byte further on.
    RangeMislabelled,
    /// The request is carried out, and then the connection ends without an answer.
    DoneAndHangUp,
}

/// When to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryAfter {
    /// In so many seconds.
    Seconds(u64),
    /// On the date that is in so many seconds.
    Date(u64),
    /// Any text.
    Text(String),
}
