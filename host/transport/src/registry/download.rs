//! A blob's bytes, from a connection that may break: resumed where it stopped
//! (distribution-spec, "Pulling blobs"; RFC 9110 section 14), handed over through a short queue.
//!
//! Never more bytes than the descriptor has. Whether they are the right ones is seen by who reads
//! them, over all of them: a server that continues with another blob's bytes is found out then.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use lazaret_artifact::Descriptor;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fault::{Cause, Fault};
use super::patience::Tries;
use super::range::ContentRange;
use super::runtime::Runtime;
use super::session::{Request, Session};
use crate::blob::Role;
use crate::error::TransportError;

/// Pieces that wait to be read. A piece is what came in at once, some 400 KB at the most.
const QUEUE: usize = 8;

/// Bytes after which a connection that breaks counts as one that worked: else a server could hand
/// out a blob byte by byte, a connection each, for ever.
const MIN_PROGRESS: u64 = 1024 * 1024;

/// What is under way of one blob.
struct Download {
    session: Arc<Session>,
    request: Request,
    descriptor: Descriptor,
    /// Bytes handed over.
    done: u64,
    /// The version that the first answer was of, where it can be insisted on.
    version: Option<HeaderValue>,
    /// Whether to ask for the rest only. Not any more once that led nowhere.
    ranges: bool,
}

/// Starts to read a blob. The first answer is waited for, so that a blob which is not there is an
/// error here and not in the middle of reading.
pub(super) fn open(
    runtime: &Arc<Runtime>,
    session: &Arc<Session>,
    descriptor: &Descriptor,
) -> Result<Box<dyn Read + Send>, TransportError> {
    let digest = descriptor.digest.to_string();
    let what = format!("blob {digest} in {}", session.endpoint.repository);
    let url = session.endpoint.url(&["blobs", &digest]);
    let mut download = Download {
        session: Arc::clone(session),
        request: Request::new(Method::GET, url, what),
        descriptor: descriptor.clone(),
        done: 0,
        version: None,
        ranges: true,
    };
    let response = runtime.block_on(async {
        let session = Arc::clone(&download.session);
        let response = session.exchange(&download.request).await?;
        download.accept(response).await
    })?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let task = runtime.spawn(async move {
        if let Err(error) = download.run(response, &sender).await {
            // Nobody listening is nobody to tell.
            let _ = sender.send(Err(error)).await;
        }
    });
    Ok(Box::new(Reader {
        receiver,
        piece: Bytes::new(),
        task,
        _runtime: Arc::clone(runtime),
    }))
}

impl Download {
    /// Hands over all bytes, from a first answer on.
    async fn run(
        mut self,
        first: Response,
        sender: &mpsc::Sender<Result<Bytes, TransportError>>,
    ) -> Result<(), TransportError> {
        let session = Arc::clone(&self.session);
        let request = self.request.clone();
        let mut tries = Tries::new(&session, &request);
        let mut next = Some(first);
        loop {
            let before = self.done;
            let fault = match next.take() {
                Some(response) => match self.pump(response, sender).await {
                    Ok(()) => return Ok(()),
                    Err(fault) => fault,
                },
                None => match self.again().await {
                    Ok(response) => {
                        next = Some(response);
                        continue;
                    }
                    Err(fault) => fault,
                },
            };
            if self.done - before >= MIN_PROGRESS {
                tries.reset();
            }
            tries.failed(fault).await?;
            tracing::debug!(digest = %self.descriptor.digest, done = self.done, "resumed");
        }
    }

    /// Asks for what is left.
    async fn again(&mut self) -> Result<Response, Fault> {
        self.request.headers.clear();
        if self.done > 0 && self.ranges {
            let range = format!("bytes={}-", self.done);
            let range = HeaderValue::try_from(range).expect("digits and signs");
            self.request.headers.insert(RANGE, range);
            if let Some(version) = &self.version {
                self.request.headers.insert(IF_RANGE, version.clone());
            }
        }
        let session = Arc::clone(&self.session);
        let response = session.once(&self.request).await?;
        Ok(self.accept(response).await?)
    }

    /// Looks at an answer before its body is read.
    async fn accept(&mut self, response: Response) -> Result<Response, TransportError> {
        let size = self.descriptor.size;
        match response.status() {
            StatusCode::OK => {
                // A length that is said and is wrong saves reading what cannot be right.
                if let Some(length) = response.content_length()
                    && length != size
                {
                    return Err(self.wrong_size(length));
                }
                if self.version.is_none() {
                    let version = response.headers().get(ETAG);
                    // A weak one says nothing of bytes (RFC 9110 section 13.1.5).
                    let strong = version.filter(|tag| tag.as_bytes().starts_with(b"\""));
                    self.version = strong.cloned();
                }
                Ok(response)
            }
            StatusCode::PARTIAL_CONTENT if self.done > 0 && self.ranges => {
                let range = response.headers().get(CONTENT_RANGE);
                let range = range
                    .and_then(|value| value.to_str().ok())
                    .and_then(ContentRange::parse);
                match range {
                    Some(range) if range.continues(self.done, size) => Ok(response),
                    // Another part than asked for: all of it then.
                    _ => self.restart().await,
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if self.done > 0 && self.ranges => {
                self.restart().await
            }
            status if status.is_success() => Err(self.session.protocol(
                &self.request,
                format!("status {} in place of a blob", status.as_u16()),
            )),
            _ => Err(self.session.refusal(&self.request, response).await),
        }
    }

    /// Asks for the whole blob after asking for a part failed.
    async fn restart(&mut self) -> Result<Response, TransportError> {
        tracing::debug!(digest = %self.descriptor.digest, "no ranges");
        self.ranges = false;
        self.request.headers.clear();
        let session = Arc::clone(&self.session);
        let response = session.exchange(&self.request).await?;
        Box::pin(self.accept(response)).await
    }

    /// Hands over an answer's body.
    async fn pump(
        &mut self,
        mut response: Response,
        sender: &mpsc::Sender<Result<Bytes, TransportError>>,
    ) -> Result<(), Fault> {
        let session = Arc::clone(&self.session);
        let size = self.descriptor.size;
        // What a server that knows no ranges sends again.
        let mut skip = match response.status() {
            StatusCode::PARTIAL_CONTENT => 0,
            _ => self.done,
        };
        while let Some(mut chunk) = session.chunk(&mut response).await? {
            let skipped = skip.min(chunk.len() as u64);
            chunk.advance(usize::try_from(skipped).unwrap_or(chunk.len()));
            skip -= skipped;
            let total = self.done + chunk.len() as u64;
            if total > size {
                return Err(self.wrong_size(format!("more than {size}")).into());
            }
            if chunk.is_empty() {
                continue;
            }
            self.done = total;
            if sender.send(Ok(chunk)).await.is_err() {
                return Ok(());
            }
        }
        // A body that ended before its time, without anyone having said how long it would be, may
        // be a connection that broke; so may a part that is a part of the rest only.
        let told =
            response.headers().contains_key(CONTENT_LENGTH) && response.status() == StatusCode::OK;
        if self.done < size && !told {
            let cause = Cause::Connection("the blob ended early".to_owned());
            return Err(Fault::passing(cause));
        }
        Ok(())
    }

    fn wrong_size(&self, found: impl ToString) -> TransportError {
        TransportError::Mismatch {
            what: Role::Blob.size(),
            digest: self.descriptor.digest,
            expected: self.descriptor.size.to_string().into(),
            found: found.to_string().into(),
        }
    }
}

/// The reading end. Dropped, it ends the download.
struct Reader {
    receiver: mpsc::Receiver<Result<Bytes, TransportError>>,
    piece: Bytes,
    task: JoinHandle<()>,
    /// Kept for the task.
    _runtime: Arc<Runtime>,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !buffer.is_empty() {
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.piece = piece?,
            }
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}
