//! What can go wrong with one try of a request, and whether another may help.

use std::error::Error;
use std::io;
use std::time::Duration;

use lazaret_artifact::text::escape;
use oci_client::errors::{OciEnvelope, OciErrorCode};
use reqwest::StatusCode;

use super::session::{Request, Session};
use crate::error::TransportError;

/// Bytes of a refusal's body that are read for its message.
pub(super) const MAX_REFUSAL: u64 = 64 * 1024;

/// Characters of a registry's own words in a message of ours: enough to understand, too few to
/// flood a terminal or a log.
const MAX_MESSAGE: usize = 400;

/// Errors of one answer that are shown.
const MAX_ERRORS: usize = 4;

/// A try that came to nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// It may pass.
    Passing {
        /// What happened.
        cause: Cause,
        /// When the server wants to be asked again.
        wait: Option<Duration>,
    },
    /// It will not.
    Final(TransportError),
}

/// What happened.
#[derive(Debug)]
pub(super) enum Cause {
    /// There was no connection, or there is none any more.
    Connection(String),
    /// There is one, and nothing comes over it.
    Silence(Duration),
    /// The server says that it is in trouble.
    Status(StatusCode, String),
}

impl Fault {
    pub(super) const fn passing(cause: Cause) -> Self {
        Self::Passing { cause, wait: None }
    }

    /// What the HTTP client said.
    pub(super) fn from_client(error: &reqwest::Error, session: &Session) -> Self {
        let reason = root_cause(error);
        match tls_error(error) {
            Some(error) if is_distrust(error) => Self::Final(TransportError::Tls {
                registry: session.endpoint.registry.clone(),
                reason,
            }),
            _ => Self::passing(Cause::Connection(reason)),
        }
    }
}

impl From<TransportError> for Fault {
    fn from(error: TransportError) -> Self {
        Self::Final(error)
    }
}

impl Cause {
    /// After the last try.
    pub(super) fn into_error(
        self,
        request: &Request,
        session: &Session,
        tries: u32,
    ) -> TransportError {
        let registry = session.endpoint.registry.clone();
        let operation = request.operation();
        match self {
            Self::Connection(reason) => TransportError::Connection {
                registry,
                operation,
                tries,
                reason,
            },
            Self::Silence(silence) => TransportError::TimedOut {
                registry,
                operation,
                silence,
                tries,
            },
            Self::Status(status, message) => TransportError::ServerTrouble {
                registry,
                operation,
                tries,
                status: status.as_u16(),
                message,
            },
        }
    }
}

/// The words of the innermost error, without addresses: those may hold signatures.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = inner(innermost) {
        innermost = source;
    }
    cut(&escape(innermost.to_string().as_bytes()))
}

/// The error of TLS in a chain.
pub(super) fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = inner(error);
    }
    None
}

/// The error of the system in a chain.
pub(super) fn system_error(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<io::Error>()
            && found.get_ref().is_none()
        {
            return Some(found.kind());
        }
        next = inner(error);
    }
    None
}

/// What an error is about. An [`io::Error`] that wraps another error hides it from `source`.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(wrapped) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        return Some(wrapped);
    }
    error.source()
}

/// Whether the two sides do not trust each other, which no further try changes; a connection that
/// broke within the handshake is another thing.
fn is_distrust(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(_)
            | rustls::Error::NoCertificatesPresented
            | rustls::Error::UnsupportedNameType
            | rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(_)
            | rustls::Error::InvalidMessage(_)
    )
}

/// A refusal, understood.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// The registry's own words, escaped and cut short.
    pub message: String,
    /// Whether one of its error codes says that something is not there.
    pub unknown: bool,
}

impl Refusal {
    /// Reads the body of a refusal (distribution-spec, "Error Codes"). Bodies of another form are
    /// not shown, except for plain text.
    pub(super) fn parse(body: &[u8], is_text: bool) -> Self {
        let Ok(envelope) = serde_json::from_slice::<OciEnvelope>(body) else {
            let text = if is_text { body.trim_ascii() } else { b"" };
            return Self {
                message: cut(&escape(text)),
                unknown: false,
            };
        };
        let unknown = |code: &OciErrorCode| {
            matches!(
                code,
                OciErrorCode::ManifestUnknown
                    | OciErrorCode::NameUnknown
                    | OciErrorCode::BlobUnknown
                    | OciErrorCode::NotFound
            )
        };
        let words = |error: &oci_client::errors::OciError| {
            let code = match serde_json::to_value(&error.code) {
                Ok(serde_json::Value::String(code)) => code,
                _ => String::new(),
            };
            match error.message.as_str() {
                "" => code,
                message => format!("{message} ({code})"),
            }
        };
        let errors = &envelope.errors[..envelope.errors.len().min(MAX_ERRORS)];
        let text: Vec<String> = errors.iter().map(words).collect();
        Self {
            message: cut(&escape(text.join("; ").as_bytes())),
            unknown: envelope.errors.iter().any(|error| unknown(&error.code)),
        }
    }
}

/// At most [`MAX_MESSAGE`] characters.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_words_are_escaped_and_cut_short() {
        for (body, is_text, message, unknown) in [
            (
                r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]}"#,
                false,
                "manifest unknown (MANIFEST_UNKNOWN)",
                true,
            ),
            (
                r#"{"errors":[{"code":"DENIED"},{"code":"X\u001b[2J","message":"a\nb"}]}"#,
                false,
                "DENIED; a\\nb (X\\u{1b}[2J)",
                false,
            ),
            (r#"{"errors":[]}"#, false, "", false),
            ("<html>", false, "", false),
            (
                " Client sent plain HTTP\n",
                true,
                "Client sent plain HTTP",
                false,
            ),
        ] {
            let refusal = Refusal::parse(body.as_bytes(), is_text);
            assert_eq!(refusal.message, message, "{body}");
            assert_eq!(refusal.unknown, unknown, "{body}");
        }
        let long = Refusal::parse("\u{e4}".repeat(5_000).as_bytes(), true);
        assert_eq!(long.message.chars().count(), MAX_MESSAGE + 1);
        let many = format!(
            r#"{{"errors":[{}{{"code":"LAST"}}]}}"#,
            r#"{"code":"A"},"#.repeat(50)
        );
        assert_eq!(Refusal::parse(many.as_bytes(), false).message, "A; A; A; A");
    }

    #[test]
    fn the_innermost_error_is_found_through_wrappers() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::other(tls));
        assert_eq!(
            root_cause(&wrapped),
            "invalid peer certificate: UnknownIssuer"
        );
        assert!(tls_error(&wrapped).is_some_and(is_distrust));
        let refused = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(
            system_error(&refused),
            Some(io::ErrorKind::ConnectionRefused)
        );
        assert!(tls_error(&refused).is_none());
    }
}
