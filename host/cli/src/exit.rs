//! Exit codes, and the one place that sorts errors into them.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use lazaret_engine::EngineError;
use lazaret_graph::GraphError;
use lazaret_intake::{BlobFault, IntakeError};
use lazaret_push::PushError;
use lazaret_store::StoreError;
use lazaret_transport::TransportError;
use lazaret_views::ViewError;

use crate::global::NoRepository;
use crate::interrupt;
use crate::place::Homeless;
use crate::verb::{Misuse, NoBlob};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// All went well.
    Done,
    /// Something failed that is nobody's fault here.
    Failed,
    /// The command line makes no sense; clap exits with the same code.
    Usage,
    /// The input was refused.
    Refused,
    /// A policy of the operator's refused it.
    Policy,
    /// What was asked for is not there.
    NotFound,
    /// The repository is damaged.
    Damage,
    /// SIGINT or SIGTERM.
    Interrupted,
    /// Whoever read standard output has seen enough.
    ClosedPipe,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(match code {
            Code::Done | Code::ClosedPipe => 0,
            Code::Failed => 1,
            Code::Usage => 2,
            Code::Refused => 3,
            Code::Policy => 4,
            Code::NotFound => 5,
            Code::Damage => 6,
            Code::Interrupted => interrupt::exit_code(),
        })
    }
}

/// Which code an error ends with: that of the first cause which says.
pub fn sort(error: &anyhow::Error) -> Code {
    let causes = causes(error);
    causes
        .iter()
        .find_map(|cause| code_of(*cause))
        .unwrap_or(Code::Failed)
}

/// The chain of causes, with those put back that a transparent error leaves out of it.
pub fn causes(error: &anyhow::Error) -> Vec<&(dyn Error + 'static)> {
    let mut all = Vec::new();
    for cause in error.chain() {
        let mut next = Some(cause);
        while let Some(cause) = next {
            all.push(cause);
            next = hidden_in(cause);
        }
    }
    all
}

/// What a transparent variant stands for; its own source is that one's source.
fn hidden_in<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(error) = cause.downcast_ref::<IntakeError>() {
        return match error {
            IntakeError::Transport(error) => Some(error),
            IntakeError::Store(error) => Some(error),
            IntakeError::Graph(error) => Some(error),
            IntakeError::Engine(error) => Some(error),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<PushError>() {
        return match error {
            PushError::Transport(error) => Some(error),
            PushError::Graph(error) => Some(error),
            _ => None,
        };
    }
    if let Some(BlobFault::Host(error)) = cause.downcast_ref() {
        return Some(&**error);
    }
    if let Some(GraphError::Store(error)) = cause.downcast_ref() {
        return Some(&**error);
    }
    if let Some(TransportError::Document(error)) = cause.downcast_ref() {
        return Some(error);
    }
    if let Some(error) = cause.downcast_ref::<ViewError>() {
        return match error {
            ViewError::Graph(error) => Some(error),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        // An error of ours that travelled through `io::Read` or `io::Write`.
        let inner: &(dyn Error + 'static) = error.get_ref()?;
        return Some(inner);
    }
    None
}

fn code_of(cause: &(dyn Error + 'static)) -> Option<Code> {
    let pick = |pairs: &[(bool, Code)]| {
        pairs
            .iter()
            .find(|(applies, _)| *applies)
            .map(|(_, code)| *code)
    };
    if let Some(error) = cause.downcast_ref::<IntakeError>() {
        return match error {
            IntakeError::Interrupted => Some(Code::Interrupted),
            IntakeError::Refused { .. } => Some(Code::Policy),
            // Decided by what it is about.
            IntakeError::Transport(_)
            | IntakeError::Store(_)
            | IntakeError::Graph(_)
            | IntakeError::Engine(_) => None,
            IntakeError::Blob {
                fault: BlobFault::Host(_),
                ..
            } => None,
            error => pick(&[
                (error.is_not_found(), Code::NotFound),
                (error.is_input_fault(), Code::Refused),
            ]),
        };
    }
    if let Some(error) = cause.downcast_ref::<PushError>() {
        return match error {
            PushError::Interrupted => Some(Code::Interrupted),
            // Decided by what it is about.
            PushError::Transport(_) | PushError::Graph(_) => None,
            error => pick(&[
                (error.is_usage(), Code::Usage),
                (error.is_damage(), Code::Damage),
                (error.is_not_found(), Code::NotFound),
                (error.is_input_fault(), Code::Refused),
            ]),
        };
    }
    if let Some(error) = cause.downcast_ref::<TransportError>() {
        if matches!(error, TransportError::Cancelled) {
            return Some(Code::Interrupted);
        }
        return pick(&[
            (error.is_usage(), Code::Usage),
            (error.is_not_found(), Code::NotFound),
            (error.is_input_fault(), Code::Refused),
        ]);
    }
    if let Some(error) = cause.downcast_ref::<ViewError>() {
        return match error {
            ViewError::Graph(_) => None,
            ViewError::Interrupted => Some(Code::Interrupted),
            error => pick(&[
                (error.is_not_found(), Code::NotFound),
                (error.is_damage(), Code::Damage),
                (error.is_input_fault(), Code::Refused),
            ]),
        };
    }
    if let Some(error) = cause.downcast_ref::<GraphError>() {
        return pick(&[
            (error.is_usage(), Code::Usage),
            (error.is_not_found(), Code::NotFound),
            (error.is_damage(), Code::Damage),
            (error.is_input_fault(), Code::Refused),
        ]);
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return match error {
            StoreError::NotARepository { .. } => Some(Code::NotFound),
            StoreError::Cancelled => Some(Code::Interrupted),
            // What the settings say is not damage.
            StoreError::OtherConfiguration { .. } | StoreError::Metadata { .. } => None,
            error if error.is_input_fault() => Some(Code::Damage),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<EngineError>() {
        return error.is_input_fault().then_some(Code::Refused);
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return (error.kind() == io::ErrorKind::BrokenPipe).then_some(Code::ClosedPipe);
    }
    if cause.is::<NoRepository>() || cause.is::<NoBlob>() {
        return Some(Code::NotFound);
    }
    if cause.is::<Homeless>() || cause.is::<Misuse>() {
        return Some(Code::Usage);
    }
    None
}
