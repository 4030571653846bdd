//! A blob to a registry (distribution-spec, "Pushing blobs"): mounted from another repository,
//! or sent in one request; after a break the rest is sent where the registry kept the beginning.

use std::sync::atomic::{AtomicU64, Ordering};

use lazaret_artifact::Descriptor;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RANGE,
};
use reqwest::{Method, Response, StatusCode, Url};

use super::authority::Access;
use super::fault::{Cause, Fault};
use super::feed::{Feed, feed};
use super::patience::Tries;
use super::range::received;
use super::runtime::Runtime;
use super::session::{Answer, Request, Session};
use crate::destination::BlobSource;
use crate::error::TransportError;

/// Bytes of an answer to a part of an upload; it has none worth reading.
const MAX_ANSWER: u64 = 64 * 1024;

/// An upload that the registry knows of.
struct Upload {
    location: Url,
    /// Bytes that the registry has.
    offset: u64,
}

impl Session {
    /// A request about the blob of `descriptor`.
    pub(super) fn blob_request(&self, method: Method, descriptor: &Descriptor) -> Request {
        let digest = descriptor.digest.to_string();
        let url = self.endpoint.url(&["blobs", &digest]);
        let what = format!("blob {digest} in {}", self.endpoint.repository);
        Request::new(method, url, what)
    }

    /// Has the registry take the blob over from another of its repositories. False where it
    /// does not, for whatever reason: sending it is always possible.
    pub(super) async fn mount(
        &self,
        descriptor: &Descriptor,
        from: &str,
    ) -> Result<bool, TransportError> {
        let mut request = self.blob_request(Method::POST, descriptor);
        request.url = self.endpoint.url(&["blobs", "uploads", ""]);
        request
            .url
            .query_pairs_mut()
            .append_pair("mount", &descriptor.digest.to_string())
            .append_pair("from", from);
        request.access = Access::Mount(from.to_owned());
        let answer = match self.collect(&request, MAX_ANSWER).await {
            // Who gives out tokens may be as strict as the registry.
            Err(TransportError::Unauthorized { .. }) => return Ok(false),
            answer => answer?,
        };
        match answer.status {
            StatusCode::CREATED => self
                .check_digest(&request, &answer, descriptor)
                .map(|()| true),
            StatusCode::ACCEPTED => {
                // An upload was begun instead. It is not used, so it is ended, if that is allowed.
                if let Ok(location) = self.location(&request, &answer.headers)
                    && self.endpoint.is_origin(&location)
                {
                    let mut end = request.clone();
                    (end.method, end.url, end.access) = (Method::DELETE, location, Access::Push);
                    match self.once(&end).await {
                        Err(Fault::Final(TransportError::Cancelled)) => {
                            return Err(TransportError::Cancelled);
                        }
                        ended => tracing::debug!(ok = ended.is_ok(), "upload not used"),
                    }
                }
                Ok(false)
            }
            status if status.is_success() || status.is_client_error() => {
                tracing::debug!(digest = %descriptor.digest, from, %status, "not mounted");
                Ok(false)
            }
            _ => Err(self.refused(&request, &answer).await),
        }
    }

    /// Begins an upload.
    async fn begin(&self, descriptor: &Descriptor) -> Result<Upload, TransportError> {
        let mut request = self.blob_request(Method::POST, descriptor);
        request.url = self.endpoint.url(&["blobs", "uploads", ""]);
        let answer = self.collect(&request, MAX_ANSWER).await?;
        if answer.status != StatusCode::ACCEPTED {
            return match answer.status.is_success() {
                true => Err(self.protocol(
                    &request,
                    format!(
                        "status {} to the start of an upload",
                        answer.status.as_u16()
                    ),
                )),
                false => Err(self.refused(&request, &answer).await),
            };
        }
        Ok(Upload {
            location: self.location(&request, &answer.headers)?,
            offset: 0,
        })
    }

    /// Where an upload goes on.
    fn location(&self, request: &Request, headers: &HeaderMap) -> Result<Url, TransportError> {
        let location = headers
            .get(LOCATION)
            .ok_or_else(|| self.protocol(request, "no place for the upload".to_owned()))?;
        self.endpoint
            .follow(&request.url, location.as_bytes())
            .map_err(|reason| self.protocol(request, format!("an upload to {reason}")))
    }

    /// What the registry has of an upload that broke off; `None` when it has nothing to go on
    /// with. One try: to begin again is always possible.
    async fn progress_of(&self, upload: &Upload, descriptor: &Descriptor) -> Option<Upload> {
        let mut request = self.blob_request(Method::GET, descriptor);
        request.url = upload.location.clone();
        request.access = Access::Push;
        let response = self.once(&request).await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        let range = response.headers().get(RANGE)?.to_str().ok()?;
        let offset = received(range).filter(|offset| *offset > 0 && *offset <= descriptor.size)?;
        let location = match response.headers().contains_key(LOCATION) {
            true => self.location(&request, response.headers()).ok()?,
            false => upload.location.clone(),
        };
        Some(Upload { location, offset })
    }

    /// Sends the rest of a blob, all of it where nothing is there yet, and has the registry
    /// compare its digest.
    async fn send(
        &self,
        upload: &Upload,
        descriptor: &Descriptor,
        feed: &Feed,
        renew: bool,
    ) -> Result<Answer, Fault> {
        let left = descriptor.size - upload.offset;
        let mut request = self.blob_request(Method::PUT, descriptor);
        request.url = upload.location.clone();
        let headers = &mut request.headers;
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        number(headers, CONTENT_LENGTH, left.to_string());
        if upload.offset == 0 {
            with_digest(&mut request.url, descriptor);
            let response = self
                .once_with_body(&request, feed.body(), &feed.progress, renew)
                .await?;
            return self.answer(response).await;
        }
        let mut location = upload.location.clone();
        if left > 0 {
            request.method = Method::PATCH;
            let range = format!("{}-{}", upload.offset, descriptor.size - 1);
            number(&mut request.headers, CONTENT_RANGE, range);
            let response = self
                .once_with_body(&request, feed.body(), &feed.progress, renew)
                .await?;
            if !response.status().is_success() {
                return self.answer(response).await;
            }
            if response.headers().contains_key(LOCATION) {
                location = self.location(&request, response.headers())?;
            }
        }
        let mut last = self.blob_request(Method::PUT, descriptor);
        last.url = location;
        with_digest(&mut last.url, descriptor);
        let response = self.once(&last).await?;
        self.answer(response).await
    }

    async fn answer(&self, mut response: Response) -> Result<Answer, Fault> {
        let mut body = Vec::new();
        while (body.len() as u64) < MAX_ANSWER
            && let Some(chunk) = self.chunk(&mut response).await?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        })
    }
}

/// Sends a blob. `sent` hears of every byte once, however often it has to be sent.
pub(super) fn put(
    runtime: &Runtime,
    session: &Session,
    descriptor: &Descriptor,
    source: &dyn BlobSource,
    sent: &(dyn Fn(u64) + Sync),
) -> Result<(), TransportError> {
    let request = session.blob_request(Method::PUT, descriptor);
    let mut tries = Tries::new(session, &request);
    let mut upload: Option<Upload> = None;
    let mut sending = Sending {
        descriptor,
        source,
        sent,
        furthest: AtomicU64::new(0),
        challenge: Challenge::Answered,
    };
    loop {
        let current = match upload.take() {
            Some(upload) => upload,
            None => runtime.block_on(session.begin(descriptor))?,
        };
        let outcome = sending.send_from(runtime, session, &current)?;
        let fault = match outcome {
            Ok(answer) if answer.status.is_success() => {
                return session.check_digest(&request, &answer, descriptor);
            }
            // What a registry says that has forgotten an upload, or has it otherwise.
            Ok(answer) if current.offset > 0 && matches!(answer.status.as_u16(), 404 | 416) => {
                continue;
            }
            Ok(answer) => return Err(runtime.block_on(session.refused(&request, &answer))),
            Err(fault) => fault,
        };
        if let Fault::Passing {
            cause: Cause::Status(StatusCode::UNAUTHORIZED, _),
            ..
        } = fault
        {
            // Nothing of the body counts as sent, and the next try has another token.
            sending.challenge = Challenge::Refusal;
            upload = Some(current);
            continue;
        }
        upload = runtime.block_on(async {
            tries.failed(fault).await?;
            Ok::<_, TransportError>(session.progress_of(&current, descriptor).await)
        })?;
        // The answer may be all that was lost.
        if upload.is_none() {
            let look = session.blob_request(Method::HEAD, descriptor);
            if runtime.block_on(session.has(&look))? {
                return Ok(());
            }
        }
    }
}

/// A blob to be sent, and what of it was.
struct Sending<'a> {
    descriptor: &'a Descriptor,
    source: &'a dyn BlobSource,
    sent: &'a (dyn Fn(u64) + Sync),
    /// The furthest byte that `sent` heard of.
    furthest: AtomicU64,
    challenge: Challenge,
}

/// What a challenge in the middle of a body leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Challenge {
    /// Another try, with what it asks for.
    Answered,
    /// A refusal: one was answered before.
    Refusal,
}

impl Sending<'_> {
    /// One try, with a thread that reads. The outer error is the source's.
    fn send_from(
        &self,
        runtime: &Runtime,
        session: &Session,
        upload: &Upload,
    ) -> Result<Result<Answer, Fault>, TransportError> {
        let (feeder, feed) = feed();
        let skip = upload.offset;
        let renew = self.challenge == Challenge::Answered;
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut at = skip;
                feeder.run(self.descriptor, self.source, skip, |count| {
                    at += count;
                    let before = self.furthest.fetch_max(at, Ordering::Relaxed);
                    if at > before {
                        (self.sent)((at - before).min(count));
                    }
                })
            });
            let outcome = runtime.block_on(session.send(upload, self.descriptor, &feed, renew));
            feed.close();
            match reader.join() {
                Ok(fed) => fed.map(|()| outcome),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

fn number(headers: &mut HeaderMap, name: HeaderName, value: String) {
    let value = HeaderValue::try_from(value).expect("digits and a sign");
    headers.insert(name, value);
}

fn with_digest(url: &mut Url, descriptor: &Descriptor) {
    url.query_pairs_mut()
        .append_pair("digest", &descriptor.digest.to_string());
}
