//! What was asked, and what came of it.

/// A request as it was read, and the status of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET` and the like.
    pub method: String,
    /// Without its query.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// Names as they were written, and values.
    pub headers: Vec<(String, String)>,
    /// Bytes of the body that were read.
    pub body_length: u64,
    /// Status of the answer; 0 where there was none.
    pub status: u16,
    /// What went wrong with it as told, in words.
    pub fault: Option<String>,
}

impl Request {
    /// A header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// A header, by its name in any case.
pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| &**value)
}
