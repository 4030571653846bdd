//! What a registry wants to see with a request, and getting it: passwords, or tokens from whoever
//! the registry names (distribution "Token Authentication Specification" and "OAuth 2").
//!
//! Credentials go to the registry, or to the realm that it names over a connection it was asked
//! on; that much trust the protocol wants. They go nowhere by plain HTTP from a registry with TLS.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::challenge::Challenge;
use super::credentials::{self, Credentials, Found, Secret};
use super::fault::Fault;
use super::session::{Request, Session};
use crate::error::TransportError;

/// Bytes of an answer with a token. Tokens that list many rights have some ten thousand.
const MAX_TOKEN_ANSWER: u64 = 256 * 1024;

/// How long a token holds that does not say so ("Token Authentication Specification").
const DEFAULT_LIFE: Duration = Duration::from_secs(60);

/// A token is not used for this long before its end, as clocks and wires differ.
const MARGIN: Duration = Duration::from_secs(10);

/// The longest a token is kept. One that claims to hold for years is asked for anew.
const MAX_LIFE: Duration = Duration::from_secs(60 * 60);

/// Tokens kept. There is one for each kind of access and each repository mounted from.
const MAX_TOKENS: usize = 64;

/// The name this client goes by with who gives out tokens.
const CLIENT_ID: &str = "lazaret";

/// What a request needs the registry to allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading from the repository.
    Pull,
    /// Reading and writing.
    Push,
    /// Writing to the repository and reading from this other one.
    Mount(String),
    /// Nothing: the request is not for the registry.
    Outside,
}

impl Access {
    /// The scopes of a token for it.
    fn scopes(&self, repository: &str) -> Vec<String> {
        match self {
            Self::Pull => vec![format!("repository:{repository}:pull")],
            Self::Push => vec![format!("repository:{repository}:pull,push")],
            Self::Mount(from) => vec![
                format!("repository:{repository}:pull,push"),
                format!("repository:{from}:pull"),
            ],
            Self::Outside => Vec::new(),
        }
    }
}

/// What is known of a registry's wishes.
#[derive(Debug, Default)]
pub(super) struct Authority {
    wish: Wish,
    /// Looked up when first wished for.
    found: Option<Option<Found>>,
    tokens: Vec<Token>,
}

#[derive(Debug, Default, Clone)]
enum Wish {
    /// None so far.
    #[default]
    Nothing,
    Password,
    Token {
        realm: String,
        service: Option<String>,
    },
}

#[derive(Debug)]
struct Token {
    access: Access,
    header: HeaderValue,
    end: Instant,
}

/// What is answered to who asks for a token.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<Secret>,
    access_token: Option<Secret>,
    expires_in: Option<u64>,
}

impl Authority {
    /// The header for a request.
    pub(super) async fn authorization(
        &mut self,
        session: &Session,
        access: &Access,
    ) -> Result<Option<HeaderValue>, Fault> {
        if matches!(self.wish, Wish::Nothing) {
            return Ok(None);
        }
        if self.found.is_none() {
            self.found = Some(look_up(session).await?);
        }
        let presented = self.presented();
        let credentials = match &self.found {
            Some(Some(found)) => Some(&found.credentials),
            _ => None,
        };
        match (&self.wish, credentials) {
            (Wish::Nothing, _) => Ok(None),
            (_, Some(Credentials::Registry(token))) => bearer(session, token).map(Some),
            (Wish::Password, Some(Credentials::Password { user, password })) => {
                Ok(Some(basic(user, password)))
            }
            (Wish::Password, _) => Ok(None),
            (Wish::Token { realm, service }, credentials) => {
                let now = Instant::now();
                self.tokens.retain(|token| token.end > now);
                let fits = |token: &&Token| token.access == *access;
                if let Some(token) = self.tokens.iter().find(fits) {
                    return Ok(Some(token.header.clone()));
                }
                let scopes = access.scopes(&session.endpoint.repository);
                let from = TokenSource {
                    realm,
                    service: service.as_deref(),
                    credentials,
                    presented,
                };
                let (token, life) = from.fetch(session, &scopes).await?;
                let header = bearer(session, &token)?;
                if self.tokens.len() < MAX_TOKENS {
                    self.tokens.push(Token {
                        access: access.clone(),
                        header: header.clone(),
                        end: now + life.saturating_sub(MARGIN),
                    });
                }
                Ok(Some(header))
            }
        }
    }

    /// Takes note of a challenge to a request that was sent with `used`. Whether there may now be
    /// something else to send: a token can always be had anew, a password is what it is.
    pub(super) fn challenged(&mut self, headers: &HeaderMap, used: Option<&HeaderValue>) -> bool {
        let values = headers.get_all(WWW_AUTHENTICATE).iter();
        match Challenge::choose(values.map(HeaderValue::as_bytes)) {
            None => false,
            Some(Challenge::Basic) => {
                let before = std::mem::replace(&mut self.wish, Wish::Password);
                // Another request may have been told in the meantime, and this one had none.
                let unsent = used.is_none() && !matches!(self.found, Some(None));
                !matches!(before, Wish::Password) || unsent
            }
            Some(Challenge::Bearer { realm, service }) => {
                self.wish = Wish::Token { realm, service };
                // Another request may have got a new one in the meantime.
                self.tokens.retain(|token| Some(&token.header) != used);
                true
            }
        }
    }

    /// What the last request was sent with, for messages.
    pub(super) fn presented(&self) -> String {
        match &self.found {
            Some(Some(found)) if found.origin == "given" => "with the given credentials".to_owned(),
            Some(Some(found)) => format!("with the credentials of {}", found.origin),
            _ => "without credentials".to_owned(),
        }
    }
}

/// Looks for credentials. A helper may take its time, so not on a worker's.
async fn look_up(session: &Session) -> Result<Option<Found>, Fault> {
    let (registry, repository) = (&session.endpoint.registry, &session.endpoint.repository);
    let (registry, repository) = (registry.clone(), repository.clone());
    let options = session.options.clone();
    let search =
        tokio::task::spawn_blocking(move || credentials::find(&registry, &repository, &options));
    // The helper has a limit of its own.
    match session.guard_within(Duration::MAX, None, search).await? {
        Ok(found) => Ok(found?),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn basic(user: &str, password: &Secret) -> HeaderValue {
    let text = STANDARD.encode(format!("{user}:{}", password.reveal()));
    let mut value = HeaderValue::try_from(format!("Basic {text}"))
        .expect("base64 has no character that a header may not have");
    value.set_sensitive(true);
    value
}

/// A token is text from outside: it may have characters that no header can.
fn bearer(session: &Session, token: &Secret) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal())).map_err(|_| {
        TransportError::Protocol {
            registry: session.endpoint.registry.clone(),
            operation: "a request for a token".to_owned(),
            reason: "characters that no token can have".to_owned(),
        }
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Who gives out tokens, and what they are shown.
struct TokenSource<'a> {
    realm: &'a str,
    service: Option<&'a str>,
    credentials: Option<&'a Credentials>,
    presented: String,
}

impl TokenSource<'_> {
    /// Gets a token and how long it holds.
    async fn fetch(
        self,
        session: &Session,
        scopes: &[String],
    ) -> Result<(Secret, Duration), Fault> {
        let registry = &session.endpoint.registry;
        let what = format!("a token for {}", session.endpoint.repository);
        let from = session.endpoint.root();
        let url = session
            .endpoint
            .follow(&from, self.realm.as_bytes())
            .map_err(|reason| TransportError::Protocol {
                registry: registry.clone(),
                operation: format!("a request for {what}"),
                reason: format!("a realm at {reason}"),
            })?;
        let (request, authorization) =
            token_request(url, what, scopes, self.service, self.credentials);
        let answer = session
            .outside(&request, authorization.as_ref(), MAX_TOKEN_ANSWER)
            .await?;
        if !answer.status.is_success() {
            let error = session.refused_with(&request, &answer, self.presented);
            return Err(error.into());
        }
        let unreadable = || session.protocol(&request, "something that is no token".to_owned());
        let answer: TokenAnswer = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
        let token = [answer.token, answer.access_token]
            .into_iter()
            .flatten()
            .find(|token| !token.reveal().is_empty())
            .ok_or_else(unreadable)?;
        let life = answer.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs);
        tracing::debug!(registry, ?scopes, "token");
        Ok((token, life.min(MAX_LIFE)))
    }
}

/// The request for a token, and what goes with it.
fn token_request(
    mut url: Url,
    what: String,
    scopes: &[String],
    service: Option<&str>,
    credentials: Option<&Credentials>,
) -> (Request, Option<HeaderValue>) {
    let Some(Credentials::Identity(token)) = credentials else {
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = service {
                query.append_pair("service", service);
            }
            for scope in scopes {
                query.append_pair("scope", scope);
            }
        }
        let authorization = match credentials {
            Some(Credentials::Password { user, password }) => Some(basic(user, password)),
            _ => None,
        };
        let mut request = Request::new(Method::GET, url, what);
        request.access = Access::Outside;
        return (request, authorization);
    };
    // A form is written as a query is.
    let mut form = url.clone();
    form.set_query(None);
    form.query_pairs_mut()
        .append_pair("grant_type", "refresh_token")
        .append_pair("service", service.unwrap_or_default())
        .append_pair("scope", &scopes.join(" "))
        .append_pair("client_id", CLIENT_ID)
        .append_pair("refresh_token", token.reveal());
    let mut request = Request::new(Method::POST, url, what);
    request.access = Access::Outside;
    request.body = Bytes::from(form.query().unwrap_or_default().to_owned());
    request.headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    (request, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(access: &Access, credentials: Option<&Credentials>) -> (Request, Option<HeaderValue>) {
        token_request(
            "https://auth.example/token?x=y".parse().unwrap(),
            "a token".to_owned(),
            &access.scopes("a/b"),
            Some("the registry"),
            credentials,
        )
    }

    #[test]
    fn a_token_is_asked_for_with_what_is_needed() {
        let base =
            "https://auth.example/token?x=y&service=the+registry&scope=repository%3Aa%2Fb%3A";
        for (access, expected) in [
            (Access::Pull, "pull"),
            (Access::Push, "pull%2Cpush"),
            (
                Access::Mount("c".to_owned()),
                "pull%2Cpush&scope=repository%3Ac%3Apull",
            ),
        ] {
            let (request, authorization) = ask(&access, None);
            assert_eq!(request.url.as_str(), format!("{base}{expected}"));
            assert_eq!((request.method, authorization), (Method::GET, None));
        }
        let password = Credentials::Password {
            user: "user".to_owned(),
            password: Secret::new("right".to_owned()),
        };
        let (_, authorization) = ask(&Access::Pull, Some(&password));
        let authorization = authorization.unwrap();
        assert_eq!(authorization, "Basic dXNlcjpyaWdodA==");
        assert!(authorization.is_sensitive());
    }

    #[test]
    fn an_identity_token_goes_in_a_form() {
        let identity = Credentials::Identity(Secret::new("se&cret".to_owned()));
        let (request, authorization) = ask(&Access::Pull, Some(&identity));
        assert_eq!(authorization, None);
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.url.as_str(), "https://auth.example/token?x=y");
        assert_eq!(
            request.body,
            "grant_type=refresh_token&service=the+registry&scope=repository%3Aa%2Fb%3Apull\
             &client_id=lazaret&refresh_token=se%26cret"
        );
    }
}
