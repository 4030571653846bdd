//! Requests to one registry: authorised, redirected, repeated, bounded.
//!
//! One try is: find the authorisation, send, follow redirects, answer a challenge once. Tries are
//! repeated as [`super::retry`] has it, with the patience of [`super::patience`]. Credentials and
//! tokens go to the registry's own origin only; a challenge counts only if it comes from there.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Body, Client, Method, Response, StatusCode, Url};

use super::authority::{Access, Authority};
use super::endpoint::{Endpoint, same_origin};
use super::fault::{Cause, Fault, MAX_REFUSAL, Refusal};
use super::options::RegistryOptions;
use super::patience::{Progress, Tries};
use super::retry;
use crate::error::TransportError;

/// Redirects followed. Registries need one, to an object store; more is a loop.
const MAX_REDIRECTS: usize = 5;

/// How long a registry on this machine may take over a handshake before it is taken for one that
/// does not speak TLS.
const MAX_PROBE: Duration = Duration::from_secs(5);

/// What is asked of a registry. May be sent several times.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub method: Method,
    pub url: Url,
    /// What the registry has to allow for it.
    pub access: Access,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What it is about, for messages: "manifest NAME:TAG".
    pub what: String,
}

impl Request {
    pub(super) fn new(method: Method, url: Url, what: String) -> Self {
        let access = match method {
            Method::GET | Method::HEAD => Access::Pull,
            _ => Access::Push,
        };
        Self {
            method,
            url,
            access,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            what,
        }
    }

    pub(super) fn operation(&self) -> String {
        format!("{} of {}", self.method, self.what)
    }
}

/// An answer with its body.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A registry, spoken to.
#[derive(Debug)]
pub(super) struct Session {
    pub endpoint: Endpoint,
    pub options: RegistryOptions,
    client: Client,
    authority: tokio::sync::Mutex<Authority>,
    /// Bytes of lists of referrers so far.
    pub listed: AtomicU64,
}

impl Session {
    pub(super) fn new(endpoint: Endpoint, options: RegistryOptions, client: Client) -> Self {
        Self {
            endpoint,
            options,
            client,
            authority: tokio::sync::Mutex::default(),
            listed: AtomicU64::new(0),
        }
    }

    /// Changes over to plain HTTP where a registry on this machine does not speak TLS. Any sign
    /// of TLS, such as a certificate that is not trusted, keeps it.
    pub(super) async fn probe(&mut self) -> Result<(), TransportError> {
        if self.endpoint.is_plain() || !self.endpoint.is_loopback() {
            return Ok(());
        }
        let request = self.client.get(self.endpoint.root()).send();
        let limit = MAX_PROBE.min(self.options.timeout);
        let Err(error) = (match self.guard_within(limit, None, request).await {
            Ok(answer) => answer,
            Err(Fault::Final(error)) => return Err(error),
            // A server that waits for the end of a line which TLS does not send.
            Err(Fault::Passing { .. }) => {
                self.endpoint = self.endpoint.clone().into_plain();
                return Ok(());
            }
        }) else {
            return Ok(());
        };
        let speaks_tls = match super::fault::tls_error(&error) {
            Some(rustls::Error::InvalidMessage(_)) => false,
            Some(_) => true,
            // Nobody there is nobody by any protocol; the next request says so.
            None => {
                super::fault::system_error(&error) == Some(std::io::ErrorKind::ConnectionRefused)
            }
        };
        if !speaks_tls {
            tracing::debug!(registry = self.endpoint.registry, "no TLS on loopback");
            self.endpoint = self.endpoint.clone().into_plain();
        }
        Ok(())
    }

    /// The answer to a request, whatever its status, once it is none that may pass. Its body is
    /// still to be read.
    pub(super) async fn exchange(&self, request: &Request) -> Result<Response, TransportError> {
        let mut tries = Tries::new(self, request);
        loop {
            match self.once(request).await {
                Ok(response) => return Ok(response),
                Err(fault) => tries.failed(fault).await?,
            }
        }
    }

    /// The answer to a request with its body, which is refused when it has more than `limit`
    /// bytes. Bodies of refusals are cut.
    pub(super) async fn collect(
        &self,
        request: &Request,
        limit: u64,
    ) -> Result<Answer, TransportError> {
        let mut tries = Tries::new(self, request);
        loop {
            match self.collect_once(request, limit).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => tries.failed(fault).await?,
            }
        }
    }

    async fn collect_once(&self, request: &Request, limit: u64) -> Result<Answer, Fault> {
        let mut response = self.once(request).await?;
        let body = if response.status().is_success() {
            let what = || format!("size of {}", request.what);
            self.read_body(&mut response, limit, what).await?
        } else {
            self.read_start(&mut response).await?
        };
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        })
    }

    /// One try.
    pub(super) async fn once(&self, request: &Request) -> Result<Response, Fault> {
        let mut challenged = false;
        loop {
            let authorization = self.authorization(&request.access).await?;
            let response = self.walk(request, authorization.as_ref()).await?;
            if response.status() == StatusCode::UNAUTHORIZED
                && !challenged
                && self.endpoint.is_origin(response.url())
            {
                challenged = true;
                let mut authority = self.authority.lock().await;
                if authority.challenged(response.headers(), authorization.as_ref()) {
                    continue;
                }
            }
            return self.sort(response).await;
        }
    }

    /// One try of a request whose body can be sent only once; it is not redirected. With `renew` a
    /// challenge is a fault of this try, and the next one answers it.
    pub(super) async fn once_with_body(
        &self,
        request: &Request,
        body: Body,
        progress: &Progress,
        renew: bool,
    ) -> Result<Response, Fault> {
        let authorization = self.authorization(&request.access).await?;
        let own = self.endpoint.is_origin(&request.url);
        let send = self.hop(
            &request.method,
            request.url.clone(),
            request.headers.clone(),
            body,
            authorization.as_ref().filter(|_| own),
        );
        let response = self.guard(Some(progress), send).await??;
        if response.status() == StatusCode::UNAUTHORIZED && own && renew {
            let mut authority = self.authority.lock().await;
            if authority.challenged(response.headers(), authorization.as_ref()) {
                let cause = Cause::Status(response.status(), String::new());
                let wait = Some(Duration::ZERO);
                return Err(Fault::Passing { cause, wait });
            }
        }
        self.sort(response).await
    }

    /// A request to somebody else than the registry, such as who gives out tokens.
    pub(super) async fn outside(
        &self,
        request: &Request,
        authorization: Option<&HeaderValue>,
        limit: u64,
    ) -> Result<Answer, Fault> {
        let response = self.walk(request, authorization).await?;
        let mut response = self.sort(response).await?;
        let body = match response.status().is_success() {
            true => {
                let what = || "size of a token's answer".to_owned();
                self.read_body(&mut response, limit, what).await?
            }
            false => self.read_start(&mut response).await?,
        };
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        })
    }

    /// Sends a request and follows redirects (RFC 9110 section 15.4). The authorisation is for
    /// the origin of the request's own address.
    async fn walk(
        &self,
        request: &Request,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Fault> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let own = match request.access {
                Access::Outside => same_origin(&request.url, &url),
                _ => self.endpoint.is_origin(&url),
            };
            let send = self.hop(
                &request.method,
                url.clone(),
                request.headers.clone(),
                Body::from(request.body.clone()),
                authorization.filter(|_| own),
            );
            let response = self.guard(None, send).await??;
            let again = match response.status().as_u16() {
                // These turn a POST into a GET, which no upload means.
                301..=303 => matches!(request.method, Method::GET | Method::HEAD),
                307 | 308 => true,
                _ => false,
            };
            let Some(location) = response.headers().get(LOCATION).filter(|_| again) else {
                return Ok(response);
            };
            let refuse = |reason: String| self.protocol(request, format!("a redirect to {reason}"));
            url = self
                .endpoint
                .follow(&url, location.as_bytes())
                .map_err(&refuse)?;
            // What is sent to who gives out tokens is a secret of the user's.
            if request.access == Access::Outside
                && !request.body.is_empty()
                && !same_origin(&request.url, &url)
            {
                let host = url.host_str().unwrap_or_default();
                let reason = format!("another host, {host}, which is not to have what was sent");
                return Err(refuse(reason).into());
            }
            tracing::debug!(host = url.host_str(), what = request.what, "redirected");
        }
        let reason = format!("more than {MAX_REDIRECTS} redirects");
        Err(self.protocol(request, reason).into())
    }

    async fn hop(
        &self,
        method: &Method,
        url: Url,
        headers: HeaderMap,
        body: Body,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Fault> {
        let mut builder = self.client.request(method.clone(), url).headers(headers);
        if let Some(value) = authorization {
            builder = builder.header(AUTHORIZATION, value.clone());
        }
        let is_empty = body.as_bytes() == Some(b"");
        if !is_empty {
            builder = builder.body(body);
        } else if matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
            // Some servers refuse these without a length (RFC 9110 section 8.6).
            builder = builder.header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let sent = builder.send().await;
        sent.map_err(|error| Fault::from_client(&error, self))
    }

    /// An answer that may pass is a fault of this try.
    async fn sort(&self, mut response: Response) -> Result<Response, Fault> {
        let status = response.status();
        if !retry::may_pass(status) {
            return Ok(response);
        }
        let wait = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry::retry_after(value, SystemTime::now()));
        let is_text = is_text(response.headers());
        let body = self.read_start(&mut response).await.unwrap_or_default();
        let message = Refusal::parse(&body, is_text).message;
        Err(Fault::Passing {
            cause: Cause::Status(status, message),
            wait,
        })
    }

    async fn authorization(&self, access: &Access) -> Result<Option<HeaderValue>, Fault> {
        if *access == Access::Outside {
            return Ok(None);
        }
        // Held while a token is fetched: others wait for the same one.
        self.authority
            .lock()
            .await
            .authorization(self, access)
            .await
    }

    /// The next piece of a body; `None` at its end.
    pub(super) async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, Fault> {
        let chunk = self.guard(None, response.chunk()).await?;
        chunk.map_err(|error| Fault::from_client(&error, self))
    }

    /// A whole body of at most `limit` bytes.
    async fn read_body(
        &self,
        response: &mut Response,
        limit: u64,
        what: impl Fn() -> String,
    ) -> Result<Vec<u8>, Fault> {
        let too_much = |found| TransportError::Limit {
            what: what(),
            found,
            limit,
        };
        // The body of an answer to HEAD is empty, whatever its length is said to be.
        if let Some(length) = response.content_length()
            && length > limit
        {
            return Err(too_much(length).into());
        }
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk(response).await? {
            let length = body.len() as u64 + chunk.len() as u64;
            if length > limit {
                return Err(too_much(length).into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The start of a refusal's body.
    async fn read_start(&self, response: &mut Response) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        while (body.len() as u64) < MAX_REFUSAL
            && let Some(chunk) = self.chunk(response).await?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The error for an answer that is a refusal.
    pub(super) async fn refusal(
        &self,
        request: &Request,
        mut response: Response,
    ) -> TransportError {
        let body = match self.read_start(&mut response).await {
            Err(Fault::Final(error)) => return error,
            body => body.unwrap_or_default(),
        };
        let answer = Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        };
        self.refused(request, &answer).await
    }

    /// The error for an answer that is a refusal.
    pub(super) async fn refused(&self, request: &Request, answer: &Answer) -> TransportError {
        let presented = self.authority.lock().await.presented();
        self.refused_with(request, answer, presented)
    }

    /// The error for an answer that is a refusal; `presented` is what was sent with the request.
    pub(super) fn refused_with(
        &self,
        request: &Request,
        answer: &Answer,
        presented: String,
    ) -> TransportError {
        let registry = self.endpoint.registry.clone();
        let Refusal { message, unknown } = Refusal::parse(&answer.body, is_text(&answer.headers));
        let of_registry = request.access != Access::Outside;
        match answer.status.as_u16() {
            401 | 403 => TransportError::Unauthorized {
                registry,
                what: request.what.clone(),
                presented,
                message,
            },
            status
                if of_registry
                    && (status == 404 || (unknown && answer.status.is_client_error())) =>
            {
                TransportError::NotInRegistry {
                    registry,
                    what: request.what.clone(),
                    message,
                }
            }
            status => TransportError::Refused {
                registry,
                operation: request.operation(),
                status,
                message,
            },
        }
    }

    pub(super) fn protocol(&self, request: &Request, reason: String) -> TransportError {
        TransportError::Protocol {
            registry: self.endpoint.registry.clone(),
            operation: request.operation(),
            reason,
        }
    }
}

/// Whether a refusal's body is meant to be read. Servers of TLS that are spoken to without it say
/// so in a text of no type.
fn is_text(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_none_or(|value| value.as_bytes().starts_with(b"text/plain"))
}
