//! Lists that come in pages: each names the next in `Link` (distribution-spec, "Listing Tags";
//! RFC 8288).

use std::collections::BTreeSet;

use oci_client::client::TagResponse;
use reqwest::header::{HeaderMap, LINK};
use reqwest::{Method, Url};

use super::session::{Answer, Request, Session};
use crate::error::TransportError;

/// Pages of one list. A registry could otherwise name a next page for ever.
const MAX_PAGES: u64 = 1_000;

/// Bytes of one page. Registries that do not know pages send all tags as one.
pub(super) const MAX_PAGE_SIZE: u64 = 16 * 1024 * 1024;

/// Tags of one repository.
const MAX_TAGS: u64 = 1_000_000;

/// Tags asked for at once; registries give fewer where they like.
const PAGE: &str = "1000";

/// Characters of a tag (distribution-spec, "Pulling manifests").
const MAX_TAG_LENGTH: usize = 128;

impl Session {
    /// All tags of the repository, sorted, each once.
    pub(super) async fn tags(&self) -> Result<Vec<String>, TransportError> {
        let mut url = self.endpoint.url(&["tags", "list"]);
        url.query_pairs_mut().append_pair("n", PAGE);
        let what = format!("tags of {}", self.endpoint.repository);
        let mut tags = BTreeSet::new();
        let mut pages = Pages::new(Request::new(Method::GET, url, what));
        while let Some(request) = pages.next() {
            let answer = self.collect(request, MAX_PAGE_SIZE).await?;
            if !answer.status.is_success() {
                return Err(self.refused(request, &answer).await);
            }
            let page: TagResponse = serde_json::from_slice(&answer.body)
                .map_err(|_| self.protocol(request, "something that is no list".to_owned()))?;
            for tag in page.tags {
                if is_tag(&tag) {
                    tags.insert(tag);
                } else {
                    tracing::warn!(
                        registry = self.endpoint.registry,
                        ?tag,
                        "no tag, passed over"
                    );
                }
            }
            check(&pages.request.what, tags.len() as u64, MAX_TAGS)?;
            pages.turn(self, &answer)?;
        }
        Ok(tags.into_iter().collect())
    }
}

/// Goes from page to page.
pub(super) struct Pages {
    request: Request,
    more: bool,
    read: u64,
}

impl Pages {
    pub(super) const fn new(first: Request) -> Self {
        Self {
            request: first,
            more: true,
            read: 0,
        }
    }

    /// The request for the next page.
    pub(super) fn next(&self) -> Option<&Request> {
        self.more.then_some(&self.request)
    }

    /// After a page: finds the next one.
    pub(super) fn turn(
        &mut self,
        session: &Session,
        answer: &Answer,
    ) -> Result<(), TransportError> {
        self.read += 1;
        let Some(link) = next_link(&answer.headers) else {
            self.more = false;
            return Ok(());
        };
        check(
            &format!("pages of {}", self.request.what),
            self.read + 1,
            MAX_PAGES,
        )?;
        let fail =
            |reason: String| session.protocol(&self.request, format!("a next page at {reason}"));
        let url = session
            .endpoint
            .follow(&self.request.url, link.as_bytes())
            .map_err(fail)?;
        if !session.endpoint.is_origin(&url) {
            let host = Url::host_str(&url).unwrap_or_default();
            return Err(fail(format!("another host, {host}")));
        }
        self.request.url = url;
        Ok(())
    }
}

fn check(what: &str, found: u64, limit: u64) -> Result<(), TransportError> {
    match found > limit {
        true => Err(TransportError::Limit {
            what: what.to_owned(),
            found,
            limit,
        }),
        false => Ok(()),
    }
}

/// The address in `<…>; rel="next"`.
fn next_link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(LINK).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| find_next(value).map(str::to_owned))
}

fn find_next(value: &str) -> Option<&str> {
    let mut rest = value;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (address, after) = after.split_once('>')?;
        // Commas in quotes divide nothing, and no known parameter has one.
        let (parameters, more) = after.split_once(',').unwrap_or((after, ""));
        let is_next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .trim()
                    .trim_matches('"')
                    .split(' ')
                    .any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(address);
        }
        rest = more;
    }
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_TAG_LENGTH
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (value, expected) in [
            (
                r#"</v2/x/tags/list?last=b&n=2>; rel="next""#,
                Some("/v2/x/tags/list?last=b&n=2"),
            ),
            ("<https://h/y>;rel=next", Some("https://h/y")),
            (
                r#"</a>; rel="prev", </b>; title="x"; REL="up Next""#,
                Some("/b"),
            ),
            (r#"</a>; rel="prev""#, None),
            ("</a>", None),
            ("/a; rel=next", None),
            ("</a; rel=next", None),
            ("", None),
        ] {
            assert_eq!(find_next(value), expected, "{value}");
        }
    }

    #[test]
    fn a_tag_is_what_the_specification_says() {
        for good in ["latest", "v1.2-x_y", "_", "0", &"a".repeat(128)] {
            assert!(is_tag(good), "{good}");
        }
        for bad in [
            "",
            ".a",
            "-a",
            "a/b",
            "a b",
            "a:b",
            "\u{e4}",
            "a\n",
            &"a".repeat(129),
        ] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
